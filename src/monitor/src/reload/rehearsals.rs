//! How it stands with rehearsals: which one the worker has not answered yet, and when the next one may come.

use std::time::{Duration, Instant};

use tracing::{error, warn};
use wire::Trigger;

use super::PATIENCE;
use crate::order::{Order, Purpose};

/// How soon a rehearsal that an operator orders may follow another one.
pub(super) const PACE: Duration = Duration::from_secs(1);

/// So many workers in a row may die while they rehearse; then nobody but an operator has them rehearse any more.
const MOST_DEATHS: u32 = 2;

#[derive(Debug, Default)]
pub(super) struct Rehearsals {
    /// When the one began that the worker has not answered yet.
    under_way: Option<Instant>,
    /// When the last one began.
    last: Option<Instant>,
    /// Answers that nobody waits for any more.
    late_answers: u32,
    /// How many workers in a row died while they rehearsed.
    deaths: u32,
}

impl Rehearsals {
    pub(super) fn begin(&mut self, now: Instant) {
        (self.under_way, self.last) = (Some(now), Some(now));
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Reading and judging everything is work, and nothing comes of it: operators who ask for it again and again wait a little, and those
    /// who wait are answered together.
    pub(super) fn come_too_early(&self, order: &Order, now: Instant) -> bool {
        let is_theirs = order.purpose == Purpose::Rehearsal && order.trigger == Trigger::Operator;
        is_theirs && self.last.is_some_and(|last| now.saturating_duration_since(last) < PACE)
    }

    /// The worker has judged what it was given.
    pub(super) fn answered(&mut self) {
        if let Some(fewer) = self.late_answers.checked_sub(1) {
            self.late_answers = fewer;
        } else if self.under_way.take().is_none() {
            warn!("the worker answers a rehearsal that nobody asked for");
        }
    }

    /// Waits no longer for one that the worker does not answer: what else is wanted may be more urgent.
    pub(super) fn give_up_late_one(&mut self, now: Instant) {
        let is_late = |began: &mut Instant| now.saturating_duration_since(*began) >= PATIENCE;
        if self.under_way.take_if(is_late).is_some() {
            self.late_answers += 1;
            error!(after = ?PATIENCE, "the worker has not finished a rehearsal; reloads wait no longer for it");
        }
    }

    /// Another worker is in the post; says whether it may rehearse what the files say, or might die of that as others have.
    pub(super) fn may_be_tried_by_another(&mut self) -> bool {
        self.deaths = if self.is_under_way() { self.deaths + 1 } else { 0 };
        self.deaths < MOST_DEATHS
    }

    /// The worker that could have answered has died.
    pub(super) fn abandon(&mut self) {
        (self.under_way, self.late_answers) = (None, 0);
    }
}
