//! What an operator lets somebody have for a while: more of a quota, or another rate, or another number of sessions.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One of them, as it is kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Concession {
    /// What it is called when it alone is taken back.
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) to: Grantee,
    #[serde(flatten)]
    pub(crate) what: What,
    /// From then on it is void.
    pub(crate) until: Timestamp,
    /// Why, for whoever reads it later.
    #[serde(default)]
    pub(crate) reason: String,
    /// Who said so.
    pub(crate) by: String,
}

/// Who has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Grantee {
    User(Arc<str>),
    /// All its users together.
    Group(Arc<str>),
}

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// More of a quota, or of all that the grantee has.
    Grant { bytes: u64, quota: Option<Arc<str>> },
    /// Instead of what is written; 0 is no limit, and nothing leaves it as it is.
    Override {
        /// Bytes a second, in each direction.
        bandwidth: Option<u64>,
        /// Sessions at once.
        at_once: Option<u32>,
    },
}

impl What {
    /// Leaves to a later override what that one says too.
    pub(crate) fn give_way_to(&mut self, later: &Self) {
        if let (Self::Override { bandwidth, at_once }, Self::Override { bandwidth: rate, at_once: number }) =
            (self, later)
        {
            *bandwidth = bandwidth.filter(|_| rate.is_none());
            *at_once = at_once.filter(|_| number.is_none());
        }
    }

    /// Whether nothing is left of it.
    pub(crate) fn says_nothing(&self) -> bool {
        matches!(self, Self::Override { bandwidth: None, at_once: None })
    }
}

impl Concession {
    pub(crate) fn is_valid(&self, now: Timestamp) -> bool {
        now < self.until
    }

    /// So many bytes more of a quota, for this one.
    pub(super) fn bytes(&self, quota: &str, to: &Grantee) -> u64 {
        match &self.what {
            What::Grant { bytes, quota: of } if self.to == *to && of.as_deref().is_none_or(|of| of == quota) => *bytes,
            What::Grant { .. } | What::Override { .. } => 0,
        }
    }
}
