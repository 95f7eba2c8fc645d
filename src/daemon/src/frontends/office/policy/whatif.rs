//! What other rules would change for those who are in and for those who were, and the sessions for whom they would.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use config::tokens::Scope;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::bench::held;
use super::effect::{Comparison, Effect, Side};
use super::orders::WhatIf;
use super::precedent::Precedent;
use super::store::Store;
use super::{Digest, candidate};
use crate::frontends::office::acl::Book;
use crate::frontends::office::{Caller, No, Office};
use crate::state::session::ticket::Session;

/// Kinds of requests of the past that are judged at most.
const MOST_ASKED: usize = 200_000;

/// As far back as a question may reach: a year.
const MOST_HOURS: u32 = 366 * 24;

/// Sessions that are kept of one answer, to be looked at.
const MOST_KEPT: usize = 20_000;

/// Answers of which they are.
const MOST_ANSWERS: usize = 4;

/// Judged before somebody is told how far it is.
const STEP: usize = 1_000;

/// Judged before whoever waits for the processor has it: some ten microseconds.
const SLICE: usize = 8;

/// Hears how many are judged of how many, and says whether to go on.
pub(crate) type Progress<'p> = &'p mut dyn FnMut(usize, usize) -> bool;

/// The live sessions for whom other rules would decide otherwise.
#[derive(Debug, Default)]
pub(crate) struct Affected {
    pub(crate) sessions: Vec<Turned>,
    /// There are more than are kept.
    is_cut: bool,
    /// What tells one such answer from another: every session with its verdict.
    words: String,
}

/// One of them. It is not kept from ending.
#[derive(Debug, Clone)]
pub(crate) struct Turned {
    pub(crate) session: Weak<Session>,
    pub(crate) before: Side,
    pub(crate) after: Side,
    /// It comes from where the operator is.
    pub(crate) is_mine: bool,
}

/// The last answers, so that their sessions can be looked at.
#[derive(Debug, Default)]
pub(super) struct Shelf(Mutex<VecDeque<(Digest, Arc<Affected>)>>);

#[derive(Debug, Serialize)]
struct PastEffect {
    hours: u32,
    /// There were more kinds of requests than are looked at.
    truncated: bool,
    #[serde(flatten)]
    effect: Effect,
}

impl Affected {
    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.words)
    }

    fn add(&mut self, turned: Turned, id: Uuid) {
        writeln!(self.words, "{id} {}", turned.after.verdict).expect("a string takes everything");
        if self.sessions.len() < MOST_KEPT {
            self.sessions.push(turned);
        } else {
            self.is_cut = true;
        }
    }
}

impl Shelf {
    fn put(&self, affected: Affected) -> Digest {
        let (digest, mut answers) = (affected.digest(), held(&self.0));
        answers.retain(|(known, _)| *known != digest);
        answers.push_back((digest, Arc::new(affected)));
        if answers.len() > MOST_ANSWERS {
            answers.pop_front();
        }
        digest
    }

    fn find(&self, digest: Digest) -> Option<Arc<Affected>> {
        held(&self.0).iter().find(|(known, _)| *known == digest).map(|(_, affected)| Arc::clone(affected))
    }
}

impl Office {
    /// What a text of rules would change.
    ///
    /// # Errors
    /// The caller may not ask, the text could not be in force, or nobody waits for the answer any more.
    pub(crate) fn what_if(&self, caller: &Caller, question: &WhatIf, progress: Progress<'_>) -> Result<Value, No> {
        if caller.scope < Scope::Operate {
            return Err(No::Forbidden(Scope::Operate));
        }
        if question.hours > MOST_HOURS {
            return Err(No::Invalid(format!("hours: at most {MOST_HOURS}")));
        }
        let began = Instant::now();
        let snapshot = &self.world.regime().snapshot;
        let candidate = candidate(&self.text_of(Store::Acl, &question.subject)?.0, snapshot)?;
        let (before, after) = (Book::in_force(snapshot), candidate.book);
        let (live, affected) = self.effect_on_the_living((&before, &after), &question.mine, progress)?;
        let past = match question.hours {
            0 => None,
            hours => Some(self.effect_on_the_past((&before, &after), hours, progress)?),
        };
        let is_cut = affected.is_cut;
        let digest = self.workshop.affected.put(affected);
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut answer = json!({ "live": live, "digest": digest, "listed_all": !is_cut, "ms": ms });
        if let Some(past) = past {
            answer["past"] = json!(past);
        }
        Ok(answer)
    }

