//! Three versions become one, and nothing that anybody wrote is lost unseen.

#![expect(clippy::unwrap_used, reason = "the lint knows test functions, but not the helpers beside them")]

use std::collections::BTreeMap;

use policy::{Document, Edit, Merge, Pick, Undecided};
use serde_json::{Value, json};

const BASE: &str = r#"[global]
default_policy = "deny"

[[groups]]
name = "developers"

  [[groups.rules]]
  action = "allow"
  destinations = ["10.0.0.0/8"]

[[users]]
username = "alice"
groups = ["developers"]

  # production
  [[users.rules]]
  action = "allow"
  destinations = ["prod-*.company.com"]
  ports = ["443"]

  [[users.rules]]
  action = "block"
  destinations = ["mail.company.com"]

[[users]]
username = "eve"

  [[users.rules]]
  action = "allow"
  destinations = ["10.9.0.0/16"]
"#;

fn edited(ops: &[Value]) -> Document {
    let mut document = Document::parse(BASE).unwrap();
    for op in ops {
        let edit: Edit = serde_json::from_value(op.clone()).unwrap();
        document.apply(&edit).unwrap();
    }
    document
}

fn merged(mine: &[Value], theirs: &[Value]) -> Merge {
    Merge::of(&edited(&[]), &edited(mine), &edited(theirs))
}

/// Owner, rule, and `mine`, `theirs`, `both` or the keys of a conflict.
fn items(merge: &Merge) -> Vec<String> {
    let items = serde_json::to_value(merge.items()).unwrap();
    let short = |item: &Value| {
        let whose = item["ref"].as_str().or(item["owner"].as_str()).unwrap().to_owned();
        let keys =
            item["keys"].as_array().map(|keys| keys.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","));
        let state = keys.map_or_else(|| item["kept"].as_str().unwrap().to_owned(), |keys| format!("conflict {keys}"));
        format!("{whose} {}", state.trim_end())
    };
    items.as_array().unwrap().iter().map(short).collect()
}

fn rule(action: &str, destinations: &[&str]) -> Value {
    json!({"action": action, "destinations": destinations})
}

fn set(place: &str, rule: &Value) -> Value {
    json!({"op": "rule.set", "ref": place, "rule": rule})
}

fn picked(merge: &Merge, picks: &[(usize, Pick)]) -> Document {
    merge.result(&picks.iter().cloned().collect()).unwrap()
}

#[test]
fn what_only_one_side_changed_is_in_the_result_with_their_comments() {
    let mine = [
        json!({"op": "rule.add", "owner": "groups/developers", "rule": rule("allow", &["*.staging.company.com"])}),
        json!({"op": "rule.del", "ref": "users/eve#1"}),
        json!({"op": "owner.add", "owner": "users/bob", "groups": ["developers"]}),
    ];
    let theirs = [
        json!({"op": "global.set", "default_policy": "allow"}),
        set("users/alice#2", &json!({"action": "block", "destinations": ["mail.company.com"], "priority": 9})),
    ];
    let merge = merged(&mine, &theirs);
    assert_eq!(
        items(&merge),
        ["global theirs", "groups/developers#2 mine", "users/alice#2 theirs", "users/bob mine", "users/eve#1 mine"]
    );
    let both: Vec<Value> = theirs.iter().chain(&mine).cloned().collect();
    let result = picked(&merge, &[]);
    assert_eq!(result.outline(), edited(&both).outline());
    assert!(result.text().contains("# production"));
}

#[test]
fn different_keys_of_one_rule_are_no_conflict() {
    let prod = |more: Value| {
        let mut rule = json!({"action": "allow", "destinations": ["prod-*.company.com"], "ports": ["443"]});
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        set("users/alice#1", &rule)
    };
    let merge = merged(&[prod(json!({"ports": ["443", "5432"]}))], &[prod(json!({"description": "deploys"}))]);
    assert_eq!(items(&merge), ["users/alice#1 both"]);
    let expected = edited(&[prod(json!({"ports": ["443", "5432"], "description": "deploys"}))]);
    assert_eq!(picked(&merge, &[]).outline(), expected.outline());
}

