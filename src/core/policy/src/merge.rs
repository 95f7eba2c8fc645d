//! Three versions become one: what both sides made of the same file, rule by rule.
//!
//! The result is their document with my changes in it, so their comments and their order stay.

mod rules;
mod tables;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use self::tables::{SheetMerge, Unsettled};
use crate::compare::groups_of;
use crate::document::{Document, Misfit};
use crate::edit::Edit;
use crate::entry::Entry;
use crate::outline::{Outline, Share};
use crate::place::{Owner, Place};

/// What two sides made of one file.
#[derive(Debug, Clone)]
pub struct Merge {
    theirs: Document,
    items: Vec<Item>,
}

/// One thing that at least one side changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Whose it is; `global` for what is nobody's.
    pub owner: String,
    /// The rule, by its number in the version where it is found first: the old one, theirs, mine.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Whether there is something to decide.
    #[serde(flatten)]
    pub state: State,
    /// What was said before both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Entry>,
    /// What it is on my side; nothing when I removed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mine: Option<Entry>,
    /// What it is on theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theirs: Option<Entry>,
    #[serde(skip)]
    subject: Subject,
}

/// Whether there is something to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum State {
    /// One side changed it, or both did the same, or they changed different keys of one rule.
    Clean {
        /// Whose change is in the result.
        kept: Side,
    },
    /// Each side made something else of it.
    Conflict {
        /// The keys on which they differ; none when one side removed it.
        keys: Vec<String>,
    },
}

/// Whose change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The draft's.
    Mine,
    /// Of the version that came in between.
    Theirs,
    /// The same on both sides, or of each a part.
    Both,
}

/// How a conflict is settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pick {
    /// What I wrote, with what they changed besides.
    Mine,
    /// What they wrote, with what I changed besides.
    Theirs,
    /// Lists with what both wrote in them; where there is no list, what I wrote.
    Both,
    /// Something else.
    Rule(Entry),
}

/// What in their document an item is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Subject {
    /// A table of a file without rules, which its name says.
    Whole,
    Global,
    /// The groups of a user.
    Groups(Owner),
    /// A whole table and how it is on my side.
    Table(Owner, Option<Share>),
    /// A rule that they have, at this index.
    There(Owner, usize),
    /// A rule that they do not have; it comes before that one of theirs.
    NotThere(Owner, Option<usize>),
}

impl Merge {
    /// Compares what became of `base` on both sides.
    #[must_use]
    pub fn of(base: &Document, mine: &Document, theirs: &Document) -> Self {
        let (base, mine, outline) = (base.outline(), mine.outline(), theirs.outline());
        let mut items = Vec::new();
        items.extend(global(&base, &mine, &outline));
        let shares = base.shares.iter().chain(&outline.shares).chain(&mine.shares);
        let owners: BTreeSet<&Owner> = shares.map(|share| &share.owner).collect();
        for owner in owners {
            table(owner, base.share(owner), mine.share(owner), outline.share(owner), &mut items);
        }
        Self { theirs: theirs.clone(), items }
    }

    /// Everything that a side changed, in the order of owners.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The document with everything in it; `picks` settles conflicts by their index among the [items](Self::items).
    ///
    /// # Errors
    /// The indices of conflicts that nobody settled, or why a rule that was picked cannot be written.
    pub fn result(&self, picks: &BTreeMap<usize, Pick>) -> Result<Document, Undecided> {
        let open = unsettled(&self.items, picks);
        if !open.is_empty() {
            return Err(Undecided::Open(open));
        }
        let mut edits = Vec::new();
        for (index, item) in self.items.iter().enumerate() {
            item.edits(index, picks.get(&index), &mut edits);
        }
        edits.sort_by_key(|(turn, _)| *turn);
        let mut document = self.theirs.clone();
        for (_, edit) in edits {
            document.apply(&edit)?;
        }
        Ok(document)
    }
}

