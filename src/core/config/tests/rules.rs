//! The rule file: what it accepts, and every way in which it is refused.

use acl::{Action, Bounds, Mode, Policy, Rule, Subject};
use config::rules;

/// The example of the original plan, to the letter.
const PLAN: &str = include_str!("data/plan_acl.toml");

#[test]
fn the_example_of_the_plan_is_read_as_it_stands() {
    let policy = load(PLAN);
    assert_eq!(policy.default, Action::Block);
    let users: Vec<(&str, Vec<&str>, usize)> = policy
        .users
        .iter()
        .map(|user| {
            let groups = user.groups.iter().map(|membership| &*membership.group).collect();
            (user.subject.as_str(), groups, user.rules.len())
        })
        .collect();
    assert_eq!(users, [("alice", vec!["developers", "ssh-users"], 3), ("bob", vec!["readonly"], 2)]);
    let groups: Vec<(&str, usize)> = policy.groups.iter().map(|group| (&*group.name, group.rules.len())).collect();
    assert_eq!(groups, [("developers", 1), ("readonly", 1)]);
    let [first, _, third] = &policy.users[0].rules[..] else { panic!("alice has three rules") };
    assert_eq!(&*first.description, "Allow access to company network");
    assert_eq!(first.ports.to_string(), "22, 80, 443, 3000-4000");
    assert!(first.protocols.is_all());
    assert_eq!((third.action, third.priority, third.ports.is_all()), (Action::Block, 1000, true));
    assert_eq!(destinations(third), ["admin.company.com", "192.168.100.10"]);
    assert_eq!(policy.rule_count(), 7);
    assert_eq!([first.line, third.line, policy.users[1].line, policy.groups[1].line], [12, 26, 33, 60]);
}

#[test]
fn a_rule_has_every_condition() {
    let rule = rule(
        r#"
        action = "deny"
        description = "Nights"
        destinations = ["*", "10.0.0.5/8", "::ffff:192.0.2.0/120", "[2001:DB8::1]", "*.Example.COM.", "api.*.com", "@public"]
        ports = ["https", "8000-8001,8002", " 22 "]
        protocols = ["tcp"]
        priority = -7
        sources = ["192.0.2.1", "2001:db8::/32"]
        commands = ["connect", "bind"]
        time = { weekdays = ["mon-wed", "sat"], hours = ["22:00-06:00", "12:00-13:30"], zone = "Europe/Warsaw" }
        valid_until = 2027-01-31T18:00:00+01:00
        auth_methods = ["userpass", "pam.username"]
        pam_service = "rustsocks-vpn"
        mode = "shadow"
        log = "warn"
        "#,
    );
    assert_eq!((rule.action, &*rule.description, rule.priority), (Action::Block, "Nights", -7));
    let expected = ["*", "10.0.0.5/8", "192.0.2.0/24", "2001:db8::1", "*.example.com", "api.*.com", "@public"];
    assert_eq!(destinations(&rule), expected);
    assert_eq!(rule.ports.to_string(), "22, 443, 8000-8002");
    assert_eq!(rule.protocols.to_string(), "tcp");
    assert_eq!(format!("{:?}", rule.sources), "[192.0.2.1/32, 2001:db8::/32]");
    assert_eq!(rule.commands.to_string(), "connect, bind");
    let time = rule.time.expect("it is written").to_string();
    assert_eq!(time, "mon, tue, wed, sat 22:00-06:00, 12:00-13:30 Europe/Warsaw");
    assert_eq!(rule.valid_until, Some(1_801_414_800));
    assert_eq!(rule.auth_methods.to_string(), "userpass, pam.username");
    assert_eq!(rule.pam_service.as_deref(), Some("rustsocks-vpn"));
    assert_eq!(rule.mode, Mode::Shadow);
    assert_eq!(rule.log.map(|log| log.to_string()).as_deref(), Some("warn"));
    assert_eq!(rule.internal, None);
}

#[test]
fn a_rule_without_conditions_fits_everything() {
    let rule = rule("action = \"allow\"\ndestinations = [\"*\"]\ninternal = false");
    let expected =
        Rule { internal: Some(false), line: rule.line, ..Rule::new(Action::Allow, [acl::Pattern::Anything]) };
    assert_eq!(rule, expected);
}

