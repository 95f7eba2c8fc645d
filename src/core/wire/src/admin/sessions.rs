//! What is asked of sessions that are in.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Ends sessions: those of `ids`, or those of `filter`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Kill {
    /// Short ids of this epoch, or UUIDs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<String>>,
    /// Those that it lets in now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// How many there may be; if there are others, nothing is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u64>,
    /// For the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many of them to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<usize>,
    /// Only says what would be done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry: bool,
    /// The client's own name for this order: the same one is not done twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idem: Option<String>,
    /// The run of the daemon that the ids belong to; another one refuses them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Killed {
    /// How many were meant and in.
    pub matched: u64,
    /// The first of them, as objects with the columns of the view.
    #[serde(default)]
    pub sample: Vec<Value>,
    /// Of how many users.
    #[serde(default)]
    pub users: u64,
    /// Whose, if they are all one user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Whether the users file lets that one in, if each of the sessions came by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// To how many destinations.
    #[serde(default)]
    pub destinations: u64,
    /// When the oldest began, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<f64>,
    /// What they have carried, in both directions.
    #[serde(default)]
    pub bytes: u64,
    /// How many were ordered to end; nothing was, if it was dry.
    pub killed: u64,
    /// How many of `ids` were over before.
    pub gone: u64,
    /// The number of the record in the audit log, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<String>,
}
