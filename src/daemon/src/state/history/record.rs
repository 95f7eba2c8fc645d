//! From a session to its record.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use acl::{Decision, Destination, Ruling};
use history::{Asked, FLOWS_MAX, Flows, Phases, Record, Status, Traffic, clipped};
use socks::{Host, Target};

use crate::state::session::ending::{ByHouse, Ending};
use crate::state::session::facts::{self, Facts, Origin};
use crate::state::session::lane::Lane;
use crate::state::session::ticket::{Session, command, dialect, protocol};

/// Texts that exist only while a record is made; kept between records for their room.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    auth: String,
    name: String,
    flows: Vec<u8>,
}

/// The address that was asked for, also if it was written where names are, as by clients that resolve nothing themselves.
pub(crate) fn address_asked(host: history::Host<'_>) -> Option<IpAddr> {
    match host {
        history::Host::Address(address) => Some(address),
        history::Host::Name(name) => address_in(name.as_bytes()),
    }
}

/// The address that somebody wrote where names are.
pub(crate) fn address_in(name: &[u8]) -> Option<IpAddr> {
    match Destination::parse_name(name) {
        Ok(Destination::Address(address)) => Some(address),
        Ok(Destination::Name(_)) | Err(_) => None,
    }
}

/// Makes the record of what is known of a session now and shows it to `use_it`; `ending` is how it ended, if it has.
pub(crate) fn with_record(
    session: &Session,
    ending: Option<Ending>,
    scratch: &mut Scratch,
    use_it: impl FnOnce(&Record<'_>),
) {
    let facts = session.facts();
    let started = session.started();
    let age = micros(session.opened.elapsed());
    let rule = facts.decision.and_then(|decision| decision.rule()).map(|rule| session.rule(rule));
    scratch.fill(&facts);
    // Before the lanes are read: what was carried is in a lane before it is in a flow, so the flows never say more.
    let flows = session.flows.get().map(|flows| Flows::packed(&flows.heaviest(FLOWS_MAX), &mut scratch.flows));
    use_it(&Record {
        id: session.id.into_bytes(),
        status: ending.map_or(Status::Active, status),
        started,
        seen: started.saturating_add(i64::try_from(age).unwrap_or(i64::MAX)),
        listener: clipped(&session.listener),
        source: source(session.origin()),
        user: facts.proof.as_ref().map(|proof| clipped(proof.identity.name())),
        claimed: facts.claimed.as_deref().map(clipped),
        auth: facts.proof.as_ref().map(|_| scratch.auth.as_str()),
        asked: facts.request.as_ref().map(|request| asked(request, &scratch.name)),
        peer: facts.peer,
        exit: facts.exit,
        sent: traffic(&session.up),
        received: traffic(&session.down),
        phases: phases(&facts.phases),
        generation: session.snapshot.generation,
        rule: rule.map(clipped),
        decision: facts.decision.and_then(decided),
        close_reason: ending.map(reason),
        remark: facts.remark.as_deref().map(clipped),
        flows: flows.unwrap_or_default(),
    });
}

impl Scratch {
    fn fill(&mut self, facts: &Facts) {
        self.auth.clear();
        self.name.clear();
        if let Some(proof) = &facts.proof {
            write!(self.auth, "{}", proof.method).expect("a string takes everything");
        }
        if let Some(Host::Name(name)) = facts.request.as_ref().map(|request| &request.target.host) {
            write!(self.name, "{name}").expect("a string takes everything");
        }
    }
}

fn source(origin: Origin) -> Option<SocketAddr> {
    match origin {
        Origin::Address(address) => Some(address),
        Origin::Local => None,
    }
}

fn asked<'a>(request: &facts::Asked, name: &'a str) -> Asked<'a> {
    let destination = request.destination();
    let host = |target: &Target| match target.host {
        Host::V4(address) => history::Host::Address(address.into()),
        Host::V6(address) => history::Host::Address(address.into()),
        Host::Name(_) => history::Host::Name(clipped(name)),
    };
    Asked {
        dialect: dialect(request.dialect),
        command: command(request.command),
        protocol: protocol(request.command),
        host: destination.map(host),
        port: destination.map(|target| target.port),
    }
}

/// The word for it, once it has been decided.
pub(crate) fn decided(decision: Decision) -> Option<&'static str> {
    match decision.verdict {
        Ruling::Allow => Some("allow"),
        Ruling::Deny => Some("block"),
        Ruling::Resolve | Ruling::Ask(_) => None,
    }
}

fn traffic(lane: &Lane) -> Traffic {
    Traffic { bytes: lane.bytes(), packets: lane.packets() }
}

fn phases(phases: &facts::Phases) -> Phases {
    let facts::Phases { handshake, auth, rules, dns, connect, first_byte } = *phases;
    let [handshake, auth, rules, dns, connect, first_byte] =
        [handshake, auth, rules, dns, connect, first_byte].map(|phase| phase.map(micros));
    Phases { handshake, auth, rules, dns, connect, first_byte }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn status(ending: Ending) -> Status {
    match ending {
        Ending::Refused(refusal) => refusal.status(),
        Ending::ClientViolation => Status::Rejected,
        Ending::House(ByHouse::Failure | ByHouse::HandshakeTimeout | ByHouse::HandshakeShed | ByHouse::TurnedAway) => {
            Status::Failed
        }
        Ending::House(
            ByHouse::Idle
            | ByHouse::UdpIdle
            | ByHouse::HalfClosed
            | ByHouse::MaxAge
            | ByHouse::Revoked
            | ByHouse::QuotaSpent
            | ByHouse::Killed
            | ByHouse::Stopped
            | ByHouse::Served,
        )
        | Ending::ClientLeft
        | Ending::Client(_)
        | Ending::Upstream(_) => Status::Closed,
    }
}

/// The most telling word: why it was refused, or how it ended.
pub(crate) fn reason(ending: Ending) -> &'static str {
    if let Ending::Refused(refusal) = ending { refusal.label() } else { ending.label() }
}