#[test]
fn days_in_a_row_may_pass_the_end_of_the_week() {
    for (written, expected) in [
        ("[\"sat-mon\"]", "mon, sat, sun 08:00-09:00"),
        ("[\"sun\"]", "sun 08:00-09:00"),
        ("[\"mon-sun\"]", "every day 08:00-09:00"),
        ("[\"fri-fri\", \"tue\"]", "tue, fri 08:00-09:00"),
    ] {
        let text = format!("time = {{ weekdays = {written}, hours = [\"08:00-09:00\"] }}");
        let rule = rule(&format!("action = \"allow\"\ndestinations = [\"*\"]\n{text}"));
        assert_eq!(rule.time.expect("it is written").to_string(), expected, "{written}");
    }
}

#[test]
fn everyone_and_the_anonymous_are_users_with_names_of_their_own() {
    let policy = load(
        "[global]\ndefault_policy = \"allow\"\n[[users]]\nusername = \"*\"\n[[users]]\nusername = \"anonymous\"\n",
    );
    assert_eq!(policy.default, Action::Allow);
    let subjects: Vec<&Subject> = policy.users.iter().map(|user| &user.subject).collect();
    assert_eq!(subjects, [&Subject::Everyone, &Subject::Anonymous]);
}

#[test]
fn an_empty_file_allows_nothing() {
    assert_eq!(load(""), Policy::without_rules(Action::Block));
    assert_eq!(load("# nobody may go anywhere\n"), Policy::without_rules(Action::Block));
}

#[test]
fn every_problem_of_a_rule_file_is_reported_in_its_order() {
    let text = r#"[global]
defualt_policy = "deny"
[[users]]
username = "alice"
  [[users.rules]]
  action = "alow"
  destinatons = ["*"]
  [[users.rules]]
  destinations = ["10.0.0.0/33", ".example.com", "example.com:443"]
  ports = ["4000-3000", "http", "0"]
  protocols = ["icmp"]
[[users]]
username = "alice"
[[groups]]
[[groups]]
name = "staff"
rules = 1
[[group]]
"#;
    let expected = [
        r#"acl.toml:2:1: global.defualt_policy: unknown key; did you mean "default_policy"?"#,
        r#"acl.toml:5:3: users[0].rules[0].destinations: is missing; add destinations = ["*.example.com"]"#,
        r#"acl.toml:6:12: users[0].rules[0].action: "alow" is not known; did you mean "allow"?"#,
        r#"acl.toml:7:3: users[0].rules[0].destinatons: unknown key; did you mean "destinations"?"#,
        r#"acl.toml:8:3: users[0].rules[1].action: is missing; add action = "allow""#,
        r#"acl.toml:9:19: users[0].rules[1].destinations: "10.0.0.0/33" cannot be a destination: it is not a network; write "10.0.0.0/8", "db.example.com", "*.example.com", "@public", "@private" or "*""#,
        r#"acl.toml:9:34: users[0].rules[1].destinations: ".example.com" cannot be a destination: a name does not begin with a dot; "*.example.com" is what is below it; write "10.0.0.0/8", "db.example.com", "*.example.com", "@public", "@private" or "*""#,
        r#"acl.toml:9:50: users[0].rules[1].destinations: "example.com:443" cannot be a destination: ports have a key of their own; write "10.0.0.0/8", "db.example.com", "*.example.com", "@public", "@private" or "*""#,
        r#"acl.toml:10:12: users[0].rules[1].ports: the range 4000-3000 is empty; write "443", "8000-9000", "https" or "*""#,
        r#"acl.toml:10:33: users[0].rules[1].ports: there is no port 0; write "443", "8000-9000", "https" or "*""#,
        r#"acl.toml:11:16: users[0].rules[1].protocols: "icmp" is not known; known are tcp, udp"#,
        r#"acl.toml:13:12: users[1].username: "alice" has a table already, at acl.toml:4; put the rules of both into one"#,
        r#"acl.toml:14:1: groups[0].name: is missing; add name = "developers""#,
        "acl.toml:17:9: groups[1].rules: must be a list of tables; write [[groups.rules]] above each of them",
        r#"acl.toml:18:3: group: unknown table or key; did you mean "groups"?"#,
    ];
    assert_eq!(problems(text), expected);
}

