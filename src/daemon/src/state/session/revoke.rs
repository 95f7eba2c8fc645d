//! Sessions that later rules or users would not have let begin, if the operator wants them ended.
//!
//! A session keeps the policy of its hour, and with it the word that a later one revokes it.
//! Whoever is in is looked at when that happens, whoever is on the way once it has arrived, and an association at every address that
//! it has not asked about since.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use acl::{By, HostName, Target};
use jiff::Timestamp;

use super::ending::ByHouse;
use super::facts::{AuthMethod, Identity, Proof};
use super::judge::{Judge, Standing, destination};
use super::roster::Roster;
use super::ticket::Session;
use crate::state::snapshot::Snapshot;
use crate::state::users::{Known, Users};

/// Revokes what `former` policies allowed and `now` would not; returns how many sessions end at once.
///
/// What counts is what the client asked for and where that led. An association has no destination of its own: it ends when `now`
/// allows its client no datagram at all, or with the first datagram that `now` refuses.
pub(crate) fn revoke(roster: &Roster, former: &[Arc<Snapshot>], now: &Arc<Snapshot>) -> usize {
    for snapshot in former {
        snapshot.revoked_by.store(Some(Arc::clone(now)));
    }
    let mut sessions = Vec::new();
    roster.each(|session| sessions.push(Arc::clone(session)));
    sessions.iter().filter(|session| catch_up(session)).count()
}

/// Ends the sessions of users who came to the end of their time after `since`, if the operator wants such sessions ended; returns how
/// many those are. Nothing else brings it to mind: a date in a file passes without a reload.
pub(crate) fn expire(roster: &Roster, now: &Snapshot, since: Timestamp, moment: Timestamp) -> usize {
    let has_ended = |known: &Known| known.expires().is_some_and(|end| since < end && end <= moment);
    if !now.ends_refused || !now.users.all().any(has_ended) {
        return 0;
    }
    let mut sessions = Vec::new();
    roster.each(|session| sessions.push(Arc::clone(session)));
    let is_of_one = |session: &&Arc<Session>| match session.facts().proof.as_ref() {
        Some(Proof { identity: Identity::User(user), method: AuthMethod::UserPass }) => {
            now.users.find(user.name.as_bytes()).is_some_and(has_ended)
        }
        Some(_) | None => false,
    };
    let objection = Objection { by: None, snapshot: now };
    sessions.iter().filter(is_of_one).filter(|session| end(session, &objection)).count()
}

/// Ends a session that was on its way when its policy was revoked, if it may not go on; to be asked once it is set up.
pub(crate) fn catch_up(session: &Session) -> bool {
    let Some(now) = session.snapshot.revoked_by.load_full() else { return false };
    objection(session, &now).is_some_and(|objection| end(session, &objection))
}

/// The policy that has revoked an association's own, for each address of its datagrams.
#[derive(Debug)]
pub(crate) struct Revision {
    snapshot: Arc<Snapshot>,
    standing: Standing,
}

impl Revision {
    /// The one that is up to date, if the session's policy was revoked.
    pub(crate) fn of(session: &Session) -> Option<Self> {
        let snapshot = session.snapshot.revoked_by.load_full()?;
        let proof = session.facts().proof.clone()?;
        let standing = Standing::of(&snapshot.rules, &renewed(&proof, &snapshot.users)?);
        Some(Self { snapshot, standing })
    }

