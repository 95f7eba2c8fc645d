//! A session and the ticket its task holds: opened at the first byte, closed exactly once,
//! and its closing is the session's line in the log.

use std::future::Future;
use std::hint::black_box;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use acl::{Loudness, RuleId};
use socks::{Command, Dialect, Plainly};
use tracing::{Level, event};
use uuid::Uuid;

use super::course::{Course, Stage};
use super::ending::{ByHouse, Ending};
use super::facts::{Facts, Origin, Proof};
use super::flows::Flows;
use super::handshakes::HandshakePlace;
use super::judge::Standing;
use super::lane::Lane;
use super::pace::Pace;
use super::refusal::Refusal;
use super::roster::Roster;
use crate::state::history::kept::Kept;
use crate::state::limits::bandwidth::way::Tap;
use crate::state::limits::credit::Credit;
use crate::state::limits::quotas::meter::Toll;
use crate::state::penalties::Rank;
use crate::state::penalties::tariff::Caller;
use crate::state::snapshot::{Lifetimes, Snapshot};

/// The event of one closed session at a level that must be a constant.
macro_rules! line {
    ($level:expr, $session:expr, $ending:expr) => {{
        let (session, ending): (&Session, Ending) = ($session, $ending);
        let facts = session.facts();
        let request = facts.request.as_ref();
        event!(
            target: "session",
            $level,
            session = %session.id,
            listener = %session.listener,
            client = %session.origin(),
            user = facts.proof.as_ref().map(|proof| tracing::field::display(&proof.identity)),
            auth = facts.proof.as_ref().map(|proof| tracing::field::display(proof.method)),
            claimed = facts.claimed.as_deref().map(|claimed| tracing::field::display(claimed.escape_debug())),
            dialect = request.map(|request| dialect(request.dialect)),
            command = request.map(|request| command(request.command)),
            destination = request.map(|request| tracing::field::display(&request.target)),
            peer = facts.peer.map(|peer| tracing::field::display(Plainly(peer))),
            exit = facts.exit.map(|exit| tracing::field::display(Plainly(exit))),
            bytes_sent = session.up.bytes(),
            bytes_received = session.down.bytes(),
            packets_sent = nonzero(session.up.packets()),
            packets_received = nonzero(session.down.packets()),
            handshake_ms = facts.phases.handshake.map(milliseconds),
            dns_ms = facts.phases.dns.map(milliseconds),
            connect_ms = facts.phases.connect.map(milliseconds),
            duration_ms = milliseconds(session.opened.elapsed()),
            ending = ending.label(),
            reason = reason(ending),
            rule = facts.decision.and_then(|decision| decision.rule()).map(|rule| session.rule(rule)),
            shadow_rule = facts.decision.and_then(|decision| decision.shadow).map(|rule| session.rule(rule)),
            remark = facts.remark.as_deref(),
            "session closed"
        );
    }};
}

/// What all who look at a session share.
///
/// What is looked at of everybody each second comes first, in whole lines of memory: of a session that rests, the housekeeping reads three, and whoever looks at everybody two.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Session {
    /// From the client.
    pub(crate) up: Lane,
    /// To the client.
    pub(crate) down: Lane,

    pub(crate) opened: Instant,
    pub(crate) pulse: Pulse,

    pub(crate) pace: Pace,
    /// Counts the sessions of this worker from 1.
    pub(crate) number: u64,
    pub(crate) id: Uuid,
    /// Whether the history has its opening.
    pub(crate) kept: Kept,

    pub(crate) course: Course,
    /// How much of what it carries is on its user's meter.
    pub(crate) toll: Toll,

    accepted_from: Origin,
    /// Whom a trusted balancer's PROXY protocol header names.
    introduced_as: OnceLock<SocketAddr>,
    caller: OnceLock<Caller>,
    rank: OnceLock<Rank>,
    /// The listener's name.
    pub(crate) listener: Arc<str>,
    /// The policy it was opened under and keeps for its life.
    pub(crate) snapshot: Arc<Snapshot>,
    /// Those of an association; nothing for everybody else.
    pub(crate) flows: OnceLock<Box<Flows>>,
    ended: OnceLock<Ending>,
    /// Where it asks before it moves bytes, if its bandwidth is limited.
    pub(crate) tap: Tap,
    /// The rule that let it in.
    pub(crate) credit: Credit,
    standing: OnceLock<Standing>,
    /// How long it may last, if that is not what holds for everyone.
    lifetimes: OnceLock<Box<Lifetimes>>,
    facts: Mutex<Facts>,
}

