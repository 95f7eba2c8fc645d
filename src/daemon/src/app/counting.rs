//! What is counted, put together. It outlives every part that is replaced while the worker lives.

use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use prometheus::IntCounter;

use crate::engine::auth::counted::Checks;
use crate::engine::dial::lookups::Lookups;
use crate::engine::history::counted::Counted;
use crate::engine::relay::udp::drops::Totals;
use crate::engine::sys::usage::{self, Ourselves};
use crate::state::limits::quotas::Quotas;
use crate::state::metrics::Metrics;
use crate::state::metrics::sessions::Sessions;
use crate::state::metrics::today::Today;
use crate::state::readiness::Readiness;
use crate::state::vitals::Vitals;

#[derive(Debug)]
pub(super) struct Counting {
    pub(super) metrics: Arc<Metrics>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) checks: Arc<Checks>,
    pub(super) lookups: Arc<Lookups>,
    /// Datagrams that went no further.
    pub(super) drops: Arc<Totals>,
    pub(super) history: Arc<Counted>,
    /// What each user has carried.
    pub(super) quotas: Arc<Quotas>,
    pub(super) readiness: Arc<Readiness>,
    pub(super) today: Arc<Today>,
    /// Lines that the log could not write.
    pub(super) lines_lost: IntCounter,
    /// Records that the audit log could not take.
    pub(super) audit_failures: IntCounter,
    pub(super) vitals: Arc<Vitals>,
    pub(super) ourselves: Arc<Ourselves>,
}

impl Counting {
    /// # Errors
    /// proc(5) is not there.
    pub(super) fn begin() -> io::Result<Self> {
        let metrics = Arc::new(Metrics::default());
        metrics
            .gauges("rustsocks_build_info", "Always 1; the label says which program runs.", &["version"])
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1);
        let ourselves = usage::follow(&metrics)?;
        Ok(Self {
            sessions: Sessions::new(&metrics),
            checks: Checks::new(&metrics),
            lookups: Lookups::new(&metrics),
            drops: Totals::new(&metrics),
            history: Counted::new(&metrics),
            quotas: Quotas::new(&metrics),
            readiness: Readiness::new(&metrics),
            today: Today::begin(Timestamp::now()),
            lines_lost: metrics.counter(
                "rustsocks_log_lines_lost_total",
                "Log lines that were lost because the disk or the reader was too slow or full.",
            ),
            audit_failures: metrics
                .counter("rustsocks_audit_failures_total", "Records that could not be written into the audit log."),
            vitals: Arc::default(),
            ourselves,
            metrics,
        })
    }
}
