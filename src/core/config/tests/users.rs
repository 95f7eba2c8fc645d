//! The users file: what it accepts, and every way in which it is refused.

use config::users;

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$bWFueWJ5dGVzb2ZoYXNobWFueWJ5dGVz";

#[test]
fn users_are_read_in_the_order_of_the_file() {
    let text = format!(
        "[[users]]\nname = \"alice\"\npassword_hash = \"{HASH}\"\n\
         [[users]]\nname = \"bob żółw\"\npassword_hash = \"{HASH}\"\nenabled = false\n"
    );
    let users = users::load("users.toml", &text).expect("both are right");
    let seen: Vec<(&str, bool)> = users.as_slice().iter().map(|user| (user.name.as_str(), user.enabled)).collect();
    assert_eq!(seen, [("alice", true), ("bob żółw", false)]);
    assert_eq!(users.as_slice()[0].password_hash.expose(), HASH);
    assert_eq!(users.as_slice()[0].name.to_string(), "alice");
}

#[test]
fn a_user_has_groups_and_may_expire() {
    for (written, moment) in [
        ("2027-01-31", "2027-01-31T00:00:00Z"),
        ("2027-01-31T18:00:00+01:00", "2027-01-31T17:00:00Z"),
        ("2027-01-31 18:00:00.5Z", "2027-01-31T18:00:00.5Z"),
    ] {
        let text = format!("{}groups = [\"staff\", \"ops\"]\nexpires = {written}\n", user("alice", HASH));
        let users = users::load("users.toml", &text).expect(written);
        let alice = &users.as_slice()[0];
        assert_eq!(alice.groups.iter().map(users::UserName::as_str).collect::<Vec<_>>(), ["staff", "ops"]);
        assert_eq!(alice.expires.expect("it is written").timestamp().to_string(), moment);
    }
}

#[test]
fn an_expiry_that_is_no_moment_is_refused() {
    for (written, fault) in [
        ("2027-01-31T18:00:00", "must be a date, or a date and time with an offset, not a datetime"),
        ("18:00:00", "must be a date, or a date and time with an offset, not a datetime"),
        ("\"2027-01-31\"", "must be a date, or a date and time with an offset, not a string"),
    ] {
        let text = format!("{}expires = {written}\n", user("alice", HASH));
        let found = problems(&text).join("\n");
        assert!(found.contains("users.toml:4:11: users[0].expires: ") && found.contains(fault), "{found}");
        assert!(found.contains("write 2027-01-31 or 2027-01-31T18:00:00+01:00"), "{found}");
    }
}

#[test]
fn a_hash_is_never_shown() {
    let users = users::load("users.toml", &user("alice", HASH)).expect("a right file");
    let shown = format!("{users:?}");
    assert!(shown.contains("alice"), "{shown}");
    assert!(!shown.contains("argon2id") && !shown.contains("c29tZXNhbHR"), "{shown}");
}

#[test]
fn every_problem_of_a_users_file_is_reported() {
    let text = format!(
        "[[users]]\nname = \"alice\"\npasword_hash = \"x\"\npassword_hash = \"{HASH}\"\n\
         [[users]]\npassword_hash = \"$2b$10$x\"\nenabled = 1\n\
         [[users]]\nname = \"alice\"\npassword_hash = \"{HASH}\"\n\
         [[users]]\nname = \"carol\"\n\
         [user]\n"
    );
    let expected = [
        "users.toml:3:1: users[0].pasword_hash: unknown key; did you mean \"password_hash\"?",
        "users.toml:5:1: users[1].name: is missing; add name = \"alice\"",
        "users.toml:6:17: users[1].password_hash: is not an argon2id hash; make one with `rustsocks hash-password`",
        "users.toml:7:11: users[1].enabled: must be true or false, not an integer",
        "users.toml:9:8: users[2].name: \"alice\" is already a user at users.toml:2; remove one of the two",
        "users.toml:11:1: users[3].password_hash: is missing; \
         add password_hash = \"$argon2id$…\", as `rustsocks hash-password` prints it",
        "users.toml:13:2: user: unknown table or key; did you mean \"users\"?",
    ];
    assert_eq!(problems(&text), expected);
}

#[test]
fn a_file_without_users_is_refused() {
    for text in ["", "# nobody yet\n"] {
        let expected = ["users.toml:1:1: users: the file names no user, so nobody could log in; add a [[users]] table"];
        assert_eq!(problems(text), expected);
    }
}

#[test]
fn a_syntax_error_quotes_nothing_of_a_file_with_secrets() {
    let problems = problems(&format!("[[users]]\nname = \"alice\"\npassword_hash = \"{HASH}\n"));
    assert!(problems[0].starts_with("users.toml:3:"), "{problems:#?}");
    assert!(problems.iter().all(|line| !line.contains("argon2id")), "{problems:#?}");
}

#[test]
fn names_have_1_to_255_bytes_without_control_characters() {
    for name in ["a", "ż", &"n".repeat(255)] {
        users::load("users.toml", &user(name, HASH)).expect("a name within the bounds");
    }
    for name in ["", &"n".repeat(256), &"ż".repeat(128), "a\\u0000b", "line\\nbreak"] {
        let problems = problems(&user(name, HASH));
        let expected =
            "users.toml:2:8: users[0].name: cannot be a user's name; use 1 to 255 bytes without control characters";
        assert_eq!(problems, [expected], "{name:?}");
    }
}

