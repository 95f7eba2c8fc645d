//! One change at a time: what is edited changes, and every other byte stays.

#![expect(clippy::unwrap_used, reason = "the lint knows test functions, but not the helpers beside them")]

use policy::{Document, Edit, Entry, Misfit, compare, text_difference};
use serde_json::{Value, json};

const FILE: &str = r#"# Who may go where.

[global]
default_policy = "deny" # until further notice

# Everybody who writes code.
[[groups]]
name = "developers"

  # the test network
  [[groups.rules]]
  action = "allow"
  destinations = ["10.0.0.0/8"] # all of it
  ports = ["22",  "80"]

# Alice is on call.
[[users]]
username = "alice"
groups = ["developers"]

  # production, for deploys
  [[users.rules]]
  action = "allow"
  destinations = ["prod-*.company.com"]

# A word about mail, for the file.

  # never
  [[users.rules]]
  action = "block"
  destinations = ["mail.company.com"]

# The end.
"#;

fn edit(op: Value) -> Edit {
    serde_json::from_value(op).unwrap()
}

fn after(text: &str, ops: &[Value]) -> String {
    let mut document = Document::parse(text).unwrap();
    for op in ops {
        document.apply(&edit(op.clone())).unwrap();
    }
    document.text()
}

/// The lines that an edit removes and adds, but for empty ones.
fn check(op: &Value, removed: &[&str], added: &[&str]) {
    let now = after(FILE, std::slice::from_ref(op));
    let lines = |text: &str, sign: char| -> Vec<String> {
        text.lines()
            .filter_map(|line| line.strip_prefix(sign))
            .filter(|line| !line.is_empty() && !line.starts_with(['-', '+']))
            .map(str::to_owned)
            .collect()
    };
    let difference = text_difference(FILE, &now, "before", "after");
    assert_eq!(lines(&difference, '-'), removed, "{op}\n{now}");
    assert_eq!(lines(&difference, '+'), added, "{op}\n{now}");
}

#[test]
fn a_document_that_nobody_edits_stays_as_it_is() {
    assert_eq!(after(FILE, &[]), FILE);
    let shipped = include_str!("../../../../config/acl.toml");
    assert_eq!(after(shipped, &[]), shipped);
}

#[test]
fn one_value_changes_and_its_comment_stays() {
    check(
        &json!({"op": "rule.set", "ref": "groups/developers#1", "rule":
            {"action": "allow", "destinations": ["10.0.0.0/8", "192.168.0.0/16"], "ports": ["22", "80"]}}),
        &["  destinations = [\"10.0.0.0/8\"] # all of it"],
        &["  destinations = [\"10.0.0.0/8\", \"192.168.0.0/16\"] # all of it"],
    );
    check(
        &json!({"op": "global.set", "default_policy": "allow"}),
        &["default_policy = \"deny\" # until further notice"],
        &["default_policy = \"allow\" # until further notice"],
    );
    check(
        &json!({"op": "owner.set", "owner": "users/alice", "groups": ["developers", "ssh-users"]}),
        &["groups = [\"developers\"]"],
        &["groups = [\"developers\", \"ssh-users\"]"],
    );
    check(&json!({"op": "owner.set", "owner": "users/alice"}), &["groups = [\"developers\"]"], &[]);
}

#[test]
fn keys_come_and_go() {
    check(
        &json!({"op": "rule.set", "ref": "users/alice#1", "rule": {"action": "allow", "description": "deploys",
            "destinations": ["prod-*.company.com"], "priority": 5, "valid_until": "2030-01-31T18:00:00+01:00",
            "time": {"hours": ["08:00-18:00"]}, "bandwidth_per_user_mbps": 0.5, "max_connections": 7}}),
        &[],
        &[
            "  description = \"deploys\"",
            "  priority = 5",
            "  time = { hours = [\"08:00-18:00\"] }",
            "  valid_until = 2030-01-31T18:00:00+01:00",
            "  max_connections = 7",
            "  bandwidth_per_user_mbps = 0.5",
        ]
        .map(str::trim_start),
    );
    check(
        &json!({"op": "rule.set", "ref": "groups/developers#1", "rule":
        {"action": "allow", "destinations": ["10.0.0.0/8"]}}),
        &["  ports = [\"22\",  \"80\"]"],
        &[],
    );
}

