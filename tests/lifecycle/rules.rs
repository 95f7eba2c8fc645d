//! `rustsocks acl-check`, `acl-validate` and `acl-test`: what they print, and how they end.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Ran, command, ran, run};

/// The example of the original plan, to the letter.
const PLAN: &str = include_str!("../../src/core/config/tests/data/plan_acl.toml");

#[test]
fn a_request_that_is_allowed_prints_as_in_the_plan() {
    let files = Files::of(&[("acl.toml", PLAN)]);
    let ran = files.check("acl.toml", "--user alice --dest 10.0.3.7 --port 443");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let expected = "✅ ALLOW: Rule matched - \"Allow access to company network\"\n\
                    Rule details: destinations=[10.0.0.0/8], ports=[22, 80, 443, 3000-4000]\n\
                    Rule: users/alice#1 (acl.toml:12)\n";
    assert_eq!(ran.stdout, expected);
}

#[test]
fn a_request_that_is_refused_ends_with_10_and_says_by_what() {
    let files = Files::of(&[("acl.toml", PLAN)]);
    let table = [
        (
            "--user bob --dest db-master.company.com --port 5432",
            "❌ DENY: Rule matched - \"Block all write operations\"",
        ),
        ("--user bob --dest 10.0.0.1 --port 22", "❌ DENY: Rule matched - \"Block SSH access\""),
        ("--user bob --dest 10.0.0.1 --port 443", "❌ DENY: No rule matched - default policy is deny"),
        ("--user alice --dest 127.0.0.1 --port 443", "❌ DENY: The guard holds it - loopback"),
        ("--dest 10.0.0.1 --port 443", "❌ DENY: No rule matched - default policy is deny"),
        (
            "--user alice --dest prod-1.company.com --port 443 --protocol udp",
            "❌ DENY: No rule is for the name - default policy is deny",
        ),
    ];
    for (request, expected) in table {
        let ran = files.check("acl.toml", request);
        assert_eq!(ran.code, Some(10), "{request}: {}", ran.stderr);
        assert_eq!(ran.stdout.lines().next(), Some(expected), "{request}");
    }
}

#[test]
fn a_name_is_judged_with_its_addresses_when_they_are_known() {
    let files = Files::of(&[("acl.toml", PLAN)]);
    let request = "--user alice --dest prod-1.company.com --port 443";
    let alone = files.check("acl.toml", request);
    assert_eq!(alone.code, Some(0));
    assert!(alone.stdout.contains("Note: the addresses of the name are judged too"), "{}", alone.stdout);
    let both = files.check("acl.toml", &format!("{request} --address 192.168.100.10 --address 93.184.216.34"));
    assert_eq!(both.code, Some(0));
    let addresses: Vec<&str> = both.stdout.lines().filter(|line| line.contains(" by ")).map(str::trim).collect();
    assert_eq!(addresses.len(), 2, "{}", both.stdout);
    assert!(
        addresses[0].starts_with("192.168.100.10") && addresses[0].ends_with("deny  by users/alice#3"),
        "{addresses:?}"
    );
    assert!(
        addresses[1].starts_with("93.184.216.34") && addresses[1].ends_with("allow by users/alice#2"),
        "{addresses:?}"
    );
    let blocked = files.check("acl.toml", &format!("{request} --address 192.168.100.10"));
    assert_eq!(blocked.code, Some(10), "{}", blocked.stdout);
}

#[test]
fn a_name_can_be_looked_up() {
    let files = Files::of(&[(
        "acl.toml",
        "[[users]]\nusername = \"*\"\n[[users.rules]]\naction = \"allow\"\ndestinations = [\"localhost\"]\n",
    )]);
    let ran = files.check("acl.toml", "--dest localhost --port 80 --resolve");
    assert_eq!(ran.code, Some(10), "loopback is behind the guard: {}", ran.stdout);
    assert!(ran.stdout.contains("127.0.0.1") && ran.stdout.contains("by the guard (loopback)"), "{}", ran.stdout);
    // Alone, so that nobody outside of this machine is asked.
    let ran = rig::network::alone(|| files.check("acl.toml", "--dest nowhere.invalid --port 80 --resolve"));
    assert_eq!(ran.code, Some(69));
    assert!(ran.stderr.starts_with("rustsocks: cannot resolve nowhere.invalid: "), "{}", ran.stderr);
}

