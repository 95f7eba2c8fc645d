//! Where one of the operator's files is written: drafts, what was in force before, and whether what was applied last is confirmed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::drafts::Drafts;
use super::generations::Generations;
use super::store::Store;
use crate::engine::sys::whole_file::replace;

/// As long as somebody may take to confirm: a day.
const LONGEST: u64 = 24 * 60 * 60;

/// A name for what waits to be confirmed.
const PENDING: &str = "pending.json";

#[derive(Debug)]
pub(super) struct Bench {
    pub(super) drafts: Mutex<Drafts>,
    pub(super) generations: Mutex<Generations>,
    /// The text that was in force when somebody asked last, and its number: most ask again before another one is.
    last: Mutex<Option<(Arc<str>, u64)>>,
    /// One change at a time.
    pub(super) pen: Mutex<()>,
    pending: Mutex<Option<Pending>>,
    changed: Condvar,
    directory: Option<PathBuf>,
}

/// A text that goes again unless somebody confirms it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::frontends::office) struct Pending {
    /// What is to be confirmed.
    #[serde(rename = "gen")]
    pub(in crate::frontends::office) number: u64,
    /// What comes back.
    pub(in crate::frontends::office) back_to: u64,
    pub(in crate::frontends::office) until: Timestamp,
    pub(in crate::frontends::office) by: String,
}

impl Bench {
    /// A bench with what was kept in this directory; without one, what is written is kept as long as the process.
    pub(super) fn new(store: Store, directory: Option<PathBuf>) -> Self {
        let pending = directory.as_deref().and_then(read);
        Self {
            drafts: Mutex::new(Drafts::of(store)),
            generations: Mutex::new(Generations::open(store.kind().name(), directory.clone())),
            last: Mutex::default(),
            pen: Mutex::default(),
            pending: Mutex::new(pending),
            changed: Condvar::new(),
            directory,
        }
    }

    /// The number of the text in force, if it is known as that.
    pub(super) fn number_of(&self, text: &Arc<str>) -> Option<u64> {
        let mut last = held(&self.last);
        if let Some((_, number)) = last.as_ref().filter(|(known, _)| Arc::ptr_eq(known, text)) {
            return Some(*number);
        }
        let number = held(&self.generations).number_of(text)?;
        *last = Some((Arc::clone(text), number));
        Some(number)
    }

    /// What waits to be confirmed.
    pub(super) fn pending(&self) -> Option<Pending> {
        held(&self.pending).clone()
    }

    /// From now on this has to be confirmed, or nothing has.
    pub(super) fn expect(&self, pending: Option<Pending>) {
        if let Some(directory) = &self.directory {
            let path = directory.join(PENDING);
            let written = match &pending {
                Some(pending) => serde_json::to_vec(pending).map_err(Into::into).and_then(|text| replace(&path, &text)),
                None if path.exists() => std::fs::remove_file(&path),
                None => Ok(()),
            };
            if let Err(error) = written {
                tracing::warn!(%error, ?path, "a restart would not know what waits to be confirmed");
            }
        }
        *held(&self.pending) = pending;
        self.changed.notify_all();
    }

    /// Waits until nobody has confirmed in time.
    pub(super) fn wait_for_silence(&self) -> Pending {
        let mut pending = held(&self.pending);
        loop {
            let left = pending.as_ref().map(|pending| Timestamp::now().duration_until(pending.until));
            match (left, &*pending) {
                (Some(left), Some(overdue)) if !left.is_positive() => return overdue.clone(),
                // Looked at again every so often: the clock may be set.
                (Some(left), _) => {
                    let left = Duration::try_from(left).unwrap_or_default().min(Duration::from_secs(1));
                    pending = self.changed.wait_timeout(pending, left).unwrap_or_else(PoisonError::into_inner).0;
                }
                (None, _) => pending = self.changed.wait(pending).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

impl Pending {
    pub(super) fn within(number: u64, back_to: u64, seconds: u64, by: &str) -> Self {
        let seconds = i64::try_from(seconds.min(LONGEST)).unwrap_or(i64::MAX);
        Self { number, back_to, until: Timestamp::now() + SignedDuration::from_secs(seconds), by: by.to_owned() }
    }
}

pub(super) fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(directory: &Path) -> Option<Pending> {
    let text = std::fs::read(directory.join(PENDING)).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(number: u64, seconds: u64) -> Pending {
        Pending::within(number, number - 1, seconds, "anna")
    }

    #[test]
    fn what_nobody_confirms_is_told_and_what_is_confirmed_is_not() {
        let bench = Arc::new(Bench::new(Store::Acl, None));
        let waiting = {
            let bench = Arc::clone(&bench);
            std::thread::spawn(move || bench.wait_for_silence())
        };
        bench.expect(Some(pending(5, 3600)));
        bench.expect(None);
        bench.expect(Some(pending(7, 0)));
        assert_eq!(waiting.join().unwrap().number, 7);
    }

    #[test]
    fn a_restart_knows_what_waits() {
        let place = tempfile::tempdir().unwrap();
        let open = || Bench::new(Store::Acl, Some(place.path().to_owned()));
        let waiting = pending(2, 60);
        open().expect(Some(waiting.clone()));
        assert_eq!(open().pending(), Some(waiting));
        open().expect(None);
        assert_eq!(open().pending(), None);
    }
}
