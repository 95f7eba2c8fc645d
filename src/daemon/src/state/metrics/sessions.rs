//! What is counted of sessions: how many, how long, how they ended, and what they carried.
//!
//! The byte path only adds to its lanes. What they carried goes to the totals when somebody asks, and once more when a session is over.

use std::sync::{Arc, Mutex, PoisonError};

use acl::{Destination, Ruling};
use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge};
use socks::Command;

use super::frequent::Frequent;
use super::peers::Peers;
use super::users::{User, Users};
use super::{Metrics, STEP_SECONDS, Words};
use crate::state::session::course::Stage;
use crate::state::session::ending::Ending;
use crate::state::session::facts::Facts;
use crate::state::session::judge::destination;
use crate::state::session::lane::News;
use crate::state::session::refusal::Refusal;
use crate::state::session::roster::Roster;
use crate::state::session::ticket::{Session, command};
use crate::state::session::witness::Witness;

/// A tenth of a second to a day.
const LIFE_SECONDS: [f64; 13] =
    [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0];

/// Destinations among which the most frequent are found, and how many of them are shown.
const DESTINATIONS: (usize, usize) = (1_024, 100);

const COMMANDS: [Command; 5] =
    [Command::Connect, Command::Bind, Command::UdpAssociate, Command::Resolve, Command::ResolvePtr];

/// Why a destination cannot be connected to.
const CONNECT_ERRORS: [Refusal; 6] = [
    Refusal::ConnectionRefused,
    Refusal::NetworkUnreachable,
    Refusal::HostUnreachable,
    Refusal::TimedOut,
    Refusal::OutOfResources,
    Refusal::Internal,
];

/// The books of sessions, kept as a witness of each.
#[derive(Debug)]
pub(crate) struct Sessions {
    opened: IntGauge,
    requests: Words,
    endings: Words,
    refusals: Words,
    life: Histogram,
    handshake: Histogram,
    connected: Histogram,
    not_connected: Histogram,
    connect_errors: Words,
    carried: Carried,
    users: Users,
    destinations: Mutex<Frequent<Destination>>,
    peers: Peers,
}

/// What all sessions carried, each direction by itself.
#[derive(Debug)]
struct Carried {
    sent: Delivered,
    received: Delivered,
}

/// Numbers that only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) opened: u64,
    /// Requests that rules denied.
    pub(crate) denied: u64,
    /// Bytes from clients.
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

#[derive(Debug)]
struct Delivered {
    bytes: IntCounter,
    datagrams: IntCounter,
}

impl Sessions {
    pub(crate) fn new(metrics: &Metrics) -> Arc<Self> {
        let connect = metrics.seconds_by(
            "rustsocks_connect_seconds",
            "From the known addresses of a destination to a connection, or to the certainty that there is none.",
            "outcome",
            &STEP_SECONDS,
        );
        Arc::new(Self {
            opened: metrics.gauge("rustsocks_total_sessions", "Connections accepted since the start; it only grows."),
            requests: metrics.words(
                "rustsocks_requests_total",
                "Complete requests, refused ones included.",
                "command",
                COMMANDS.map(command),
            ),
            endings: metrics.words(
                "rustsocks_sessions_closed_total",
                "Sessions that are over, by how they ended.",
                "ending",
                Ending::words(),
            ),
            refusals: metrics.words(
                "rustsocks_refusals_total",
                "Sessions that ended because a login or a request was refused, by reason.",
                "reason",
                Refusal::ALL.map(Refusal::label),
            ),
            life: metrics.seconds(
                "rustsocks_session_duration_seconds",
                "From accept to the end of a session whose request was not refused.",
                &LIFE_SECONDS,
            ),
            handshake: metrics.seconds(
                "rustsocks_handshake_seconds",
                "From accept to the complete request, a login included.",
                &STEP_SECONDS,
            ),
            connected: connect.with_label_values(&["connected"]),
            not_connected: connect.with_label_values(&["failed"]),
            connect_errors: metrics.words(
                "rustsocks_connect_errors_total",
                "Connections to a destination that failed, by cause.",
                "cause",
                CONNECT_ERRORS.map(Refusal::label),
            ),
            carried: Carried::new(metrics),
            users: Users::new(metrics),
            destinations: Mutex::new(Frequent::new(DESTINATIONS.0)),
            peers: Peers::default(),
        })
    }

