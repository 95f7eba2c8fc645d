//! How fast each session moves bytes: looked at once a second, so that a first question has an answer too.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::state::session::roster::Roster;
use crate::state::session::ticket::Session;

/// Between two looks at everybody.
const LOOK: Duration = Duration::from_millis(950);

/// After so long without a look, as when the host slept, the next one begins anew: a rate over that time would say nothing of now.
const STALE: Duration = Duration::from_secs(5);

/// When everybody was last looked at.
#[derive(Debug, Default)]
pub(crate) struct Paces(Mutex<Option<Instant>>);

impl Paces {
    /// Lets every session's rates be those of now.
    pub(crate) fn look(&self, roster: &Roster, now: Instant) {
        let _is_fresh = self.is_taken(roster, now, |_, _| (), |_, ()| {});
    }

    /// The same, and shows everybody who is in to `visit`, which must not touch the roster, in one walk.
    pub(crate) fn each(&self, roster: &Roster, now: Instant, mut visit: impl FnMut(&Arc<Session>)) {
        self.each_seen(roster, now, |_, _| (), |session, ()| visit(session));
    }

    /// The same with what `look` sees of each, which does nothing else.
    pub(crate) fn each_seen<S>(
        &self,
        roster: &Roster,
        now: Instant,
        look: impl Fn(Uuid, &Session) -> S,
        mut visit: impl FnMut(&Arc<Session>, S),
    ) {
        if !self.is_taken(roster, now, &look, &mut visit) {
            roster.each_seen(look, visit);
        }
    }

    /// Looks at everybody if that is due, and says whether it was.
    fn is_taken<S>(
        &self,
        roster: &Roster,
        now: Instant,
        look: impl Fn(Uuid, &Session) -> S,
        visit: impl FnMut(&Arc<Session>, S),
    ) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = last.map(|last| now.saturating_duration_since(last));
        if passed.is_some_and(|passed| passed < LOOK) {
            return false;
        }
        let passed = passed.filter(|passed| *passed < STALE);
        let look = |id, session: &Session| {
            session.pace.see([session.up.bytes(), session.down.bytes()], passed);
            look(id, session)
        };
        roster.each_seen(look, visit);
        *last = Some(now);
        true
    }
}
