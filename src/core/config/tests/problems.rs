//! Every problem at once, each with its place, what is wrong and what to do.

use config::{Source, load};

#[test]
fn every_problem_of_a_file_is_reported_in_its_order() {
    let text = r#"
listn = 1
[server]
bind_prot = 1080
backlog = 0
watchdog_secs = 1.5
[gateway]
enabled = true
[[listen]]
mode = "0999"
[logging]
level = "inof"
"#;
    let expected = [
        r#"rustsocks.toml:2:1: listn: unknown table or key; did you mean "listen"?"#,
        r#"rustsocks.toml:4:1: server.bind_prot: unknown key; did you mean "bind_port"?"#,
        "rustsocks.toml:5:11: server.backlog: must be a whole number from 1 to 65535, not 0",
        "rustsocks.toml:6:17: server.watchdog_secs: must be a whole number from 2 to 600 (seconds), not a float",
        "rustsocks.toml:7:2: gateway: unknown table or key; known are server, listen, commands, auth, auth.pam, timeouts, \
         limits, limits.groups, limits.quotas, penalties, outbound, dns, udp, bind, acl, guard, sessions, logging, metrics, api, \
         admin",
        r#"rustsocks.toml:9:1: listen[0].address: is missing; add address = "0.0.0.0:1081""#,
        r#"rustsocks.toml:10:8: listen[0].mode: "0999" is not a file mode; write it in octal, "0000" to "0777""#,
        r#"rustsocks.toml:12:9: logging.level: "inof" is not known; did you mean "info"?"#,
    ];
    assert_eq!(problems(text), expected);
}

#[test]
fn a_syntax_error_shows_its_line() {
    let text = "[server]\nbind_address = 127.0.0.1\n[timeouts\n[limits]\nmax_connections = 1\nmax_connections = 2\n";
    let problems = problems(text);
    assert_eq!(problems.len(), 3, "{problems:#?}");
    assert!(problems[0].starts_with("rustsocks.toml:2:"), "{problems:#?}");
    assert!(problems[0].ends_with("; the line reads: bind_address = 127.0.0.1"), "{problems:#?}");
    assert!(problems[1].starts_with("rustsocks.toml:3:10: syntax: "), "{problems:#?}");
    assert!(problems[2].starts_with("rustsocks.toml:6:1: syntax: duplicate key"), "{problems:#?}");
}

#[test]
fn values_of_the_wrong_type_say_what_is_wanted() {
    let table = [
        (
            "[server]\nbind_port = \"1080\"",
            "server.bind_port: must be a whole number from 0 to 65535, not a string; write it without quotes",
        ),
        ("[server]\nbind_port = [1080]", "server.bind_port: must be a whole number from 0 to 65535, not an array"),
        ("[server]\nbind_address = 1", "server.bind_address: must be a string, not an integer; put it in quotes"),
        ("[server]\nbind_address = {}", "server.bind_address: must be a string, not a table; put it in quotes"),
        ("[commands]\nbind = \"yes\"", "commands.bind: must be true or false, not a string; write it without quotes"),
        ("[commands]\nbind = 1", "commands.bind: must be true or false, not an integer"),
        (
            "[guard]\nallow = \"::1\"",
            "guard.allow: must be a list of strings, not a string; write it in brackets: [\"…\"]",
        ),
        ("[guard]\nallow = [1]", "guard.allow: must be a string, not an integer; put it in quotes"),
        (
            "[auth]\nsocks_method = true",
            "auth.socks_method: must be a list of strings, not a boolean; write it in brackets: [\"…\"]",
        ),
        ("server = 1", "server: must be a table, not an integer; write [server] on a line of its own"),
        ("[[server]]", "server: must be a table, not an array; write [server] on a line of its own"),
        ("[listen]", "listen: must be a list of tables; write [[listen]] above each of them"),
        ("listen = [1]", "listen: must be a list of tables; write [[listen]] above each of them"),
    ];
    for (text, expected) in table {
        assert_eq!(unplaced(text), [expected], "{text}");
    }
}

