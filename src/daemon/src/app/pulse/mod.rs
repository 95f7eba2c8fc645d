//! Looks once a second how all of it goes, and writes it down where operators read it.
//!
//! It has a thread of its own: a disk that does not say how full it is holds nobody up.

mod checks;
mod rates;
mod supervision;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use self::checks::Examination;
use self::rates::Rates;
use self::supervision::Supervision;
use super::counting::Counting;
use crate::frontends::office::Office;

const EVERY: Duration = Duration::from_secs(1);

/// The thread, which ends when this is dropped. Nobody waits for that: a disk may hold it up.
#[derive(Debug)]
pub(super) struct Pulse {
    _end: SyncSender<()>,
}

impl Pulse {
    /// `place` is where the history is, if one is kept; `replaces` is as [`wire::ToWorker::Begin`] has it.
    ///
    /// # Errors
    /// The kernel gives no thread.
    pub(super) fn start(
        counting: Arc<Counting>,
        office: Arc<Office>,
        place: Option<&Path>,
        replaces: u32,
    ) -> io::Result<Self> {
        let (end, ended) = sync_channel(0);
        let examination = Examination::new(place, Supervision::begin(replaces));
        let thread = std::thread::Builder::new().name("pulse".to_owned());
        thread.spawn(move || take(&counting, &office, examination, &ended))?;
        Ok(Self { _end: end })
    }
}

fn take(counting: &Counting, office: &Office, mut examination: Examination, ended: &Receiver<()>) {
    let (began, first) = (Instant::now(), Timestamp::now());
    let mut rates = Rates::new();
    loop {
        let now = Instant::now();
        let usage = counting.ourselves.look(now);
        office.vitals.note_usage(usage);
        let lag = office.vitals.lateness.take();
        office.paces.each(&office.world.roster, now, |session| counting.sessions.note(session));
        let sample = rates.look(counting, office, (usage, lag), now);
        // By the clock of the start, so that no second counts twice when the clock is set.
        let second = first.as_second() + i64::try_from(began.elapsed().as_secs()).unwrap_or(0);
        office.vitals.series.push(second, sample);
        let findings = examination.look(counting, office, (usage, lag), now);
        office.vitals.board.report(Timestamp::now(), findings);
        office.register.tidy();
        // A little less than a second late at most, whatever the look took.
        let rest = EVERY.saturating_sub(Duration::from_nanos(began.elapsed().subsec_nanos().into()));
        if ended.recv_timeout(rest) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}
