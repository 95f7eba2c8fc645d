//! The operator's files before they count: whether a text could be in force, how it differs, and what other rules would change for those
//! who are in and for those who were; and the way of a text into force and back.

mod apply;
mod bench;
mod candidate;
mod digest;
mod drafts;
mod effect;
mod generations;
mod orders;
mod papers;
mod passwords;
mod place;
mod precedent;
mod rule_tests;
mod store;
mod summary;
mod veil;
mod verdict;
mod whatif;
mod workshop;

use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use ::policy::text_difference;
use config::tokens::Scope;
use serde::Serialize;
use serde_json::{Value, json};

pub(super) use self::bench::Pending;
use self::bench::{free, held};
use self::candidate::{Candidate, Validation};
pub(crate) use self::candidate::{Diagnosis, first_of};
pub(crate) use self::digest::Digest;
use self::drafts::{Origin, Theirs, Writer};
use self::generations::Source;
pub(crate) use self::orders::Order;
use self::orders::Subject;
pub(crate) use self::orders::WhatIf;
pub(crate) use self::passwords::{NewPassword, Secret};
pub(crate) use self::place::Edited;
pub(crate) use self::store::{Blueprint, Store, Wanted};
pub(crate) use self::veil::cost;
pub(crate) use self::whatif::{Affected, Turned};
pub(crate) use self::workshop::Workshop;
use super::{Caller, No, Office};
use crate::state::snapshot::Snapshot;

/// A text in force: which generation, and what it says.
struct Running {
    store: Store,
    number: u64,
    text: Arc<str>,
}

impl Office {
    pub(super) fn on_policy(&self, caller: &Caller, store: Store, order: Order) -> Result<Value, No> {
        let answer = self.on_store(caller, store, order)?;
        Ok(if store == Store::Users { veil::all_veiled(answer) } else { answer })
    }