#[test]
fn only_hashes_that_are_affordable_to_check_are_accepted() {
    let accepted = ["m=19456,t=2,p=1", "m=262144,t=10,p=4", "m=8,t=1,p=1", "m=32,t=1,p=4"];
    for parameters in accepted {
        users::load("users.toml", &user("alice", &hash(parameters))).unwrap_or_else(|problems| panic!("{problems}"));
    }
    let refused = [
        ("m=262145,t=2,p=1", "costs too much"),
        ("m=19456,t=11,p=1", "costs too much"),
        ("m=19456,t=2,p=5", "costs too much"),
        ("m=4294967295,t=4294967295,p=1", "costs too much"),
        ("m=4294967296,t=2,p=1", "is damaged"),
        ("m=7,t=1,p=1", "is damaged"),
        ("m=31,t=1,p=4", "is damaged"),
        ("m=4294967295,t=1,p=4294967295", "costs too much"),
        ("m=19456,t=0,p=1", "is damaged"),
        ("m=19456,t=2,p=0", "is damaged"),
        ("m=019456,t=2,p=1", "is damaged"),
        ("m=+19456,t=2,p=1", "is damaged"),
        ("m=,t=2,p=1", "is damaged"),
        ("t=2,m=19456,p=1", "is damaged"),
        ("m=19456,t=2", "is damaged"),
        ("m=19456,t=2,p=1,data=x", "is damaged"),
        ("", "is damaged"),
    ];
    for (parameters, expected) in refused {
        let problems = problems(&user("alice", &hash(parameters)));
        assert!(problems.len() == 1 && problems[0].contains(expected), "{parameters}: {problems:#?}");
    }
}

#[test]
fn damaged_hashes_are_refused_without_being_shown() {
    let damaged = [
        "$argon2id$",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$bWFueWJ5dGVzb2ZoYXNo$more",
        "$argon2id$v=19$m=19456,t=2,p=1$short$bWFueWJ5dGVzb2ZoYXNo",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$bWFueWJ5dGV=c29maGFzaA",
        "$argon2id$v=16$m=19456,t=2,p=1$c29tZXNhbHRzb21l$bWFueWJ5dGVzb2ZoYXNo",
        "$argon2id$m=19456,t=2,p=1$c29tZXNhbHRzb21l$bWFueWJ5dGVzb2ZoYXNo",
    ];
    for hash in damaged {
        let problems = problems(&user("alice", hash));
        assert!(problems.len() == 1 && problems[0].contains("is damaged"), "{hash}: {problems:#?}");
        assert!(!problems[0].contains("c29tZXNhbHR"), "{problems:#?}");
    }
}

fn user(name: &str, hash: &str) -> String {
    format!("[[users]]\nname = \"{name}\"\npassword_hash = \"{hash}\"\n")
}

fn hash(parameters: &str) -> String {
    format!("$argon2id$v=19${parameters}$c29tZXNhbHRzb21l$bWFueWJ5dGVzb2ZoYXNo")
}

fn problems(text: &str) -> Vec<String> {
    let problems = users::load("users.toml", text).expect_err("the file is wrong");
    problems.as_slice().iter().map(ToString::to_string).collect()
}

#[test]
fn a_user_may_have_limits_of_his_own() {
    let text = format!(
        "{}max_connections = 5\nmax_sources = 3\nmax_age_secs = 0\nconnection_timeout_secs = 60\nhalf_closed_secs = 7\nudp_idle_secs = 9\nbandwidth_limit_mbps = \"8:0\"\nbandwidth_guaranteed_mbps = 4\nbandwidth_priority = 7\nbandwidth_burst_kib = 64\n{}",
        user("alice", HASH),
        user("bob", HASH)
    );
    let users = users::load("users.toml", &text).expect("both are right");
    let limits = users.as_slice().iter().map(|user| user.limits).collect::<Vec<_>>();
    let alice = limits[0];
    let rates = alice.bandwidth.expect("it is written");
    assert_eq!((rates.up.bytes(), rates.down.bytes()), (1_000_000, 0));
    assert_eq!(alice.guaranteed.map(config::Rate::bytes), Some(500_000));
    let alice = users::UserLimits {
        max_connections: Some(5),
        max_sources: Some(3),
        max_age_secs: Some(0),
        idle_secs: Some(60),
        half_closed_secs: Some(7),
        udp_idle_secs: Some(9),
        bandwidth: alice.bandwidth,
        guaranteed: alice.guaranteed,
        priority: Some(7),
        burst_kib: Some(64),
    };
    assert_eq!(limits, [alice, users::UserLimits::default()]);
    let found = problems(&format!("{}half_closed_secs = 86401\n", user("alice", HASH))).join("\n");
    assert!(found.contains("users[0].half_closed_secs: must be a whole number from 0 to 86400, not 86401"), "{found}");
}

#[test]
fn a_user_may_have_another_amount_of_a_quota() {
    let text = format!("{}quotas = [\"monthly:50\", \"daily:0\", \"a:b:0.5\"]\n", user("alice", HASH));
    let users = users::load("users.toml", &text).expect("it is right");
    let quotas = &users.as_slice()[0].quotas;
    let quotas: Vec<_> = quotas.iter().map(|quota| (quota.quota.as_str(), quota.amount.bytes())).collect();
    assert_eq!(quotas, [("monthly", 50_000_000_000), ("daily", 0), ("a:b", 500_000_000)]);
    let found = problems(&format!("{}quotas = [\"monthly\"]\n", user("alice", HASH))).join("\n");
    assert!(found.contains("\"monthly\" is not the name of a quota and a number of gigabytes"), "{found}");
    let found = problems(&format!("{}quotas = [\"a:1\", \"a:2\"]\n", user("alice", HASH))).join("\n");
    assert!(found.contains("users[0].quotas: names a quota twice; name each quota once"), "{found}");
}
