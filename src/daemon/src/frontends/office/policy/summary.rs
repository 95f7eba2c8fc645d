//! What changes between two texts, in few words for whoever reads the audit log later. No password and no hash is in it.

use ::policy::{Change, Entry, Kind};
use serde_json::Value;

/// Items that are told one by one.
const MOST: usize = 20;

/// As long as one of them may be, in characters.
const LONGEST: usize = 200;

/// The key whose values nobody is told.
const SECRET: &str = "password_hash";

/// `add users/carol#1 action=allow, …`, `del groups/staff`, `chg users/bob enabled=false`, `mov users/alice#2`.
pub(super) fn of(changes: &[Change]) -> Vec<String> {
    let told = changes.iter().take(MOST).map(|change| shortened(&words(change)));
    let more = changes.len().saturating_sub(MOST);
    told.chain((more > 0).then(|| format!("and {more} more"))).collect()
}

fn words(change: &Change) -> String {
    let Change { owner, place, kind, before, after } = change;
    let what = place.as_ref().map_or_else(|| owner.clone(), ToString::to_string);
    let nothing = Entry::default();
    let (before, after) = (before.as_ref().unwrap_or(&nothing), after.as_ref().unwrap_or(&nothing));
    let (word, keys) = match kind {
        Kind::Added => ("add", after.0.keys().cloned().collect()),
        Kind::Removed => ("del", Vec::new()),
        Kind::Changed => ("chg", before.differing_keys(after)),
        Kind::Moved => ("mov", Vec::new()),
    };
    let said: Vec<String> = keys.iter().map(|key| said(key, after.get(key))).collect();
    if said.is_empty() { format!("{word} {what}") } else { format!("{word} {what} {}", said.join(", ")) }
}

/// A key and what it says from now on.
fn said(key: &str, value: Option<&Value>) -> String {
    match value {
        Some(_) if key == SECRET => format!("{key}=***"),
        Some(Value::String(text)) => format!("{key}={text}"),
        Some(value) => format!("{key}={value}"),
        None => format!("{key} unset"),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(keys: Value) -> Entry {
        serde_json::from_value(keys).unwrap()
    }

    #[test]
    fn it_says_whose_it_is_and_what_holds_from_now_on_and_no_hash() {
        let change = |kind, before, after| Change { owner: "users/bob".into(), place: None, kind, before, after };
        let hash = |hash: &str| Some(entry(json!({ "enabled": true, "password_hash": hash, "groups": ["staff"] })));
        let less = Some(entry(json!({ "password_hash": "b", "enabled": false })));
        for (change, expected) in [
            (change(Kind::Added, None, hash("a")), "add users/bob enabled=true, groups=[\"staff\"], password_hash=***"),
            (change(Kind::Changed, hash("a"), less), "chg users/bob enabled=false, groups unset, password_hash=***"),
            (change(Kind::Removed, hash("a"), None), "del users/bob"),
        ] {
            assert_eq!(of(&[change]), [expected]);
        }
    }

    #[test]
    fn of_many_and_of_long_ones_only_so_much_is_said() {
        let change = Change {
            owner: "users/bob".into(),
            place: None,
            kind: Kind::Added,
            before: None,
            after: Some(entry(json!({ "description": "ż".repeat(300) }))),
        };
        let told = of(&vec![change; MOST + 2]);
        assert_eq!((told.len(), told[MOST].as_str()), (MOST + 1, "and 2 more"));
        assert_eq!(told[0].chars().count(), LONGEST + 1);
    }
}