#[test]
fn a_new_rule_stands_where_it_is_wanted_in_the_manner_of_its_neighbours() {
    let rule = json!({"action": "allow", "destinations": ["a.example.com"], "description": "new"});
    let new = [
        "  [[users.rules]]",
        "  action = \"allow\"",
        "  description = \"new\"",
        "  destinations = [\"a.example.com\"]",
    ];
    check(&json!({"op": "rule.add", "owner": "users/alice", "rule": rule}), &[], &new);
    check(&json!({"op": "rule.add", "owner": "users/alice", "rule": rule, "before": "users/alice#1"}), &[], &new);
    let first =
        after(FILE, &[json!({"op": "rule.add", "owner": "users/alice", "rule": rule, "before": "users/alice#1"})]);
    assert_eq!(destinations(&first, "users/alice"), ["a.example.com", "prod-*.company.com", "mail.company.com"]);
    let last = after(FILE, &[json!({"op": "rule.add", "owner": "users/alice", "rule": rule})]);
    assert_eq!(destinations(&last, "users/alice"), ["prod-*.company.com", "mail.company.com", "a.example.com"]);
    let group = after(FILE, &[json!({"op": "rule.add", "owner": "groups/developers", "rule": rule})]);
    assert!(group.find("a.example.com") < group.find("# Alice is on call."), "{group}");
}

#[test]
fn an_owner_without_a_table_gets_one_with_its_first_rule() {
    check(
        &json!({"op": "rule.add", "owner": "users/bob", "rule": {"action": "block", "destinations": ["*"]}}),
        &[],
        &["[[users]]", "username = \"bob\"", "[[users.rules]]", "action = \"block\"", "destinations = [\"*\"]"],
    );
    check(&json!({"op": "owner.add", "owner": "groups/guests"}), &[], &["[[groups]]", "name = \"guests\""]);
    let empty = after(
        "",
        &[
            json!({"op": "global.set", "default_policy": "deny"}),
            json!({"op": "rule.add", "owner": "users/*", "rule": {"action": "allow", "destinations": ["@public"]}}),
        ],
    );
    assert_eq!(
        empty.trim_start(),
        "[global]\ndefault_policy = \"deny\"\n\n[[users]]\nusername = \"*\"\n\n[[users.rules]]\naction = \"allow\"\ndestinations = [\"@public\"]\n"
    );
}

#[test]
fn a_rule_goes_with_its_comment_and_leaves_what_stands_alone() {
    check(
        &json!({"op": "rule.del", "ref": "users/alice#2"}),
        &["  # never", "  [[users.rules]]", "  action = \"block\"", "  destinations = [\"mail.company.com\"]"],
        &[],
    );
    let without_both = after(
        FILE,
        &[json!({"op": "rule.del", "ref": "users/alice#2"}), json!({"op": "rule.del", "ref": "users/alice#1"})],
    );
    assert!(without_both.contains("# A word about mail, for the file."), "{without_both}");
    assert!(without_both.contains("# The end."), "{without_both}");
    assert!(!without_both.contains("deploys") && !without_both.contains("never"), "{without_both}");
    let without_group = after(FILE, &[json!({"op": "owner.del", "owner": "groups/developers"})]);
    assert!(!without_group.contains("Everybody who writes code"), "{without_group}");
    assert!(without_group.starts_with("# Who may go where.\n\n[global]"), "{without_group}");
}

#[test]
fn a_rule_moves_with_its_comment() {
    let moved = after(FILE, &[json!({"op": "rule.move", "ref": "users/alice#2", "before": "users/alice#1"})]);
    assert_eq!(destinations(&moved, "users/alice"), ["mail.company.com", "prod-*.company.com"]);
    assert!(moved.find("# never") < moved.find("# production, for deploys"), "{moved}");
    let back = after(&moved, &[json!({"op": "rule.move", "ref": "users/alice#1"})]);
    assert_eq!(destinations(&back, "users/alice"), ["prod-*.company.com", "mail.company.com"]);
}

#[test]
fn tables_that_are_mixed_up_are_edited_all_the_same() {
    let mixed = "[[users]]\nusername = \"a\"\n[[groups]]\nname = \"g\"\n[[users]]\nusername = \"b\"\n[[users.rules]]\naction = \"allow\"\ndestinations = [\"x\"]\n[global]\ndefault_policy = \"deny\"\n";
    assert_eq!(after(mixed, &[]), mixed);
    let now = after(
        mixed,
        &[
            json!({"op": "rule.add", "owner": "users/a", "rule": {"action": "allow", "destinations": ["y"]}}),
            json!({"op": "rule.add", "owner": "groups/g", "rule": {"action": "allow", "destinations": ["z"]}}),
        ],
    );
    let heads: Vec<&str> = now.lines().filter(|line| line.starts_with('[')).collect();
    assert_eq!(
        heads,
        ["[[users]]", "[[users.rules]]", "[[groups]]", "[[groups.rules]]", "[[users]]", "[[users.rules]]", "[global]"]
    );
    assert_eq!(destinations(&now, "users/b"), ["x"]);
}

