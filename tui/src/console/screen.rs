//! The screens, in the order of their tabs. What each is made of is in its room.

/// A screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Screen {
    Overview,
    Sessions,
    History,
    Acl,
    Users,
    Limits,
    Auth,
    Logs,
    Config,
    Health,
}

impl Screen {
    pub(crate) const ALL: &[Self] = &[
        Self::Overview,
        Self::Sessions,
        Self::History,
        Self::Acl,
        Self::Users,
        Self::Limits,
        Self::Auth,
        Self::Logs,
        Self::Config,
        Self::Health,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Sessions => "Sessions",
            Self::History => "History",
            Self::Acl => "ACL",
            Self::Users => "Users",
            Self::Limits => "Limits",
            Self::Auth => "Auth",
            Self::Logs => "Logs",
            Self::Config => "Config",
            Self::Health => "Health",
        }
    }

    /// The same where there is little room.
    pub(crate) fn short(self) -> &'static str {
        match self {
            Self::Overview => "Over",
            Self::Sessions => "Sess",
            Self::History => "Hist",
            Self::Acl => "ACL",
            Self::Users => "User",
            Self::Limits => "Lim",
            Self::Auth => "Auth",
            Self::Logs => "Log",
            Self::Config => "Conf",
            Self::Health => "Hlth",
        }
    }

    /// Its key; the numbers are those of all ten screens, so that they stay when the others come.
    pub(crate) fn digit(self) -> char {
        match self {
            Self::Overview => '1',
            Self::Sessions => '2',
            Self::History => '3',
            Self::Acl => '4',
            Self::Users => '5',
            Self::Limits => '6',
            Self::Auth => '7',
            Self::Logs => '8',
            Self::Config => '9',
            Self::Health => '0',
        }
    }

    /// The operation without which there is nothing on it.
    pub(crate) fn needs(self) -> &'static str {
        match self {
            Self::Overview => "status.sub",
            Self::Sessions => "view.open",
            Self::History => "history.query",
            Self::Acl => "txn.get",
            Self::Users => "groups.list",
            Self::Limits => "limits.tree",
            Self::Auth => "auth.status",
            Self::Logs => "logs.sub",
            Self::Config => "config.effective",
            Self::Health => "health.get",
        }
    }
}
