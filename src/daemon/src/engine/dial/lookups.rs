//! What is counted of questions for names. It outlives the dialer, which is replaced when its options change.

use std::sync::Arc;
use std::time::Instant;

use prometheus::Histogram;

use super::cache::Known;
use super::resolve::{Answer, ResolveError};
use crate::state::metrics::{Metrics, STEP_SECONDS, Words};

#[derive(Debug)]
pub(crate) struct Lookups {
    cache: Words,
    answers: Words,
    seconds: Histogram,
}

impl Lookups {
    pub(crate) fn new(metrics: &Metrics) -> Arc<Self> {
        Arc::new(Self {
            cache: metrics.words(
                "rustsocks_dns_cache_total",
                "Looks into the cache of names, two for each name: one for each family of addresses.",
                "outcome",
                ["hit", "miss"],
            ),
            answers: metrics.words(
                "rustsocks_dns_answers_total",
                "Questions to the resolver, one for each family of a name, by what became of them.",
                "result",
                ["found", "missing", "failed", "abandoned"],
            ),
            seconds: metrics.seconds(
                "rustsocks_dns_seconds",
                "From a question to its answer, whichever it is; abandoned questions are not in it.",
                &STEP_SECONDS,
            ),
        })
    }

    /// How long questions took that were answered.
    pub(crate) fn seconds(&self) -> &Histogram {
        &self.seconds
    }

    /// Questions that nobody could answer.
    pub(crate) fn failed(&self) -> u64 {
        self.answers.total("failed")
    }

    pub(super) fn note_cached(&self, known: &[Option<Known>; 2]) {
        for known in known {
            self.cache.count(if known.is_some() { "hit" } else { "miss" });
        }
    }

    /// A question begins; dropping what is returned before the answer is in abandons it.
    pub(super) fn begin(&self) -> Asking<'_> {
        Asking { lookups: self, began: Instant::now(), is_answered: false }
    }
}

/// One question on its way.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    lookups: &'a Lookups,
    began: Instant,
    is_answered: bool,
}

impl Asking<'_> {
    pub(super) fn end(mut self, told: &Result<Answer, ResolveError>) {
        self.is_answered = true;
        self.lookups.seconds.observe(self.began.elapsed().as_secs_f64());
        self.lookups.answers.count(match told {
            Ok(_) => "found",
            Err(ResolveError::Missing) => "missing",
            Err(ResolveError::Silent | ResolveError::Failed(_)) => "failed",
        });
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.lookups.answers.count("abandoned");
        }
    }
}
