//! What is known of the daemon.

use serde_json::Value;
use wire::admin::Welcome;

use super::update::TICKS;

/// Whether there is a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Link {
    Connecting,
    Live,
    Down { why: String, attempt: u32, retry_ms: u64 },
}

/// Everything that came from the daemon.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) link: Link,
    pub(crate) welcome: Option<Welcome>,
    /// Operations that the daemon knows.
    pub(crate) ops: Vec<String>,
    pub(crate) status: Value,
    /// The daemon's hour, in seconds since 1970, as of its last push.
    pub(crate) now: f64,
    /// How many ticks ago that was.
    pub(crate) silent: u32,
}

impl Model {
    pub(crate) fn new() -> Self {
        Self { link: Link::Connecting, welcome: None, ops: Vec::new(), status: Value::Null, now: 0.0, silent: 0 }
    }

    pub(crate) fn knows(&self, op: &str) -> bool {
        self.ops.iter().any(|known| known == op)
    }

    /// Whether what is on the screen may no longer be so.
    pub(crate) fn is_stale(&self) -> bool {
        self.link != Link::Live || self.silent > 3 * TICKS
    }

    pub(crate) fn told_status(&mut self, status: Value) {
        if let Some(now) = status["t"].as_f64() {
            self.now = now;
        }
        self.status = status;
    }
}

/// A number as a whole one.
pub(crate) fn number(value: &Value) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates; negative is none")]
    value.as_u64().or_else(|| value.as_f64().map(|number| number.round() as u64)).unwrap_or(0)
}
