//! How much the log says, for a while.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;
use wire::admin::LONGEST_LEVEL;

use super::record::Order;
use super::{Caller, No, Office};
use crate::engine::log::loudness::{Exception, TARGETS};

/// As long as nothing else is said.
const USUAL: Duration = Duration::from_mins(15);

/// Bytes of a target's name.
const LONGEST_TARGET: usize = 200;

/// Another level for one target.
#[derive(Debug, Deserialize)]
pub(crate) struct Hear {
    pub(crate) target: String,
    /// What is configured again, without it.
    pub(crate) level: Option<String>,
    pub(crate) ttl_s: Option<u64>,
    pub(crate) reason: Option<String>,
    pub(crate) idem: Option<String>,
}

impl Office {
    /// # Errors
    /// There is no such target or level, the time is too long, there are too many already, or a record would be quieter than configured.
    pub(super) fn hear(&self, caller: &Caller, hear: &Hear) -> Result<Value, No> {
        let Hear { target, level, ttl_s, reason, idem } = hear;
        if !is_target(target) {
            let msg = format!("target: one of {}, or a module as daemon::reload", TARGETS.join(", "));
            return Err(No::Invalid(msg));
        }
        let level = level.as_deref().map(read_level).transpose()?;
        let ttl = ttl_s.map_or(USUAL, Duration::from_secs);
        if ttl.is_zero() || ttl > LONGEST_LEVEL {
            return Err(No::Invalid(format!("ttl_s: 1 to {} seconds", LONGEST_LEVEL.as_secs())));
        }
        let until = Timestamp::now() + SignedDuration::try_from(ttl).unwrap_or_default();
        let written = Order {
            op: "logs.level",
            target: json!({ "target": target, "level": level.map(|level| level.to_string()) }),
            comment: reason.as_deref(),
            idem: idem.as_deref(),
            ..Order::default()
        };
        let deed = || match level {
            None => Ok(self.loudness.forget(target)),
            Some(level) => {
                let exception = Exception { target: target.clone(), level, until, by: caller.name.clone() };
                let made = self.loudness.except(exception);
                made.map(|()| true).map_err(|not_heard| No::Invalid(not_heard.to_string()))
            }
        };
        let words = |is_changed: &bool| match level {
            Some(level) => format!("{level} until {until:.0}"),
            None if *is_changed => "as configured".to_owned(),
            None => "as configured already".to_owned(),
        };
        let done = self.on_record(caller, &written, deed, words)?;
        Ok(json!({
            "target": target,
            "level": level.map(|level| level.to_string()),
            "until": level.map(|_| until),
            "changed": done.outcome,
            "audit": done.audit,
        }))
    }

    /// Levels that are not what is configured, as they are told.
    pub(crate) fn changed_levels(&self) -> Vec<Value> {
        let told = |exception: Exception| {
            let Exception { target, level, until, by } = exception;
            json!({ "target": target, "level": level.to_string(), "until": until, "by": by })
        };
        self.loudness.exceptions().into_iter().map(told).collect()
    }
}

fn is_target(target: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_ours = target.split("::").next().is_some_and(|room| TARGETS.contains(&room));
    is_ours && target.len() <= LONGEST_TARGET && target.split("::").all(is_word)
}

fn read_level(word: &str) -> Result<LevelFilter, No> {
    match word {
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => Err(No::Invalid(format!("level: error, warn, info, debug or trace, not {word:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_one_of_ours_or_a_module_below() {
        for target in ["session", "daemon", "daemon::reload", "audit"] {
            assert!(is_target(target), "{target}");
        }
        for target in ["", "hyper", "daemon::", "daemon:reload", "session=x", "sessions", "daemon::a b"] {
            assert!(!is_target(target), "{target}");
        }
    }
}
