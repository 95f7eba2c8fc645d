//! Where in a rule file something is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Whose rules.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Owner {
    /// A `[[groups]]` table of this name: `groups/developers`.
    Group(String),
    /// A `[[users]]` table of this name, `*` and `anonymous` among them: `users/alice`.
    User(String),
}

/// One rule: `users/alice#2` is the second of hers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Place {
    /// Whose it is.
    pub owner: Owner,
    /// Counted from 0 among those of its owner, in the order of the file; written from 1.
    pub index: usize,
}

/// A text that names no owner or no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Neither a user nor a group.
    #[error("{0:?} names no owner; write users/NAME or groups/NAME")]
    Owner(String),
    /// No number, or 0.
    #[error("{0:?} names no rule; write users/NAME#1 or groups/NAME#1 for the first")]
    Rule(String),
}

impl Owner {
    /// What the file calls its owners' tables: `users` or `groups`.
    pub(crate) fn table(&self) -> &'static str {
        match self {
            Self::Group(_) => "groups",
            Self::User(_) => "users",
        }
    }

    /// The key by which a table of the file says whose it is.
    pub(crate) fn name_key(&self) -> &'static str {
        match self {
            Self::Group(_) => "name",
            Self::User(_) => "username",
        }
    }

    /// The name alone.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Group(name) | Self::User(name) => name,
        }
    }

    /// The rule at this index, counted from 0.
    #[must_use]
    pub fn rule(&self, index: usize) -> Place {
        Place { owner: self.clone(), index }
    }
}

/// `users/alice`
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.table(), self.name())
    }
}

/// `users/alice#2`
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.owner, self.index + 1)
    }
}

impl FromStr for Owner {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        match text.split_once('/') {
            Some(("users", name)) if !name.is_empty() => Ok(Self::User(name.to_owned())),
            Some(("groups", name)) if !name.is_empty() => Ok(Self::Group(name.to_owned())),
            _ => Err(Unreadable::Owner(text.to_owned())),
        }
    }
}

impl FromStr for Place {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let unreadable = || Unreadable::Rule(text.to_owned());
        let (owner, number) = text.rsplit_once('#').ok_or_else(unreadable)?;
        let number: usize = number.parse().map_err(|_| unreadable())?;
        Ok(Self { owner: owner.parse()?, index: number.checked_sub(1).ok_or_else(unreadable)? })
    }
}

impl TryFrom<String> for Owner {
    type Error = Unreadable;

    fn try_from(text: String) -> Result<Self, Unreadable> {
        text.parse()
    }
}

impl TryFrom<String> for Place {
    type Error = Unreadable;

    fn try_from(text: String) -> Result<Self, Unreadable> {
        text.parse()
    }
}

impl From<Owner> for String {
    fn from(owner: Owner) -> Self {
        owner.to_string()
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        for text in ["users/alice#1", "groups/ssh-users#12", "users/*#3", "users/a#b#2"] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        assert_eq!("users/alice".parse(), Ok(Owner::User("alice".into())));
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for text in ["alice#1", "users/#1", "users/alice", "users/alice#0", "users/alice#x", "global#1"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
