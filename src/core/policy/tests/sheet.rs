//! Users files and configurations are edited key by key, compared, and merged table by table.
#![expect(clippy::needless_pass_by_value, reason = "tests write what they edit where they use it")]

use std::collections::BTreeMap;

use policy::{ConfigurationEdit, Pick, Sheet, SheetMerge, UserEdit, compare_tables};
use serde_json::{Value, json};

const USERS: &str = r#"# Who may log in.

[[users]]
name = "alice" # since 2024
password_hash = "x"
groups = ["staff"] # for now

# On leave.
[[users]]
name = "bob"
password_hash = "y"
enabled = false

# That is all.
"#;

const CONFIGURATION: &str = r#"# Ours.
[server]
bind_port = 1080 # as ever

[limits]
max_connections = 100

[[limits.groups]]
name = "staff" # all of them
max_connections = 7

[[listen]]
address = "127.0.0.1:1081"
"#;

fn users(text: &str, ops: Value) -> Result<String, String> {
    let mut sheet = Sheet::parse(text).expect("TOML");
    for op in ops.as_array().expect("a list") {
        let edit: UserEdit = serde_json::from_value(op.clone()).map_err(|error| error.to_string())?;
        sheet.edit_users(&edit).map_err(|misuse| misuse.to_string())?;
    }
    Ok(sheet.text())
}

fn configured(text: &str, ops: Value) -> Result<String, String> {
    let mut sheet = Sheet::parse(text).expect("TOML");
    for op in ops.as_array().expect("a list") {
        let edit: ConfigurationEdit = serde_json::from_value(op.clone()).map_err(|error| error.to_string())?;
        sheet.configure(&edit).map_err(|misuse| misuse.to_string())?;
    }
    Ok(sheet.text())
}

#[test]
fn a_user_is_edited_and_the_rest_stays_to_the_byte() {
    for (ops, before, after) in [
        (json!([{"op": "user.enable", "name": "bob"}]), "enabled = false", "enabled = true"),
        (json!([{"op": "user.set", "name": "bob", "set": {"enabled": null}}]), "enabled = false\n", ""),
        (json!([{"op": "user.disable", "name": "alice"}]), "# for now\n", "# for now\nenabled = false\n"),
        (json!([{"op": "member.add", "group": "x", "name": "alice"}]), "[\"staff\"]", "[\"staff\", \"x\"]"),
        (json!([{"op": "group.add", "name": "x", "members": ["alice", "alice"]}]), "[\"staff\"]", "[\"staff\", \"x\"]"),
        (json!([{"op": "group.rename", "name": "staff", "to": "crew"}]), "[\"staff\"]", "[\"crew\"]"),
        (json!([{"op": "group.del", "name": "staff"}]), "[\"staff\"]", "[]"),
        (
            json!([{"op": "limit.set", "target": "user/bob", "limits": {"rate_mbps": 2.5, "conns": 3}}]),
            "enabled = false\n",
            "enabled = false\nbandwidth_limit_mbps = 2.5\nmax_connections = 3\n",
        ),
        (
            json!([{"op": "limit.set", "target": "user/bob", "limits": {"rate_mbps": "2.5:10"}}]),
            "enabled = false\n",
            "enabled = false\nbandwidth_limit_mbps = \"2.5:10\"\n",
        ),
        (json!([{"op": "user.enable", "name": "alice"}]), "", ""),
    ] {
        assert_eq!(
            users(USERS, ops.clone()),
            Ok(USERS.replacen(before, after, usize::from(!before.is_empty()))),
            "{ops}"
        );
    }
}

#[test]
fn users_come_and_go() {
    let added = users(
        USERS,
        json!([{"op": "user.add", "name": "carol", "user": {"password_hash": "z", "expires": "2027-01-31"}}]),
    );
    let added = added.expect("it fits");
    assert!(added.contains("\n[[users]]\nname = \"carol\"\nexpires = 2027-01-31\npassword_hash = \"z\"\n"), "{added}");
    assert_eq!(users(&added, json!([{"op": "user.del", "name": "carol"}])).as_deref(), Ok(USERS));
    let gone = users(USERS, json!([{"op": "user.del", "name": "alice"}])).expect("it fits");
    assert!(
        gone.starts_with("# Who may log in.\n") && gone.contains("# On leave.\n[[users]]\nname = \"bob\""),
        "{gone}"
    );
}

#[test]
fn another_name_comes_after_all_else_that_is_set() {
    let set = json!({"name": "bert", "password_hash": "z", "udp_idle_secs": 9, "enabled": null});
    let renamed = users(USERS, json!([{"op": "user.set", "name": "bob", "set": set}])).expect("it fits");
    assert_eq!(renamed.matches("[[users]]").count(), 2, "{renamed}");
    let of_bob = "name = \"bert\"\npassword_hash = \"z\"\nudp_idle_secs = 9\n\n# That is all.";
    assert!(renamed.contains(of_bob), "{renamed}");
}