#[test]
fn values_that_cannot_be_meant_say_what_can() {
    let table = [
        ("ports = []", "ports: must not be empty; name at least one, or leave the key out"),
        ("ports = [443]", "ports: must be a string, not an integer; put it in quotes"),
        (
            "ports = [\"gopher-next\"]",
            "ports: \"gopher-next\" is neither a port nor a range of ports nor the name of a service; write \"443\", \"8000-9000\", \"https\" or \"*\"",
        ),
        ("priority = 1000001", "priority: must be a whole number from -1000000 to 1000000, not 1000001"),
        ("priority = 1.5", "priority: must be a whole number from -1000000 to 1000000, not a float"),
        (
            "sources = [\"@private\"]",
            "sources: \"@private\" is neither an address nor a network; write \"192.0.2.7\", \"192.0.2.0/24\" or \"2001:db8::/32\"",
        ),
        ("commands = [\"conect\"]", "commands: \"conect\" is not known; did you mean \"connect\"?"),
        (
            "commands = [\"connect\"]\nprotocols = [\"udp\"]",
            "commands: connect needs tcp, and protocols has only udp; remove one of the two keys",
        ),
        (
            "time = \"08:00\"",
            "time: must be a table, not a string; write time = { weekdays = [\"mon-fri\"], hours = [\"08:00-18:00\"] }",
        ),
        ("time = { zone = \"UTC\" }", "time.hours: is missing; add hours = [\"08:00-18:00\"], or weekdays"),
        (
            "time = { hours = [\"8-18\"] }",
            "time.hours: \"8-18\" is not a span of hours; write \"08:00-18:00\"; \"22:00-06:00\" ends on the next day",
        ),
        (
            "time = { hours = [\"08:00-08:00\"] }",
            "time.hours: \"08:00-08:00\" is not a span of hours; write \"08:00-18:00\"; \"22:00-06:00\" ends on the next day",
        ),
        ("time = { weekdays = [\"monday\"] }", "time.weekdays: \"monday\" is not known; did you mean \"mon\"?"),
        (
            "time = { weekdays = [\"mon\"], zone = \"Mars/Base\" }",
            "time.zone: \"Mars/Base\" is not a known time zone; write a name of the tz database: \"Europe/Warsaw\", \"UTC\"",
        ),
        (
            "time = { weekdays = [\"mon\"], zone = \"../passwd\" }",
            "time.zone: \"../passwd\" cannot be a name; use 1 to 64 letters, digits and - _ + . /",
        ),
        (
            "valid_until = \"2027-01-31\"",
            "valid_until: must be a date, or a date and time with an offset, not a string; write 2027-01-31 or 2027-01-31T18:00:00+01:00, without quotes",
        ),
        ("auth_methods = [\"pam\"]", "auth_methods: \"pam\" is not known; did you mean \"pam.address\"?"),
        (
            "pam_service = \"Factory\"",
            "pam_service: \"Factory\" cannot be the name of a PAM service; write the name of its file, in small letters and without the directory: \"rustsocks\"",
        ),
        ("mode = \"shadowed\"", "mode: \"shadowed\" is not known; did you mean \"shadow\"?"),
        ("log = \"loud\"", "log: \"loud\" is not known; known are debug, info, warn"),
        ("description = \"two\\nlines\"", "description: cannot be a description; use at most 500 bytes on one line"),
    ];
    for (text, expected) in table {
        let problems = problems(&one_rule(&format!("action = \"allow\"\ndestinations = [\"*\"]\n{text}")));
        let unplaced: Vec<&str> =
            problems.iter().filter_map(|line| line.split_once("users[0].rules[0].")).map(|(_, rest)| rest).collect();
        assert_eq!(unplaced, [expected], "{text}");
    }
}

#[test]
fn internal_is_for_rules_that_allow() {
    let problems = problems(&one_rule("action = \"block\"\ndestinations = [\"*\"]\ninternal = true"));
    let expected = "acl.toml:6:12: users[0].rules[0].internal: means nothing in a rule that blocks; \
                    remove it; \"@private\" is a destination";
    assert_eq!(problems, [expected]);
}