    fn on_store(&self, caller: &Caller, store: Store, order: Order) -> Result<Value, No> {
        let (now, bench) = (Instant::now(), self.workshop.bench(store));
        let drafts = || held(&bench.drafts);
        match order {
            Order::Get {} => {
                let mut answer = self.text_shown(caller, &self.running(store)?);
                self.add_file(store, &mut answer);
                Ok(answer)
            }
            Order::History {} => {
                self.running(store)?;
                told(&held(&bench.generations).told())
            }
            Order::Generation { r#gen } => {
                self.running(store)?;
                let generations = held(&bench.generations);
                let (generation, text) = generations.find(r#gen).ok_or(No::GenerationGone(r#gen))?;
                Ok(json!({ "generation": generation, "text": text }))
            }
            Order::Drafts {} => told(&drafts().all()),
            Order::Remarks {} => told(&self.validate(Store::Acl, &self.running(Store::Acl)?.text)),
            Order::Validate(subject) => told(&self.validate(store, &self.text_of(store, &subject)?.0)),
            Order::Compare(subject) => {
                let text = self.text_of(store, &subject)?.0;
                // A file may say what makes no sense; whoever looks at it wants to see that.
                let sense = if subject.file { Sense::Optional } else { Sense::Needed };
                self.compare(store, (&self.name_of(store, &subject), &text), sense)
            }
            Order::Explain(subject, question) => {
                let snapshot = &self.world.regime().snapshot;
                self.answered(&question, &candidate(&self.text_of(Store::Acl, &subject)?.0, snapshot)?.book)
            }
            Order::Open { text, base } => {
                let running = self.running(store)?;
                let text = text.map(|text| known_again(&running, text));
                let (number, below) = match base {
                    Some(number) => (number, self.text_of(store, &Subject::of_generation(number))?.0.into()),
                    None => (running.number, running.text),
                };
                let mut answer = told(&drafts().open(Writer::from(caller), (number, &below), text, now)?)?;
                self.add_file(store, &mut answer);
                Ok(answer)
            }
            Order::Show { draft } => told(&drafts().sketch(draft)?),
            Order::Edit { draft, ops } => {
                let ops = self.ops_known_again(store, ops)?;
                told(&drafts::edit(&bench.drafts, draft, &ops, now)?)
            }
            Order::Put { draft, text } => {
                let text = known_again(&self.running(store)?, text);
                let known = drafts().find(draft)?.0.to_owned();
                let text = veil::unveiled(&text, [known.as_str()]);
                told(&drafts().put(draft, text, now)?)
            }
            Order::Undo { draft } => told(&drafts().undo(draft, now)?),
            Order::Redo { draft } => told(&drafts().redo(draft, now)?),
            Order::Discard { draft } => drafts().discard(draft).map(|()| json!({})),
            Order::Merge { draft, file } => {
                let running = self.running(store)?;
                let theirs = self.theirs(&running, draft, file)?;
                let items = drafts::merge(&bench.drafts, draft, &theirs.text)?;
                Ok(json!({ "onto": running.number, "file": file, "items": items }))
            }
            Order::Rebase { draft, file, picks } => {
                let theirs = self.theirs(&self.running(store)?, draft, file)?;
                told(&drafts::rebase(&bench.drafts, draft, &theirs, &picks, now)?)
            }
            Order::Apply(apply) => self.apply(caller, store, &apply),
            Order::Quick(quick) => self.apply_at_once(caller, store, &quick),
            Order::Tests {} => self.tests_told(),
            Order::RunTests(subject) => self.tests_run(&subject),
            Order::PutTests(put) => self.put_tests(caller, &put),
            Order::Confirm { r#gen, idem } => self.confirm(caller, store, r#gen, idem.as_deref()),
            Order::Rollback(back) => self.roll_back(caller, store, &back),
        }
    }

    /// The generation of a text in force, what waits to be confirmed, and who is writing another.
    pub(crate) fn policy_state(&self, store: Store) -> Result<Value, No> {
        let (running, bench) = (self.running(store)?, self.workshop.bench(store));
        let generations = held(&bench.generations);
        let current = generations.find(running.number).map(|(generation, _)| generation);
        Ok(
            json!({ "current": current, "confirm": bench.pending(), "drafts": held(&bench.drafts).editors(Instant::now()) }),
        )
    }

    /// The same for one who may not wait: nothing while others change it, or before somebody has noted the text.
    pub(crate) fn policy_state_at_hand(&self, store: Store) -> Result<Option<Value>, No> {
        let (text, bench) = (self.written(store)?, self.workshop.bench(store));
        let at_hand = || {
            let number = bench.number_at_hand(&text)?;
            let (generations, drafts) = (free(&bench.generations)?, free(&bench.drafts)?);
            let current = generations.find(number).map(|(generation, _)| generation);
            Some(json!({ "current": current, "confirm": bench.pending(), "drafts": drafts.editors(Instant::now()) }))
        };
        Ok(at_hand())
    }

    /// The text in force. One that nobody has applied here is a generation from now on.
    fn running(&self, store: Store) -> Result<Running, No> {
        let (text, bench) = (self.written(store)?, self.workshop.bench(store));
        if let Some(number) = bench.number_of(&text) {
            return Ok(Running { store, number, text });
        }
        // Whoever is applying a text just now is about to say whose it is.
        let pen = held(&bench.pen);
        self.running_under(&pen, store)
    }

    /// The same for the one who changes it.
    fn running_under(&self, _pen: &MutexGuard<'_, ()>, store: Store) -> Result<Running, No> {
        let text = self.written(store)?;
        let bench = self.workshop.bench(store);
        let number = held(&bench.generations).note(&text, "file", Source::File, "");
        bench.remember(&text, number);
        Ok(Running { store, number, text })
    }

    /// The number and the digest of the text in force.
    pub(super) fn in_force(&self, store: Store) -> Result<(u64, Digest), No> {
        self.running(store).map(|running| (running.number, Digest::of(&running.text)))
    }

    fn written(&self, store: Store) -> Result<Arc<str>, No> {
        let snapshot = &self.world.regime().snapshot;
        let text = match store {
            Store::Acl => snapshot.rules.text().cloned(),
            Store::Users => snapshot.users.text().cloned(),
            Store::Config => self.blueprint.text(),
        };
        text.ok_or(No::NothingWritten(store))
    }

    fn text_shown(&self, caller: &Caller, running: &Running) -> Value {
        let Running { store, number, text } = running;
        let is_shown = *store != Store::Users || caller.scope >= Scope::Admin;
        json!({
            "store": store.word(),
            "gen": number,
            "sha": Digest::of(text),
            "text": is_shown.then_some(&**text),
            "confirm": self.workshop.bench(*store).pending(),
        })
    }

    /// A text, and the generation on which it builds if it is a draft.
    fn text_of(&self, store: Store, subject: &Subject) -> Result<(String, Option<u64>), No> {
        let bench = self.workshop.bench(store);
        match subject {
            Subject { draft: Some(draft), text: None, r#gen: None, file: false } => {
                let drafts = held(&bench.drafts);
                drafts.find(*draft).map(|(text, base)| (text.to_owned(), Some(base)))
            }
            Subject { draft: None, text: Some(text), r#gen: None, file: false } => {
                Ok((known_again(&self.running(store)?, text.clone()), None))
            }
            Subject { draft: None, text: None, r#gen: Some(number), file: false } => {
                let generations = held(&bench.generations);
                let found = generations.find(*number).map(|(_, text)| (text.to_owned(), None));
                found.ok_or(No::GenerationGone(*number))
            }
            Subject { draft: None, text: None, r#gen: None, file: true } => {
                let text = self.reloads.drift(store.kind()).and_then(|drift| drift.text.clone());
                text.map(|text| ((*text).to_owned(), None)).ok_or(No::SaysTheSame(store))
            }
            Subject { .. } => Err(No::Invalid("one of draft, text, gen and file says which text is meant".to_owned())),
        }
    }

    /// What a draft is merged with: what is in force, or what the file says that is not.
    fn theirs(&self, running: &Running, draft: u64, file: bool) -> Result<Theirs, No> {
        if !file {
            return Ok(Theirs { from: Origin::Force(running.number), text: Arc::clone(&running.text) });
        }
        let store = running.store;
        let base = held(&self.workshop.bench(store).drafts).find(draft)?.1;
        if base != running.number {
            let number = running.number;
            return Err(No::Conflict(format!("generation {number} is in force; merge the draft with that first")));
        }
        let said = self.reloads.drift(store.kind()).and_then(|drift| drift.text.clone());
        let text = said.ok_or(No::SaysTheSame(store))?;
        Ok(Theirs { from: Origin::File(Digest::of(&text)), text })
    }

    /// The ops of a request, with the hashes that it names by their veils.
    fn ops_known_again(&self, store: Store, ops: Vec<Value>) -> Result<Vec<Value>, No> {
        if store != Store::Users {
            return Ok(ops);
        }
        let running = self.running(store)?;
        Ok(ops.iter().map(|op| veil::all_unveiled(op, &[&running.text])).collect())
    }

    fn validate(&self, store: Store, text: &str) -> Validation {
        match store {
            Store::Acl => match Candidate::of(text, &self.world.regime().snapshot) {
                Ok(candidate) => {
                    let mut validation = candidate.validation();
                    self.add_tests(&candidate.book, &mut validation);
                    validation
                }
                Err(validation) => validation,
            },
            Store::Users => verdict::of_users(text),
            Store::Config => verdict::of_configuration(text, &*self.blueprint),
        }
    }

    /// How a text of this name differs from what is in force.
    fn compare(&self, store: Store, (name, text): (&str, &str), sense: Sense) -> Result<Value, No> {
        let running = self.running(store)?;
        let items = match (papers::differences(store, &running.text, text), sense) {
            (Err(_), Sense::Optional) => Vec::new(),
            (items, Sense::Optional | Sense::Needed) => items?,
        };
        let mut items = told(&items)?;
        if store == Store::Users {
            items.as_array_mut().into_iter().flatten().for_each(name_the_password);
        }
        // Veiled before they are compared, so that a diff tells of a new password only that it is new.
        let shown = |text: &str| if store == Store::Users { veil::veiled(text) } else { text.to_owned() };
        let before = format!("in force: generation {}", running.number);
        let text = text_difference(&shown(&running.text), &shown(text), &before, name);
        Ok(json!({ "items": items, "text": text }))
    }
}

impl From<&Caller> for Writer {
    fn from(caller: &Caller) -> Self {
        Self { name: caller.name.clone(), terminal: caller.terminal().map(str::to_owned) }
    }
}

/// Whether a text that is compared has to be one that can be read.
#[derive(Debug, Clone, Copy)]
enum Sense {
    Needed,
    Optional,
}

/// A text that could be in force.
fn candidate(text: &str, now: &Arc<Snapshot>) -> Result<Candidate, No> {
    Candidate::of(text, now).map_err(|validation| No::Faulty(validation.diagnoses))
}

/// A text with the hashes in it that the one in force has, where somebody who was shown their veils left them.
fn known_again(running: &Running, text: String) -> String {
    if running.store == Store::Users { veil::unveiled(&text, [&*running.text]) } else { text }
}

/// Of a password that changed, an item says that and no more.
fn name_the_password(item: &mut Value) {
    let [before, after] = ["before", "after"].map(|side| item[side]["password_hash"].as_str().map(str::to_owned));
    if let (Some(before), Some(_)) = (before, after) {
        item["before"]["password_hash"] = cost(&before).into();
        item["after"]["password_hash"] = "password changed".into();
    }
}

fn told(answer: &impl Serialize) -> Result<Value, No> {
    serde_json::to_value(answer).map_err(|error| No::Invalid(error.to_string()))
}