    /// Adds what the session has carried since the last time to the totals and to its user's.
    fn settle(&self, session: &Session, user: Option<&User>) {
        let (up, down) = (session.up.news(), session.down.news());
        self.carried.sent.add(up);
        self.carried.received.add(down);
        if let Some(user) = user {
            user.sent.inc_by(up.bytes);
            user.received.inc_by(down.bytes);
        }
        if let Some(flows) = session.flows.get() {
            self.peers.settle(flows);
        }
    }

    /// Counts what the session has carried by now.
    pub(crate) fn note(&self, session: &Session) {
        if session.up.has_news() || session.down.has_news() {
            let user = self.user_of(&session.facts());
            self.settle(session, user.as_deref());
        }
    }

    /// What has been counted so far.
    pub(crate) fn totals(&self) -> Totals {
        Totals {
            opened: u64::try_from(self.opened.get()).unwrap_or(0),
            denied: self.refusals.total(Refusal::Denied.label()),
            sent: self.carried.sent.bytes.get(),
            received: self.carried.received.bytes.get(),
        }
    }

    /// How long connections to destinations took that came about.
    pub(crate) fn connected(&self) -> &Histogram {
        &self.connected
    }

    fn user_of(&self, facts: &Facts) -> Option<Arc<User>> {
        facts.proof.as_ref().map(|proof| self.users.of(&proof.identity))
    }

    fn note_phases(&self, facts: &Facts) {
        if let Some(handshake) = facts.phases.handshake {
            self.handshake.observe(handshake.as_secs_f64());
        }
        if let (Some(connect), Some(_)) = (facts.phases.connect, facts.peer) {
            self.connected.observe(connect.as_secs_f64());
        }
    }

    fn note_refusal(&self, refusal: Refusal, facts: &Facts) {
        self.refusals.count(refusal.label());
        // A name without addresses has this phase too, and nothing in it.
        if let Some(connect) = facts.phases.connect.filter(|_| CONNECT_ERRORS.contains(&refusal)) {
            self.not_connected.observe(connect.as_secs_f64());
            self.connect_errors.count(refusal.label());
        }
    }

    fn note_request(&self, facts: &Facts) {
        let Some(request) = &facts.request else { return };
        self.requests.count(command(request.command));
        if request.command == Command::Connect
            && facts.peer.is_some()
            && let Ok(destination) = destination(&request.target)
        {
            self.destinations.lock().unwrap_or_else(PoisonError::into_inner).count(destination);
        }
    }
}

impl Witness for Sessions {
    fn opened(&self, _: &Session) {
        self.opened.inc();
    }

    fn set_up(&self, session: &Session) {
        let facts = session.facts();
        self.note_phases(&facts);
        self.note_request(&facts);
        if let (Some(decision), Some(user)) = (facts.decision, self.user_of(&facts)) {
            let counter = if decision.verdict == Ruling::Allow { &user.allowed } else { &user.blocked };
            counter.inc();
        }
    }

    fn closed(&self, session: &Arc<Session>, ending: Ending) {
        let facts = session.facts();
        let user = self.user_of(&facts);
        self.settle(session, user.as_deref());
        self.endings.count(ending.label());
        if let Ending::Refused(refusal) = ending {
            self.note_refusal(refusal, &facts);
        } else if facts.request.is_some() {
            self.life.observe(session.opened.elapsed().as_secs_f64());
        }
    }
}

impl Carried {
    fn new(metrics: &Metrics) -> Self {
        let datagrams =
            metrics.counters("rustsocks_datagrams_total", "Datagrams delivered, by direction.", &["direction"]);
        let delivered = |bytes, direction| Delivered { bytes, datagrams: datagrams.with_label_values(&[direction]) };
        let sent = metrics.counter("rustsocks_bytes_sent_total", "Payload from clients delivered to destinations.");
        let received =
            metrics.counter("rustsocks_bytes_received_total", "Payload from destinations delivered to clients.");
        Self { sent: delivered(sent, "sent"), received: delivered(received, "received") }
    }
}