/// What the housekeeping saw of a session the last time; nobody else writes it.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    pub(super) carried: AtomicU64,
    /// Milliseconds of the session's life at which `carried` was last seen to change.
    pub(super) moved_at: AtomicU64,
    /// Milliseconds of the session's life before which it cannot be overdue, as long as it stays as it was seen.
    pub(super) lasts_until: AtomicU64,
    /// What it had carried at its last checkpoint in the history.
    pub(crate) checkpointed: AtomicU64,
    /// Milliseconds of the session's life at its last checkpoint; 0 before the first.
    pub(crate) checkpoint_at: AtomicU64,
    /// Whether it was relaying when it was looked at.
    pub(super) lasts: AtomicBool,
    /// Whether its task has not heard yet that it lasts, or goes on half-closed.
    pub(super) has_turn: AtomicBool,
}

impl Pulse {
    /// Whether the task shall look after itself now: once when the session turns out to last, and each second while it is half-closed.
    pub(crate) fn take_turn(&self) -> bool {
        self.has_turn.load(Relaxed) && self.has_turn.swap(false, Relaxed)
    }
}

impl Session {
    /// Where the client is: as accepted, or as a trusted balancer says.
    pub(crate) fn origin(&self) -> Origin {
        self.introduced_as.get().copied().map_or(self.accepted_from, Origin::Address)
    }

    /// Notes the client's address behind a trusted balancer; the first one stands.
    pub(crate) fn is_really_from(&self, client: SocketAddr) {
        let _already_known = self.introduced_as.set(client);
    }

    /// The client has proven who it is, once for all; says which rules hold for it.
    pub(crate) fn admit(&self, proof: &Proof) -> &Standing {
        self.standing.get_or_init(|| Standing::of(&self.snapshot.rules, proof))
    }

    /// Has its memory fetched that is looked at of everybody. The processor waits for none of it before the next one's is under way.
    pub(super) fn fetch(&self) {
        black_box((self.up.bytes(), self.number));
    }

