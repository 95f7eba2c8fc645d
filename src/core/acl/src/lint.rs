//! What the operator should know about rules that are each right: those that contradict or repeat each other, that can
//! never decide anything, or that let in more than they seem to.
//!
//! Says nothing that depends on who logs in: a rule is held against those that always hold together with it, which are
//! its owner's, those of the groups that the rule file gives its owner, and everyone's.

pub(crate) mod remark;

mod coverage;
mod pairs;
mod singles;

use crate::lint::pairs::Pairs;
use crate::lint::remark::Report;
use crate::ruleset::Ruleset;

impl Ruleset {
    /// Looks over all rules. `now` is in seconds since 1970, to tell which rules have ended.
    #[must_use]
    pub fn lint(&self, now: i64) -> Report {
        let mut remarks = singles::remarks(self, now);
        let mut pairs = Pairs::new(self);
        let of_pairs = self.rules().filter_map(|rule| pairs.remark(rule));
        remarks.extend(of_pairs);
        let is_complete = pairs.is_complete();
        remarks.sort_by_key(|remark| remark.line);
        Report { remarks, is_complete }
    }
}
