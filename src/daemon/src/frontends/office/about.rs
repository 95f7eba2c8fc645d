//! What no table shows of a live session: whether it might begin now, under which limits it is, and its last lines of the log.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Office;
use super::classes::ClassNow;
use crate::state::journal::Line;
use crate::state::session::facts::Identity;
use crate::state::session::revoke::would_begin;
use crate::state::session::ticket::Session;

/// Lines of the log.
const LINES: usize = 5;

impl Office {
    /// What the rules in force say to it now, as far as that is certain; nothing before it has asked for something.
    pub(crate) fn would(&self, session: &Session) -> Value {
        match would_begin(session, &self.world.regime().snapshot) {
            None => Value::Null,
            Some(Ok(())) => json!({ "decision": "allow" }),
            Some(Err(by)) => json!({ "decision": "block", "by": by }),
        }
    }

    /// The classes that it shares bandwidth in: its own, and those above.
    pub(crate) fn classes_of(&self, session: &Session, is_masked: bool) -> Value {
        let whose = match session.facts().proof.as_ref().map(|proof| &proof.identity) {
            Some(Identity::User(user)) => format!("user/{}", user.name),
            Some(Identity::Anonymous) | None => {
                session.caller().map(|caller| caller.source.to_string()).unwrap_or_default()
            }
        };
        let classes = self.classes(is_masked);
        let own = classes.iter().find(|class| class.whole_name == whose);
        let all = || classes.iter().find(|class| class.parent.is_none());
        let above = |class: &&ClassNow| classes.iter().find(|other| class.parent.as_ref() == Some(&other.name));
        std::iter::successors(own.or_else(all), above).map(ClassNow::json).collect()
    }

    /// What the log said last that names it, the oldest first.
    pub(crate) fn last_lines(&self, session: &Session) -> Vec<Arc<Line>> {
        let id = session.id.to_string();
        let names_it = |(name, value): (&str, &str)| name == "session" && value == id;
        let mut lines = self.journal.before(u64::MAX);
        lines.retain(|line| line.written.fields().any(names_it));
        lines.truncate(LINES);
        lines.reverse();
        lines
    }
}