    /// When it began: the moment at which its id was made, in microseconds since 1970-01-01T00:00:00Z, to the millisecond.
    pub(crate) fn started(&self) -> i64 {
        let (seconds, nanos) = self.id.get_timestamp().expect("ids are UUIDv7").to_unix();
        i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000).saturating_add(i64::from(nanos) / 1_000)
    }

    /// How long no byte has moved, as the sweep sees it once a second.
    pub(crate) fn idle(&self) -> Duration {
        self.opened.elapsed().saturating_sub(Duration::from_millis(self.pulse.moved_at.load(Relaxed)))
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&self) -> Option<Ending> {
        self.ended.get().copied()
    }

    /// How long it may last.
    pub(super) fn lifetimes(&self) -> &Lifetimes {
        self.credit.lifetimes().unwrap_or_else(|| self.lifetimes_of_user())
    }

    /// How long it may last, whichever rule lets it in.
    fn lifetimes_of_user(&self) -> &Lifetimes {
        self.lifetimes.get().map_or(&self.snapshot.lifetimes, |own| own)
    }

    /// This rule of its policy lets it in; the first one stands.
    ///
    /// # Errors
    /// As many as may be are in by this rule.
    pub(super) fn is_let_in_by(&self, rule: RuleId) -> Result<(), Refusal> {
        self.credit.give(&self.snapshot, rule, self.lifetimes_of_user())
    }

    /// Notes how long it may last instead of what holds for everyone; the first word stands.
    pub(crate) fn may_last(&self, lifetimes: Lifetimes) {
        let _already_known = self.lifetimes.set(Box::new(lifetimes));
    }

    /// Who it is to the penalties; `None` until a balancer's header names the client.
    pub(crate) fn caller(&self) -> Option<Caller> {
        self.caller.get().copied()
    }

    /// Notes who it is to the penalties; the first one stands.
    pub(crate) fn is_called_by(&self, caller: Caller) {
        let _already_known = self.caller.set(caller);
    }

    /// How soon its login is looked at when all cannot be at once.
    pub(crate) fn rank(&self) -> Rank {
        self.rank.get().copied().unwrap_or(Rank::Clean)
    }

    /// Notes how soon its login is to be looked at; the first word stands.
    pub(crate) fn ranks_as(&self, rank: Rank) {
        let _already_known = self.rank.set(rank);
    }

    pub(crate) fn enter(&self, stage: Stage) {
        self.course.enter(stage);
    }

    /// A rule of its policy as people know it.
    pub(crate) fn rule(&self, rule: RuleId) -> &str {
        self.snapshot.rules.describe(rule)
    }

    /// The request was decided, if there was one.
    fn count_hits(&self) {
        let decision = self.facts().decision;
        if let Some(decision) = decision {
            self.snapshot.rules.hits().count(&decision);
        }
    }

    /// How loud the rule that decided wants the session's line to be.
    fn loudness(&self) -> Option<Level> {
        let rule = self.facts().decision.and_then(|decision| decision.rule())?;
        self.snapshot.rules.set().rule(rule).log.map(|loudness| match loudness {
            Loudness::Debug => Level::DEBUG,
            Loudness::Info => Level::INFO,
            Loudness::Warn => Level::WARN,
        })
    }

    /// What is known so far. The guard must not be held across an await.
    pub(crate) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drives `work` until it is done or the house orders the session to end; then `work` is dropped
    /// wherever it waits.
    pub(crate) async fn obey<T>(&self, work: impl Future<Output = T>) -> Result<T, ByHouse> {
        let mut work = pin!(work);
        std::future::poll_fn(|cx: &mut Context<'_>| {
            self.course.heard_by(cx.waker());
            match self.course.ordered() {
                Some(reason) => Poll::Ready(Err(reason)),
                None => work.as_mut().poll(cx).map(Ok),
            }
        })
        .await
    }
}

/// A connection that was let in, before it is a session.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) origin: Origin,
    /// `None` until a balancer's header names the client.
    pub(crate) caller: Option<Caller>,
    /// The listener's name.
    pub(crate) listener: Arc<str>,
    pub(crate) place: HandshakePlace,
}

/// The right to run a session, held by its task.
#[derive(Debug)]
pub(crate) struct Ticket {
    session: Arc<Session>,
    roster: Arc<Roster>,
    /// Held until the request is complete and admitted.
    handshake: Option<HandshakePlace>,
    is_set_up: bool,
    ending: Option<Ending>,
}

impl Ticket {
    pub(crate) fn open(roster: &Arc<Roster>, arrival: Arrival, snapshot: Arc<Snapshot>) -> Self {
        let Arrival { origin, caller, listener, mut place } = arrival;
        let session = Arc::new(Session {
            up: Lane::default(),
            down: Lane::default(),
            opened: Instant::now(),
            pulse: Pulse::default(),
            pace: Pace::default(),
            number: roster.next_number(),
            id: Uuid::now_v7(),
            kept: Kept::default(),
            course: Course::default(),
            toll: Toll::default(),
            accepted_from: origin,
            introduced_as: OnceLock::new(),
            caller: caller.map_or_else(OnceLock::new, OnceLock::from),
            rank: OnceLock::new(),
            listener,
            snapshot,
            flows: OnceLock::new(),
            ended: OnceLock::new(),
            tap: Tap::default(),
            credit: Credit::default(),
            standing: OnceLock::new(),
            lifetimes: OnceLock::new(),
            facts: Mutex::default(),
        });
        roster.enter(&session);
        place.enter(&session);
        roster.tell(|witness| witness.opened(&session));
        Self { session, roster: Arc::clone(roster), handshake: Some(place), is_set_up: false, ending: None }
    }

    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// The request is complete and not answered yet: whatever becomes of the session, it is known to have been.
    pub(crate) fn put_on_record(&self) {
        self.roster.tell(|witness| witness.asked(&self.session));
    }

