//! The difference between two rule files: what it is in rules, and what it is in lines.

use std::collections::BTreeSet;

use serde::Serialize;
use similar::TextDiff;

use crate::entry::Entry;
use crate::outline::{Outline, Share};
use crate::pairing::Pairing;
use crate::place::{Owner, Place};

/// Lines around each difference.
const CONTEXT: usize = 3;

/// One difference in what two files say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Whose it is; `global` for what is nobody's.
    pub owner: String,
    /// The rule as it was, or as it is if it is new; none when it is not about a rule.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What became of it.
    pub kind: Kind,
    /// What was said before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Entry>,
    /// What is said now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Entry>,
}

/// What became of a rule, or of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Kind {
    /// It is new.
    #[serde(rename = "add")]
    Added,
    /// It is gone.
    #[serde(rename = "del")]
    Removed,
    /// It says something else.
    #[serde(rename = "chg")]
    Changed,
    /// It says the same at another place among the rules of its owner, which changes who is credited and no verdict.
    #[serde(rename = "mov")]
    Moved,
}

/// Every difference in what two files say, owner by owner.
#[must_use]
pub fn compare(before: &Outline, after: &Outline) -> Vec<Change> {
    let mut changes = Vec::new();
    if before.default_policy != after.default_policy {
        let says = |policy: &Option<String>| policy.as_deref().map(|policy| Entry::single("default_policy", policy));
        let (before, after) = (says(&before.default_policy), says(&after.default_policy));
        changes.push(Change { owner: "global".into(), place: None, kind: Kind::Changed, before, after });
    }
    let owners: BTreeSet<&Owner> = before.shares.iter().chain(&after.shares).map(|share| &share.owner).collect();
    for owner in owners {
        changes_of(owner, before.share(owner), after.share(owner), &mut changes);
    }
    changes
}

/// The lines that differ, in the unified form of diff(1); empty when none do.
#[must_use]
pub fn text_difference(before: &str, after: &str, before_name: &str, after_name: &str) -> String {
    let difference = TextDiff::from_lines(before, after);
    difference.unified_diff().context_radius(CONTEXT).header(before_name, after_name).to_string()
}

fn changes_of(owner: &Owner, before: Option<&Share>, after: Option<&Share>, changes: &mut Vec<Change>) {
    let about_owner = |kind, before, after| Change { owner: owner.to_string(), place: None, kind, before, after };
    match (before, after) {
        (None, Some(new)) => changes.push(about_owner(Kind::Added, None, Some(groups_of(new)))),
        (Some(old), None) => changes.push(about_owner(Kind::Removed, Some(groups_of(old)), None)),
        (Some(old), Some(new)) if old.groups != new.groups => {
            changes.push(about_owner(Kind::Changed, Some(groups_of(old)), Some(groups_of(new))));
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
    let old = before.map_or(&[][..], |share| &share.rules);
    let new = after.map_or(&[][..], |share| &share.rules);
    let about_rule = |index, kind, before: Option<&Entry>, after: Option<&Entry>| Change {
        owner: owner.to_string(),
        place: Some(owner.rule(index)),
        kind,
        before: before.cloned(),
        after: after.cloned(),
    };
    let pairing = Pairing::of(old, new);
    let moved = moved(&pairing.now);
    for (index, now) in pairing.now.iter().enumerate() {
        match now {
            None => changes.push(about_rule(index, Kind::Removed, Some(&old[index]), None)),
            Some(now) if old[index] != new[*now] => {
                changes.push(about_rule(index, Kind::Changed, Some(&old[index]), Some(&new[*now])));
            }
            Some(now) if moved.contains(&index) => {
                changes.push(about_rule(index, Kind::Moved, Some(&old[index]), Some(&new[*now])));
            }
            Some(_) => {}
        }
    }
    for index in pairing.added {
        changes.push(about_rule(index, Kind::Added, None, Some(&new[index])));
    }
}

/// The old rules that stand behind one which came after them.
fn moved(now: &[Option<usize>]) -> BTreeSet<usize> {
    let mut furthest = None;
    let mut moved = BTreeSet::new();
    for (index, now) in now.iter().enumerate().filter(|(_, now)| now.is_some()) {
        if *now < furthest {
            moved.insert(index);
        }
        furthest = furthest.max(*now);
    }
    moved
}

/// The groups of a user as an entry; an empty one when none are written.
pub(crate) fn groups_of(share: &Share) -> Entry {
    share.groups.clone().map_or_else(Entry::default, |groups| Entry::single("groups", groups))
}
