//! One change to a rule file.

use serde::{Deserialize, Serialize};

use crate::entry::Entry;
use crate::place::{Owner, Place};

/// One change; a list of them is applied in order, each to what the ones before it left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", deny_unknown_fields)]
pub enum Edit {
    /// A new rule, behind the owner's others unless it is to stand before one of them.
    #[serde(rename = "rule.add")]
    AddRule {
        /// Whose it is; it gets a table if it has none.
        owner: Owner,
        /// What it says.
        rule: Entry,
        /// The rule of the same owner that comes next.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Place>,
    },
    /// Another text for a rule: keys that are not in it are removed.
    #[serde(rename = "rule.set")]
    SetRule {
        /// Which one.
        #[serde(rename = "ref")]
        place: Place,
        /// What it says from now on.
        rule: Entry,
    },
    /// A rule less, with the comment above it.
    #[serde(rename = "rule.del")]
    RemoveRule {
        /// Which one.
        #[serde(rename = "ref")]
        place: Place,
    },
    /// A rule at another place among those of its owner, with the comment above it.
    #[serde(rename = "rule.move")]
    MoveRule {
        /// Which one.
        #[serde(rename = "ref")]
        place: Place,
        /// The rule of the same owner that comes next; none puts it last.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Place>,
    },
    /// A table without rules.
    #[serde(rename = "owner.add")]
    AddOwner {
        /// Whose.
        owner: Owner,
        /// The groups of a user.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        groups: Option<Vec<String>>,
    },
    /// A table less, with all its rules.
    #[serde(rename = "owner.del")]
    RemoveOwner {
        /// Whose.
        owner: Owner,
    },
    /// Other groups for a user; none removes the key.
    #[serde(rename = "owner.set")]
    SetOwner {
        /// Whose.
        owner: Owner,
        /// The groups of the user.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        groups: Option<Vec<String>>,
    },
    /// What happens to a request that no rule fits.
    #[serde(rename = "global.set")]
    SetGlobal {
        /// `allow` or `deny`.
        default_policy: String,
    },
}