    /// The place among the unauthenticated, as long as it is there.
    pub(crate) fn handshake(&mut self) -> Option<&mut HandshakePlace> {
        self.handshake.as_mut()
    }

    /// The handshake is over: the session leaves the bound of the unauthenticated.
    pub(crate) fn leave_handshake(&mut self) {
        self.session.enter(Stage::SettingUp);
        self.handshake = None;
    }

    /// Nothing is left to set up: it relays from now on, or is about to close.
    pub(crate) fn finish_set_up(&mut self) {
        if !std::mem::replace(&mut self.is_set_up, true) {
            self.session.count_hits();
            self.roster.tell(|witness| witness.set_up(&self.session));
        }
    }

    pub(crate) fn close(mut self, ending: Ending) {
        self.ending = Some(ending);
    }
}

#[cfg(test)]
impl Ticket {
    /// A client on a Unix socket.
    pub(crate) fn for_tests(roster: &Arc<Roster>, snapshot: Arc<Snapshot>) -> Self {
        let caller = Some(snapshot.penalties.caller(None));
        let place = roster.handshakes().place();
        Self::open(roster, Arrival { origin: Origin::Local, caller, listener: "test".into(), place }, snapshot)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.finish_set_up();
        // A task that panicked or was dropped by its runtime never named an ending.
        let ending = self.ending.unwrap_or(Ending::House(ByHouse::Failure));
        let _it_ends_once = self.session.ended.set(ending);
        self.roster.leave(&self.session);
        self.session.credit.end();
        self.roster.tell(|witness| witness.closed(&self.session, ending));
        record(&self.session, ending);
    }
}

/// The session's line. Field names are stable; docs/logging.md lists them.
fn record(session: &Session, ending: Ending) {
    match level(session, ending) {
        Level::ERROR => line!(Level::ERROR, session, ending),
        Level::WARN => line!(Level::WARN, session, ending),
        Level::INFO => line!(Level::INFO, session, ending),
        _ => line!(Level::DEBUG, session, ending),
    }
}

/// What the operator wrote in the rule that decided, unless it is our own fault.
fn level(session: &Session, ending: Ending) -> Level {
    match ending {
        Ending::House(ByHouse::Failure) => Level::ERROR,
        Ending::Refused(refusal) => session.loudness().unwrap_or(refusal.level()),
        // Thousands a second may come; the source has its own line.
        Ending::House(ByHouse::TurnedAway) => Level::DEBUG,
        // A connection that asked for nothing (a health probe, a port scan) is not worth an operator's line.
        Ending::ClientLeft if session.facts().request.is_none() => Level::DEBUG,
        Ending::ClientLeft | Ending::ClientViolation | Ending::Client(_) | Ending::Upstream(_) | Ending::House(_) => {
            session.loudness().unwrap_or(Level::INFO)
        }
    }
}

/// Milliseconds to three places.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

pub(crate) fn dialect(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Socks5 => "socks5",
        Dialect::Socks4 => "socks4",
        Dialect::HttpConnect => "http",
    }
}

pub(crate) fn command(command: Command) -> &'static str {
    match command {
        Command::Connect => "connect",
        Command::Bind => "bind",
        Command::UdpAssociate => "udp_associate",
        Command::Resolve => "resolve",
        Command::ResolvePtr => "resolve_ptr",
    }
}

/// What carries the bytes of the client's.
pub(crate) fn protocol(command: Command) -> &'static str {
    match command {
        Command::Connect | Command::Bind | Command::Resolve | Command::ResolvePtr => "tcp",
        Command::UdpAssociate => "udp",
    }
}

fn nonzero(count: u64) -> Option<u64> {
    (count > 0).then_some(count)
}

fn reason(ending: Ending) -> Option<&'static str> {
    if let Ending::Refused(refusal) = ending { Some(refusal.label()) } else { None }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    #[test]
    fn what_is_looked_at_each_second_fills_lines_of_memory() {
        let begin = [offset_of!(Session, opened), offset_of!(Session, pace), offset_of!(Session, course)];
        assert_eq!(begin, [64, 128, 192]);
        assert!(offset_of!(Session, kept) < 192 && offset_of!(Session, toll) < 256);
    }
}
