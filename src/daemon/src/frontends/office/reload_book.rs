//! What reloads bring is kept as it comes: texts as generations, and a reload that no operator ordered in the audit log.

use serde_json::json;
use wire::Trigger;

use super::policy::Store;
use super::record::Order;
use super::reload::Reload;
use super::{No, Office};
use crate::state::reloads::report::Report;

impl Office {
    /// Until this worker reloads no more; for a thread of its own.
    pub(crate) fn keep_reload_book(&self) {
        // What the start has brought is the first that can come back.
        for store in Store::ALL {
            let _there_may_be_no_text = self.in_force(store);
        }
        let mut seen = 0;
        while let Some(report) = self.reloads.next_behind(seen) {
            seen = report.generation;
            let generations = self.generations_of(&report);
            if report.trigger != Trigger::Operator {
                self.write_unordered(&report, generations);
            }
        }
    }

    /// Which generations its texts are.
    fn generations_of(&self, report: &Report) -> Vec<String> {
        let stores = report.taken().into_iter().filter_map(Store::of);
        let noted = stores.filter_map(|store| Some((store, self.in_force(store).ok()?.0)));
        noted.map(|(store, number)| format!("{} gen {number}", store.word())).collect()
    }

    fn write_unordered(&self, report: &Report, changes: Vec<String>) {
        let reload = Reload::of(report);
        let outcome = if report.is_good() { Ok(reload.words()) } else { Err(No::NotReloaded(Box::new(reload))) };
        let order = Order { op: "reload.run", target: report.extent.label().into(), changes, ..Order::default() };
        self.happened(&json!({ "trigger": report.trigger.label() }), &order, &outcome, report.took);
    }
}
