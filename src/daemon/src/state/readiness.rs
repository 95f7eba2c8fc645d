//! Whether new clients are welcome, and if not, why: for balancers and orchestrators that ask.
//!
//! Knows no clock: the time is an argument.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus::IntCounter;

use super::metrics::Metrics;

/// How long after a pause it counts: who tries again at once and fails again was never ready in between.
const AFTERMATH: Duration = Duration::from_secs(1);

/// Why new clients should go elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The daemon stops.
    Draining,
    /// The kernel has no descriptor or memory for another connection.
    AcceptPaused,
}

#[derive(Debug)]
pub(crate) struct Readiness {
    draining: AtomicBool,
    paused_until: Mutex<Option<Instant>>,
    pauses: IntCounter,
}

impl Reason {
    pub(crate) const ALL: [Self; 2] = [Self::Draining, Self::AcceptPaused];

    /// The stable word for answers and metrics.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::AcceptPaused => "accept_paused",
        }
    }
}

impl Readiness {
    pub(crate) fn new(metrics: &Metrics) -> Arc<Self> {
        let pauses = metrics.counter(
            "rustsocks_accept_pauses_total",
            "How often accepting paused because the kernel had no descriptor or memory.",
        );
        let readiness = Arc::new(Self { draining: AtomicBool::new(false), paused_until: Mutex::default(), pauses });
        let unready = metrics.gauges(
            "rustsocks_not_ready",
            "1 for each reason why new clients should go elsewhere now, else 0.",
            &["reason"],
        );
        let seen = Arc::clone(&readiness);
        metrics.before_each_scrape(move || {
            let reasons = seen.reasons(Instant::now());
            for reason in Reason::ALL {
                unready.with_label_values(&[reason.label()]).set(reasons.contains(&reason).into());
            }
        });
        readiness
    }

    /// No new client is taken any more.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Relaxed);
    }

    /// A listener accepts nothing for so long.
    pub(crate) fn pause(&self, now: Instant, pause: Duration) {
        self.pauses.inc();
        let until = now + pause + AFTERMATH;
        let mut paused = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        *paused = Some(paused.map_or(until, |known| known.max(until)));
    }

    /// Why it is not ready; nothing when it is.
    pub(crate) fn reasons(&self, now: Instant) -> Vec<Reason> {
        let paused = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| now < until);
        let is_so = |reason: &Reason| match reason {
            Reason::Draining => self.draining.load(Relaxed),
            Reason::AcceptPaused => paused,
        };
        Reason::ALL.into_iter().filter(is_so).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_counts_a_little_longer_than_it_lasts_and_draining_for_ever() {
        let (readiness, now) = (Readiness::new(&Metrics::default()), Instant::now());
        let after = |millis| now + Duration::from_millis(millis);
        assert_eq!(readiness.reasons(now), []);
        readiness.pause(now, Duration::from_millis(500));
        readiness.pause(now, Duration::from_millis(50));
        assert_eq!(readiness.reasons(after(1_400)), [Reason::AcceptPaused]);
        assert_eq!(readiness.reasons(after(1_600)), []);
        readiness.drain();
        assert_eq!(readiness.reasons(after(1_400)), [Reason::Draining, Reason::AcceptPaused]);
        assert_eq!(readiness.reasons(after(1_000_000)), [Reason::Draining]);
    }
}
