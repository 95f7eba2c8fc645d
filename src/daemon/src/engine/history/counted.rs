//! What is counted of the history. It is there from the start, also where no history is kept.

use std::sync::{Arc, OnceLock};

use history::Kind;
use prometheus::{Histogram, IntCounter, IntGauge};

use super::spool::ledger::Ledger;
use crate::state::history::outbox::Outbox;
use crate::state::metrics::{Metrics, STEP_SECONDS, raise};
use crate::state::session::ticket::Session;

#[derive(Debug)]
pub(crate) struct Counted {
    /// Rows that were written for the first time or again.
    pub(super) rows: IntCounter,
    pub(super) transaction_seconds: Histogram,
    pub(super) spool_fails: IntGauge,
    pub(super) database_fails: IntGauge,
    in_memory: IntGauge,
    in_spool: IntGauge,
    lag: IntGauge,
    lost: [IntCounter; Kind::ALL.len()],
    /// What changes by itself; nothing where no history is kept.
    watched: OnceLock<(Outbox<Arc<Session>>, Arc<Ledger>)>,
}

/// How far the database is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Bytes of records that are not in the database yet.
    pub(crate) waiting: u64,
    /// Seconds since it had everything.
    pub(crate) lag: u64,
    pub(crate) fails: bool,
    /// Records that were lost since the start.
    pub(crate) lost: u64,
}

impl Counted {
    pub(crate) fn new(metrics: &Metrics) -> Arc<Self> {
        let waiting = metrics.gauges(
            "rustsocks_history_waiting_bytes",
            "Records that are not in the database yet, by where they wait.",
            &["place"],
        );
        let fails = metrics.gauges(
            "rustsocks_history_failing",
            "1 while that part of the history cannot be used, else 0.",
            &["part"],
        );
        let lost = metrics.counters(
            "rustsocks_history_lost_total",
            "Records that found no room or could not be read again, by kind.",
            &["kind"],
        );
        Arc::new(Self {
            rows: metrics.counter(
                "rustsocks_session_database_writes_total",
                "Rows of sessions that were written into the database, for the first time or again.",
            ),
            transaction_seconds: metrics.seconds(
                "rustsocks_history_transaction_seconds",
                "How long it took to write rows into the database, all rows of a transaction together.",
                &STEP_SECONDS,
            ),
            spool_fails: fails.with_label_values(&["spool"]),
            database_fails: fails.with_label_values(&["database"]),
            in_memory: waiting.with_label_values(&["memory"]),
            in_spool: waiting.with_label_values(&["spool"]),
            lag: metrics
                .gauge("rustsocks_history_lag_seconds", "How long ago the database had everything; 0 while it does."),
            lost: Kind::ALL.map(|kind| lost.with_label_values(&[word(kind)])),
            watched: OnceLock::new(),
        })
    }

    /// Counts what these have from now on.
    pub(super) fn watch(&self, outbox: Outbox<Arc<Session>>, ledger: Arc<Ledger>) {
        let _only_the_first_history = self.watched.set((outbox, ledger));
    }

    /// How it stands now; nothing where no history is kept.
    pub(crate) fn standing(&self) -> Option<Standing> {
        let (outbox, ledger) = self.watched.get()?;
        self.look(outbox, ledger);
        let count = |gauge: &IntGauge| u64::try_from(gauge.get()).unwrap_or(0);
        Some(Standing {
            waiting: count(&self.in_memory) + count(&self.in_spool),
            lag: count(&self.lag),
            fails: count(&self.spool_fails) + count(&self.database_fails) > 0,
            lost: self.lost.iter().map(IntCounter::get).sum(),
        })
    }

    /// Brings up to date what changes by itself.
    fn look(&self, outbox: &Outbox<Arc<Session>>, ledger: &Ledger) {
        let (in_memory, arrears) = (outbox.waiting_bytes() as u64, ledger.arrears());
        self.in_memory.set(signed(in_memory));
        self.in_spool.set(signed(arrears.bytes));
        self.lag.set(signed(arrears.lag.as_secs()));
        for (kind, lost) in Kind::ALL.into_iter().zip(&self.lost) {
            raise(lost, outbox.losses().count(kind));
        }
    }
}

/// The stable word.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Checkpoint => "checkpoint",
        Kind::Opened => "opening",
        Kind::Closed => "ending",
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::history::outbox::{Room, outbox};

    #[test]
    fn what_waits_and_what_was_lost_is_looked_at_and_losses_are_added_once() {
        let counted = Counted::new(&Metrics::default());
        let (outbox, _inbox) = outbox(Room { in_memory: 100, on_disk: 100 });
        outbox.post(Kind::Closed, &[0; 7], None).unwrap();
        outbox.losses().add(Kind::Opened, 3);
        for _ in 0..2 {
            counted.look(&outbox, &Ledger::default());
            assert_eq!((counted.in_memory.get(), counted.in_spool.get(), counted.lag.get()), (7, 0, 0));
            assert_eq!(counted.lost.each_ref().map(IntCounter::get), [0, 3, 0]);
        }
    }
}
