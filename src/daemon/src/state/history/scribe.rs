//! Hears of sessions and posts records of those that belong into the history.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use history::{Encoder, Kind};

use super::outbox::{Lost, Outbox};
use super::record::{Scratch, with_record};
use crate::state::session::ending::Ending;
use crate::state::session::refusal::Refusal;
use crate::state::session::ticket::Session;
use crate::state::session::witness::Witness;

/// A session that is older than this has its first checkpoint, which knows the address that was dialled.
const FIRST: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
pub(crate) struct Scribe {
    outbox: Outbox<Arc<Session>>,
}

/// Where a thread makes its records.
#[derive(Debug, Default)]
struct Desk {
    encoder: Encoder,
    scratch: Scratch,
    frame: Vec<u8>,
}

thread_local! {
    static DESK: RefCell<Desk> = RefCell::default();
}

impl Witness for Scribe {
    fn opened(&self, _session: &Session) {}

    fn asked(&self, session: &Arc<Session>) {
        session.kept.send();
        if self.outbox.is_behind() {
            // Nobody waits for it then.
            session.kept.settle();
            let _counted = self.post(Kind::Opened, session, None, None);
        } else if self.post(Kind::Opened, session, None, Some(Arc::clone(session))).is_err() {
            session.kept.settle();
        }
    }

    fn set_up(&self, _session: &Session) {}

    fn closed(&self, session: &Arc<Session>, ending: Ending) {
        if belongs(session, ending) {
            let _counted = self.post(Kind::Closed, session, Some(ending), None);
        }
    }
}

impl Scribe {
    pub(crate) fn new(outbox: Outbox<Arc<Session>>) -> Self {
        Self { outbox }
    }

    /// The record is made on the thread that knows the session, whose memory it has at hand.
    fn post(
        &self,
        kind: Kind,
        session: &Session,
        ending: Option<Ending>,
        waiting: Option<Arc<Session>>,
    ) -> Result<(), Lost> {
        DESK.with_borrow_mut(|Desk { encoder, scratch, frame }| {
            frame.clear();
            with_record(session, ending, scratch, |record| encoder.encode(kind, record, frame));
            self.outbox.post(kind, frame, waiting)
        })
    }

    /// Writes the session down if it has carried something since the last time, no more often than `every`, so that
    /// the death of the process loses little of its account. `now` must not go backwards between calls.
    pub(crate) fn post_checkpoint(&self, session: &Session, now: Instant, every: Duration) {
        if is_due(session, now, every) {
            // Without room it is lost: the next one says more anyway.
            let _counted = self.post(Kind::Checkpoint, session, None, None);
        }
    }
}

/// Whoever asked for something, and every login that was refused; scans and probes have their line in the log, and in a flood
/// a login that is not even looked at is none.
fn belongs(session: &Session, ending: Ending) -> bool {
    let is_no_login = matches!(ending, Ending::Refused(Refusal::CredentialsMissing | Refusal::SourcePenalised));
    session.facts().request.is_some() || (matches!(ending, Ending::Refused(_)) && !is_no_login)
}

fn is_due(session: &Session, now: Instant, every: Duration) -> bool {
    let age = now.saturating_duration_since(session.opened);
    let pulse = &session.pulse;
    let last = pulse.checkpoint_at.load(Relaxed);
    let wait = if last == 0 { FIRST } else { Duration::from_millis(last) + every };
    let carried = session.up.bytes().wrapping_add(session.down.bytes()).wrapping_add(1);
    let is_due = age >= wait && pulse.checkpointed.load(Relaxed) != carried && session.kept.is_sent();
    if is_due {
        pulse.checkpointed.store(carried, Relaxed);
        pulse.checkpoint_at.store(u64::try_from(age.as_millis()).unwrap_or(u64::MAX), Relaxed);
    }
    is_due
}

#[cfg(test)]
mod tests {
    use super::*;
    use history::decode;

    use crate::state::history::outbox::{Batch, Inbox, Room, outbox};
    use crate::state::session::ending::ByPeer;
    use crate::state::session::roster::Roster;
    use crate::state::session::ticket::Ticket;
    use crate::state::snapshot::Snapshot;

    /// A session whose scribe's records are read here.
    fn session() -> (Arc<Roster>, Scribe, Inbox<Arc<Session>>, Ticket) {
        let (outbox, letters) = outbox(Room { in_memory: 10_000, on_disk: 10_000 });
        let scribe = Scribe::new(outbox);
        let roster = Roster::new(10, vec![Arc::new(scribe.clone())]);
        let ticket = Ticket::for_tests(&roster, Arc::new(Snapshot::for_tests()));
        (roster, scribe, letters, ticket)
    }

    /// The kinds of the records that have come; `finish` lets the inbox answer even if there are none.
    fn kinds(scribe: &Scribe, inbox: &Inbox<Arc<Session>>) -> Vec<Kind> {
        scribe.outbox.finish();
        let batch = inbox.take(Batch::default());
        let mut rest = batch.frames.as_slice();
        let next = || {
            let frame = decode(rest).unwrap()?;
            rest = &rest[frame.bytes.len()..];
            Some(frame.kind)
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn who_asked_for_nothing_has_no_record_but_a_refused_login_has() {
        let refused = Ending::Refused(Refusal::BadCredentials);
        for (ending, expected) in
            [(Ending::ClientLeft, &[][..]), (Ending::ClientViolation, &[]), (refused, &[Kind::Closed])]
        {
            let (_roster, scribe, letters, ticket) = session();
            ticket.close(ending);
            assert_eq!(kinds(&scribe, &letters), expected, "{ending:?}");
        }
    }

    #[test]
    fn an_opening_is_awaited_until_it_is_settled_unless_the_history_is_behind() {
        let (_roster, scribe, letters, ticket) = session();
        ticket.put_on_record();
        assert!(!ticket.session().kept.is_settled_or_awaited());
        assert_eq!(kinds(&scribe, &letters), [Kind::Opened]);

        let (_roster, _scribe, letters, ticket) = session();
        letters.report(true, 0);
        ticket.put_on_record();
        assert!(ticket.session().kept.is_settled_or_awaited());
    }

    /// At which of these seconds of its life a session is written down that carries a byte before each of those in `busy`.
    fn checkpoints(seconds: &[u64], busy: &[u64]) -> Vec<u64> {
        let (_roster, scribe, letters, ticket) = session();
        ticket.put_on_record();
        assert_eq!(kinds(&scribe, &letters), [Kind::Opened]);
        let session = ticket.session();
        let is_written_at = |second: &u64| {
            session.up.carried(usize::from(busy.contains(second)));
            scribe.post_checkpoint(session, session.opened + Duration::from_secs(*second), Duration::from_secs(30));
            kinds(&scribe, &letters) == [Kind::Checkpoint]
        };
        seconds.iter().copied().filter(is_written_at).collect()
    }

    #[test]
    fn the_first_checkpoint_comes_soon_and_the_next_ones_when_something_was_carried() {
        assert_eq!(checkpoints(&[0, 1, 2, 40, 80], &[]), [1]);
        assert_eq!(checkpoints(&[1, 20, 30, 31, 40, 62], &[20, 40]), [1, 31, 62]);
    }

    #[test]
    fn who_has_not_asked_yet_has_no_checkpoint() {
        let (_roster, scribe, letters, ticket) = session();
        let later = ticket.session().opened + Duration::from_mins(1);
        scribe.post_checkpoint(ticket.session(), later, Duration::from_secs(30));
        ticket.close(Ending::Client(ByPeer::Closed));
        assert_eq!(kinds(&scribe, &letters), []);
    }
}