#[test]
fn a_rule_that_both_changed_is_settled_by_whoever_edits() {
    let to = |destinations: &[&str]| {
        set("users/alice#1", &json!({"action": "allow", "destinations": destinations, "ports": ["443"]}))
    };
    let mine = to(&["prod-*.company.com", "192.168.100.0/24"]);
    let theirs = to(&["prod-*.company.com", "prod-eu-*.company.com"]);
    let merge = merged(std::slice::from_ref(&mine), std::slice::from_ref(&theirs));
    assert_eq!(items(&merge), ["users/alice#1 conflict destinations"]);
    assert!(matches!(merge.result(&BTreeMap::new()), Err(Undecided::Open(open)) if open == [0]));
    let both = to(&["prod-*.company.com", "prod-eu-*.company.com", "192.168.100.0/24"]);
    let other = json!({"action": "block", "destinations": ["*"]});
    let text = Pick::Rule(serde_json::from_value(other.clone()).unwrap());
    for (pick, expected) in
        [(Pick::Mine, mine), (Pick::Theirs, theirs), (Pick::Both, both), (text, set("users/alice#1", &other))]
    {
        assert_eq!(picked(&merge, &[(0, pick)]).outline(), edited(&[expected]).outline());
    }
}

#[test]
fn removed_here_and_changed_there_is_a_conflict() {
    let gone = json!({"op": "rule.del", "ref": "users/alice#1"});
    let changed =
        set("users/alice#1", &json!({"action": "block", "destinations": ["prod-*.company.com"], "ports": ["443"]}));
    let merge = merged(std::slice::from_ref(&gone), std::slice::from_ref(&changed));
    assert_eq!(items(&merge), ["users/alice#1 conflict"]);
    assert_eq!(picked(&merge, &[(0, Pick::Mine)]).outline(), edited(std::slice::from_ref(&gone)).outline());
    assert_eq!(picked(&merge, &[(0, Pick::Theirs)]).outline(), edited(std::slice::from_ref(&changed)).outline());
    let merge = merged(std::slice::from_ref(&changed), std::slice::from_ref(&gone));
    assert_eq!(picked(&merge, &[(0, Pick::Theirs)]).outline(), edited(&[gone]).outline());
    let kept = picked(&merge, &[(0, Pick::Mine)]).outline();
    assert_eq!(kept.share(&"users/alice".parse().unwrap()).unwrap().rules.len(), 2);
}

#[test]
fn a_table_that_one_side_removed_goes_unless_the_other_touched_it() {
    let gone = json!({"op": "owner.del", "owner": "users/eve"});
    let merge = merged(std::slice::from_ref(&gone), &[]);
    assert_eq!(items(&merge), ["users/eve mine"]);
    assert_eq!(picked(&merge, &[]).outline(), edited(std::slice::from_ref(&gone)).outline());
    let touched = json!({"op": "rule.add", "owner": "users/eve", "rule": rule("block", &["x"])});
    let merge = merged(std::slice::from_ref(&touched), std::slice::from_ref(&gone));
    assert_eq!(items(&merge), ["users/eve conflict"]);
    assert_eq!(picked(&merge, &[(0, Pick::Theirs)]).outline(), edited(std::slice::from_ref(&gone)).outline());
    assert_eq!(picked(&merge, &[(0, Pick::Mine)]).outline(), edited(std::slice::from_ref(&touched)).outline());
}

#[test]
fn what_both_sides_did_alike_is_done_once() {
    let ops = [
        json!({"op": "rule.add", "owner": "users/alice", "rule": rule("allow", &["new"])}),
        json!({"op": "rule.add", "owner": "users/bob", "rule": rule("allow", &["b"])}),
        json!({"op": "rule.del", "ref": "users/eve#1"}),
        json!({"op": "global.set", "default_policy": "allow"}),
    ];
    let merge = merged(&ops, &ops);
    assert!(items(&merge).iter().all(|item| item.ends_with("both")), "{:?}", items(&merge));
    assert_eq!(picked(&merge, &[]).text(), edited(&ops).text());
}

#[test]
fn new_rules_keep_their_order_and_their_place() {
    let add = |name: &str, before: &str| json!({"op": "rule.add", "owner": "users/alice", "rule": rule("allow", &[name]), "before": before});
    let mine = [add("first", "users/alice#2"), add("second", "users/alice#3")];
    let theirs = [add("top", "users/alice#1")];
    let merge = merged(&mine, &theirs);
    let outline = picked(&merge, &[]).outline();
    let rules = &outline.share(&"users/alice".parse().unwrap()).unwrap().rules;
    let destinations: Vec<&str> =
        rules.iter().map(|rule| rule.get("destinations").unwrap()[0].as_str().unwrap()).collect();
    assert_eq!(destinations, ["top", "prod-*.company.com", "first", "second", "mail.company.com"]);
}

mod properties {
    #![expect(clippy::unwrap_used, reason = "the lint knows test functions, but not the strategies beside them")]