#[test]
fn numbers_out_of_range_name_the_range() {
    let table = [
        ("server", "bind_port", "0 to 65535", ["-1", "65536"]),
        ("server", "worker_threads", "0 to 256", ["-1", "257"]),
        ("server", "backlog", "1 to 65535", ["0", "65536"]),
        ("server", "watchdog_secs", "2 to 600 (seconds)", ["1", "601"]),
        ("server", "drain_secs", "0 to 86400 (seconds)", ["-1", "86401"]),
        ("server", "upgrade_drain_secs", "0 to 2592000 (seconds)", ["-1", "2592001"]),
        ("timeouts", "handshake_secs", "1 to 300 (seconds)", ["0", "301"]),
        ("timeouts", "connect_secs", "1 to 600 (seconds)", ["0", "601"]),
        ("timeouts", "half_closed_secs", "1 to 86400 (seconds)", ["0", "86401"]),
        ("timeouts", "max_age_secs", "0 to 31536000 (seconds)", ["-1", "31536001"]),
        ("timeouts", "udp_idle_secs", "1 to 86400 (seconds)", ["0", "86401"]),
        ("timeouts", "bind_secs", "1 to 3600 (seconds)", ["0", "3601"]),
        ("limits", "max_connections", "1 to 1000000", ["0", "1000001"]),
        ("limits", "max_connections_per_user", "0 to 1000000", ["-1", "1000001"]),
        ("limits", "max_connections_per_source", "0 to 1000000", ["-1", "1000001"]),
        ("limits", "max_sources_per_user", "0 to 1000000", ["-1", "1000001"]),
        ("limits", "max_handshakes", "1 to 1000000", ["0", "1000001"]),
        ("limits", "connection_timeout_secs", "0 to 2592000 (seconds)", ["-1", "2592001"]),
        ("penalties", "authfail_secs", "0 to 3600 (seconds)", ["-1", "3601"]),
        ("penalties", "noauth_secs", "0 to 3600 (seconds)", ["-1", "3601"]),
        ("penalties", "grace_exceeded_secs", "0 to 3600 (seconds)", ["-1", "3601"]),
        ("penalties", "enforce_from_secs", "1 to 3600 (seconds)", ["0", "3601"]),
        ("penalties", "max_secs", "1 to 86400 (seconds)", ["0", "86401"]),
        ("penalties", "max_sources", "1 to 1000000", ["0", "1000001"]),
        ("penalties", "ipv4_prefix", "8 to 32", ["7", "33"]),
        ("penalties", "ipv6_prefix", "16 to 128", ["15", "129"]),
        ("penalties", "user_lock_failures", "0 to 10000", ["-1", "10001"]),
        ("penalties", "user_lock_secs", "1 to 86400 (seconds)", ["0", "86401"]),
        ("penalties", "known_address_secs", "0 to 31536000 (seconds)", ["-1", "31536001"]),
        ("penalties", "failure_delay_ms", "0 to 5000 (milliseconds)", ["-1", "5001"]),
        ("penalties", "unauthenticated_per_source", "0 to 1000000", ["-1", "1000001"]),
        ("outbound", "mark", "1 to 4294967295", ["0", "4294967296"]),
        ("outbound", "keepalive_secs", "0 to 32767 (seconds)", ["-1", "32768"]),
        ("outbound", "keepalive_interval_secs", "1 to 32767 (seconds)", ["0", "32768"]),
        ("outbound", "keepalive_probes", "1 to 127", ["0", "128"]),
        ("outbound", "user_timeout_secs", "0 to 86400 (seconds)", ["-1", "86401"]),
        ("outbound", "attempt_delay_ms", "10 to 2000 (milliseconds)", ["9", "2001"]),
        ("dns", "timeout_secs", "1 to 60 (seconds)", ["0", "61"]),
        ("dns", "attempts", "1 to 10", ["0", "11"]),
        ("dns", "cache_entries", "0 to 1000000", ["-1", "1000001"]),
        ("dns", "min_ttl_secs", "0 to 86400 (seconds)", ["-1", "86401"]),
        ("dns", "max_ttl_secs", "0 to 604800 (seconds)", ["-1", "604801"]),
        ("dns", "negative_ttl_secs", "0 to 3600 (seconds)", ["-1", "3601"]),
        ("dns", "system_threads", "1 to 64", ["0", "65"]),
        ("udp", "max_peers", "1 to 65536", ["0", "65537"]),
        ("logging", "queue_lines", "16 to 1048576", ["15", "1048577"]),
    ];
    for (table, key, range, outside) in table {
        for number in outside.into_iter().chain(["99999999999999999999999999999"]) {
            let expected = format!("{table}.{key}: must be a whole number from {range}, not {number}");
            assert_eq!(unplaced(&format!("[{table}]\n{key} = {number}")), [expected]);
        }
    }
}

