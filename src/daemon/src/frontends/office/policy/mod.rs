//! Rules before they count: whether a text could be in force, how it differs, what it would change for those who are in
//! and for those who were; and the way of a text into force and back.

mod apply;
mod candidate;
mod digest;
mod drafts;
mod effect;
mod generations;
mod orders;
mod precedent;
mod workshop;

use std::net::IpAddr;
use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use ::policy::{Change, Document, compare, text_difference};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use self::candidate::{Candidate, Validation};
pub(crate) use self::digest::Digest;
use self::effect::{Comparison, Effect};
use self::generations::Source;
pub(crate) use self::orders::Order;
use self::orders::{Subject, WhatIf};
use self::precedent::Precedent;
pub(crate) use self::workshop::Workshop;
use self::workshop::held;
use super::acl::Book;
use super::rules::answered;
use super::{Caller, No, Office};
use crate::state::session::ticket::Session;
use crate::state::snapshot::Snapshot;

/// Kinds of requests of the past that are judged at most.
const MOST_ASKED: usize = 200_000;

/// As far back as a question may reach: a year.
const MOST_HOURS: u32 = 366 * 24;

/// How a text differs from the rules in force.
#[derive(Debug, Serialize)]
struct Difference {
    items: Vec<Change>,
    /// As diff(1) writes it.
    text: String,
}

/// What would change.
#[derive(Debug, Serialize)]
struct Consequence {
    live: Effect,
    #[serde(skip_serializing_if = "Option::is_none")]
    past: Option<PastEffect>,
    ms: u64,
}

#[derive(Debug, Serialize)]
struct PastEffect {
    hours: u32,
    /// There were more kinds of requests than are looked at.
    truncated: bool,
    #[serde(flatten)]
    effect: Effect,
}

/// The rules in force: which generation, and how they are written.
struct Running {
    snapshot: Arc<Snapshot>,
    number: u64,
    text: String,
}

