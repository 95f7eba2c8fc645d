//! Reloads as metrics.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::{Histogram, IntCounterVec, IntGauge};
use wire::DocumentKind;

use crate::state::metrics::{Metrics, STEP_SECONDS};
use crate::state::reloads::report::{Outcome, Report};

/// The components, in the order of a report.
const COMPONENTS: [DocumentKind; 6] = [
    DocumentKind::Configuration,
    DocumentKind::Users,
    DocumentKind::Rules,
    DocumentKind::Tokens,
    DocumentKind::ApiCertificate,
    DocumentKind::MetricsCertificate,
];

/// What is counted of reloads.
#[derive(Debug)]
pub(in crate::app) struct Counts {
    results: IntCounterVec,
    rules_seconds: Histogram,
    generation: IntGauge,
    is_good: IntGauge,
    at: IntGauge,
}

impl Counts {
    /// As it is when a worker starts by the texts of this generation.
    pub(in crate::app) fn begin(metrics: &Metrics, generation: u64) -> Self {
        let counts = Self {
            results: metrics.counters(
                "rustsocks_reloads_total",
                "Reloads by component and by what came of it.",
                &["component", "result"],
            ),
            rules_seconds: metrics.seconds(
                "rustsocks_acl_reload_seconds",
                "From the texts to other rules in force.",
                &STEP_SECONDS,
            ),
            generation: metrics.gauge("rustsocks_config_generation", "The reload by which clients are served."),
            is_good: metrics.gauge("rustsocks_last_reload_successful", "Whether nothing failed in the last reload."),
            at: metrics.gauge("rustsocks_last_reload_timestamp_seconds", "When the last reload was over."),
        };
        for component in COMPONENTS {
            for result in Outcome::WORDS {
                let _made = counts.results.with_label_values(&[component.name(), result]);
            }
        }
        counts.note(generation, true);
        counts
    }

    pub(super) fn count(&self, report: &Report) {
        for (component, outcome) in &report.components {
            self.results.with_label_values(&[component.name(), outcome.word()]).inc();
            if *component == DocumentKind::Rules && matches!(outcome, Outcome::Applied(_)) {
                self.rules_seconds.observe(report.took.as_secs_f64());
            }
        }
        self.note(report.serving, report.is_good());
    }

    fn note(&self, serving: u64, is_good: bool) {
        self.generation.set(i64::try_from(serving).unwrap_or(i64::MAX));
        self.is_good.set(is_good.into());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.at.set(i64::try_from(now).unwrap_or(i64::MAX));
    }
}