#[test]
fn strings_that_mean_nothing_are_refused() {
    let long_path = format!("unix:/{}", "x".repeat(107));
    let table = [
        ("server", "bind_address", "\"localhost\"", "is not an IP address"),
        ("server", "bind_address", "\"127.0.0.1:1080\"", "is not an IP address"),
        ("outbound", "address_v4", "\"::1\"", "cannot be used here; write an IPv4 address"),
        ("outbound", "address_v6", "\"127.0.0.1\"", "cannot be used here; write an IPv6 address"),
        ("outbound", "address_v6", "\"::\"", "is not the address of one host"),
        ("udp", "advertised_address_v4", "\"0.0.0.0\"", "is not the address of one host"),
        ("bind", "advertised_address_v6", "\"ff02::1\"", "is not the address of one host"),
        ("outbound", "interface", "\"\"", "cannot be the name of an interface"),
        ("outbound", "interface", "\"sixteen-bytes-xx\"", "cannot be the name of an interface"),
        ("outbound", "interface", "\"a/b\"", "cannot be the name of an interface"),
        ("outbound", "interface", "\"..\"", "cannot be the name of an interface"),
        ("dns", "resolv_conf", "\"\"", "is not a path"),
        ("sessions", "database_url", "\"sessions.db\"", "write \"sqlite://\" and an absolute path"),
        ("sessions", "database_url", "\"sqlite://sessions.db\"", "is not the place of a database"),
        ("sessions", "database_url", "\"sqlite:///var/lib/\"", "is not the place of a database"),
        ("sessions", "database_url", "\"sqlite:///a?mode=ro\"", "is not the place of a database"),
        ("sessions", "database_url", "\"postgres://host/sessions\"", "is not the place of a database"),
        ("dns", "resolver", "\"google\"", "known are hickory, system"),
        ("udp", "port_range", "\"80\"", "is not a range of ports from 1024 to 65535"),
        ("udp", "port_range", "\"29999-20000\"", "is not a range of ports from 1024 to 65535"),
        ("udp", "port_range", "\"20000-70000\"", "is not a range of ports from 1024 to 65535"),
        ("bind", "port_range", "\"a-b\"", "is not a range of ports from 1024 to 65535"),
        ("udp", "replies", "\"addres\"", "did you mean \"address\"?"),
        ("udp", "client_address", "\"stict\"", "did you mean \"strict\"?"),
        ("auth", "socks_method", "\"ldap\"", "known are none, userpass, pam.address, pam.username"),
        ("auth", "socks_method", "\"pam.user\"", "did you mean \"pam.username\"?"),
        ("auth", "client_method", "\"userpass\"", "known are none, pam.address"),
        ("auth", "socks_pam_service", "\"/etc/pam.d/su\"", "cannot be the name of a PAM service"),
        ("auth", "socks_pam_service", "\"RustSocks\"", "cannot be the name of a PAM service"),
        ("auth", "client_pam_service", "\"..\"", "cannot be the name of a PAM service"),
        ("auth.pam", "default_user", "\"\"", "cannot be a user's name"),
        ("auth", "socks_method", "[]", "must not be empty"),
        ("auth", "socks_method", "[\"none\", \"none\"]", "names a value twice"),
        ("guard", "allow", "[\"example.com\"]", "is not an address, a network or an address with a port"),
        ("guard", "allow", "[\"10.0.0.1/33\"]", "is not an address, a network or an address with a port"),
        ("guard", "allow", "[\"10.0.0.1/8\"]", "write \"10.0.0.0/8\" or \"10.0.0.1\""),
        ("limits", "new_connections_per_user", "\"20\"", "is not rate:burst"),
        ("limits", "new_connections_per_source", "\"0:10\"", "each 1 to 1000000"),
        (
            "limits",
            "groups",
            "{ name = \"x\" }",
            "must be a list of tables; write [[limits.groups]] above each of them",
        ),
        ("penalties", "early_drop", "\"200:30\"", "is not start:rate:full"),
        ("penalties", "early_drop", "\"1000:30:200\"", "is not start:rate:full"),
        ("penalties", "early_drop", "\"off\"", "\"none\" turns it off"),
        ("penalties", "exempt", "[\"10.0.0.1/8\"]", "write \"10.0.0.0/8\" or \"10.0.0.1\""),
        ("[listen]", "address", "\"1080\"", "is not an address to listen on"),
        ("[listen]", "address", "\"unix:x.sock\"", "is not an absolute path"),
        ("[listen]", "address", &format!("\"{long_path}\""), "has at most 107 bytes, not 108"),
    ];
    for (table, key, value, expected) in table {
        let problems = problems(&format!("[{table}]\n{key} = {value}\n"));
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(problems[0].starts_with("rustsocks.toml:2:"), "{problems:#?}");
        assert!(problems[0].contains(expected), "{problems:#?} lacks {expected:?}");
    }
}