    use policy::{Entry, Owner};
    use proptest::prelude::*;

    use super::*;

    fn owner() -> impl Strategy<Value = Owner> {
        prop_oneof![
            Just(Owner::User("alice".into())),
            Just(Owner::User("eve".into())),
            Just(Owner::User("bob".into())),
            Just(Owner::Group("developers".into())),
            Just(Owner::Group("guests".into())),
        ]
    }

    fn entry() -> impl Strategy<Value = Entry> {
        (0_u8..4, 0_u8..3, prop::option::of(0_i64..3)).prop_map(|(destination, port, priority)| {
            let mut rule =
                json!({"action": "allow", "destinations": [format!("d{destination}")], "ports": [port.to_string()]});
            if let Some(priority) = priority {
                rule["priority"] = json!(priority);
            }
            serde_json::from_value(rule).unwrap()
        })
    }

    fn edit() -> impl Strategy<Value = Edit> {
        let place = || (owner(), 0_usize..3).prop_map(|(owner, index)| owner.rule(index));
        prop_oneof![
            3 => (owner(), entry(), prop::option::of(0_usize..3)).prop_map(|(owner, rule, before)| {
                let before = before.map(|index| owner.rule(index));
                Edit::AddRule { owner, rule, before }
            }),
            3 => (place(), entry()).prop_map(|(place, rule)| Edit::SetRule { place, rule }),
            2 => place().prop_map(|place| Edit::RemoveRule { place }),
            1 => (place(), prop::option::of(0_usize..3)).prop_map(|(place, before)| {
                let before = before.map(|index| place.owner.rule(index));
                Edit::MoveRule { place, before }
            }),
            1 => owner().prop_map(|owner| Edit::AddOwner { owner, groups: None }),
            1 => owner().prop_map(|owner| Edit::RemoveOwner { owner }),
            1 => (owner(), prop::option::of(prop::collection::vec("[a-c]", 0..3)))
                .prop_map(|(owner, groups)| Edit::SetOwner { owner, groups }),
            1 => prop_oneof![Just("allow"), Just("deny")].prop_map(|word| Edit::SetGlobal { default_policy: word.into() }),
        ]
    }

    /// What is left of random edits; those that do not fit change nothing.
    fn document() -> impl Strategy<Value = Document> {
        prop::collection::vec(edit(), 0..12).prop_map(|edits| {
            let mut document = edited(&[]);
            for edit in edits {
                let before = document.text();
                if document.apply(&edit).is_err() {
                    assert_eq!(document.text(), before, "{edit:?}");
                }
            }
            document
        })
    }

    /// What a document says, whatever the order of rules and of tables.
    fn said(document: &Document) -> Vec<String> {
        let outline = document.outline();
        let rules = outline.shares.iter().flat_map(|share| {
            let of = |what: String| format!("{} {what}", share.owner);
            let groups = of(format!("{:?}", share.groups));
            share
                .rules
                .iter()
                .map(|rule| serde_json::to_string(rule).unwrap())
                .map(of)
                .chain([groups])
                .collect::<Vec<_>>()
        });
        let mut said: Vec<String> = rules.chain([format!("{:?}", outline.default_policy)]).collect();
        said.sort_unstable();
        said
    }

    proptest! {
        #[test]
        fn an_edited_text_says_what_the_document_says(document in document()) {
            let again = Document::parse(&document.text()).unwrap();
            prop_assert_eq!(again.outline(), document.outline());
            prop_assert_eq!(again.text(), document.text());
        }

        #[test]
        fn where_one_side_did_nothing_the_other_is_the_result(document in document()) {
            let base = edited(&[]);
            let forth = Merge::of(&base, &document, &base).result(&BTreeMap::new()).unwrap();
            prop_assert_eq!(said(&forth), said(&document));
            let back = Merge::of(&base, &base, &document).result(&BTreeMap::new()).unwrap();
            prop_assert_eq!(back.text(), document.text());
        }

        #[test]
        fn every_conflict_can_be_settled_and_one_side_alone_can_win(mine in document(), theirs in document()) {
            let merge = Merge::of(&edited(&[]), &mine, &theirs);
            let all = |pick: &Pick| (0..merge.items().len()).map(|index| (index, pick.clone())).collect();
            for pick in [Pick::Mine, Pick::Theirs, Pick::Both] {
                let result = merge.result(&all(&pick)).unwrap();
                prop_assert_eq!(Document::parse(&result.text()).unwrap().outline(), result.outline());
            }
        }
    }
}
