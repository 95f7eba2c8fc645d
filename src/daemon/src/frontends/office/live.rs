//! A session that is in now, told like one that is over, with what only the living have.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use history::{Asked, Host, Record, Traffic};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::engine::history::archive::flows::Counts;
use crate::engine::history::archive::row::Row;
use crate::state::history::record::{Scratch, address_asked, with_record};
use crate::state::session::flows::Flow;
use crate::state::session::ticket::Session;

#[derive(Debug, Serialize)]
pub(crate) struct Live {
    #[serde(flatten)]
    pub(crate) row: Row,
    /// What it does.
    pub(crate) stage: &'static str,
    /// The peers of an association, the one last in use first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) flows: Option<Vec<Peer>>,
    /// What it exchanged with all other peers.
    #[serde(skip_serializing_if = "Option::is_none")]
    others: Option<Counts>,
}

/// What an association exchanges with one peer.
#[derive(Debug, Serialize)]
pub(crate) struct Peer {
    #[serde(rename = "peer_ip")]
    ip: IpAddr,
    #[serde(rename = "peer_port")]
    port: u16,
    bytes_sent: u64,
    bytes_received: u64,
    packets_sent: u64,
    packets_received: u64,
    idle_secs: u64,
}

impl Live {
    pub(crate) fn of(session: &Session, scratch: &mut Scratch) -> Self {
        // Before the lanes are read: so the flows never say more.
        let flows = session.flows.get().map(|flows| flows.all());
        let mut row = None;
        with_record(session, None, scratch, |record| row = Some(of_record(record)));
        let (row, now) = (row.expect("a record is made of every session"), Instant::now());
        let counts = |flows: &Vec<(_, Flow)>| Counts::beside(&row, flows.iter().map(|(_, flow)| counts(flow)));
        Self {
            others: flows.as_ref().map(counts),
            flows: flows.map(|flows| flows.into_iter().map(|(peer, flow)| Peer::of(peer, &flow, now)).collect()),
            row,
            stage: session.course.stage().label(),
        }
    }
}

impl Peer {
    fn of(peer: SocketAddr, flow: &Flow, now: Instant) -> Self {
        Self {
            ip: peer.ip(),
            port: peer.port(),
            bytes_sent: flow.sent.bytes,
            bytes_received: flow.received.bytes,
            packets_sent: flow.sent.packets,
            packets_received: flow.received.packets,
            idle_secs: now.saturating_duration_since(flow.last).as_secs(),
        }
    }
}

fn counts(flow: &Flow) -> Counts {
    let Flow { sent, received, .. } = flow;
    Counts {
        bytes_sent: count(sent.bytes),
        bytes_received: count(received.bytes),
        packets_sent: count(sent.packets),
        packets_received: count(received.packets),
    }
}

fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// As its row will be.
fn of_record(record: &Record<'_>) -> Row {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let phase = |phase: Option<u64>| phase.map(count);
    let asked = record.asked.as_ref();
    let host = asked.and_then(|Asked { host, .. }| *host);
    let Traffic { bytes: bytes_sent, packets: packets_sent } = record.sent;
    let Traffic { bytes: bytes_received, packets: packets_received } = record.received;
    Row {
        session_id: Uuid::from_bytes(record.id),
        user: text(record.user),
        start_time: Timestamp::from_microsecond(record.started).unwrap_or(Timestamp::MAX),
        end_time: None,
        duration_secs: Some((record.seen - record.started) / 1_000_000),
        source_ip: record.source.map(|source| source.ip().to_string()),
        source_port: record.source.map(|source| source.port()),
        dest_host: match host {
            Some(Host::Address(address)) => Some(address.to_string()),
            Some(Host::Name(name)) => Some(name.to_owned()),
            None => None,
        },
        dest_ip: record
            .peer
            .map(|peer| peer.ip())
            .or_else(|| host.and_then(address_asked))
            .map(|address| address.to_string()),
        dest_port: record.peer.map(|peer| peer.port()).or_else(|| asked.and_then(|asked| asked.port)),
        protocol: text(asked.map(|asked| asked.protocol)),
        bytes_sent: count(bytes_sent),
        bytes_received: count(bytes_received),
        packets_sent: count(packets_sent),
        packets_received: count(packets_received),
        status: record.status.word().to_owned(),
        close_reason: text(record.close_reason),
        acl_rule_matched: text(record.rule),
        acl_decision: text(record.decision),
        listener: record.listener.to_owned(),
        dialect: text(asked.map(|asked| asked.dialect)),
        command: text(asked.map(|asked| asked.command)),
        auth_method: text(record.auth),
        claimed: text(record.claimed),
        exit_ip: record.exit.map(|exit| exit.ip().to_string()),
        exit_port: record.exit.map(|exit| exit.port()),
        generation: count(record.generation),
        handshake_us: phase(record.phases.handshake),
        auth_us: phase(record.phases.auth),
        rules_us: phase(record.phases.rules),
        dns_us: phase(record.phases.dns),
        connect_us: phase(record.phases.connect),
        first_byte_us: phase(record.phases.first_byte),
        remark: text(record.remark),
    }
}
