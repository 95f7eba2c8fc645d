//! The thread `history-heir`: brings into the database what other processes have left in their spools, once they are gone.
//!
//! A worker whose place another one has taken in an upgrade has a spool of its own, and may be killed like any other.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::follower::Follower;
use super::keeper::Taken;
use super::spool::directory::{Directory, NoSpool, SPOOLS, SpoolNumber};
use super::spool::ledger::Ledger;
use super::{Options, Shared};

/// How often it looks whether somebody is gone.
const LOOK: Duration = Duration::from_secs(2);

pub(super) struct Heir {
    options: Options,
    /// The directory of spool 1.
    first: PathBuf,
    shared: Shared,
    /// Spools that are in the database as far as they go, as long as nobody has taken them again.
    done: HashSet<SpoolNumber>,
}

impl Heir {
    pub(super) fn new(options: Options, first: PathBuf, shared: Shared) -> Self {
        // Old rows are removed by whoever writes new ones.
        Self { options: Options { retention: None, ..options }, first, shared, done: HashSet::new() }
    }

    /// Works until the other end of `end` is gone.
    pub(super) fn run(mut self, end: &Receiver<()>) {
        while end.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            (1..=SPOOLS).for_each(|number| self.look_at(number));
        }
    }

    fn look_at(&mut self, number: SpoolNumber) {
        match Directory::take_left(&self.first, number) {
            Ok(Some(directory)) if !self.done.contains(&number) => {
                if self.bring_in(directory).is_ok() {
                    self.done.insert(number);
                }
            }
            Ok(_) => {}
            Err(NoSpool::Taken) => drop(self.done.remove(&number)),
            Err(NoSpool::Unusable(error)) => tracing::debug!(%error, number, "cannot look at a spool of the history"),
        }
    }

    fn bring_in(&self, directory: Directory) -> std::io::Result<()> {
        let ledger = Ledger::default();
        let taken = Taken::of(directory, &ledger)?;
        ledger.finish();
        let shared = Shared { ledger: Arc::new(ledger), ..self.shared.clone() };
        Follower::new(self.options.clone(), taken, shared, None).run();
        Ok(())
    }
}