#[test]
fn optional_texts_of_a_listener_are_checked() {
    let table = [
        ("name = \"\"", "listen[0].name: \"\" is not a name"),
        ("name = \"two words\"", "listen[0].name: \"two words\" is not a name"),
        ("mode = \"66\"", "listen[0].mode: \"66\" is not a file mode"),
        ("mode = \"+660\"", "listen[0].mode: \"+660\" is not a file mode"),
        ("mode = \"1777\"", "listen[0].mode: \"1777\" is not a file mode"),
        ("protocols = []", "listen[0].protocols: must not be empty"),
        ("proxy_protocol_from = [\"lb\"]", "listen[0].proxy_protocol_from: \"lb\" is not a network"),
        ("proxy_protocol_from = [\"10.1.0.0/8\"]", "listen[0].proxy_protocol_from: \"10.1.0.0/8\" has bits set"),
    ];
    for (line, expected) in table {
        let problems = unplaced(&format!("[[listen]]\naddress = \"127.0.0.1:1081\"\n{line}"));
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(problems[0].starts_with(expected), "{problems:#?}");
    }
}

#[test]
fn each_wrong_item_of_a_list_has_its_own_place() {
    let text = "[guard]\nallow = [\n  \"x\",\n  \"127.0.0.1\", 5,\n]";
    let problems = problems(text);
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(problems[0].starts_with("rustsocks.toml:3:3: guard.allow: \"x\""), "{problems:#?}");
    assert!(problems[1].starts_with("rustsocks.toml:4:16: guard.allow: must be a string"), "{problems:#?}");
}

