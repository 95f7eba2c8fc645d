//! The way of a text into force: the monitor writes the file, and the reload that follows says what came of it.

use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use config::tokens::Scope;
use jiff::SignedDuration;
use serde_json::{Value, json};
use wire::DocumentKind;
use wire::admin::LONGEST_PROBATION;

use super::bench::{Pending, held};
use super::generations::Source;
use super::orders::{Apply, Existing, Manner, Quick, Rollback};
use super::place::{Place, Present, Wish};
use super::rule_tests::{Aside, DespiteTests};
use super::store::Store;
use super::{Digest, Running, candidate, papers, summary, veil};
use crate::frontends::office::acl::Book;
use crate::frontends::office::record::{Done, Order};
use crate::frontends::office::reload::Reload;
use crate::frontends::office::{Caller, No, Office};
use crate::state::reloads::Unanswered;
use crate::state::reloads::report::Report;

/// How long somebody waits for the reload, which takes milliseconds: others may come before.
const PATIENCE: Duration = Duration::from_secs(20);

impl Office {
    pub(super) fn apply(&self, caller: &Caller, store: Store, apply: &Apply) -> Result<Value, No> {
        let (text, base_of_draft) = self.text_of(store, &apply.subject)?;
        let merged = apply.subject.draft.and_then(|draft| held(&self.workshop.bench(store).drafts).over(draft));
        let wish = Wish { expect_file: apply.manner.expect_file.or(merged), ..Wish::from(&apply.manner) };
        let base = apply.manner.base.or(base_of_draft);
        let base =
            base.ok_or_else(|| No::Invalid("base: the generation on which the text builds is missing".into()))?;
        let bench = self.workshop.bench(store);
        let pen = held(&bench.pen);
        let running = self.running_on(&pen, store, Some(base))?;
        let answer = self.bring_in(caller, &running, &text, ("txn.apply", &apply.manner, wish))?;
        if let Some(draft) = apply.subject.draft {
            held(&bench.drafts).discard(draft)?;
        }
        Ok(answer)
    }

    /// Changes what is in force by edits, in one step.
    pub(super) fn apply_at_once(&self, caller: &Caller, store: Store, quick: &Quick) -> Result<Value, No> {
        let pen = held(&self.workshop.bench(store).pen);
        let running = self.running_on(&pen, store, quick.manner.base)?;
        let known = [&*running.text];
        let ops: Vec<Value> = quick.ops.iter().map(|op| veil::all_unveiled(op, &known)).collect();
        let text = papers::edit(store, &running.text, &ops)?;
        self.bring_in(caller, &running, &text, ("txn.quick", &quick.manner, (&quick.manner).into()))
    }

    /// What is in force, if that is what somebody builds on.
    fn running_on(&self, pen: &MutexGuard<'_, ()>, store: Store, base: Option<u64>) -> Result<Running, No> {
        let running = self.running_under(pen, store)?;
        match base {
            Some(base) if running.number != base => Err(No::Conflict(format!(
                "generation {} is in force and the text builds on {base}; merge it first",
                running.number
            ))),
            Some(_) | None => Ok(running),
        }
    }