#[test]
fn every_circumstance_of_a_request_can_be_given() {
    let rules = r#"
[[users]]
username = "*"
[[users.rules]]
action = "allow"
description = "everything at once"
destinations = ["10.0.0.1"]
ports = ["53"]
commands = ["udp_associate"]
sources = ["192.0.2.0/24"]
auth_methods = ["pam.username"]
pam_service = "vpn"
time = { weekdays = ["mon"], hours = ["08:00-09:00"], zone = "Asia/Tokyo" }
valid_until = 2031-01-01
internal = true
priority = 3
log = "warn"
[[groups]]
name = "staff"
[[groups.rules]]
action = "block"
destinations = ["10.0.0.1"]
mode = "shadow"
priority = 9
[[groups.rules]]
action = "allow"
destinations = ["*.example.com"]
commands = ["resolve"]
"#;
    let files = Files::of(&[("acl.toml", rules)]);
    let request = "--user eve --group staff --dest 10.0.0.1 --port 53 --protocol udp --source 192.0.2.7 \
                   --auth-method pam.username --pam-service vpn --at 2030-03-04T08:30:00+09:00";
    let ran = files.check("acl.toml", request);
    let expected = "✅ ALLOW: Rule matched - \"everything at once\"\n\
                    Rule details: destinations=[10.0.0.1], ports=[53]\n\
                    Conditions: commands=[udp_associate], sources=[192.0.2.0/24], time=(mon 08:00-09:00 Asia/Tokyo), \
                    valid_until=2031-01-01T00:00:00Z, auth_methods=[pam.username], pam_service=vpn, internal=true, \
                    priority=3, log=warn\n\
                    Rule: users/*#1 (acl.toml:4)\n\
                    Note: shadow rule groups/staff#1 would have decided it: block\n";
    assert_eq!((ran.stdout.as_str(), ran.code), (expected, Some(0)), "{}", ran.stderr);
    for (given, instead, reason) in [
        ("--port 53", "--port 54", "port 54 is not among 53"),
        ("--protocol udp", "--protocol tcp", "connect is not among udp_associate"),
        ("--source 192.0.2.7", "--source 198.51.100.7", "the client is not in 192.0.2.0/24"),
        ("--auth-method pam.username", "--auth-method userpass", "userpass is not among pam.username"),
        ("--pam-service vpn", "--pam-service other", "PAM service vpn refuses the client"),
        ("T08:30:00+09:00", "T08:30:00+00:00", "only mon 08:00-09:00 Asia/Tokyo"),
        ("--at 2030-03-04", "--at 2032-03-08", "the rule has ended"),
    ] {
        let request = format!("{} --explain", request.replace(given, instead));
        let ran = files.check("acl.toml", &request);
        assert_eq!(ran.code, Some(10), "{request}: {}", ran.stdout);
        assert!(ran.stdout.contains(reason), "{request}: {}", ran.stdout);
    }
    let lookup = "--user eve --group staff --dest www.example.com --command resolve --address 93.184.216.34";
    assert_eq!(files.check("acl.toml", lookup).code, Some(0));
}