#[test]
fn contradictions_are_problems() {
    let table = [
        ("[server]\nbind_address = \"none\"", "2:16: server.bind_address: nothing listens"),
        (
            "[[listen]]\naddress = \"127.0.0.1:1080\"",
            "2:11: listen[0].address: 127.0.0.1:1080 is already taken by server.bind_address",
        ),
        (
            "[[listen]]\naddress = \"unix:/x\"\n[[listen]]\naddress = \"unix:/x\"",
            "4:11: listen[1].address: /x is already taken by listen[0].address",
        ),
        (
            "[[listen]]\naddress = \"unix:/x\"\nname = \"a\"\n[[listen]]\naddress = \"unix:/y\"\nname = \"a\"",
            "6:8: listen[1].name: \"a\" is already listen[0].name",
        ),
        (
            "[metrics]\nenabled = true\nbind_port = 1080",
            "3:13: metrics.bind_address: 127.0.0.1:1080 is already taken by server.bind_address",
        ),
        (
            "[metrics]\nenabled = true\nbind_address = \"0.0.0.0\"",
            "3:16: metrics.bind_address: others could read users and destinations there",
        ),
        ("[[listen]]\naddress = \"127.0.0.1:1\"\nmode = \"0660\"", "3:8: listen[0].mode: is for Unix sockets only"),
        (
            "[[listen]]\naddress = \"unix:/x\"\nproxy_protocol_from = [\"::/0\"]",
            "3:23: listen[0].proxy_protocol_from: cannot match",
        ),
        ("[auth]\nsocks_method = [\"none\", \"pam.address\"]", "2:16: auth.socks_method: \"none\" and \"pam.address\""),
        (
            "[[listen]]\naddress = \"127.0.0.1:1\"\nsocks_method = [\"pam.address\", \"none\"]",
            "3:16: listen[0].socks_method: \"none\" and \"pam.address\"",
        ),
        (
            "[auth]\nclient_method = \"pam.address\"\n[[listen]]\naddress = \"unix:/x\"",
            "4:11: listen[0].address: \"pam.address\" cannot be asked here",
        ),
        (
            "[[listen]]\naddress = \"unix:/x\"\nsocks_method = \"pam.address\"",
            "2:11: listen[0].address: \"pam.address\" cannot be asked here",
        ),
        ("[auth]\nsocks_method = \"userpass\"", "2:16: auth.users_file: is missing"),
        ("[[listen]]\naddress = \"unix:/x\"\nsocks_method = \"userpass\"", "3:16: auth.users_file: is missing"),
        ("[commands]\nconnect = false\nudp_associate = false", "2:11: commands.connect: every command is off"),
        ("[dns]\nmin_ttl_secs = 9\nmax_ttl_secs = 8", "2:16: dns.min_ttl_secs: 9 is more than dns.max_ttl_secs"),
        ("[dns]\nmax_ttl_secs = 0", "2:16: dns.min_ttl_secs: 1 is more than dns.max_ttl_secs"),
        (
            "[penalties]\nmax_secs = 14",
            "2:12: penalties.enforce_from_secs: 15 is more than penalties.max_secs, which is 14, so nobody gets there",
        ),
        (
            "[penalties]\nfailure_delay_ms = 2000\n[timeouts]\nhandshake_secs = 2",
            "2:20: penalties.failure_delay_ms: a failed login would be answered after timeouts.handshake_secs",
        ),
    ];
    for (text, expected) in table {
        let problems = problems(text);
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(problems[0].starts_with(&format!("rustsocks.toml:{expected}")), "{problems:#?}");
    }
}

#[test]
fn a_refused_value_contradicts_nothing() {
    let table = [
        "[server]\nbind_address = \"0.0.0.0\"\n[auth]\nsocks_method = \"userpas\"",
        "[auth]\nsocks_method = \"userpass\"\nusers_file = 5",
        "[dns]\nmin_ttl_secs = 3601\nmax_ttl_secs = \"4000\"",
        "[[listen]]\naddress = \"unix\"\nmode = \"0600\"",
        "[[listen]]\naddress = \"nowhere\"",
    ];
    for text in table {
        let problems = problems(text);
        assert_eq!(problems.len(), 1, "{problems:#?}");
    }
}

