//! How much is written: what the operator configured, and what somebody wants to hear for a while instead.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::reload;

/// The targets of our own words.
pub(crate) const TARGETS: [&str; 7] = ["audit", "auth", "quota", "session", "daemon", "monitor", "rustsocks"];

/// Exceptions that hold at once.
pub(crate) const MOST: usize = 16;

/// What tells who has done what and who came in: no operator makes it quieter than it is configured.
pub(crate) const RECORDS: [&str; 2] = ["audit", "auth"];

/// Every clone changes the same log.
#[derive(Debug, Clone)]
pub(crate) struct Loudness {
    handle: reload::Handle<Targets, Registry>,
    wanted: Arc<Mutex<Wanted>>,
}

#[derive(Debug)]
struct Wanted {
    level: LevelFilter,
    exceptions: Vec<Exception>,
}

/// Another level for one target, until some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exception {
    /// One of [`TARGETS`], or a module under `daemon`, as `daemon::reload`.
    pub(crate) target: String,
    pub(crate) level: LevelFilter,
    pub(crate) until: Timestamp,
    pub(crate) by: String,
}

/// Why there is no such exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotHeard {
    #[error("{MOST} levels are changed already")]
    TooMany,
    #[error("level: what is audit or auth stays as loud as configured, which is {0}")]
    Quieter(LevelFilter),
}

impl Loudness {
    pub(super) fn new(handle: reload::Handle<Targets, Registry>, level: LevelFilter) -> Self {
        Self { handle, wanted: Arc::new(Mutex::new(Wanted { level, exceptions: Vec::new() })) }
    }

    /// Writes what is at least so important from now on; exceptions go on.
    pub(crate) fn set(&self, level: LevelFilter) {
        let mut wanted = self.wanted();
        wanted.level = level;
        self.follow(&wanted);
    }

    /// Makes an exception, or another one of the same target.
    ///
    /// # Errors
    /// There are too many, or what is a record would be quieter than it is configured.
    pub(crate) fn except(&self, exception: Exception) -> Result<(), NotHeard> {
        let mut wanted = self.wanted();
        if exception.is_of_record() && exception.level < wanted.level {
            return Err(NotHeard::Quieter(wanted.level));
        }
        let others = wanted.exceptions.iter().filter(|other| other.target != exception.target);
        if others.count() >= MOST {
            return Err(NotHeard::TooMany);
        }
        wanted.exceptions.retain(|other| other.target != exception.target);
        wanted.exceptions.push(exception);
        self.follow(&wanted);
        Ok(())
    }

    /// Ends the exception of this target; false if there is none.
    pub(crate) fn forget(&self, target: &str) -> bool {
        !self.end(|exception| exception.target == target).is_empty()
    }

    /// Ends the exceptions whose time is over, and returns them.
    pub(crate) fn expire(&self, now: Timestamp) -> Vec<Exception> {
        self.end(|exception| exception.until <= now)
    }

    pub(crate) fn exceptions(&self) -> Vec<Exception> {
        self.wanted().exceptions.clone()
    }

    fn end(&self, is_over: impl Fn(&Exception) -> bool) -> Vec<Exception> {
        let mut wanted = self.wanted();
        let (over, left): (Vec<_>, _) = std::mem::take(&mut wanted.exceptions).into_iter().partition(is_over);
        wanted.exceptions = left;
        // Every call site is asked again whether anybody hears it.
        if !over.is_empty() {
            self.follow(&wanted);
        }
        over
    }

    fn follow(&self, wanted: &Wanted) {
        let _log_is_gone = self.handle.reload(wanted.filter());
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exception {
    fn is_of_record(&self) -> bool {
        self.target.split("::").next().is_some_and(|room| RECORDS.contains(&room))
    }
}

impl Wanted {
    fn filter(&self) -> Targets {
        // What is configured may have become louder since.
        let level = |exception: &Exception| {
            if exception.is_of_record() { exception.level.max(self.level) } else { exception.level }
        };
        let exceptions = self.exceptions.iter().map(|exception| (exception.target.clone(), level(exception)));
        filter(self.level).with_targets(exceptions)
    }
}

/// Our own words at the operator's level; the libraries', which may name destinations, only while debugging.
pub(super) fn filter(level: LevelFilter) -> Targets {
    let libraries = if level >= LevelFilter::DEBUG { LevelFilter::WARN } else { LevelFilter::OFF };
    Targets::new().with_default(libraries).with_targets(TARGETS.map(|target| (target, level)))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    fn moment(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_exception_holds_for_its_target_until_its_time_is_over() {
        let (_layer, handle) = reload::Layer::<_, Registry>::new(filter(LevelFilter::INFO));
        let loudness = Loudness::new(handle, LevelFilter::INFO);
        let hears = |target, level| loudness.wanted().filter().would_enable(target, &level);
        let session = Exception {
            target: "session".to_owned(),
            level: LevelFilter::DEBUG,
            until: moment(100),
            by: "anna".to_owned(),
        };
        assert_eq!(loudness.except(session.clone()), Ok(()));
        assert!(hears("session", Level::DEBUG) && !hears("auth", Level::DEBUG));
        loudness.set(LevelFilter::ERROR);
        assert!(hears("session", Level::DEBUG) && !hears("auth", Level::INFO));
        assert_eq!(loudness.expire(moment(99)), []);
        assert_eq!(loudness.expire(moment(100)), [session]);
        assert!(!hears("session", Level::DEBUG) && hears("session", Level::ERROR));
    }

    #[test]
    fn a_target_has_one_exception_and_there_are_only_so_many() {
        let (_layer, handle) = reload::Layer::<_, Registry>::new(filter(LevelFilter::INFO));
        let loudness = Loudness::new(handle, LevelFilter::INFO);
        let except = |target: String| {
            loudness.except(Exception { target, level: LevelFilter::TRACE, until: moment(1), by: String::new() })
        };
        assert!((0..MOST).all(|number| except(format!("daemon::{number}")).is_ok()));
        assert_eq!(except("daemon::0".to_owned()), Ok(()));
        assert_eq!(except("daemon::more".to_owned()), Err(NotHeard::TooMany));
        assert!(loudness.forget("daemon::3") && !loudness.forget("daemon::3"));
        assert_eq!(loudness.exceptions().len(), MOST - 1);
    }

    #[test]
    fn what_is_a_record_is_never_quieter_than_configured() {
        let (_layer, handle) = reload::Layer::<_, Registry>::new(filter(LevelFilter::INFO));
        let loudness = Loudness::new(handle, LevelFilter::INFO);
        let hears = |target, level| loudness.wanted().filter().would_enable(target, &level);
        let except = |target: &str, level| {
            let target = target.to_owned();
            loudness.except(Exception { target, level, until: moment(1), by: String::new() })
        };
        for record in RECORDS {
            assert_eq!(except(record, LevelFilter::ERROR), Err(NotHeard::Quieter(LevelFilter::INFO)), "{record}");
        }
        assert_eq!(except("session", LevelFilter::ERROR), Ok(()));
        assert_eq!(except("audit", LevelFilter::INFO), Ok(()));
        loudness.set(LevelFilter::DEBUG);
        assert!(hears("audit", Level::DEBUG) && !hears("session", Level::INFO));
    }
}
