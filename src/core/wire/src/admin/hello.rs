//! How a conversation begins: what the client speaks and wants, and who the daemon takes it for.

use serde::{Deserialize, Serialize};

use super::role::Role;

/// What a client says first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The protocol that it speaks.
    pub proto: u32,
    /// Its name and version, for the log.
    #[serde(default)]
    pub client: String,
    /// The role that it wants, if not the highest that it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub want: Option<Role>,
    /// Anything, for the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What the daemon answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The protocol that both speak from now on.
    pub proto: u32,
    /// The daemon's version.
    pub server: String,
    /// This run of the daemon: ids of sessions hold for it alone.
    pub epoch: String,
    /// The host's name.
    pub node: String,
    /// The role that holds.
    pub role: Role,
    /// The highest that the client might have asked for.
    pub max_role: Role,
    /// Who the client is.
    pub you: You,
    /// What this daemon can do that another one might not.
    pub caps: Vec<String>,
    /// What it takes.
    pub limits: Limits,
}

/// Whom the kernel says the client is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct You {
    /// The user id of the process.
    pub uid: u32,
    /// Its name, or its number if it has none.
    pub user: String,
    /// Who logged in, behind any `sudo`; nothing where nobody did, or where that cannot be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The groups among its own that give it a role.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// What the daemon takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The longest line of a request, in bytes.
    pub req: usize,
    /// Subscriptions of a connection.
    pub subs: usize,
}