/// The indices of conflicts without a pick.
fn unsettled(items: &[Item], picks: &BTreeMap<usize, Pick>) -> Vec<usize> {
    let is_open =
        |(index, item): &(usize, &Item)| matches!(item.state, State::Conflict { .. }) && !picks.contains_key(index);
    items.iter().enumerate().filter(is_open).map(|(index, _)| index).collect()
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// Conflicts without a pick.
    #[error("{} conflicts are not settled", .0.len())]
    Open(Vec<usize>),
    /// A pick that cannot be written.
    #[error(transparent)]
    Misfit(#[from] Misfit),
}

/// When an edit is made: those that shift no numbers first, then from the end of a file upwards; of several at one place
/// the order among the items.
type Turn = (Reverse<usize>, isize);

const FIRST: Turn = (Reverse(usize::MAX), 0);
const AT_THE_END: usize = usize::MAX - 1;

/// What something says in the end.
enum Outcome {
    /// What it says in their document.
    AsThere,
    Gone,
    Says(Entry),
}

impl Item {
    /// What is done to their document; `index` is that of the item.
    fn edits(&self, index: usize, pick: Option<&Pick>, edits: &mut Vec<(Turn, Edit)>) {
        let says = match self.outcome(pick) {
            Outcome::AsThere => return,
            Outcome::Gone => None,
            Outcome::Says(entry) => Some(entry),
        };
        let order = isize::try_from(index).unwrap_or(isize::MAX);
        match (&self.subject, says) {
            (Subject::Global, says) => {
                let said = says.as_ref().and_then(|entry| entry.get("default_policy")?.as_str());
                edits.extend(said.map(|said| (FIRST, Edit::SetGlobal { default_policy: said.to_owned() })));
            }
            (Subject::Groups(owner), says) => {
                let groups = says.as_ref().and_then(groups_in);
                edits.push((FIRST, Edit::SetOwner { owner: owner.clone(), groups }));
            }
            (Subject::Table(owner, Some(share)), Some(_)) => {
                edits.push((FIRST, Edit::AddOwner { owner: owner.clone(), groups: share.groups.clone() }));
                let add = |rule: &Entry| Edit::AddRule { owner: owner.clone(), rule: rule.clone(), before: None };
                edits.extend(share.rules.iter().map(|rule| (FIRST, add(rule))));
            }
            (Subject::Table(owner, _), _) => edits.push((FIRST, Edit::RemoveOwner { owner: owner.clone() })),
            (Subject::There(owner, index), Some(rule)) => {
                edits.push((FIRST, Edit::SetRule { place: owner.rule(*index), rule }));
            }
            (Subject::There(owner, index), None) => {
                edits.push(((Reverse(*index), 0), Edit::RemoveRule { place: owner.rule(*index) }));
            }
            (Subject::NotThere(owner, next), Some(rule)) => {
                // What is put before one rule stands before all that was put there earlier.
                let turn = next.map_or((Reverse(AT_THE_END), order), |next| (Reverse(next), -order));
                let before = next.map(|next| owner.rule(next));
                edits.push((turn, Edit::AddRule { owner: owner.clone(), rule, before }));
            }
            (Subject::NotThere(..), None) | (Subject::Whole, _) => {}
        }
    }

    fn outcome(&self, pick: Option<&Pick>) -> Outcome {
        let says = match (&self.state, pick) {
            (State::Clean { kept: Side::Theirs }, _) => return Outcome::AsThere,
            (State::Clean { kept: Side::Mine }, _) => self.mine.clone(),
            (State::Clean { kept: Side::Both }, _) => self.settled(&Pick::Both),
            (State::Conflict { .. }, pick) => self.settled(pick.unwrap_or(&Pick::Theirs)),
        };
        if says == self.theirs { Outcome::AsThere } else { says.map_or(Outcome::Gone, Outcome::Says) }
    }

    /// Both sides in one; where they differ, as wanted.
    fn settled(&self, pick: &Pick) -> Option<Entry> {
        settled([self.base.as_ref(), self.mine.as_ref(), self.theirs.as_ref()], pick)
    }
}

/// What one thing says once it is settled, of `base`, `mine` and `theirs`; nothing if it is gone then.
#[must_use]
pub fn settled([base, mine, theirs]: [Option<&Entry>; 3], pick: &Pick) -> Option<Entry> {
    let favour = match pick {
        Pick::Rule(rule) => return Some(rule.clone()),
        Pick::Mine => Favour::Mine,
        Pick::Theirs => Favour::Theirs,
        Pick::Both => Favour::Both,
    };
    match (favour, mine, theirs) {
        (Favour::Mine, None, _) | (Favour::Theirs, _, None) => None,
        (_, Some(mine), Some(theirs)) => Some(united(base, mine, theirs, favour).0),
        (_, one, other) => one.or(other).cloned(),
    }
}

/// Whose word counts where both changed one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Favour {
    Mine,
    Theirs,
    Both,
}