#[test]
fn a_rule_says_how_much_its_connections_may_have() {
    let allow = "action = \"allow\"\ndestinations = [\"*\"]\n";
    let bounds = |lines: &str| rule(&format!("{allow}{lines}")).bounds.map(|bounds| *bounds);
    assert_eq!(bounds(""), None);
    let written =
        "max_connections = 7\nbandwidth_per_user_mbps = \"0.8:80\"\nmax_age_secs = 0\nconnection_timeout_secs = 60";
    let expected =
        Bounds { at_once: Some(7), up: Some(100_000), down: Some(10_000_000), max_age: Some(0), idle: Some(60) };
    assert_eq!(bounds(written), Some(expected));
    let both_ways = Bounds { up: Some(250_000), down: Some(250_000), ..Bounds::default() };
    assert_eq!(bounds("bandwidth_per_user_mbps = 2"), Some(both_ways));
    for (lines, expected) in [
        ("max_age_secs = 31536001", "max_age_secs: must be a whole number from 0 to 31536000, not 31536001"),
        (
            "commands = [\"udp_associate\", \"resolve\"]\nmax_connections = 1",
            "max_connections: holds for connections, and the rule lets none in; remove it",
        ),
    ] {
        let problems = problems(&one_rule(&format!("{allow}{lines}")));
        assert!(problems.len() == 1 && problems[0].ends_with(expected), "{problems:?}");
    }
    let problems = problems(&one_rule("action = \"block\"\ndestinations = [\"*\"]\nconnection_timeout_secs = 1"));
    let expected =
        "acl.toml:6:27: users[0].rules[0].connection_timeout_secs: means nothing in a rule that blocks; remove it";
    assert_eq!(problems, [expected]);
}

#[test]
fn a_file_names_at_most_64_pam_services() {
    let file = |count: usize| {
        let rules = (0..count).map(|number| {
            format!(
                "[[groups.rules]]\naction = \"allow\"\ndestinations = [\"*\"]\npam_service = \"service-{number}\"\n"
            )
        });
        format!("[[groups]]\nname = \"staff\"\n{}{}", rules.clone().collect::<String>(), rules.collect::<String>())
    };
    load(&file(64));
    let problems = problems(&file(65));
    assert_eq!(problems.len(), 1, "{problems:#?}");
    let expected = "acl.toml:262:15: groups[0].rules[64].pam_service: the rules of a file name at most 64 PAM services; let rules share services";
    assert_eq!(problems[0], expected);
}

#[test]
fn rule_files_are_told_from_the_main_configuration() {
    let rules = [PLAN, "", "# empty\n", "[global]\n", "[[users]]", "  [[groups.rules]]", "[ global ]", "[[ users ]]"];
    for text in rules {
        assert!(rules::are_in(text), "{text}");
    }
    for text in [config::EMBEDDED, "[server]\n[global]\n", "# [global]\n[acl]\n", "[[listen]]"] {
        assert!(!rules::are_in(text), "{text}");
    }
}

#[test]
fn a_long_file_is_read_in_a_time_that_grows_with_its_length() {
    let rule = "[[users.rules]]\naction = \"allow\"\ndestinations = [\"db.example.com\"]\nports = [\"x\"]\n";
    let text = format!("[[users]]\nusername = \"alice\"\n{}", rule.repeat(5_000));
    let problems = problems(&text);
    assert_eq!(problems.len(), 5_000);
    assert!(problems[4_999].starts_with("acl.toml:20002:10: users[0].rules[4999].ports: "), "{}", problems[4_999]);
}

fn destinations(rule: &Rule) -> Vec<String> {
    rule.destinations.iter().map(ToString::to_string).collect()
}

fn rule(keys: &str) -> Rule {
    let mut policy = load(&one_rule(keys));
    policy.users.remove(0).rules.remove(0)
}

fn one_rule(keys: &str) -> String {
    format!("[[users]]\nusername = \"alice\"\n[[users.rules]]\n{keys}\n")
}

fn load(text: &str) -> Policy {
    rules::load("acl.toml", text, &is_zone).unwrap_or_else(|problems| panic!("{problems}"))
}

fn problems(text: &str) -> Vec<String> {
    let problems = rules::load("acl.toml", text, &is_zone).expect_err("the file is wrong");
    problems.as_slice().iter().map(ToString::to_string).collect()
}

fn is_zone(name: &str) -> bool {
    ["UTC", "Europe/Warsaw"].contains(&name)
}