    /// Puts a text in force as somebody wants it, and says what came of it.
    fn bring_in(
        &self,
        caller: &Caller,
        running: &Running,
        text: &str,
        (op, manner, wish): (&'static str, &Manner, Wish),
    ) -> Result<Value, No> {
        let store = running.store;
        let probation = probation(manner.confirm_s)?;
        let needs_restart = self.refuse_surprises(running, text, manner.into())?;
        let place = self.place_for(running, text, wish)?;
        let aside = self.in_the_way((running, text), DespiteTests::of(manner.despite_tests))?;
        let bench = self.workshop.bench(store);
        let is_on_probation = !probation.is_zero() && *running.text != *text;
        // What is given up is a generation, too.
        let number = held(&bench.generations).next() + u64::from(place.lost().is_some());
        let pending = || {
            let pending = Pending::within(text, (number, running.number), probation, &caller.name);
            is_on_probation.then_some(Pending { aside: aside.clone(), ..pending })
        };
        let source = if wish.run_time { Source::Runtime } else { Source::Applied };
        let order = Deed { op, source, comment: &manner.comment, idem: manner.idem.as_deref(), place };
        // Tests are switched off when it is known already that they are to come back.
        let done = bench.put_on_probation(pending(), || {
            aside.as_ref().map_or(Ok(()), |aside| self.set_tests_aside(caller, aside))?;
            self.put_in_force(running, text, caller, &order)
        });
        let Done { outcome: number, audit } = self.settled(caller, done, aside.as_ref())?;
        let ends_denied = manner.existing == Existing::EndDenied && store != Store::Config;
        let ended = if ends_denied { self.world.revoke() } else { 0 };
        // The time begins when it is in force.
        let pending = pending();
        bench.expect(pending.clone());
        let mut answer =
            json!({ "gen": number, "sha": Digest::of(text), "ended": ended, "confirm": pending, "audit": audit });
        if store == Store::Config {
            answer["needs_restart"] = needs_restart.into();
        }
        if let Some(aside) = aside {
            answer["tests_off"] = aside.tests.into();
        }
        Ok(answer)
    }

    pub(super) fn confirm(&self, caller: &Caller, store: Store, number: u64, idem: Option<&str>) -> Result<Value, No> {
        let bench = self.workshop.bench(store);
        let _pen = held(&bench.pen);
        match bench.pending() {
            Some(pending) if pending.number == number => {
                let target = json!({ "store": store.word(), "gen": number });
                let order = Order { op: "txn.confirm", target, idem, ..Order::default() };
                let deed = || {
                    bench.expect(None);
                    Ok(())
                };
                let done = self.on_record(caller, &order, deed, |()| "confirmed".to_owned())?;
                Ok(json!({ "gen": number, "audit": done.audit }))
            }
            Some(pending) => Err(No::Conflict(format!("generation {} waits to be confirmed", pending.number))),
            None => Err(No::Conflict("nothing waits to be confirmed".to_owned())),
        }
    }

    pub(super) fn roll_back(&self, caller: &Caller, store: Store, back: &Rollback) -> Result<Value, No> {
        let bench = self.workshop.bench(store);
        let pen = held(&bench.pen);
        let wish = Wish { run_time: back.run_time, expect_file: back.expect_file };
        let order = Return { comment: &back.comment, idem: back.idem.as_deref(), despite: back.despite_tests, wish };
        let done = self.bring_back(&pen, (store, back.to), caller, &order)?;
        let waited = bench.pending().filter(|pending| pending.number != back.to);
        self.put_tests_on(caller, waited.as_ref());
        bench.expect(None);
        Ok(json!({ "gen": done.outcome, "audit": done.audit }))
    }

    /// Brings back what was in force before when nobody confirms what was applied, until [`end_watches`](Self::end_watches); for a
    /// thread of its own.
    pub(crate) fn keep_watch(&self, store: Store) {
        let bench = self.workshop.bench(store);
        while let Some(overdue) = bench.wait_for_silence() {
            let pen = held(&bench.pen);
            if !bench.still_expects(&overdue) {
                continue;
            }
            // Whoever has brought another text into force since has thereby decided.
            let is_overdue =
                |running: Running| (running.number, Digest::of(&running.text)) == (overdue.number, overdue.sha);
            let is_current = self.running_under(&pen, store).is_ok_and(is_overdue);
            let nobody = Caller::holder("nobody", Scope::Admin);
            if !is_current {
                // A worker that died in the middle has brought the text back, or not even written the other, and no more.
                if self.is_back(&pen, store, &overdue) {
                    self.put_tests_on(&nobody, Some(&overdue));
                }
                bench.expect(None);
                continue;
            }
            // A test that was saved since is no reason to stay with what nobody confirmed.
            let wish = Wish::default();
            let order = Return { comment: "nobody confirmed in time", idem: None, despite: true, wish };
            // It waits on disk until it is done, whatever becomes of this worker meanwhile.
            match self.bring_back(&pen, (store, overdue.back_to), &nobody, &order) {
                Ok(_) => {
                    self.put_tests_on(&nobody, Some(&overdue));
                    bench.expect(None);
                }
                Err(no) => {
                    tracing::error!(
                        reason = %no, store = store.word(), generation = overdue.back_to,
                        "what nobody confirmed cannot be taken back; it is tried again"
                    );
                    bench.expect(Some(overdue.again()));
                }
            }
        }
    }

    /// Whether what was in force before this is in force.
    fn is_back(&self, pen: &MutexGuard<'_, ()>, store: Store, gone: &Pending) -> bool {
        let Ok(running) = self.running_under(pen, store) else { return false };
        let generations = held(&self.workshop.bench(store).generations);
        generations.find(gone.back_to).is_some_and(|(_, text)| *text == *running.text)
    }

    /// Another worker serves, and keeps watch.
    pub(crate) fn end_watches(&self) {
        for store in Store::ALL {
            self.workshop.bench(store).leave_to_another();
        }
    }

    fn bring_back(
        &self,
        pen: &MutexGuard<'_, ()>,
        (store, to): (Store, u64),
        caller: &Caller,
        &Return { comment, idem, despite, wish }: &Return<'_>,
    ) -> Result<Done<u64>, No> {
        let running = self.running_under(pen, store)?;
        let (text, is_beside) = {
            let generations = held(&self.workshop.bench(store).generations);
            let is_beside = generations.current().is_some_and(|current| current.source == Source::Runtime);
            let (_, text) = generations.find(to).ok_or(No::GenerationGone(to))?;
            (text.to_owned(), is_beside)
        };
        // What never was written is taken back without writing, unless somebody has said what becomes of the file.
        let run_time = wish.run_time || (is_beside && wish.expect_file.is_none());
        let place = self.place_for(&running, &text, Wish { run_time, ..wish })?;
        let order = Deed { op: "txn.rollback", source: Source::Rollback, comment, idem, place };
        let aside = self.in_the_way((&running, &text), DespiteTests::of(despite))?;
        let written = aside.as_ref().map_or(Ok(()), |aside| self.set_tests_aside(caller, aside));
        let done = written.and_then(|()| self.put_in_force(&running, &text, caller, &order));
        self.settled(caller, done, aside.as_ref())
    }

    /// Tests that rules fail, where these are to come all the same.
    fn in_the_way(&self, (running, text): (&Running, &str), wish: DespiteTests) -> Result<Option<Aside>, No> {
        if running.store != Store::Acl || *running.text == *text {
            return Ok(None);
        }
        self.tests_in_the_way(text, wish)
    }

    /// Tests that were switched off for what has not come are switched on again.
    fn settled(&self, caller: &Caller, done: Result<Done<u64>, No>, aside: Option<&Aside>) -> Result<Done<u64>, No> {
        let has_not_come = done.as_ref().is_err_and(|no| !matches!(no, No::StillReloading));
        if let Some(aside) = aside.filter(|_| has_not_come) {
            self.bring_tests_back(caller, aside, "the rules did not come");
        }
        done
    }

    /// Those that were switched off for what has gone again.
    fn put_tests_on(&self, caller: &Caller, gone: Option<&Pending>) {
        if let Some(aside) = gone.and_then(|gone| gone.aside.as_ref()) {
            self.bring_tests_back(caller, aside, "the rules that failed them have gone again");
        }
    }

    /// What was shown has to be what would happen. Returns the keys that wait for a start.
    pub(super) fn refuse_surprises(
        &self,
        running: &Running,
        text: &str,
        expected: Expected,
    ) -> Result<Vec<String>, No> {
        let validation = self.validate(running.store, text);
        if !validation.ok {
            return Err(No::Faulty(validation.diagnoses));
        }
        if running.store != Store::Acl || expected == Expected::default() {
            return Ok(validation.needs_restart);
        }
        let snapshot = &self.world.regime().snapshot;
        let candidate = candidate(text, snapshot)?;
        let (effect, affected) =
            self.effect_on_the_living((&Book::in_force(snapshot), &candidate.book), &[], &mut |_, _| true)?;
        if let Some(expected) = expected.denied.filter(|expected| *expected != effect.now_denied) {
            let denied = effect.now_denied;
            return Err(No::Conflict(format!("{denied} live sessions would be denied now, {expected} were expected")));
        }
        if expected.whatif.is_some_and(|expected| expected != affected.digest()) {
            return Err(No::Conflict("what would change for live sessions is not what was shown".to_owned()));
        }
        Ok(Vec::new())
    }

    pub(super) fn put_in_force(
        &self,
        running: &Running,
        text: &str,
        caller: &Caller,
        order: &Deed<'_>,
    ) -> Result<Done<u64>, No> {
        if *running.text == *text && order.place.lost().is_none() {
            return Ok(Done { outcome: running.number, audit: None });
        }
        let store = running.store;
        let target = json!({ "store": store.word(), "base": running.number, "sha": Digest::of(text) });
        let comment = Some(order.comment).filter(|comment| !comment.is_empty());
        let changes = summary::of(&papers::differences(store, &running.text, text).unwrap_or_default());
        let record = Order { op: order.op, target, changes, comment, idem: order.idem };
        let deed = || {
            self.hand_over(running, text, &order.place).map_err(|no| self.refused_by_file(running, no))?;
            let mut generations = held(&self.workshop.bench(store).generations);
            if let Some(lost) = order.place.lost() {
                generations.note_rejected(lost, &caller.name, "stood in the file and was overwritten");
            }
            Ok(generations.note(text, &caller.name, order.source, order.comment))
        };
        self.on_record(caller, &record, deed, |number| format!("generation {number} is in force"))
    }

    /// Has the monitor write the file, or leave it, and waits for the reload.
    fn hand_over(&self, running: &Running, text: &str, place: &Place) -> Result<(), No> {
        let kind = running.store.kind();
        let done = match place {
            Place::File(Present { sha, .. }) => self.replaced(kind, *sha, text),
            Place::Beside => reloaded(self.reloads.work_by(kind, text, PATIENCE)),
        };
        match done {
            Ok(()) => {
                let is_there = self.written(running.store).is_ok_and(|written| *written == *text);
                let others = || No::Conflict("another text came into force meanwhile".to_owned());
                is_there.then_some(()).ok_or_else(others)
            }
            // This host may not have what a configuration asks for, which only the reload can find; then the file must not ask for it.
            Err(refused @ No::NotReloaded(_)) if running.store == Store::Config => {
                let former = place.lost().unwrap_or(&running.text);
                if let Err(no) = self.replaced(DocumentKind::Configuration, Digest::of(text), former) {
                    tracing::error!(reason = %no, "the configuration file may say what is not in force");
                }
                Err(refused)
            }
            Err(no) => Err(no),
        }
    }

    pub(super) fn replaced(&self, kind: DocumentKind, former: Digest, text: &str) -> Result<(), No> {
        reloaded(self.reloads.replace(kind, former.bytes(), text, PATIENCE))
    }
}

/// How long what is applied waits to be confirmed.
fn probation(seconds: u64) -> Result<SignedDuration, No> {
    let most = LONGEST_PROBATION.as_secs();
    let time = i64::try_from(seconds).ok().filter(|_| seconds <= most).map(SignedDuration::from_secs);
    time.ok_or_else(|| No::Invalid(format!("confirm_s: at most {most}")))
}

/// Whether nothing failed.
fn reloaded(report: Result<Arc<Report>, Unanswered>) -> Result<(), No> {
    let report = report.map_err(|unanswered| match unanswered {
        Unanswered::NotPassedOn => No::NobodyReloads,
        Unanswered::NotInTime => No::StillReloading,
    })?;
    report.is_good().then_some(()).ok_or_else(|| No::NotReloaded(Box::new(Reload::of(&report))))
}

/// What the operator was shown of what would change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Expected {
    denied: Option<usize>,
    whatif: Option<Digest>,
}

impl From<&Manner> for Expected {
    fn from(manner: &Manner) -> Self {
        Self { denied: manner.expect_denied, whatif: manner.expect_whatif }
    }
}

/// How an earlier text comes back.
struct Return<'a> {
    comment: &'a str,
    idem: Option<&'a str>,
    /// Tests that it fails are switched off.
    despite: bool,
    wish: Wish,
}

/// How a text comes into force, as it is written down.
pub(super) struct Deed<'a> {
    pub(super) op: &'static str,
    pub(super) source: Source,
    pub(super) comment: &'a str,
    pub(super) idem: Option<&'a str>,
    pub(super) place: Place,
}
