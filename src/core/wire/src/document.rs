//! Which text of the operator a document is.

/// A text that the monitor reads and the worker works by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// The main configuration file.
    Configuration,
    /// The users file, which the worker may not open itself: it names everybody's password hash.
    Users,
    /// The rule file.
    Rules,
}

impl DocumentKind {
    /// Every kind, in the order in which a new worker is given them.
    pub const ALL: &'static [Self] = &[Self::Configuration, Self::Users, Self::Rules];

    /// What it is called in logs and in the list of a process's descriptors.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Users => "users",
            Self::Rules => "rules",
        }
    }

    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Configuration => 1,
            Self::Users => 2,
            Self::Rules => 3,
        }
    }

    pub(crate) fn numbered(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.number() == number)
    }
}
