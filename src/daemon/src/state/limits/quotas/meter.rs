//! What a user's sessions have carried since somebody looked, and what the last look said of the user.
//!
//! Nothing here is on the way of a byte: the lanes are read once a second and at the end of a session.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use limits::quota::account::Carried;

use crate::state::session::ticket::Session;

/// What all sessions of a user share.
#[derive(Debug, Default)]
pub(super) struct Meter {
    sent: AtomicU64,
    received: AtomicU64,
    verdict: AtomicU8,
    /// Who came and was turned away.
    refused: AtomicU64,
}

/// What the quotas say to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Verdict {
    /// Come in.
    #[default]
    Welcome,
    /// Whoever is in stays, and nobody comes.
    Refused,
    /// Nobody stays.
    Ended,
}

/// A session's end of it.
#[derive(Debug, Default)]
pub(crate) struct Toll {
    meter: OnceLock<Arc<Meter>>,
    /// How much of each lane is on the meter.
    sent: AtomicU64,
    received: AtomicU64,
}

/// That a session is metered; what it has carried in the end is on the meter when this is dropped.
#[derive(Debug)]
pub(crate) struct Metered {
    session: Arc<Session>,
}

impl Meter {
    /// Adds what was carried.
    pub(super) fn put(&self, Carried { sent, received }: Carried) {
        self.sent.fetch_add(sent, Relaxed);
        self.received.fetch_add(received, Relaxed);
    }

    /// What has come since this was last asked.
    pub(super) fn take(&self) -> Carried {
        Carried { sent: self.sent.swap(0, Relaxed), received: self.received.swap(0, Relaxed) }
    }

    pub(super) fn verdict(&self) -> Verdict {
        match self.verdict.load(Relaxed) {
            0 => Verdict::Welcome,
            1 => Verdict::Refused,
            _ => Verdict::Ended,
        }
    }

    /// One more was turned away.
    pub(super) fn turn_away(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    pub(super) fn judge(&self, verdict: Verdict) {
        self.verdict.store(verdict as u8, Relaxed);
    }
}

impl Toll {
    /// Puts what the session has carried on its meter; whoever does so at the same time, each byte is there once.
    pub(super) fn pay(session: &Session) {
        let toll = &session.toll;
        let Some(meter) = toll.meter.get() else { return };
        meter.put(Carried {
            sent: rise(&toll.sent, session.up.bytes()),
            received: rise(&toll.received, session.down.bytes()),
        });
    }

    /// Whether the session has to go.
    pub(super) fn is_ended(session: &Session) -> bool {
        session.toll.meter.get().is_some_and(|meter| meter.verdict() == Verdict::Ended)
    }
}

impl Metered {
    pub(super) fn begin(session: &Arc<Session>, meter: &Arc<Meter>) -> Self {
        let _entered_once = session.toll.meter.set(Arc::clone(meter));
        Self { session: Arc::clone(session) }
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        Toll::pay(&self.session);
    }
}

/// How far `known` had to rise.
fn rise(known: &AtomicU64, now: u64) -> u64 {
    now.saturating_sub(known.fetch_max(now, Relaxed))
}