#[test]
fn a_reachable_listener_without_authentication_is_refused() {
    let open = "can be reached by others and asks for no authentication";
    let table = [
        ("[server]\nbind_address = \"0.0.0.0\"", Some(("2:16", "server.bind_address"))),
        ("[server]\nbind_address = \"::\"", Some(("2:16", "server.bind_address"))),
        ("[server]\nbind_address = \"192.0.2.1\"", Some(("2:16", "server.bind_address"))),
        ("[server]\nbind_address = \"::ffff:192.0.2.1\"", Some(("2:16", "server.bind_address"))),
        ("[[listen]]\naddress = \"[2001:db8::1]:1\"", Some(("2:11", "listen[0].address"))),
        (
            "[auth]\nsocks_method = \"userpass\"\nusers_file = \"u\"\n[[listen]]\naddress = \"0.0.0.0:1\"\nsocks_method = \"none\"",
            Some(("5:11", "listen[0].address")),
        ),
        (
            "[server]\nbind_address = \"0.0.0.0\"\n[auth]\nsocks_method = [\"userpass\", \"none\"]\nusers_file = \"u\"",
            Some(("2:16", "server.bind_address")),
        ),
        ("[server]\nbind_address = \"0.0.0.0\"\n[auth]\nsocks_method = \"pam.address\"", None),
        ("[server]\nbind_address = \"0.0.0.0\"\n[auth]\nsocks_method = \"pam.username\"", None),
        ("[server]\nbind_address = \"0.0.0.0\"\n[auth]\nclient_method = \"pam.address\"", None),
        ("[server]\nbind_address = \"127.9.9.9\"", None),
        ("[server]\nbind_address = \"::1\"", None),
        ("[server]\nbind_address = \"::ffff:127.0.0.1\"", None),
        ("[[listen]]\naddress = \"unix:/x\"", None),
        ("[server]\nbind_address = \"0.0.0.0\"\ni_understand_open_proxy = true", None),
        ("[server]\nbind_address = \"0.0.0.0\"\n[auth]\nsocks_method = \"userpass\"\nusers_file = \"u\"", None),
    ];
    for (text, expected) in table {
        let problems = problems(text);
        match expected {
            None => assert!(problems.is_empty(), "{problems:#?}"),
            Some((place, key)) => {
                assert_eq!(problems.len(), 1, "{problems:#?}");
                assert!(problems[0].starts_with(&format!("rustsocks.toml:{place}: {key}: ")), "{problems:#?}");
                assert!(problems[0].contains(open), "{problems:#?}");
            }
        }
    }
}

#[test]
fn a_key_of_the_first_plans_is_told_what_stands_in_its_place() {
    let text =
        "[sessions]\nstorage = \"sqlite\"\n[api]\nauth_token = \"secret\"\n[metrics]\nexport_interval_secs = 60\n";
    let expected = [
        "rustsocks.toml:2:1: sessions.storage: unknown key; it is always SQLite, in sessions.database_url; \
         sessions.enabled = false keeps no history",
        "rustsocks.toml:4:1: api.auth_token: unknown key; tokens stand in api.tokens_file, hashed; \
         `rustsocks api-token` makes one",
        "rustsocks.toml:6:1: metrics.export_interval_secs: unknown key; whoever scrapes asks whenever he likes, \
         and gets what is so then; leave it out",
    ];
    assert_eq!(problems(text), expected);
}

#[test]
fn an_inner_table_is_checked_like_any_other() {
    let expected = [
        r#"rustsocks.toml:2:1: auth.sock_method: unknown key; did you mean "socks_method"?"#,
        r#"rustsocks.toml:4:1: auth.pam.defualt_user: unknown key; did you mean "default_user"?"#,
        "rustsocks.toml:5:11: auth.pam.helpers: must be a whole number from 2 to 8, not 9",
    ];
    assert_eq!(problems("[auth]\nsock_method = 1\n[auth.pam]\ndefualt_user = \"x\"\nhelpers = 9"), expected);
    let no_table = problems("[auth]\npam = 1");
    assert_eq!(
        no_table,
        ["rustsocks.toml:2:7: auth.pam: must be a table, not an integer; write [auth.pam] on a line of its own"]
    );
    assert_eq!(
        problems("auth = 1"),
        ["rustsocks.toml:1:8: auth: must be a table, not an integer; write [auth] on a line of its own"]
    );
}

#[test]
fn control_characters_of_a_file_never_reach_the_terminal() {
    let text = "[limits]\n\"\\u001b[31m\" = 1\n[guard]\nallow = [\"\\u001b[2J\"]\n";
    let all = problems(text).join("\n");
    assert!(!all.contains('\u{1b}'), "{all:?}");
    let broken = problems("[server\u{1b}[2J\n").join("\n");
    assert!(!broken.contains('\u{1b}'), "{broken:?}");
}

/// Every problem of the text, one line each.
fn problems(text: &str) -> Vec<String> {
    match load(Source::File { path: "rustsocks.toml", text }, &[]) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.to_string().lines().map(str::to_owned).collect(),
    }
}

/// Every problem of the text without its place.
fn unplaced(text: &str) -> Vec<String> {
    let rest = |line: &String| line.split_once(": ").map(|(_, rest)| rest.to_owned()).expect("a place comes first");
    problems(text).iter().map(rest).collect()
}

