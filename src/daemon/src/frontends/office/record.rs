//! Orders are written down before they are carried out, and again when they have been.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use prometheus::IntCounter;
use serde_json::Value;

use super::{Caller, No, Office};
use crate::engine::audit::{Audit, Entry};
use crate::state::metrics::Metrics;

/// The role of what nobody orders.
const NOBODY: &str = "none";

/// Where orders are written down.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) audit: Audit,
    /// What cannot be written down is not done.
    pub(crate) is_required: bool,
    orders: AtomicU64,
    /// What could not be written down.
    failures: IntCounter,
}

/// What somebody orders.
#[derive(Debug, Default)]
pub(crate) struct Order<'a> {
    pub(crate) op: &'static str,
    /// What it is done to.
    pub(crate) target: Value,
    /// What it changes there, item by item; no secret is in it.
    pub(crate) changes: Vec<String>,
    pub(crate) comment: Option<&'a str>,
    pub(crate) idem: Option<&'a str>,
}

/// What was done, and the number under which it is written down.
#[derive(Debug)]
pub(crate) struct Done<T> {
    pub(crate) outcome: T,
    pub(crate) audit: Option<String>,
}

impl Record {
    pub(crate) fn new(audit: Audit, is_required: bool, failures: IntCounter) -> Self {
        Self { audit, is_required, orders: AtomicU64::new(0), failures }
    }

    /// A number that no other order has, of any worker: `a-20261122T100311.123456-1`.
    fn number(&self) -> String {
        let order = self.orders.fetch_add(1, Relaxed) + 1;
        format!("a-{}-{order}", Timestamp::now().strftime("%Y%m%dT%H%M%S.%6f"))
    }

    /// Lets each scrape see whether orders can be written down.
    pub(crate) fn follow(self: &Arc<Self>, metrics: &Metrics) {
        let failing = metrics.gauge("rustsocks_audit_failing", "Whether the audit log cannot be opened for a record.");
        let record = Arc::clone(self);
        metrics.before_each_scrape(move || failing.set(record.audit.reach().is_err().into()));
    }

    /// Whether it is on the disk; if not, that is told and counted.
    fn write(&self, entry: &Entry<'_>) -> bool {
        let written = self.audit.write(entry);
        if let Err(error) = &written {
            self.failures.inc();
            tracing::error!(%error, path = %self.audit.path().display(), "cannot write the audit log");
        }
        written.is_ok()
    }
}

impl Office {
    /// Carries out an order; `words` say what came of it.
    ///
    /// # Errors
    /// It cannot be written down and has to be, or its own.
    pub(crate) fn on_record<T>(
        &self,
        caller: &Caller,
        order: &Order<'_>,
        deed: impl FnOnce() -> Result<T, No>,
        words: impl FnOnce(&T) -> String,
    ) -> Result<Done<T>, No> {
        let Some(record) = &self.record else {
            let outcome = deed()?;
            tell(caller, order, &words(&outcome));
            return Ok(Done { outcome, audit: None });
        };
        let (id, who) = (record.number(), caller.shown());
        let entry = |phase, result, ms| Entry {
            id: &id,
            phase,
            who: &who,
            role: caller.scope.word(),
            op: order.op,
            target: order.target.clone(),
            changes: &order.changes,
            comment: order.comment,
            result,
            ms,
            idem: order.idem,
        };
        if !record.write(&entry("intent", None, None)) && record.is_required {
            return Err(No::Unrecorded);
        }
        let began = Instant::now();
        let done = deed();
        let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (phase, result) = match &done {
            Ok(outcome) => ("done", words(outcome)),
            Err(no) => ("failed", no.to_string()),
        };
        tell(caller, order, &result);
        let _is_done_all_the_same = record.write(&entry(phase, Some(result), Some(took)));
        Ok(Done { outcome: done?, audit: Some(id) })
    }

    /// Writes down what has happened although no operator ordered it.
    pub(super) fn happened(&self, who: &Value, order: &Order<'_>, outcome: &Result<String, No>, took: Duration) {
        let Some(record) = &self.record else { return };
        let (phase, result) = match outcome {
            Ok(words) => ("done", words.clone()),
            Err(no) => ("failed", no.to_string()),
        };
        let entry = Entry {
            id: &record.number(),
            phase,
            who,
            role: NOBODY,
            op: order.op,
            target: order.target.clone(),
            changes: &order.changes,
            comment: order.comment,
            result: Some(result),
            ms: Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            idem: None,
        };
        let _has_happened_all_the_same = record.write(&entry);
    }

    /// Writes down what somebody wanted and may not, and how often before that was not written down.
    pub(crate) fn denied(&self, caller: &Caller, op: &str, missed: u32) {
        tracing::warn!(target: "audit", caller = %caller.name, role = caller.scope.word(), op, "denied to an operator");
        let Some(record) = &self.record else { return };
        let (id, who) = (record.number(), caller.shown());
        let entry = Entry {
            id: &id,
            phase: "denied",
            who: &who,
            role: caller.scope.word(),
            op,
            target: Value::Null,
            changes: &[],
            comment: None,
            result: (missed > 0).then(|| format!("and {missed} before that were not written down")),
            ms: None,
            idem: None,
        };
        let _is_denied_all_the_same = record.write(&entry);
    }
}

fn tell(caller: &Caller, order: &Order<'_>, result: &str) {
    let Order { op, target, changes, comment, idem: _ } = order;
    let changes = (!changes.is_empty()).then(|| changes.join("; "));
    tracing::info!(target: "audit", caller = %caller.name, role = caller.scope.word(), op, %target, changes, comment, result, "ordered by an operator");
}