impl Delivered {
    fn add(&self, news: News) {
        self.bytes.inc_by(news.bytes);
        self.datagrams.inc_by(news.packets);
    }
}

/// The sessions that are in now, looked through at each scrape.
#[derive(Debug)]
struct Live {
    books: Arc<Sessions>,
    roster: Arc<Roster>,
    active: IntGauge,
    stages: [IntGauge; Stage::ALL.len()],
    destinations: IntCounterVec,
    peers: IntCounterVec,
}

/// Lets each scrape see what sessions of this roster, whose witness `books` is, are doing and have carried so far.
pub(crate) fn follow(metrics: &Metrics, books: Arc<Sessions>, roster: Arc<Roster>) {
    let stages =
        metrics.gauges("rustsocks_sessions_by_stage", "Sessions that are in now, by what they do.", &["stage"]);
    let live = Live {
        books,
        roster,
        active: metrics.gauge("rustsocks_active_sessions", "Sessions that are in now, whatever they do."),
        stages: Stage::ALL.map(|stage| stages.with_label_values(&[stage.label()])),
        destinations: metrics.counters(
            "rustsocks_destination_connections_total",
            "Connections to the destinations that were connected to most often lately, each since it is among those that are remembered.",
            &["destination"],
        ),
        peers: metrics.counters(
            "rustsocks_udp_destination_bytes_total",
            "Payload of datagrams delivered to and from the addresses that most associations exchange any with lately, each since it is among those that are remembered.",
            &["destination", "direction"],
        ),
    };
    metrics.before_each_scrape(move || live.look());
}

impl Live {
    fn look(&self) {
        let mut stages = [0; Stage::ALL.len()];
        for user in self.books.users.all() {
            user.active.set(0);
        }
        self.roster.each(|session| {
            stages[session.course.stage() as usize] += 1;
            let user = self.books.user_of(&session.facts());
            self.books.settle(session, user.as_deref());
            if let Some(user) = user {
                user.active.inc();
            }
        });
        self.active.set(stages.iter().sum());
        self.stages.iter().zip(stages).for_each(|(gauge, count)| gauge.set(count));
        self.show_destinations();
    }

