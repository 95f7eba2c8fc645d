//! The way of rules into force: the monitor writes the file, and the reload that follows says what came of it.

use std::sync::MutexGuard;
use std::time::Duration;

use config::tokens::Scope;
use serde_json::{Value, json};

use super::generations::Source;
use super::orders::{Apply, Existing, Rollback};
use super::workshop::{Pending, held};
use super::{Digest, Running, candidate};
use crate::frontends::office::acl::Book;
use crate::frontends::office::record::{Done, Order};
use crate::frontends::office::reload::Reload;
use crate::frontends::office::{Caller, No, Office};
use crate::state::reloads::Unanswered;

/// How long somebody waits for the reload, which takes milliseconds: others may come before.
const PATIENCE: Duration = Duration::from_secs(20);

impl Office {
    pub(super) fn apply(&self, caller: &Caller, apply: &Apply) -> Result<Value, No> {
        let (text, base_of_draft) = self.text_of(&apply.subject)?;
        let base = apply.base.or(base_of_draft);
        let base =
            base.ok_or_else(|| No::Invalid("base: the generation on which the text builds is missing".into()))?;
        let pen = held(&self.workshop.pen);
        let running = self.running_under(&pen)?;
        if running.number != base {
            return Err(No::Conflict(format!(
                "generation {} is in force and the text builds on {base}; merge it first",
                running.number
            )));
        }
        self.refuse_surprises(&running, &text, apply.expect_denied)?;
        let order =
            Deed { op: "txn.apply", source: Source::Applied, comment: &apply.comment, idem: apply.idem.as_deref() };
        let Done { outcome: number, audit } = self.put_in_force(&running, &text, caller, &order)?;
        if let Some(draft) = apply.subject.draft {
            held(&self.workshop.drafts).discard(draft)?;
        }
        let ended = if apply.existing == Existing::EndDenied { self.world.revoke() } else { 0 };
        let pending = (apply.confirm_s > 0 && number != running.number)
            .then(|| Pending::within(number, running.number, apply.confirm_s, &caller.name));
        self.workshop.expect(pending.clone());
        Ok(json!({ "gen": number, "sha": Digest::of(&text), "ended": ended, "confirm": pending, "audit": audit }))
    }

    pub(super) fn confirm(&self, caller: &Caller, number: u64, idem: Option<&str>) -> Result<Value, No> {
        let _pen = held(&self.workshop.pen);
        match self.workshop.pending() {
            Some(pending) if pending.number == number => {
                let order = Order { op: "txn.confirm", target: json!({ "gen": number }), comment: None, idem };
                let deed = || {
                    self.workshop.expect(None);
                    Ok(())
                };
                let done = self.on_record(caller, &order, deed, |()| "confirmed".to_owned())?;
                Ok(json!({ "gen": number, "audit": done.audit }))
            }
            Some(pending) => Err(No::Conflict(format!("generation {} waits to be confirmed", pending.number))),
            None => Err(No::Conflict("nothing waits to be confirmed".to_owned())),
        }
    }

    pub(super) fn roll_back(&self, caller: &Caller, back: &Rollback) -> Result<Value, No> {
        let pen = held(&self.workshop.pen);
        let done = self.bring_back(&pen, back.to, caller, &back.comment, back.idem.as_deref())?;
        self.workshop.expect(None);
        Ok(json!({ "gen": done.outcome, "audit": done.audit }))
    }

    /// Brings the rules of before back when nobody confirms those that were applied; for a thread of its own.
    pub(crate) fn keep_watch(&self) {
        loop {
            let overdue = self.workshop.wait_for_silence();
            let pen = held(&self.workshop.pen);
            if self.workshop.pending().as_ref() != Some(&overdue) {
                continue;
            }
            // Whoever has brought other rules into force since has thereby decided.
            let is_current = self.running_under(&pen).is_ok_and(|running| running.number == overdue.number);
            self.workshop.expect(None);
            let nobody = Caller::holder("nobody", Scope::Admin);
            if is_current
                && let Err(no) = self.bring_back(&pen, overdue.back_to, &nobody, "nobody confirmed in time", None)
            {
                tracing::error!(
                    reason = %no, generation = overdue.back_to, "rules that nobody confirmed cannot be taken back"
                );
            }
        }
    }

    fn bring_back(
        &self,
        pen: &MutexGuard<'_, ()>,
        to: u64,
        caller: &Caller,
        comment: &str,
        idem: Option<&str>,
    ) -> Result<Done<u64>, No> {
        let running = self.running_under(pen)?;
        let text = {
            let generations = held(&self.workshop.generations);
            generations.find(to).map(|(_, text)| text.to_owned()).ok_or(No::GenerationGone(to))?
        };
        let order = Deed { op: "txn.rollback", source: Source::Rollback, comment, idem };
        self.put_in_force(&running, &text, caller, &order)
    }

    /// What was shown has to be what would happen.
    fn refuse_surprises(&self, running: &Running, text: &str, expected: Option<usize>) -> Result<(), No> {
        let candidate = candidate(text, &running.snapshot)?;
        let Some(expected) = expected else { return Ok(()) };
        let effect = self.effect_on_the_living(&Book::in_force(&running.snapshot), &candidate.book, &[]);
        if effect.now_denied == expected {
            return Ok(());
        }
        Err(No::Conflict(format!("{} live sessions would be denied now, {expected} were expected", effect.now_denied)))
    }

    fn put_in_force(&self, running: &Running, text: &str, caller: &Caller, order: &Deed<'_>) -> Result<Done<u64>, No> {
        if running.text == text {
            return Ok(Done { outcome: running.number, audit: None });
        }
        let target = json!({ "store": "acl", "base": running.number, "sha": Digest::of(text) });
        let comment = Some(order.comment).filter(|comment| !comment.is_empty());
        let record = Order { op: order.op, target, comment, idem: order.idem };
        let deed = || {
            self.hand_over(running, text)?;
            Ok(held(&self.workshop.generations).note(text, &caller.name, order.source, order.comment))
        };
        self.on_record(caller, &record, deed, |number| format!("generation {number} is in force"))
    }

    /// Has the monitor write the file and waits for the reload of it.
    fn hand_over(&self, running: &Running, text: &str) -> Result<(), No> {
        let former = Digest::of(&running.text).bytes();
        let report = self.reloads.replace_rules(former, text, PATIENCE).map_err(|unanswered| match unanswered {
            Unanswered::NotPassedOn => No::NobodyReloads,
            Unanswered::NotInTime => No::StillReloading,
        })?;
        if !report.is_good() {
            return Err(No::NotReloaded(Box::new(Reload::of(&report))));
        }
        if self.world.regime().snapshot.rules.text() == Some(text) {
            return Ok(());
        }
        Err(No::Conflict("other rules came into force meanwhile".to_owned()))
    }
}

/// How rules come into force, as it is written down.
struct Deed<'a> {
    op: &'static str,
    source: Source,
    comment: &'a str,
    idem: Option<&'a str>,
}