    /// Whether it is the last word for this session.
    pub(crate) fn is_last(revision: Option<&Self>, session: &Session) -> bool {
        let last = session.snapshot.revoked_by.load();
        match (revision, &*last) {
            (None, None) => true,
            (Some(known), Some(last)) => Arc::ptr_eq(&known.snapshot, last),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    /// Whether a datagram may go there or come from there; if not, that is the end of the session.
    pub(crate) fn lets_pass(&self, session: &Session, name: Option<&HostName>, place: SocketAddr) -> bool {
        let target = name.map_or(Target::Address(place.ip()), |name| Target::Resolved(name, place.ip()));
        self.allows(session, target, place.port())
    }

    /// Whether a name may be looked up for a datagram; if not, that is the end of the session.
    pub(crate) fn lets_look_up(&self, session: &Session, name: &HostName, port: u16) -> bool {
        self.allows(session, Target::Name(name), port)
    }

    fn allows(&self, session: &Session, target: Target<'_>, port: u16) -> bool {
        let judge = Judge::under(&self.snapshot, session, &self.standing, socks::Command::UdpAssociate);
        let Some(by) = judge.objection_to(target, port) else { return true };
        end(session, &Objection { by: Some(by), snapshot: &self.snapshot });
        false
    }
}

/// Why a policy would not have let a session begin: by its rules, or because its user may not log in.
struct Objection<'a> {
    by: Option<By>,
    snapshot: &'a Snapshot,
}

/// A session without a request is still in its handshake: nothing was allowed that could be revoked.
fn objection<'a>(session: &Session, now: &'a Snapshot) -> Option<Objection<'a>> {
    let (proof, asked, peer) = {
        let facts = session.facts();
        let asked = facts.request.as_ref()?;
        (facts.proof.clone()?, (asked.command, destination(&asked.target), asked.target.port), facts.peer)
    };
    let Some(proof) = renewed(&proof, &now.users) else { return Some(Objection { by: None, snapshot: now }) };
    let (command, destination, port) = asked;
    let standing = Standing::of(&now.rules, &proof);
    let by = Judge::under(now, session, &standing, command).objection(&destination.ok()?, port, peer)?;
    Some(Objection { by: Some(by), snapshot: now })
}

/// Whether these rules and users would let the session begin; if not, what is against it. Nothing before it has asked for something.
pub(crate) fn would_begin(session: &Session, now: &Snapshot) -> Option<Result<(), String>> {
    session.facts().request.as_ref()?;
    Some(objection(session, now).map_or(Ok(()), |objection| Err(objection.to_string())))
}

/// The proof as it would be now; nothing if its user may not log in any more. PAM's users are in no file of ours.
fn renewed(proof: &Proof, users: &Users) -> Option<Proof> {
    match (&proof.identity, proof.method) {
        (Identity::User(user), AuthMethod::UserPass) if !users.is_empty() => {
            let known = users.find(user.name.as_bytes()).filter(|known| known.is_usable(Timestamp::now()))?;
            Some(Proof { identity: Identity::User(known.user.clone()), method: proof.method })
        }
        (Identity::Anonymous | Identity::User(_), _) => Some(proof.clone()),
    }
}

/// Says whether it was not about to end anyway.
fn end(session: &Session, objection: &Objection<'_>) -> bool {
    if session.course.ordered().is_some() {
        return false;
    }
    session.facts().add_remark(&format!("revoked by {objection}"));
    session.course.end(ByHouse::Revoked);
    true
}

impl fmt::Display for Objection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.by {
            None => f.write_str("the users: this one may not log in any more"),
            Some(By::Rule(rule)) => f.write_str(self.snapshot.rules.describe(rule)),
            Some(By::Default) => f.write_str("the default policy"),
            Some(By::Guard(_)) => f.write_str("the guard"),
        }
    }
}

#[cfg(test)]
mod tests {
    use socks::{Command, Dialect, Host, Name};

    use super::*;
    use crate::state::rules::Rules;
    use crate::state::session::facts::{Asked, User};
    use crate::state::session::ticket::Ticket;

    const RULES: &str = r#"
[global]
default_policy = "allow"
[[users]]
username = "*"
  [[users.rules]]
  action = "block"
  description = "no longer"
  destinations = ["192.0.2.0/24", "bad.example"]
"#;