#[test]
fn whoever_is_added_has_the_name_that_the_edit_says() {
    let added = users(USERS, json!([{"op": "user.add", "name": "carol", "user": {"name": "eve"}}])).expect("it fits");
    assert!(added.contains("name = \"carol\"") && !added.contains("eve"), "{added}");
}

#[test]
fn who_has_no_name_or_that_of_another_goes_by_a_number() {
    let text = "[[users]]\nname = \"2\"\n[[users]]\ngroups = [\"x\"]\n[[users]]\nname = \"2\"\n";
    let by_number = users(text, json!([{"op": "member.add", "group": "y", "name": "3"}])).expect("it fits");
    assert_eq!(by_number, format!("{text}groups = [\"y\"]\n"));
    let many = users(text, json!([{"op": "group.add", "name": "y", "members": ["3"]}])).expect("it fits");
    assert_eq!(many, by_number);
    let by_name = users(text, json!([{"op": "user.disable", "name": "2"}])).expect("it fits");
    assert_eq!(by_name, text.replacen("\"2\"\n", "\"2\"\nenabled = false\n", 1));
    for nobody in ["1", "4", "0", "03", "+3"] {
        assert!(users(text, json!([{"op": "user.enable", "name": nobody}])).is_err(), "{nobody}");
    }
    let renamed = users(text, json!([{"op": "group.rename", "name": "x", "to": "z"}])).expect("it fits");
    assert_eq!(renamed, text.replace("\"x\"", "\"z\""));
}

#[test]
fn an_edit_that_does_not_fit_says_why() {
    for (op, why) in [
        (json!({"op": "user.del", "name": "eve"}), "there is no user \"eve\""),
        (json!({"op": "user.add", "name": "bob"}), "there is a user \"bob\" already"),
        (json!({"op": "group.add", "name": "x", "members": []}), "a group is there as long as somebody is in it"),
        (json!({"op": "group.add", "name": "x", "members": ["bob", "eve"]}), "there is no user \"eve\""),
        (json!({"op": "group.del", "name": "x"}), "there is no group \"x\""),
        (json!({"op": "member.del", "group": "x", "name": "bob"}), "there is no \"bob\" in \"x\""),
        (json!({"op": "limit.set", "target": "global", "limits": {"conns": 1}}), "the store config has the rest"),
        (json!({"op": "limit.set", "target": "user/bob", "limits": {}}), "nothing is said of it"),
        (
            json!({"op": "limit.set", "target": "user/bob", "limits": {"rate_mbps": true}}),
            "a rate is a number of megabits",
        ),
        (json!({"op": "user.burn", "name": "bob"}), "unknown variant"),
    ] {
        let found = users(USERS, json!([op.clone()])).expect_err("it does not fit");
        assert!(found.contains(why), "{op}: {found}");
    }
    for (op, why) in [
        (json!({"op": "set", "key": "bind_port", "value": 1}), "names no key"),
        (json!({"op": "unset", "key": "server.mode"}), "there is no server.mode"),
        (json!({"op": "unset", "key": "udp.mode"}), "there is no udp"),
        (json!({"op": "set", "key": "server.bind_port.x", "value": 1}), "is not written as a table"),
        (json!({"op": "set", "key": "server.bind_port", "value": null}), "has no value"),
        (json!({"op": "limit.set", "target": "user/bob", "limits": {"conns": 1}}), "is in the store users"),
        (json!({"op": "limit.set", "target": "source", "limits": {"rate_mbps": 1}}), "a source has no rate"),
        (json!({"op": "limit.set", "target": "global", "limits": {"burst_kib": 1}}), "only a user or a group"),
    ] {
        let found = configured(CONFIGURATION, json!([op.clone()])).expect_err("it does not fit");
        assert!(found.contains(why), "{op}: {found}");
    }
}

#[test]
fn a_configuration_is_edited_and_the_rest_stays_to_the_byte() {
    for (ops, before, after) in [
        (json!([{"op": "set", "key": "server.bind_port", "value": 1085}]), "1080 #", "1085 #"),
        (
            json!([{"op": "set", "key": "limits.groups/staff.max_connections", "value": 9}]),
            "max_connections = 7",
            "max_connections = 9",
        ),
        (json!([{"op": "set", "key": "listen/1.address", "value": "[::1]:1"}]), "127.0.0.1:1081", "[::1]:1"),
        (json!([{"op": "unset", "key": "limits.max_connections"}]), "max_connections = 100\n", ""),
        (
            json!([{"op": "limit.set", "target": "users", "limits": {"rate_mbps": 8}}]),
            "max_connections = 100\n",
            "max_connections = 100\nbandwidth_per_user_mbps = 8\n",
        ),
        (json!([{"op": "limit.del", "target": "group/staff"}]), "max_connections = 7\n", ""),
    ] {
        let expected = CONFIGURATION.replacen(before, after, 1);
        assert_eq!(configured(CONFIGURATION, ops.clone()), Ok(expected), "{ops}");
    }
    let new = configured(
        CONFIGURATION,
        json!([
            {"op": "set", "key": "auth.pam.verbose", "value": true},
            {"op": "limit.set", "target": "group/guests", "limits": {"conns": 2}},
        ]),
    );
    let new = new.expect("it fits");
    assert!(new.starts_with(CONFIGURATION), "{new}");
    for part in ["\n[auth.pam]\nverbose = true\n", "\n[[limits.groups]]\nname = \"guests\"\nmax_connections = 2\n"] {
        assert!(new.contains(part), "{new}");
    }
}