#[test]
fn an_explanation_says_something_about_every_rule() {
    let files = Files::of(&[("acl.toml", PLAN)]);
    let ran = files.check("acl.toml", "--user alice --dest 192.168.100.20 --port 5432 --explain");
    let reasons: Vec<&str> = ran.stdout.lines().skip_while(|line| !line.starts_with("Why")).skip(1).collect();
    let expected = [
        "  users/alice#3                block no    other destinations: admin.company.com, 192.168.100.10",
        "  users/alice#1                allow no    other destinations: 10.0.0.0/8",
        "  users/alice#2                allow fits  192.168.100.0/24 is meant <- decides",
        "  groups/developers#1          allow no    other destinations: *.dev.company.com, 10.1.0.0/16",
    ];
    assert_eq!(reasons, expected);
    let ran = files.check("acl.toml", "--user bob --dest 192.168.100.20 --port 5432 --explain");
    assert!(ran.stdout.ends_with("  default                      deny\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("Note: rules about names do not fit a request for an address"), "{}", ran.stdout);
}

#[test]
fn programs_get_one_object() {
    let files = Files::of(&[("acl.toml", PLAN)]);
    let ran = files.check(
        "acl.toml",
        "--user alice --dest prod-1.company.com --port 443 --address 192.168.100.10 --json --explain",
    );
    assert_eq!(ran.code, Some(10));
    let object: serde_json::Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
    assert_eq!(object["verdict"], "deny");
    assert_eq!(object["destination"], "prod-1.company.com");
    assert_eq!(object["decision"]["by"], "rule");
    assert_eq!(object["decision"]["rule"]["name"], "users/alice#3");
    assert_eq!(object["decision"]["rule"]["line"], 26);
    assert_eq!(object["addresses"][0]["address"], "192.168.100.10");
    assert_eq!(object["explanations"][0]["rules"].as_array().map(Vec::len), Some(4));
    assert_eq!(object["explanations"][1]["rules"][0]["finding"], "fits");
    let ran = files.check("acl.toml", "--dest 127.0.0.1 --port 443 --json");
    let object: serde_json::Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
    assert_eq!((&object["decision"]["by"], &object["decision"]["reason"]), (&"guard".into(), &"loopback".into()));
    assert!(object.get("explanations").is_none());
}

#[test]
fn the_main_configuration_brings_its_rules_guard_and_users() {
    let hash = some_hash();
    let users = format!("[[users]]\nname = \"alice\"\ngroups = [\"staff\"]\npassword_hash = \"{hash}\"\n");
    let rules = "[[groups]]\nname = \"staff\"\n[[groups.rules]]\naction = \"allow\"\ndestinations = [\"10.0.0.0/8\", \"127.0.0.0/8\", \"db.corp\"]\n";
    let settings = "[server]\nbind_port = 2080\n[auth]\nsocks_method = \"userpass\"\nusers_file = \"users.toml\"\n\
                    [acl]\nconfig_file = \"rules.toml\"\n[guard]\nallow = [\"127.0.0.0/8\"]\nprivate_by_name = \"deny\"\n";
    let files = Files::of(&[("users.toml", &users), ("rules.toml", rules), ("main.toml", settings)]);
    files.keep_secret("users.toml");
    let table = [
        ("--user alice --dest 10.0.0.1 --port 80", Some(0), "(rules.toml:3)"),
        ("--user alice --dest 127.0.0.1 --port 80", Some(0), "groups/staff#1"),
        ("--user alice --dest 127.0.0.1 --port 2080", Some(10), "The guard holds it - own-listener"),
        ("--user bob --dest 10.0.0.1 --port 80", Some(10), "No rule matched"),
        ("--user alice --dest db.corp --port 80 --address 192.168.0.1", Some(10), "No rule matched"),
        ("--user alice --dest db.corp --port 80 --address 8.8.8.8", Some(0), "groups/staff#1"),
    ];
    for (request, code, expected) in table {
        let ran = files.check("main.toml", request);
        assert_eq!(ran.code, code, "{request}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains(expected), "{request}: {}", ran.stdout);
    }
    let valid = files.run(&["acl-validate", "--config", "main.toml"]);
    assert_eq!((valid.code, valid.stderr.as_str()), (Some(0), ""));
}

#[test]
fn an_explanation_names_the_limits_that_the_session_would_be_under() {
    let main = "[auth]\nsocks_method = \"userpass\"\nusers_file = \"users.toml\"\n\
                [limits]\nmax_connections_per_source = 40\nnew_connections_per_source = \"20:100\"\n\
                max_connections_per_user = 9\nbandwidth_per_user_mbps = 8\n\
                [[limits.groups]]\nname = \"staff\"\nmax_connections = 70\nmax_connections_per_user = 3\nbandwidth_limit_mbps = 50\n\
                [timeouts]\nmax_age_secs = 3600\n";
    let users = format!("[[users]]\nname = \"alice\"\npassword_hash = \"{}\"\ngroups = [\"staff\"]\n", some_hash());
    let files = Files::of(&[("rustsocks.toml", main), ("users.toml", &users)]);
    files.keep_secret("users.toml");
    let request = "--user alice --source 192.0.2.7 --dest 93.184.216.34 --port 443 --explain";
    let ran = files.check("rustsocks.toml", request);
    let limits = ran.stdout.split_once("Limits that the session would be under:\n").expect("there are limits").1;
    let lines: Vec<String> = limits.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines,
        [
            "source 192.0.2.7 40 sessions at once; 20 new ones a second, 100 after a pause",
            "user alice 3 sessions at once",
            "group staff 70 sessions at once",
            "group staff 50 Mbit/s each way",
            "user alice 8 Mbit/s each way",
            "the session 3600 s in all; 300 s without a byte",
        ]
    );
    let object = files.check("rustsocks.toml", &format!("{request} --json")).stdout;
    let object: serde_json::Value = serde_json::from_str(&object).expect("it is JSON");
    assert_eq!(object["limits"][1], serde_json::json!({ "of": "user alice", "sessions": 3 }));
    assert!(!files.check("rustsocks.toml", "--dest 93.184.216.34 --port 443").stdout.contains("Limits"));
}

#[test]
fn an_explanation_names_the_limits_of_the_rule_that_decides() {
    let main = "[auth]\nsocks_method = \"userpass\"\nusers_file = \"users.toml\"\n[acl]\nconfig_file = \"rules.toml\"\n\
                [limits]\nbandwidth_per_user_mbps = 8\n";
    let rules = "[[users]]\nusername = \"alice\"\n[[users.rules]]\naction = \"allow\"\ndestinations = [\"*\"]\n\
                 max_connections = 5\nbandwidth_per_user_mbps = \"1:2.5\"\nmax_age_secs = 0\nconnection_timeout_secs = 60\n";
    let users = format!("[[users]]\nname = \"alice\"\npassword_hash = \"{}\"\n", some_hash());
    let files = Files::of(&[("rustsocks.toml", main), ("users.toml", &users), ("rules.toml", rules)]);
    files.keep_secret("users.toml");
    let limits_of = |request: &str| -> Vec<String> {
        let ran = files.check("rustsocks.toml", request);
        let words = "max_connections=5, bandwidth_per_user_mbps=1:2.5, max_age_secs=0, connection_timeout_secs=60";
        assert!(ran.stdout.contains(&format!("Conditions: {words}\n")), "{}", ran.stdout);
        let limits = ran.stdout.split_once("Limits that the session would be under:\n").expect("there are limits").1;
        limits.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    let request = "--user alice --dest 93.184.216.34 --port 443 --explain";
    assert_eq!(
        limits_of(request),
        [
            "rule users/alice#1 5 sessions at once",
            "user alice 8 Mbit/s each way",
            "user alice, by users/alice#1 1 Mbit/s from the client; 2.5 Mbit/s to the client",
            "the session 60 s without a byte",
        ]
    );
    let datagrams = format!("{request} --protocol udp");
    assert_eq!(limits_of(&datagrams), ["user alice 8 Mbit/s each way", "the session 300 s without a byte"]);
}

#[test]
fn without_a_rule_file_everything_is_open() {
    let files = Files::of(&[
        ("main.toml", "[server]\n"),
        ("off.toml", "[acl]\nenabled = false\nconfig_file = \"nowhere.toml\"\n"),
    ]);
    for config in ["main.toml", "off.toml"] {
        let ran = files.check(config, "--dest 10.0.0.1 --port 80");
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(ran.stdout.contains("Note: there is no rule file, or the rules are switched off"), "{}", ran.stdout);
    }
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused() {
    let files = Files::of(&[("acl.toml", PLAN)]);
    for (request, expected) in [
        ("--dest 127.1 --port 80", "the name is an unusual spelling of an address"),
        ("--dest 10.0.0.1", "--port"),
        ("--dest 10.0.0.1 --port 80 --command conect", "known are connect, bind, udp_associate, resolve"),
        ("--dest 10.0.0.1 --port 80 --command connect --protocol tcp", "cannot be used with"),
        ("--dest 10.0.0.1 --port 80 --resolve --address 10.0.0.1", "cannot be used with"),
        ("--dest 10.0.0.1 --port 80 --at yesterday", "--at"),
    ] {
        let ran = files.check("acl.toml", request);
        assert_eq!(ran.code, Some(2), "{request}: {}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{request}: {}", ran.stderr);
    }
    for (request, expected) in [
        ("--dest 10.0.0.1 --command connect", "rustsocks: --port is missing\n"),
        ("--dest 10.0.0.1 --command resolve --port 80", "rustsocks: a lookup has no port: leave --port out\n"),
        ("--dest 10.0.0.1 --port 80 --address 10.0.0.1", "rustsocks: --address is for names\n"),
    ] {
        let ran = files.check("acl.toml", request);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), expected), "{request}");
    }
    let ran = run(&["acl-check", "--dest", "10.0.0.1", "--port", "80"]);
    assert_eq!(ran.stderr, "rustsocks: --config must name the main configuration or a rule file\n");
}

#[test]
fn rules_that_are_right_are_counted_as_in_the_plan() {
    let files = Files::of(&[("acl.toml", PLAN)]);
    let ran = files.run(&["acl-validate", "--config", "acl.toml"]);
    assert_eq!(ran.code, Some(0));
    let counts: Vec<&str> = ran.stdout.lines().take(8).collect();
    let expected = [
        "✅ Config valid",
        "Users: 2",
        "Groups: 2",
        "Total rules: 7",
        "Conflicting rules: 0",
        "Shadowed rules: 0",
        "Duplicate rules: 0",
        "Unreachable rules: 0",
    ];
    assert_eq!(counts, expected);
    let warning = "acl.toml:10: users/alice is in group \"ssh-users\", which has no rules here\n";
    assert_eq!(ran.stderr, format!("rustsocks: warning: {warning}"));
    let strict = files.run(&["acl-validate", "--strict", "--config", "acl.toml"]);
    assert_eq!((strict.code, strict.stderr), (Some(78), format!("rustsocks: error: {warning}")));
    assert!(strict.stdout.starts_with("❌ Config not valid (--strict)\n"), "{}", strict.stdout);
    let told = files.run(&["acl-validate", "--strict", "--json", "--config", "acl.toml"]);
    assert_eq!((told.code, told.stderr.as_str()), (Some(78), ""));
    let object: serde_json::Value = serde_json::from_str(&told.stdout).expect("one object");
    assert_eq!((&object["valid"], &object["rules"], &object["conflicting"]), (&false.into(), &7.into(), &0.into()));
    let remark = &object["remarks"][0];
    assert_eq!((&remark["rule"], &remark["line"]), (&"users/alice".into(), &10.into()), "{object}");
}

#[test]
fn rules_in_each_other_s_way_are_named_with_both_places() {
    let rules = r#"[[users]]
username = "alice"
rules = [
  { action = "allow", destinations = ["10.0.0.0/8"] },
  { action = "block", destinations = ["10.0.0.0/8"] },
  { action = "allow", destinations = ["10.1.0.0/16"], ports = ["80"] },
  { action = "block", destinations = ["10.0.0.0/8"] },
  { action = "block", destinations = ["10.2.0.0/16"] },
]
"#;
    let files = Files::of(&[("acl.toml", rules)]);
    let ran = files.run(&["acl-validate", "--config", "acl.toml"]);
    assert_eq!(ran.code, Some(0));
    let expected = "\
rustsocks: warning: acl.toml:4: users/alice#1 allows nothing, since exactly the same is blocked by users/alice#2 (line 5)
rustsocks: warning: acl.toml:6: users/alice#3 allows nothing, since all of it is blocked by users/alice#2 (line 5)
rustsocks: warning: acl.toml:7: users/alice#4 says the same as users/alice#2 (line 5)
rustsocks: warning: acl.toml:8: users/alice#5 never decides anything, since all of it is decided before by users/alice#2 (line 5)
";
    assert_eq!(ran.stderr, expected);
    for count in ["Conflicting rules: 1", "Shadowed rules: 1", "Duplicate rules: 1", "Unreachable rules: 1"] {
        assert!(ran.stdout.lines().any(|line| line == count), "{count}: {}", ran.stdout);
    }
}

#[test]
fn rules_that_are_wrong_end_with_78_and_every_problem() {
    let files =
        Files::of(&[("acl.toml", "[[users]]\nusername = \"alice\"\nuser = 1\n[[users.rules]]\naction = \"alow\"\n")]);
    let expected = "\
rustsocks: acl.toml:3:1: users[0].user: unknown key; did you mean \"username\"?
rustsocks: acl.toml:4:1: users[0].rules[0].destinations: is missing; add destinations = [\"*.example.com\"]
rustsocks: acl.toml:5:10: users[0].rules[0].action: \"alow\" is not known; did you mean \"allow\"?
";
    for command in [&["acl-validate"][..], &["acl-test"], &["acl-check", "--dest", "10.0.0.1", "--port", "80"]] {
        let ran = files.run(&[command, &["--config", "acl.toml"]].concat());
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(78), expected), "{command:?}");
    }
    let ran = files.run(&["acl-validate", "--config", "nowhere.toml"]);
    assert_eq!(ran.code, Some(78));
    assert!(ran.stderr.starts_with("rustsocks: cannot read nowhere.toml: "), "{}", ran.stderr);
}

