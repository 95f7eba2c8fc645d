//! What the routes answer.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use super::answer::Answer;
use super::routes::ROUTES;
use crate::state::metrics::Metrics;
use crate::state::readiness::{Readiness, Reason};

const JSON: &str = "application/json";

/// What handlers know.
#[derive(Debug)]
pub(crate) struct Office {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) readiness: Arc<Readiness>,
}

impl Office {
    pub(super) fn metrics(&self) -> Answer {
        Answer::new(200, "text/plain; version=0.0.4; charset=utf-8", self.metrics.exposition())
    }

    /// Who asks whether this process should be restarted must not hear of what a restart does not mend.
    pub(super) fn health(&self) -> Answer {
        let reasons = self.reasons();
        let status = if reasons.is_empty() { "ok" } else { "degraded" };
        let version = env!("CARGO_PKG_VERSION");
        let body =
            format!("{{\"status\":\"{status}\",\"reasons\":[{}],\"version\":\"{version}\"}}\n", quoted(&reasons));
        Answer::new(200, JSON, body)
    }

    pub(super) fn ready(&self) -> Answer {
        let reasons = self.reasons();
        let (code, status) = if reasons.is_empty() { (200, "ready") } else { (503, "not_ready") };
        let body = format!("{{\"status\":\"{status}\",\"reasons\":[{}]}}\n", quoted(&reasons));
        let answer = Answer::new(code, JSON, body);
        if code == 503 { answer.with("Retry-After", "1") } else { answer }
    }

    fn reasons(&self) -> Vec<&'static str> {
        self.readiness.reasons(Instant::now()).into_iter().map(Reason::label).collect()
    }
}

pub(super) fn index(_: &Office) -> Answer {
    let mut list = String::new();
    for route in &ROUTES {
        let _never_fails = writeln!(list, "{} {}: {}", route.method, route.path, route.description);
    }
    Answer::new(200, "text/plain; charset=utf-8", list)
}

pub(super) fn live(_: &Office) -> Answer {
    Answer::new(200, JSON, "{\"status\":\"live\"}\n")
}

/// As the items of a JSON array; the words need no escapes.
fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(",")
}