    #[test]
    fn exactly_those_end_that_the_new_rules_refuse() {
        let (roster, then) = (Roster::new(16, Vec::new()), Arc::new(Snapshot::for_tests()));
        let open = |command, host, peer| session(&roster, &then, command, host, peer);
        let by_address = open(Command::Connect, v4([192, 0, 2, 1]), Some("192.0.2.1:80"));
        let by_where_it_led = open(Command::Connect, name("good.example"), Some("192.0.2.9:80"));
        let by_name = open(Command::Connect, name("bad.example"), Some("198.51.100.1:80"));
        let dialling = open(Command::Connect, name("bad.example"), None);
        let peer_that_came = open(Command::Bind, v4([0, 0, 0, 0]), Some("192.0.2.7:4444"));
        let allowed = open(Command::Connect, name("good.example"), Some("198.51.100.1:80"));
        let awaits_anybody = open(Command::Bind, v4([0, 0, 0, 0]), None);
        let association = open(Command::UdpAssociate, v4([0, 0, 0, 0]), None);
        let shaking_hands = Ticket::for_tests(&roster, Arc::clone(&then));

        let now = Arc::new(Snapshot::of_rules(rules()));
        assert_eq!(revoke(&roster, &[then], &now), 5);
        for ticket in [&by_address, &by_where_it_led, &by_name, &dialling, &peer_that_came] {
            assert_eq!(ticket.session().course.ordered(), Some(ByHouse::Revoked));
            assert_eq!(ticket.session().facts().remark.as_deref(), Some("revoked by users/*#1: no longer"));
        }
        for ticket in [&allowed, &awaits_anybody, &association, &shaking_hands] {
            assert_eq!(ticket.session().course.ordered(), None);
        }
    }

    #[test]
    fn whoever_was_on_the_way_ends_on_arrival() {
        let (roster, then) = (Roster::new(16, Vec::new()), Arc::new(Snapshot::for_tests()));
        let ticket = session(&roster, &then, Command::Connect, name("good.example"), None);
        let session = ticket.session();
        assert!(!catch_up(session));
        assert_eq!(revoke(&roster, &[then], &Arc::new(Snapshot::of_rules(rules()))), 0);
        session.facts().peer = Some("192.0.2.9:80".parse().unwrap());
        assert!(catch_up(session));
        assert!(!catch_up(session), "it is about to end already");
    }

    #[test]
    fn an_association_ends_with_the_first_datagram_that_is_refused() {
        let (roster, then) = (Roster::new(16, Vec::new()), Arc::new(Snapshot::for_tests()));
        let ticket = session(&roster, &then, Command::UdpAssociate, v4([0, 0, 0, 0]), None);
        let session = ticket.session();
        assert!(Revision::of(session).is_none() && Revision::is_last(None, session));
        assert_eq!(revoke(&roster, &[then], &Arc::new(Snapshot::of_rules(rules()))), 0);
        assert!(!Revision::is_last(None, session));
        let revision = Revision::of(session).unwrap();
        assert!(Revision::is_last(Some(&revision), session));
        assert!(revision.lets_pass(session, None, "198.51.100.1:53".parse().unwrap()));
        assert_eq!(session.course.ordered(), None);
        assert!(!revision.lets_pass(session, None, "192.0.2.1:53".parse().unwrap()));
        assert_eq!(session.course.ordered(), Some(ByHouse::Revoked));
    }