    fn show_destinations(&self) {
        self.destinations.reset();
        let destinations = self.books.destinations.lock().unwrap_or_else(PoisonError::into_inner);
        for (destination, connections) in destinations.most(DESTINATIONS.1) {
            self.destinations.with_label_values(&[&destination.to_string()]).inc_by(connections);
        }
        drop(destinations);
        self.books.peers.show(&self.peers);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::state::session::ending::{ByHouse, ByPeer};
    use crate::state::session::facts::{self, Asked, AuthMethod, Identity, Proof};
    use crate::state::session::ticket::Ticket;
    use crate::state::snapshot::Snapshot;

    struct House {
        metrics: Metrics,
        roster: Arc<Roster>,
    }

    impl House {
        fn new() -> Self {
            let metrics = Metrics::default();
            let books = Sessions::new(&metrics);
            let roster = Roster::new(10, vec![books.clone()]);
            follow(&metrics, books, Arc::clone(&roster));
            Self { metrics, roster }
        }

        fn open(&self, user: Option<&str>) -> Ticket {
            let ticket = Ticket::for_tests(&self.roster, Arc::new(Snapshot::for_tests()));
            let identity = user.map(|name| facts::User { name: name.into(), groups: Vec::new().into() });
            ticket.session().facts().proof = Some(Proof {
                identity: identity.map_or(Identity::Anonymous, Identity::User),
                method: AuthMethod::None,
            });
            ticket
        }

        /// The value of one series.
        fn value(&self, series: &str) -> u64 {
            let text = String::from_utf8(self.metrics.exposition()).unwrap();
            let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
            value.unwrap_or_else(|| panic!("no {series} in {text}")).parse().unwrap()
        }
    }

    fn ask(ticket: &Ticket, name: &str) {
        let host = socks::Host::Name(socks::Name::new(name.as_bytes()).unwrap());
        let mut facts = ticket.session().facts();
        facts.request = Some(Asked {
            dialect: socks::Dialect::Socks5,
            command: Command::Connect,
            target: socks::Target { host, port: 443 },
        });
        facts.peer = Some("192.0.2.1:443".parse().unwrap());
        facts.phases.connect = Some(Duration::from_millis(3));
    }

    #[test]
    fn what_lives_and_what_is_over_is_in_the_totals_and_nothing_twice() {
        let house = House::new();
        let (alice, nobody) = (house.open(Some("alice")), house.open(None));
        alice.session().up.carried(100);
        nobody.session().down.carried_datagrams(2, 30);
        for _ in 0..2 {
            assert_eq!(house.value("rustsocks_bytes_sent_total"), 100);
            assert_eq!(house.value("rustsocks_bytes_received_total"), 30);
        }
        assert_eq!(house.value("rustsocks_datagrams_total{direction=\"received\"}"), 2);
        alice.session().up.carried(11);
        assert_eq!(house.value("rustsocks_user_active_sessions{user=\"alice\"}"), 1);
        alice.close(Ending::Client(ByPeer::Closed));
        assert_eq!(house.value("rustsocks_bytes_sent_total"), 111);
        assert_eq!(house.value("rustsocks_user_bytes_total{direction=\"sent\",user=\"alice\"}"), 111);
        assert_eq!(house.value("rustsocks_user_bytes_total{direction=\"received\",user=\"anonymous\"}"), 30);
        assert_eq!(house.value("rustsocks_user_active_sessions{user=\"alice\"}"), 0);
        assert_eq!(house.value("rustsocks_active_sessions"), 1);
        assert_eq!(house.value("rustsocks_sessions_by_stage{stage=\"handshake\"}"), 1);
        assert_eq!(house.value("rustsocks_total_sessions"), 2);
        assert_eq!(house.value("rustsocks_sessions_closed_total{ending=\"client_closed\"}"), 1);
    }

    #[test]
    fn scrapes_beside_busy_sessions_lose_nothing_and_never_go_back() {
        let house = House::new();
        let steps: u64 = 20_000;
        thread::scope(|scope| {
            let sessions: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        for _ in 0..steps / 100 {
                            let ticket = house.open(Some("alice"));
                            (0..100).for_each(|_| ticket.session().up.carried(1));
                            ticket.close(Ending::House(ByHouse::Served));
                        }
                    })
                })
                .collect();
            let mut last = 0;
            while sessions.iter().any(|session| !session.is_finished()) {
                let sent = house.value("rustsocks_bytes_sent_total");
                assert!(sent >= last, "{sent} after {last}");
                last = sent;
            }
        });
        assert_eq!(house.value("rustsocks_bytes_sent_total"), 3 * steps);
        assert_eq!(house.value("rustsocks_user_bytes_total{direction=\"sent\",user=\"alice\"}"), 3 * steps);
    }

    #[test]
    fn a_refusal_counts_by_reason_and_a_failed_connection_by_cause() {
        let house = House::new();
        let refused = house.open(None);
        ask(&refused, "example.com");
        refused.session().facts().peer = None;
        refused.close(Ending::Refused(Refusal::ConnectionRefused));
        assert_eq!(house.value("rustsocks_refusals_total{reason=\"connection_refused\"}"), 1);
        assert_eq!(house.value("rustsocks_connect_errors_total{cause=\"connection_refused\"}"), 1);
        assert_eq!(house.value("rustsocks_connect_seconds_count{outcome=\"failed\"}"), 1);
        assert_eq!(house.value("rustsocks_requests_total{command=\"connect\"}"), 1);
        assert_eq!(house.value("rustsocks_session_duration_seconds_count"), 0);
        house.open(None).close(Ending::Refused(Refusal::TooManyConnections));
        assert_eq!(house.value("rustsocks_refusals_total{reason=\"too_many_connections\"}"), 1);
    }

    #[test]
    fn a_destination_is_shown_under_its_one_spelling() {
        let house = House::new();
        for spelling in ["example.com", "EXAMPLE.com.", "Example.Com"] {
            let ticket = house.open(None);
            ask(&ticket, spelling);
            ticket.close(Ending::Upstream(ByPeer::Closed));
        }
        assert_eq!(house.value("rustsocks_destination_connections_total{destination=\"example.com\"}"), 3);
        assert_eq!(house.value("rustsocks_session_duration_seconds_count"), 3);
    }
}