#[test]
fn tests_of_rules_pass_or_fail_with_their_place() {
    let tests = r#"
[[tests]]
description = "deploys work"
user = "alice"
destination = "prod-4.company.com"
port = 443
expect = "allow"
rule = "Allow access to production servers"

[[tests]]
user = "bob"
destination = "db-master.company.com"
port = 5432
expect = "allow"

[[tests]]
user = "alice"
destination = "10.0.0.1"
port = 443
expect = "allow"
rule = "users/alice#2"

[[tests]]
destination = "10.0.0.1"
port = 443
expect = "deny"
"#;
    let files = Files::of(&[
        ("acl.toml", PLAN),
        ("acl.tests.toml", tests),
        ("some.toml", &tests[..tests.find("user = \"bob\"").expect("it is there") - 11]),
    ]);
    let ran = files.run(&["acl-test", "--config", "acl.toml"]);
    let expected = "\
pass  alice prod-4.company.com:443 allow \"deploys work\"
FAIL  bob db-master.company.com:5432 allow
      acl.tests.toml:10: the rules say deny, by users/bob#2
FAIL  alice 10.0.0.1:443 allow
      acl.tests.toml:16: users/alice#1 decides it, and not \"users/alice#2\"
pass  anonymous 10.0.0.1:443 deny
4 tests, 2 failed
";
    assert_eq!((ran.stdout.as_str(), ran.code), (expected, Some(1)), "{}", ran.stderr);
    let ran = files.run(&["acl-test", "--config", "acl.toml", "--tests", "some.toml"]);
    assert_eq!((ran.stdout.lines().last(), ran.code), (Some("1 tests, 0 failed"), Some(0)), "{}", ran.stderr);
    let ran = files.run(&["acl-test", "--config", "acl.toml", "--tests", "nowhere.toml"]);
    assert_eq!(ran.code, Some(78));
}