#[test]
fn a_group_has_a_name_and_one_table() {
    let text = "[[limits.groups]]\nmax_connections = 5\n[[limits.groups]]\nname = \"staff\"\nmax_connections_per_user = -1\n\
                [[limits.groups]]\nname = \"staff\"\nmax_conections = 1\n";
    let expected = [
        r#"rustsocks.toml:1:1: limits.groups[0].name: is missing; add name = "developers""#,
        "rustsocks.toml:5:28: limits.groups[1].max_connections_per_user: must be a whole number from 0 to 1000000, not -1",
        r#"rustsocks.toml:7:8: limits.groups[2].name: "staff" is already limits.groups[1].name; write everything for one group in one table"#,
        r#"rustsocks.toml:8:1: limits.groups[2].max_conections: unknown key; did you mean "max_connections"?"#,
    ];
    assert_eq!(problems(text), expected);
}

#[test]
fn a_quota_has_a_name_and_says_what_can_be_meant() {
    let text = "[[limits.quotas]]\ngigabytes = -1\nwarn_at_percent = [80, 100]\n\
                [[limits.quotas]]\nname = \"weekly\"\nperiod = \"week\"\nreset_day = 8\naction = \"slow\"\nslow_mbps = 0\nend_live = true\nshared = true\n\
                [[limits.quotas]]\nname = \"weekly\"\nreset_hour = 24\nreset_day = 29\nperiod = \"year\"\n";
    let expected = [
        r#"rustsocks.toml:1:1: limits.quotas[0].name: is missing; add name = "monthly""#,
        "rustsocks.toml:2:13: limits.quotas[0].gigabytes: must be 0 or a number of gigabytes from 0.000001 to 1000000, not -1",
        "rustsocks.toml:3:19: limits.quotas[0].warn_at_percent: must be a list of whole numbers from 1 to 99; write them in brackets: [80, 95]; [] for none",
        "rustsocks.toml:7:13: limits.quotas[1].reset_day: a week has seven days; write 1 for Monday to 7 for Sunday",
        "rustsocks.toml:9:13: limits.quotas[1].slow_mbps: nothing would be slowed down; write what is left, such as 1",
        r#"rustsocks.toml:10:12: limits.quotas[1].end_live: who is slowed down goes on; remove it, or set action = "refuse""#,
        "rustsocks.toml:11:10: limits.quotas[1].shared: without a group there is nobody to share what is left; name a group, or set bandwidth_limit_mbps",
        r#"rustsocks.toml:13:8: limits.quotas[2].name: "weekly" is already limits.quotas[1].name; give each quota a name of its own"#,
        "rustsocks.toml:14:14: limits.quotas[2].reset_hour: must be a whole number from 0 to 23, not 24",
        "rustsocks.toml:15:13: limits.quotas[2].reset_day: must be a whole number from 1 to 28, not 29",
        r#"rustsocks.toml:16:10: limits.quotas[2].period: "year" is not known; known are hour, day, week, month"#,
    ];
    assert_eq!(problems(text), expected);
}

#[test]
fn a_rate_that_is_none_and_a_guarantee_that_cannot_be_kept_are_refused() {
    let text = "[limits]\nbandwidth_limit_mbps = \"100\"\nbandwidth_per_user_mbps = -1\n\
                [[limits.groups]]\nname = \"staff\"\nbandwidth_limit_mbps = 1\nbandwidth_guaranteed_mbps = 1.5\n";
    let expected = [
        "rustsocks.toml:2:24: limits.bandwidth_limit_mbps: must be 0 or a number of megabits a second from 0.008 to 1000000, not a string; write it without quotes",
        "rustsocks.toml:3:27: limits.bandwidth_per_user_mbps: must be 0 or a number of megabits a second from 0.008 to 1000000, not -1",
        "rustsocks.toml:7:29: limits.groups[0].bandwidth_guaranteed_mbps: more is guaranteed than bandwidth_limit_mbps lets pass; lower this one or raise the other",
    ];
    assert_eq!(problems(text), expected);
}
