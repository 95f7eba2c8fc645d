//! Says once that something cannot be done, and once that it can be done again.

use prometheus::IntGauge;

/// One thing that may fail for a while.
#[derive(Debug)]
pub(super) struct Trouble {
    with: &'static str,
    /// 1 while it fails.
    gauge: IntGauge,
    words: Option<String>,
}

impl Trouble {
    pub(super) fn new(with: &'static str, gauge: IntGauge) -> Self {
        Self { with, gauge, words: None }
    }

    pub(super) fn is_over(&self) -> bool {
        self.words.is_none()
    }

    /// It fails; another reason than the last time is said again.
    pub(super) fn meet(&mut self, words: &str) {
        if self.words.as_deref() != Some(words) {
            tracing::warn!("cannot use {}: {words}", self.with);
            self.words = Some(words.to_owned());
            self.gauge.set(1);
        }
    }

    /// It works.
    pub(super) fn pass(&mut self) {
        if self.words.take().is_some() {
            self.gauge.set(0);
            tracing::info!("{} can be used again", self.with);
        }
    }
}