#[test]
fn what_is_empty_goes_with_its_last_limit_unless_somebody_wrote_beside_it() {
    let set = |target: &str| json!([{"op": "limit.set", "target": target, "limits": {"conns": 2}}]);
    let lift = |target: &str| json!([{"op": "limit.del", "target": target}]);
    for (text, target) in
        [(CONFIGURATION, "group/guests"), ("[server]\nbind_port = 1\n", "group/guests"), ("", "global")]
    {
        let limited = configured(text, set(target)).expect("it fits");
        assert_ne!(limited, text);
        assert_eq!(configured(&limited, lift(target)).as_deref(), Ok(text), "{target}");
    }
    let two = "[limits]\n\n# Of all.\n\n[[limits.groups]]\nname = \"a\"\nmax_connections = 1\n[[limits.groups]]\nname = \"b\"\n";
    let one = "[limits]\n\n# Of all.\n[[limits.groups]]\nname = \"b\"\n";
    assert_eq!(configured(two, lift("group/a")).as_deref(), Ok(one), "what stands alone stays");
    assert_eq!(configured(two, lift("group/b")).as_deref(), Ok(two), "nothing was said of it");
    for words in [
        "# Ask Eve.\n[[limits.groups]]\nname = \"a\"\n",
        "[[limits.groups]] # Eve\nname = \"a\"\n",
        "[[limits.groups]]\n# Eve\nname = \"a\"\n",
        "[[limits.groups]]\nname = \"a\" # Eve\n",
        "[[limits.groups]]\nname = \"a\"\nbandwidth_weight = 2\n",
    ] {
        let limited = format!("{words}max_connections = 1\n");
        assert_eq!(configured(&limited, lift("group/a")).as_deref(), Ok(words));
    }
}

#[test]
fn a_difference_is_told_table_by_table() {
    let after = users(USERS, json!([{"op": "user.enable", "name": "bob"}, {"op": "user.del", "name": "alice"}]));
    let [before, after] = [USERS, &after.expect("it fits")].map(|text| Sheet::parse(text).expect("TOML"));
    let told = serde_json::to_value(compare_tables(&before, &after)).expect("it can be told");
    assert_eq!(told[0]["kind"], "del", "{told}");
    assert_eq!(
        told[1],
        json!({"owner": "users/bob", "kind": "chg", "before": {"enabled": false}, "after": {"enabled": true}})
    );
}

#[test]
fn three_versions_become_one() {
    let mine = users(
        USERS,
        json!([{"op": "user.set", "name": "alice", "set": {"max_connections": 3}}, {"op": "user.del", "name": "bob"}]),
    );
    let theirs = users(
        &USERS.replace("# On leave.", "# On leave till May."),
        json!([{"op": "user.disable", "name": "alice"}, {"op": "user.add", "name": "carol", "user": {"password_hash": "z"}}]),
    );
    let [base, mine, theirs] =
        [USERS, &mine.expect("it fits"), &theirs.expect("it fits")].map(|text| Sheet::parse(text).expect("TOML"));
    let merge = SheetMerge::of(&base, &mine, &theirs);
    let result = merge.result(&BTreeMap::new()).expect("nothing is in conflict").text();
    assert!(result.contains("max_connections = 3") && result.contains("enabled = false"), "{result}");
    assert!(result.contains("carol") && !result.contains("bob"), "{result}");

    let [one, other] = [4, 5].map(|most| {
        let text = users(USERS, json!([{"op": "user.set", "name": "bob", "set": {"max_connections": most}}]));
        Sheet::parse(&text.expect("it fits")).expect("TOML")
    });
    let merge = SheetMerge::of(&base, &one, &other);
    assert!(merge.result(&BTreeMap::new()).is_err(), "both said something else");
    for (pick, most) in [(Pick::Mine, 4), (Pick::Theirs, 5)] {
        let result = merge.result(&BTreeMap::from([(0, pick)])).expect("it is settled").text();
        assert!(result.contains(&format!("max_connections = {most}")), "{result}");
    }
}
