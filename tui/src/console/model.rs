//! What is known of the daemon.

use jiff::Timestamp;
use serde_json::Value;
use wire::admin::{Role, Welcome};

use super::update::TICKS;

/// Seconds between news where the line is slow.
pub(crate) const SLOW_EVERY: u32 = 5;

/// Seconds for which a calm head stays as it is.
const CALM: f64 = 10.0;

/// Whether there is a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Link {
    Connecting,
    Live,
    Down { why: String, attempt: u32, retry_ms: u64, is_refused: bool },
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
    /// What the service manager says of a daemon that is gone.
    pub(crate) unit: Option<String>,
    /// Whether the line is slow, and news come seldom.
    pub(crate) is_slow: bool,
    /// Whether the head of the screen changes seldom.
    is_calm: bool,
    /// The status that the head shows then, and its hour.
    calm: (Value, f64),
}

impl Model {
    /// Whether the daemon has said that the operator may do everything.
    pub(crate) fn is_admin(&self) -> bool {
        self.welcome.as_ref().is_some_and(|welcome| welcome.role == Role::Admin)
    }

    pub(crate) fn new(is_calm: bool) -> Self {
        Self {
            link: Link::Connecting,
            welcome: None,
            ops: Vec::new(),
            status: Value::Null,
            now: 0.0,
            silent: 0,
            unit: None,
            is_slow: false,
            is_calm,
            calm: (Value::Null, 0.0),
        }
    }

    pub(crate) fn knows(&self, op: &str) -> bool {
        self.ops.iter().any(|known| known == op)
    }

    /// Whether what is on the screen may no longer be so.
    pub(crate) fn is_stale(&self) -> bool {
        self.link != Link::Live || self.silent > self.patience() * TICKS
    }

    /// Seconds after which what is known counts as old.
    pub(crate) fn patience(&self) -> u32 {
        if self.is_slow { 3 * SLOW_EVERY } else { 3 }
    }

    /// The status and the hour for the head of the screen.
    pub(crate) fn head(&self) -> (&Value, f64) {
        if self.is_calm { (&self.calm.0, self.calm.1) } else { (&self.status, self.now) }
    }

    pub(crate) fn told_status(&mut self, status: Value) {
        if let Some(now) = status["t"].as_f64() {
            self.now = now;
        }
        if self.is_calm && self.now - self.calm.1 >= CALM {
            self.calm = (status.clone(), self.now);
        }
        self.status = status;
    }
}

/// A number as a whole one.
pub(crate) fn number(value: &Value) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates; negative is none")]
    value.as_u64().or_else(|| value.as_f64().map(|number| number.round() as u64)).unwrap_or(0)
}

/// A time that the daemon tells, to the second.
pub(crate) fn moment(value: &Value) -> Option<Timestamp> {
    let moment: Timestamp = value.as_str()?.parse().ok()?;
    Timestamp::from_second(moment.as_second()).ok()
}

/// Seconds from `now` to a moment, none once it is over.
pub(crate) fn until(moment: Timestamp, now: f64) -> u64 {
    number(&moment.as_second().into()).saturating_sub(number(&now.into()))
}

/// Seconds from a moment to `now`.
pub(crate) fn since(moment: Timestamp, now: f64) -> u64 {
    number(&now.into()).saturating_sub(number(&moment.as_second().into()))
}
