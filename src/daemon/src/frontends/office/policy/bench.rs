//! Where one of the operator's files is written: drafts, what was in force before, and whether what was applied last is confirmed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::drafts::Drafts;
use super::generations::Generations;
use super::rule_tests::Aside;
use super::store::Store;
use crate::engine::sys::whole_file::replace;
use crate::frontends::office::No;

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
    expected: Mutex<Expected>,
    changed: Condvar,
    directory: Option<PathBuf>,
}

/// What is waited for.
#[derive(Debug, Default)]
struct Expected {
    pending: Option<Pending>,
    /// Another worker waits for it.
    is_left_to_another: bool,
}

/// A text that goes again unless somebody confirms it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::frontends::office) struct Pending {
    /// What is to be confirmed.
    #[serde(rename = "gen")]
    pub(in crate::frontends::office) number: u64,
    /// Of its text.
    pub(in crate::frontends::office) sha: Digest,
    /// What comes back.
    pub(in crate::frontends::office) back_to: u64,
    pub(in crate::frontends::office) until: Timestamp,
    pub(in crate::frontends::office) by: String,
    /// Tests that were switched off for it, and are switched on again when it goes.
    #[serde(skip)]
    pub(super) aside: Option<Aside>,
}

/// The same as a restart finds it: operators are not told what the tests said.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    pending: Pending,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aside: Option<Aside>,
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
            expected: Mutex::new(Expected { pending, is_left_to_another: false }),
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

    /// This is the number of the text in force, for whoever asks next.
    pub(super) fn remember(&self, text: &Arc<str>, number: u64) {
        *held(&self.last) = Some((Arc::clone(text), number));
    }

    /// The same as far as it is known without a look at what is kept; never waits.
    pub(super) fn number_at_hand(&self, text: &Arc<str>) -> Option<u64> {
        let last = free(&self.last)?;
        last.as_ref().filter(|(known, _)| Arc::ptr_eq(known, text)).map(|(_, number)| *number)
    }

    /// What waits to be confirmed.
    pub(super) fn pending(&self) -> Option<Pending> {
        held(&self.expected).pending.clone()
    }

    /// From now on this has to be confirmed, or nothing has.
    pub(super) fn expect(&self, pending: Option<Pending>) {
        if let Some(directory) = &self.directory {
            let path = directory.join(PENDING);
            let written = match &pending {
                Some(pending) => {
                    let kept = Kept { pending: pending.clone(), aside: pending.aside.clone() };
                    serde_json::to_vec(&kept).map_err(Into::into).and_then(|text| replace(&path, &text))
                }
                None if path.exists() => std::fs::remove_file(&path),
                None => Ok(()),
            };
            if let Err(error) = written {
                tracing::warn!(%error, ?path, "a restart would not know what waits to be confirmed");
            }
        }
        held(&self.expected).pending = pending;
        self.changed.notify_all();
    }

    /// Puts a text into force that has to be confirmed, if it has to. That is known before anything is written: whatever ends this
    /// process then, and whoever answers too late, the text goes again. If it is certain that it has not come, nothing is expected of it.
    pub(super) fn put_on_probation<T>(
        &self,
        pending: Option<Pending>,
        put: impl FnOnce() -> Result<T, No>,
    ) -> Result<T, No> {
        let (former, is_on_probation) = (self.pending(), pending.is_some());
        if is_on_probation {
            self.expect(pending);
        }
        let done = put();
        if is_on_probation && done.as_ref().is_err_and(|no| !matches!(no, No::StillReloading)) {
            self.expect(former);
        }
        done
    }

    /// Waits until nobody has confirmed in time; nothing if that is left to another worker.
    pub(super) fn wait_for_silence(&self) -> Option<Pending> {
        let mut expected = held(&self.expected);
        while !expected.is_left_to_another {
            let left = expected.pending.as_ref().map(|pending| Timestamp::now().duration_until(pending.until));
            expected = match left {
                Some(left) if !left.is_positive() => return expected.pending.clone(),
                // Looked at again every so often: the clock may be set.
                Some(left) => {
                    let left = Duration::try_from(left).unwrap_or_default().min(Duration::from_secs(1));
                    self.changed.wait_timeout(expected, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(expected).unwrap_or_else(PoisonError::into_inner),
            };
        }
        None
    }

    /// Whether this one is still to be taken back here.
    pub(super) fn still_expects(&self, overdue: &Pending) -> bool {
        let expected = held(&self.expected);
        !expected.is_left_to_another && expected.pending.as_ref() == Some(overdue)
    }

    /// Another worker serves: what waits to be confirmed is its own, in the file that both know.
    pub(super) fn leave_to_another(&self) {
        held(&self.expected).is_left_to_another = true;
        self.changed.notify_all();
    }
}

/// After which time what could not be taken back is tried again.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);

impl Pending {
    /// This text of this number, instead of which the other generation comes back.
    pub(super) fn within(text: &str, (number, back_to): (u64, u64), time: SignedDuration, by: &str) -> Self {
        let until = Timestamp::now() + time;
        Self { number, sha: Digest::of(text), back_to, until, by: by.to_owned(), aside: None }
    }

    /// The same a while later: taking it back did not work.
    pub(super) fn again(self) -> Self {
        Self { until: Timestamp::now() + AGAIN, ..self }
    }
}

pub(super) fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What nobody else holds just now.
pub(super) fn free<T>(lock: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match lock.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn read(directory: &Path) -> Option<Pending> {
    let text = std::fs::read(directory.join(PENDING)).ok()?;
    let Kept { pending, aside } = serde_json::from_slice(&text).ok()?;
    Some(Pending { aside, ..pending })
}

#[cfg(test)]
mod tests {
    use super::super::generations::Source;
    use super::*;

    #[test]
    fn what_is_at_hand_is_told_without_waiting() {
        let bench = Bench::new(Store::Acl, None);
        let text: Arc<str> = "a".into();
        let _one = held(&bench.generations).note(&text, "anna", Source::File, "");
        assert_eq!(bench.number_at_hand(&text), None, "nobody has asked for it yet");
        assert_eq!((bench.number_of(&text), bench.number_at_hand(&text)), (Some(1), Some(1)));
        let other: Arc<str> = "b".into();
        bench.remember(&other, 2);
        assert_eq!((bench.number_at_hand(&text), bench.number_at_hand(&other)), (None, Some(2)));
        let _writes = held(&bench.last);
        assert_eq!(bench.number_at_hand(&other), None);
    }

    fn pending(number: u64, seconds: i64) -> Pending {
        Pending::within("text", (number, number - 1), SignedDuration::from_secs(seconds), "anna")
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
        assert_eq!(waiting.join().unwrap().map(|overdue| overdue.number), Some(7));
    }

    #[test]
    fn what_another_worker_waits_for_is_not_taken_back_here() {
        let bench = Arc::new(Bench::new(Store::Acl, None));
        let (overdue, waiting) = (pending(5, 0), {
            let bench = Arc::clone(&bench);
            std::thread::spawn(move || bench.wait_for_silence())
        });
        bench.leave_to_another();
        assert_eq!(waiting.join().unwrap(), None);
        bench.expect(Some(overdue.clone()));
        assert_eq!((bench.wait_for_silence(), bench.still_expects(&overdue)), (None, false));
    }

    #[test]
    fn a_text_is_on_probation_before_it_is_written_and_unless_it_certainly_has_not_come() {
        let place = tempfile::tempdir().unwrap();
        let open = || Bench::new(Store::Acl, Some(place.path().to_owned()));
        let (bench, first, second) = (open(), pending(2, 60), pending(3, 60));
        let known_to_a_restart = || Ok(open().pending());
        assert_eq!(bench.put_on_probation(Some(first.clone()), known_to_a_restart).unwrap(), Some(first.clone()));
        let failed = bench.put_on_probation::<()>(Some(second.clone()), || Err(No::NobodyReloads));
        assert!(failed.is_err() && bench.pending() == Some(first.clone()));
        let late = bench.put_on_probation::<()>(Some(second.clone()), || Err(No::StillReloading));
        assert!(late.is_err() && bench.pending() == Some(second.clone()) && open().pending() == Some(second.clone()));
        assert_eq!(bench.put_on_probation(None, known_to_a_restart).unwrap(), Some(second));
    }

    #[test]
    fn a_restart_knows_what_waits() {
        let place = tempfile::tempdir().unwrap();
        let open = || Bench::new(Store::Acl, Some(place.path().to_owned()));
        let aside = Aside { tests: vec![2], former: "on".into(), text: "off".to_owned() };
        let waiting = Pending { aside: Some(aside), ..pending(2, 60) };
        open().expect(Some(waiting.clone()));
        assert_eq!(open().pending(), Some(waiting));
        open().expect(None);
        assert_eq!(open().pending(), None);
    }
}
