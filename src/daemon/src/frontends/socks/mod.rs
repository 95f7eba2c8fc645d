//! The proxy's own front: SOCKS5, SOCKS4(a) and HTTP CONNECT on one port.
//!
//! One file per step of a connection, in the order in which a connection meets them.

pub(crate) mod accept;
mod serve;

mod handshake;
mod inbox;

pub(crate) mod associate;
pub(crate) mod bind;
mod connect;
mod resolve;

mod farewell;

use std::sync::Arc;

use arc_swap::ArcSwap;
use ipnet::IpNet;
use socks::Offer;

use crate::engine::auth::Entrance;
use crate::engine::dial::Dialer;
use crate::state::session::roster::Roster;
use crate::state::session::seats::Seats;
use crate::state::session::ticket::Ticket;
use crate::state::snapshot::Snapshot;

/// The handles that serving a connection needs.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) roster: Arc<Roster>,
    /// Sessions with a complete request.
    pub(crate) seats: Arc<Seats>,
    pub(crate) snapshot: ArcSwap<Snapshot>,
    pub(crate) dialer: Dialer,
}

/// One listener's manners.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) name: Arc<str>,
    pub(crate) offer: Offer,
    pub(crate) entrance: Entrance,
    /// Whose connections must begin with a PROXY protocol header.
    pub(crate) proxied_from: Vec<IpNet>,
    pub(crate) bind: bind::Options,
    pub(crate) udp: associate::Options,
}

/// One client's visit: where it came in, and its ticket.
#[derive(Debug)]
struct Visit {
    world: Arc<World>,
    door: Arc<Door>,
    ticket: Ticket,
}