    /// Somebody whom PAM let in is in no file of ours, and groups are those of now.
    #[test]
    fn users_count_as_they_are_now() {
        const USERS: &str = r#"
[[users]]
name = "alice"
password_hash = "HASH"
[[users]]
name = "bob"
password_hash = "HASH"
enabled = false
[[users]]
name = "carol"
password_hash = "HASH"
groups = ["staff"]
[[users]]
name = "dave"
password_hash = "HASH"
expires = 2001-01-01
"#;
        let hash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$sQJYbzjzkWrGWVYxWUxXzQ";
        let users = config::users::load("users.toml", &USERS.replace("HASH", hash)).unwrap();
        let users = Users::new(2, &users).unwrap();
        let groups = |name: &str, method| {
            let user = User { name: name.into(), groups: [Arc::from("guests")].into() };
            let renewed = renewed(&Proof { identity: Identity::User(user), method }, &users);
            renewed.map(|proof| match proof.identity {
                Identity::User(user) => user.groups.iter().map(ToString::to_string).collect(),
                Identity::Anonymous => Vec::new(),
            })
        };
        assert_eq!(groups("alice", AuthMethod::UserPass), Some(Vec::new()));
        assert_eq!(groups("carol", AuthMethod::UserPass), Some(vec!["staff".to_owned()]));
        for gone in ["bob", "dave", "eve"] {
            assert_eq!(groups(gone, AuthMethod::UserPass), None, "{gone}");
        }
        assert_eq!(groups("eve", AuthMethod::PamUsername), Some(vec!["guests".to_owned()]));
    }

    #[test]
    fn whoever_comes_to_the_end_of_his_time_ends_with_it_and_nobody_else() {
        const USERS: &str = "[[users]]\nname = \"alice\"\npassword_hash = \"HASH\"\nexpires = 2026-11-22\n\
                             [[users]]\nname = \"bob\"\npassword_hash = \"HASH\"\nexpires = 2026-11-23\n";
        let hash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$sQJYbzjzkWrGWVYxWUxXzQ";
        let users = config::users::load("users.toml", &USERS.replace("HASH", hash)).unwrap();
        let now = Arc::new(Snapshot::of_users(Arc::new(Users::new(1, &users).unwrap())));
        let roster = Roster::new(16, Vec::new());
        let open = |name: &str, method| {
            let ticket = session(&roster, &now, Command::Connect, v4([192, 0, 2, 1]), None);
            let user = User { name: name.into(), groups: [].into() };
            ticket.session().facts().proof = Some(Proof { identity: Identity::User(user), method });
            ticket
        };
        let alice = open("alice", AuthMethod::UserPass);
        let others = [open("bob", AuthMethod::UserPass), open("alice", AuthMethod::PamUsername)];
        let moment = |text: &str| text.parse::<Timestamp>().unwrap();
        let [before, end, after] = ["2026-11-21T23:59:59Z", "2026-11-22T00:00:00Z", "2026-11-22T00:00:01Z"].map(moment);
        assert_eq!(expire(&roster, &now, before, before), 0);
        assert_eq!(expire(&roster, &now, end, after), 0, "that was before");
        assert_eq!(expire(&roster, &now, before, end), 1);
        assert_eq!(alice.session().course.ordered(), Some(ByHouse::Revoked));
        assert_eq!(expire(&roster, &now, before, end), 0, "it is about to end already");
        assert!(others.iter().all(|ticket| ticket.session().course.ordered().is_none()));
    }

    fn rules() -> Rules {
        let policy = config::rules::load("acl.toml", RULES, &|_| true).unwrap();
        Rules::new(Arc::new(acl::Ruleset::new(policy, acl::PrivateByName::default()))).unwrap()
    }

    fn session(
        roster: &Arc<Roster>,
        snapshot: &Arc<Snapshot>,
        command: Command,
        host: Host,
        peer: Option<&str>,
    ) -> Ticket {
        let ticket = Ticket::for_tests(roster, Arc::clone(snapshot));
        let mut facts = ticket.session().facts();
        facts.proof = Some(Proof { identity: Identity::Anonymous, method: AuthMethod::None });
        facts.request = Some(Asked { dialect: Dialect::Socks5, command, target: socks::Target { host, port: 80 } });
        facts.peer = peer.map(|peer| peer.parse::<SocketAddr>().unwrap());
        drop(facts);
        ticket
    }

    fn v4(address: [u8; 4]) -> Host {
        Host::V4(address.into())
    }

    fn name(text: &str) -> Host {
        Host::Name(Name::new(text.as_bytes()).unwrap())
    }
}