    /// The sessions of an answer that is still kept.
    pub(crate) fn affected(&self, digest: Digest) -> Option<Arc<Affected>> {
        self.workshop.affected.find(digest)
    }

    pub(super) fn effect_on_the_living(
        &self,
        (before, after): (&Book, &Book),
        mine: &[IpAddr],
        progress: Progress<'_>,
    ) -> Result<(Effect, Affected), No> {
        let now = Timestamp::now();
        let mut sessions: Vec<(Uuid, Arc<Session>)> = Vec::new();
        self.world.roster.each(|session| sessions.push((session.id, Arc::clone(session))));
        // In an order of their own, so that the same changes have the same digest.
        sessions.sort_unstable_by_key(|(id, _)| *id);
        let mut comparison = Comparison::new(before, after, mine);
        let mut affected = Affected::default();
        for (done, (id, session)) in sessions.iter().enumerate() {
            go_on(progress, done, sessions.len())?;
            let turn = comparison.judge(Some(*id), &Precedent::of_session(session, now), 1);
            if let Some(turn) = turn {
                let (before, after, is_mine) = (turn.before, turn.after, turn.is_mine);
                affected.add(Turned { session: Arc::downgrade(session), before, after, is_mine }, *id);
            }
        }
        Ok((comparison.finish(), affected))
    }

    fn effect_on_the_past(
        &self,
        (before, after): (&Book, &Book),
        hours: u32,
        progress: Progress<'_>,
    ) -> Result<PastEffect, No> {
        let since = Timestamp::now() - SignedDuration::from_hours(i64::from(hours));
        let minutes = [before, after].iter().any(|book| !book.rules.set().zones().is_empty());
        let asked = self.past()?.asked(since.as_microsecond(), minutes, MOST_ASKED)?;
        let truncated = asked.len() == MOST_ASKED;
        let mut comparison = Comparison::new(before, after, &[]);
        for (done, one) in asked.iter().enumerate() {
            go_on(progress, done, asked.len())?;
            if let Some(request) = Precedent::of_past(one) {
                // It is counted; there is nobody any more who could be looked at.
                let _turn = comparison.judge(None, &[request], one.sessions);
            }
        }
        Ok(PastEffect { hours, truncated, effect: comparison.finish() })
    }
}

/// Every so often somebody is told, who may have had enough, and more often whoever carries bytes goes first.
fn go_on(progress: Progress<'_>, done: usize, of: usize) -> Result<(), No> {
    if done.is_multiple_of(SLICE) {
        std::thread::yield_now();
    }
    let is_wanted = done == 0 || !done.is_multiple_of(STEP) || progress(done, of);
    is_wanted.then_some(()).ok_or(No::Withdrawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(words: &str) -> Affected {
        Affected { words: words.to_owned(), ..Affected::default() }
    }

    #[test]
    fn only_the_last_answers_are_kept() {
        let shelf = Shelf::default();
        let first = shelf.put(answer("0"));
        for words in ["1", "2", "3"] {
            shelf.put(answer(words));
        }
        assert_eq!(shelf.put(answer("0")), first, "the same again takes no other place");
        assert!(shelf.find(first).is_some() && shelf.find(Digest::of("1")).is_some());
        let last = shelf.put(answer("4"));
        assert!(shelf.find(last).is_some() && shelf.find(first).is_some());
        assert!(shelf.find(Digest::of("1")).is_none());
    }

    #[test]
    fn whoever_waits_hears_every_so_often_and_can_have_enough() {
        let mut heard = Vec::new();
        let mut progress = |done, of| {
            heard.push((done, of));
            done < 2_000
        };
        let ended = (0..5_000).find_map(|done| go_on(&mut progress, done, 5_000).err());
        assert_eq!((ended, heard), (Some(No::Withdrawn), vec![(1_000, 5_000), (2_000, 5_000)]));
    }
}