#[test]
fn what_does_not_fit_changes_nothing_and_says_why() {
    let rule = json!({"action": "allow", "destinations": ["x"]});
    let nothing = json!({"action": "allow", "priority": null});
    let date = json!({"valid_until": "tomorrow"});
    for (op, why) in [
        (json!({"op": "rule.set", "ref": "users/alice#3", "rule": rule}), "there is no rule users/alice#3"),
        (json!({"op": "rule.del", "ref": "users/bob#1"}), "there is no rule users/bob#1"),
        (json!({"op": "rule.move", "ref": "users/alice#9"}), "there is no rule users/alice#9"),
        (
            json!({"op": "rule.add", "owner": "users/alice", "rule": rule, "before": "users/bob#1"}),
            "users/bob#1 belongs to somebody else",
        ),
        (json!({"op": "owner.del", "owner": "users/bob"}), "there is no table for users/bob"),
        (json!({"op": "owner.add", "owner": "users/alice"}), "users/alice has a table already"),
        (
            json!({"op": "owner.set", "owner": "groups/developers", "groups": []}),
            "groups/developers is a group, and groups are in no groups",
        ),
        (
            json!({"op": "rule.set", "ref": "users/alice#1", "rule": nothing}),
            "priority: has no value; leave the key out instead",
        ),
        (json!({"op": "rule.set", "ref": "users/alice#1", "rule": date}), "valid_until: must be a date as in RFC 3339"),
    ] {
        let mut document = Document::parse(FILE).unwrap();
        let misfit: Misfit = document.apply(&edit(op.clone())).unwrap_err();
        assert_eq!(misfit.to_string(), why, "{op}");
        assert_eq!(document.text(), FILE, "{op}");
    }
}

#[test]
fn tables_of_another_form_are_left_to_the_editor_of_the_text() {
    for (text, op) in [
        ("global = 1\n", json!({"op": "global.set", "default_policy": "deny"})),
        (
            "users = [{ username = \"alice\" }]\n",
            json!({"op": "rule.add", "owner": "users/alice", "rule": {"action": "allow"}}),
        ),
        (
            "[[users]]\nusername = \"alice\"\nrules = []\n",
            json!({"op": "rule.add", "owner": "users/alice", "rule": {"action": "allow"}}),
        ),
    ] {
        let mut document = Document::parse(text).unwrap();
        let misfit = document.apply(&edit(op)).unwrap_err();
        assert!(matches!(misfit, Misfit::OtherForm(_)), "{misfit}");
        assert_eq!(document.text(), text);
    }
    let inline =
        after("global = { default_policy = \"deny\" }\n", &[json!({"op": "global.set", "default_policy": "allow"})]);
    assert_eq!(inline, "global = { default_policy = \"allow\" }\n");
}

#[test]
fn what_is_no_toml_is_said_with_its_place() {
    let syntax = Document::parse("[global]\ndefault_policy = deny\n").unwrap_err();
    assert_eq!((syntax.line, syntax.column), (2, 18), "{syntax}");
}

#[test]
fn differences_are_told_by_rule() {
    let now = after(
        FILE,
        &[
            json!({"op": "rule.set", "ref": "users/alice#1", "rule": {"action": "allow", "destinations": ["prod-*.company.com", "db"]}}),
            json!({"op": "rule.add", "owner": "groups/developers", "rule": {"action": "allow", "destinations": ["x"], "ports": ["1"], "log": "warn"}}),
            json!({"op": "rule.del", "ref": "users/alice#2"}),
            json!({"op": "owner.add", "owner": "users/bob", "groups": ["developers"]}),
            json!({"op": "global.set", "default_policy": "allow"}),
        ],
    );
    let [before, after] = [FILE, &now].map(|text| Document::parse(text).unwrap().outline());
    let changes = serde_json::to_value(compare(&before, &after)).unwrap();
    let short: Vec<_> = changes
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (change["owner"].as_str().unwrap(), change["ref"].as_str(), change["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(
        short,
        [
            ("global", None, "chg"),
            ("groups/developers", Some("groups/developers#2"), "add"),
            ("users/alice", Some("users/alice#1"), "chg"),
            ("users/alice", Some("users/alice#2"), "del"),
            ("users/bob", None, "add"),
        ]
    );
    assert_eq!(changes[2]["after"]["destinations"], json!(["prod-*.company.com", "db"]));
    assert!(compare(&before, &before).is_empty());
}

#[test]
fn an_order_that_changed_is_told_as_that() {
    let now = after(FILE, &[json!({"op": "rule.move", "ref": "users/alice#2", "before": "users/alice#1"})]);
    let [before, after] = [FILE, &now].map(|text| Document::parse(text).unwrap().outline());
    let changes = compare(&before, &after);
    assert_eq!(changes.len(), 1);
    assert_eq!(serde_json::to_value(changes[0].kind).unwrap(), "mov");
}

fn destinations(text: &str, owner: &str) -> Vec<String> {
    let outline = Document::parse(text).unwrap().outline();
    let share = outline.share(&owner.parse().unwrap()).unwrap().clone();
    let first = |rule: &Entry| rule.get("destinations").unwrap()[0].as_str().unwrap().to_owned();
    share.rules.iter().map(first).collect()
}