/// Key by key; and the keys on which both sides said something new and different.
fn united(base: Option<&Entry>, mine: &Entry, theirs: &Entry, favour: Favour) -> (Entry, Vec<String>) {
    let mut entry = theirs.clone();
    let mut contested = Vec::new();
    for key in mine.differing_keys(theirs) {
        let (before, my, their) = (base.and_then(|base| base.get(&key)), mine.get(&key), theirs.get(&key));
        let value = if my == before {
            their.cloned()
        } else if their == before {
            my.cloned()
        } else {
            contested.push(key.clone());
            match favour {
                Favour::Mine => my.cloned(),
                Favour::Theirs => their.cloned(),
                Favour::Both => both(my, their),
            }
        };
        match value {
            Some(value) => entry.0.insert(key, value),
            None => entry.0.remove(&key),
        };
    }
    (entry, contested)
}

/// Their list and what I have besides, or my value.
fn both(my: Option<&Json>, their: Option<&Json>) -> Option<Json> {
    let (Some(Json::Array(my)), Some(Json::Array(their))) = (my, their) else { return my.or(their).cloned() };
    let besides = my.iter().filter(|value| !their.contains(value));
    Some(their.iter().chain(besides).cloned().collect())
}

/// What became of one thing on both sides, if anything did.
fn state(base: Option<&Entry>, mine: Option<&Entry>, theirs: Option<&Entry>) -> Option<State> {
    if mine == base && theirs == base {
        return None;
    }
    if mine == theirs {
        return Some(State::Clean { kept: Side::Both });
    }
    if mine == base {
        return Some(State::Clean { kept: Side::Theirs });
    }
    if theirs == base {
        return Some(State::Clean { kept: Side::Mine });
    }
    let (Some(mine), Some(theirs)) = (mine, theirs) else { return Some(State::Conflict { keys: Vec::new() }) };
    let (_, keys) = united(base, mine, theirs, Favour::Mine);
    Some(if keys.is_empty() { State::Clean { kept: Side::Both } } else { State::Conflict { keys } })
}

fn global(base: &Outline, mine: &Outline, theirs: &Outline) -> Option<Item> {
    let said = |outline: &Outline| outline.default_policy.as_deref().map(|said| Entry::single("default_policy", said));
    let (base, mine, theirs) = (said(base), said(mine), said(theirs));
    let state = state(base.as_ref(), mine.as_ref(), theirs.as_ref())?;
    Some(Item { owner: "global".into(), place: None, state, base, mine, theirs, subject: Subject::Global })
}

fn table(owner: &Owner, base: Option<&Share>, mine: Option<&Share>, theirs: Option<&Share>, items: &mut Vec<Item>) {
    let groups = |share: Option<&Share>| share.map(groups_of);
    let about = |state, subject| Item {
        owner: owner.to_string(),
        place: None,
        state,
        base: groups(base),
        mine: groups(mine),
        theirs: groups(theirs),
        subject,
    };
    match (base, mine, theirs) {
        (Some(_), None, None) => {
            items.push(about(State::Clean { kept: Side::Both }, Subject::Table(owner.clone(), None)));
        }
        (Some(old), None, Some(now)) | (Some(old), Some(now), None) => {
            let is_mine = mine.is_none();
            let state = match (now == old, is_mine) {
                (true, true) => State::Clean { kept: Side::Mine },
                (true, false) => State::Clean { kept: Side::Theirs },
                (false, _) => State::Conflict { keys: Vec::new() },
            };
            items.push(about(state, Subject::Table(owner.clone(), mine.cloned())));
        }
        (None, Some(new), None) => {
            items.push(about(State::Clean { kept: Side::Mine }, Subject::Table(owner.clone(), Some(new.clone()))));
        }
        (None, None, Some(_)) => {
            items.push(about(State::Clean { kept: Side::Theirs }, Subject::Table(owner.clone(), None)));
        }
        (None | Some(_), Some(mine), Some(theirs)) => {
            let (before, my, their) = (groups(base), groups_of(mine), groups_of(theirs));
            let state =
                if base.is_none() && my == their { None } else { state(before.as_ref(), Some(&my), Some(&their)) };
            items.extend(state.map(|state| about(state, Subject::Groups(owner.clone()))));
            rules::merge(owner, base.map_or(&[][..], |base| &base.rules), &mine.rules, &theirs.rules, items);
        }
        (None, None, None) => {}
    }
}

fn groups_in(entry: &Entry) -> Option<Vec<String>> {
    let groups = entry.get("groups")?.as_array()?;
    Some(groups.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
}
