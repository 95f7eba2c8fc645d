//! What a rule file says, without the way in which it is written.

use crate::entry::Entry;
use crate::place::Owner;

/// A whole file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    /// `global.default_policy`, if it is written.
    pub default_policy: Option<String>,
    /// Groups and users in the order of the file, groups first.
    pub shares: Vec<Share>,
}

/// What belongs to one owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Whose it is.
    pub owner: Owner,
    /// The groups of a user, if they are written.
    pub groups: Option<Vec<String>>,
    /// In the order of the file.
    pub rules: Vec<Entry>,
}

impl Outline {
    /// What belongs to an owner, if it has a table.
    #[must_use]
    pub fn share(&self, owner: &Owner) -> Option<&Share> {
        self.shares.iter().find(|share| share.owner == *owner)
    }
}