impl Office {
    pub(super) fn on_policy(&self, caller: &Caller, order: Order) -> Result<Value, No> {
        let now = Instant::now();
        let drafts = || held(&self.workshop.drafts);
        match order {
            Order::Get {} => self.running().map(|running| self.rules_shown(&running)),
            Order::History {} => {
                self.running()?;
                let generations = held(&self.workshop.generations);
                told(&generations.all().collect::<Vec<_>>())
            }
            Order::Generation { r#gen } => {
                self.running()?;
                let generations = held(&self.workshop.generations);
                let (generation, text) = generations.find(r#gen).ok_or(No::GenerationGone(r#gen))?;
                Ok(json!({ "generation": generation, "text": text }))
            }
            Order::Drafts {} => told(&drafts().all()),
            Order::Validate(subject) => told(&self.validate(&self.text_of(&subject)?.0)),
            Order::Compare(subject) => told(&self.compare(&self.text_of(&subject)?.0)?),
            Order::Explain(subject, question) => {
                let snapshot = &self.world.regime().snapshot;
                answered(&question, &candidate(&self.text_of(&subject)?.0, snapshot)?.book)
            }
            Order::WhatIf(question) => told(&self.what_if(&question)?),
            Order::Open { text } => {
                let running = self.running()?;
                told(&drafts().open(&caller.name, (running.number, &running.text), text, now)?)
            }
            Order::Show { draft } => told(&drafts().sketch(draft)?),
            Order::Edit { draft, ops } => told(&drafts().edit(draft, &ops, now)?),
            Order::Put { draft, text } => told(&drafts().put(draft, text, now)?),
            Order::Undo { draft } => told(&drafts().undo(draft, now)?),
            Order::Redo { draft } => told(&drafts().redo(draft, now)?),
            Order::Discard { draft } => drafts().discard(draft).map(|()| json!({})),
            Order::Merge { draft } => {
                let running = self.running()?;
                let merge = drafts().merge(draft, &running.text)?;
                Ok(json!({ "onto": running.number, "items": merge.items() }))
            }
            Order::Rebase { draft, picks } => {
                let running = self.running()?;
                told(&drafts().rebase(draft, (running.number, &running.text), &picks, now)?)
            }
            Order::Apply(apply) => self.apply(caller, &apply),
            Order::Confirm { r#gen, idem } => self.confirm(caller, r#gen, idem.as_deref()),
            Order::Rollback(back) => self.roll_back(caller, &back),
        }
    }

    /// The generation in force, what waits to be confirmed, and who is writing another.
    pub(crate) fn policy_state(&self) -> Result<Value, No> {
        let running = self.running()?;
        let generations = held(&self.workshop.generations);
        let current = generations.find(running.number).map(|(generation, _)| generation);
        Ok(json!({
            "current": current, "confirm": self.workshop.pending(), "drafts": held(&self.workshop.drafts).editors(),
        }))
    }

    /// The rules in force. Those that nobody has applied here are a generation from now on.
    fn running(&self) -> Result<Running, No> {
        let (snapshot, text) = self.written_rules()?;
        let number = held(&self.workshop.generations).number_of(&text);
        if let Some(number) = number {
            return Ok(Running { snapshot, number, text });
        }
        // Whoever is applying rules just now is about to say whose they are.
        let pen = held(&self.workshop.pen);
        self.running_under(&pen)
    }

    /// The same for the one who changes rules.
    fn running_under(&self, _pen: &MutexGuard<'_, ()>) -> Result<Running, No> {
        let (snapshot, text) = self.written_rules()?;
        let number = held(&self.workshop.generations).note(&text, "file", Source::File, "");
        Ok(Running { snapshot, number, text })
    }

    fn written_rules(&self) -> Result<(Arc<Snapshot>, String), No> {
        let snapshot = Arc::clone(&self.world.regime().snapshot);
        let text = snapshot.rules.text().ok_or(No::NothingWritten)?.to_owned();
        Ok((snapshot, text))
    }

    fn rules_shown(&self, running: &Running) -> Value {
        json!({
            "gen": running.number,
            "sha": Digest::of(&running.text),
            "text": running.text,
            "confirm": self.workshop.pending(),
        })
    }

    /// A text, and the generation on which it builds if it is a draft.
    fn text_of(&self, subject: &Subject) -> Result<(String, Option<u64>), No> {
        match subject {
            Subject { draft: Some(draft), text: None, r#gen: None } => {
                let drafts = held(&self.workshop.drafts);
                drafts.find(*draft).map(|(text, base)| (text.to_owned(), Some(base)))
            }
            Subject { draft: None, text: Some(text), r#gen: None } => Ok((text.clone(), None)),
            Subject { draft: None, text: None, r#gen: Some(number) } => {
                let generations = held(&self.workshop.generations);
                let found = generations.find(*number).map(|(_, text)| (text.to_owned(), None));
                found.ok_or(No::GenerationGone(*number))
            }
            Subject { .. } => Err(No::Invalid("one of draft, text and gen says which rules are meant".to_owned())),
        }
    }

    fn validate(&self, text: &str) -> Validation {
        match Candidate::of(text, &self.world.regime().snapshot) {
            Ok(candidate) => candidate.validation(),
            Err(validation) => validation,
        }
    }

    fn compare(&self, text: &str) -> Result<Difference, No> {
        let running = self.running()?.text;
        let outline = |text: &str| Document::parse(text).map(|document| document.outline());
        let before = outline(&running).map_err(|error| No::Invalid(format!("the rules in force: {error}")))?;
        let after = outline(text).map_err(|error| No::Invalid(error.to_string()))?;
        let text = text_difference(&running, text, "running", "draft");
        Ok(Difference { items: compare(&before, &after), text })
    }

    fn what_if(&self, question: &WhatIf) -> Result<Consequence, No> {
        if question.hours > MOST_HOURS {
            return Err(No::Invalid(format!("hours: at most {MOST_HOURS}")));
        }
        let began = Instant::now();
        let snapshot = &self.world.regime().snapshot;
        let candidate = candidate(&self.text_of(&question.subject)?.0, snapshot)?;
        let (before, after) = (Book::in_force(snapshot), candidate.book);
        let live = self.effect_on_the_living(&before, &after, &question.mine);
        let past = match question.hours {
            0 => None,
            hours => Some(self.effect_on_the_past(&before, &after, hours)?),
        };
        Ok(Consequence { live, past, ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX) })
    }

    fn effect_on_the_living(&self, before: &Book, after: &Book, mine: &[IpAddr]) -> Effect {
        let now = Timestamp::now();
        let mut sessions: Vec<Arc<Session>> = Vec::new();
        self.world.roster.each(|session| sessions.push(Arc::clone(session)));
        let mut comparison = Comparison::new(before, after, mine);
        for session in sessions {
            comparison.judge(Some(session.id.to_string()), &Precedent::of_session(&session, now), 1);
        }
        comparison.finish()
    }

    fn effect_on_the_past(&self, before: &Book, after: &Book, hours: u32) -> Result<PastEffect, No> {
        let since = Timestamp::now() - SignedDuration::from_hours(i64::from(hours));
        let minutes = [before, after].iter().any(|book| !book.rules.set().zones().is_empty());
        let asked = self.past()?.asked(since.as_microsecond(), minutes, MOST_ASKED)?;
        let truncated = asked.len() == MOST_ASKED;
        let mut comparison = Comparison::new(before, after, &[]);
        for asked in &asked {
            if let Some(request) = Precedent::of_past(asked) {
                comparison.judge(None, &[request], asked.sessions);
            }
        }
        Ok(PastEffect { hours, truncated, effect: comparison.finish() })
    }
}

/// A text that could be in force.
fn candidate(text: &str, now: &Arc<Snapshot>) -> Result<Candidate, No> {
    Candidate::of(text, now).map_err(|validation| No::Invalid(validation.first_error()))
}

fn told(answer: &impl Serialize) -> Result<Value, No> {
    serde_json::to_value(answer).map_err(|error| No::Invalid(error.to_string()))
}
