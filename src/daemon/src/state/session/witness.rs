//! Who hears of sessions while they come and go, so that whoever keeps books of them need not be known here.

use std::fmt;
use std::sync::Arc;

use super::ending::Ending;
use super::ticket::Session;

/// Keeps books of sessions.
///
/// It hears of each on the thread that the session lives on, before anything else happens there: so it neither waits nor takes long.
pub(crate) trait Witness: fmt::Debug + Send + Sync {
    /// A connection was accepted, and its session is in the roster.
    fn opened(&self, session: &Session);

    /// Its request is complete, and not answered yet.
    fn asked(&self, _session: &Arc<Session>) {}

    /// Its setting up is over, and with it all phases: it relays from now on, or is about to close.
    fn set_up(&self, session: &Session);

    /// It is over, and nothing more is carried on its lanes.
    fn closed(&self, session: &Arc<Session>, ending: Ending);
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::state::session::ending::{ByHouse, ByPeer};
    use crate::state::session::roster::Roster;
    use crate::state::session::ticket::Ticket;
    use crate::state::snapshot::Snapshot;

    #[derive(Debug, Default)]
    struct Notes(Mutex<Vec<String>>);

    impl Notes {
        fn note(&self, what: String) {
            self.0.lock().unwrap().push(what);
        }
    }

    impl Witness for Notes {
        fn opened(&self, _: &Session) {
            self.note("opened".to_owned());
        }

        fn asked(&self, _: &Arc<Session>) {
            self.note("asked".to_owned());
        }

        fn set_up(&self, _: &Session) {
            self.note("set up".to_owned());
        }

        fn closed(&self, _: &Arc<Session>, ending: Ending) {
            self.note(format!("closed {}", ending.label()));
        }
    }

    /// What a witness hears of a session that `life` leads.
    fn heard_of(life: impl FnOnce(Ticket)) -> Vec<String> {
        let notes = Arc::new(Notes::default());
        let roster = Roster::new(1, vec![notes.clone()]);
        life(Ticket::for_tests(&roster, Arc::new(Snapshot::for_tests())));
        notes.0.lock().unwrap().clone()
    }

    #[test]
    fn every_life_is_told_in_three_steps_and_each_once() {
        let closed = Ending::Client(ByPeer::Closed);
        let relayed = heard_of(|mut ticket| {
            ticket.put_on_record();
            ticket.finish_set_up();
            ticket.close(closed);
        });
        assert_eq!(relayed, ["opened", "asked", "set up", "closed client_closed"]);
        assert_eq!(heard_of(|ticket| ticket.close(closed)), ["opened", "set up", "closed client_closed"]);
        assert_eq!(heard_of(drop), ["opened", "set up", "closed failure"]);
        let ended = heard_of(|ticket| ticket.close(Ending::House(ByHouse::Stopped)));
        assert_eq!(ended, ["opened", "set up", "closed stopped"]);
    }
}