#[test]
fn the_rules_that_ship_are_right_and_their_tests_pass() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let valid = |path: &Path| {
        let ran = run(&["acl-validate", "--strict", "--config", &path.to_string_lossy()]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{}", path.display());
    };
    valid(&config.join("acl.toml"));
    let examples = fs::read_dir(config.join("examples"))
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path());
    let rules: Vec<PathBuf> = examples.filter(|path| path.to_string_lossy().ends_with(".acl.toml")).collect();
    assert!(rules.len() >= 3, "{rules:?}");
    for path in rules {
        valid(&path);
        let ran = run(&["acl-test", "--config", &path.to_string_lossy()]);
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    }
}

/// A directory with files, in which commands run.
struct Files(TempDir);

impl Files {
    fn of(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        for (name, text) in files {
            fs::write(directory.path().join(name), text).expect("a temporary directory can be written");
        }
        Self(directory)
    }

    fn keep_secret(&self, name: &str) {
        use std::os::unix::fs::PermissionsExt;
        let owner_only = fs::Permissions::from_mode(0o600);
        fs::set_permissions(self.0.path().join(name), owner_only).expect("the file is ours");
    }

    fn check(&self, config: &str, request: &str) -> Ran {
        let arguments: Vec<&str> =
            ["acl-check", "--config", config].into_iter().chain(request.split_whitespace()).collect();
        self.run(&arguments)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        ran(command(arguments).current_dir(self.0.path()))
    }
}

/// The hash of some password.
fn some_hash() -> &'static str {
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$bWFueWJ5dGVzb2ZoYXNobWFueWJ5dGVz"
}
