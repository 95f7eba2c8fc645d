//! UDP ASSOCIATE.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use rig::server::Server;
use rig::socks5::{UDP_ASSOCIATE, request};
use rig::udp::{address, datagrams, post, wrapped, zeros};
use rig::wire::Wire;

use crate::Check;
use crate::hearing::{asked, bound, say};

pub(crate) const CHECKS: &[Check] = &[
    Check { what: "UDP BND.ADDR", should_be: "real", answer: bound_address },
    Check { what: "UDP to a destination that has the client's IP", should_be: "ok", answer: own_address },
    Check { what: "UDP FRAG ≠ 0", should_be: "dropped", answer: fragment },
    Check { what: "stranger sends first (DST zeros)", should_be: "dropped", answer: stranger_first },
    Check { what: "junk byte on the control connection", should_be: "kept", answer: junk_on_control },
    Check { what: "20 000-byte datagram", should_be: "whole", answer: large },
];

/// On loopback a datagram that is passed on arrives well within this.
const HERE: Duration = Duration::from_secs(1);

/// A client, its relay and a target.
struct Association {
    control: Wire,
    relay: SocketAddr,
    client: UdpSocket,
    target: UdpSocket,
}

/// What a peer without UDP ASSOCIATE has in its cells.
const NO_UDP: &str = "–";

fn bound_address(server: &Server) -> String {
    with_association(server, |association| {
        let ip = association.relay.ip();
        if ip.is_unspecified() { ip.to_string() } else { "real".to_owned() }
    })
}

fn own_address(server: &Server) -> String {
    with_association(server, |association| {
        association.send(b"to my own address");
        let arrived = association.arrives().is_some();
        if arrived { "ok".to_owned() } else { "never arrives".to_owned() }
    })
}

fn fragment(server: &Server) -> String {
    with_association(server, |association| {
        let mut datagram = wrapped(address(&association.target), b"fragment");
        datagram[2] = 1;
        post(&association.client, &datagram, association.relay);
        association.fate()
    })
}

fn stranger_first(server: &Server) -> String {
    with_association(server, |association| {
        let stranger = datagrams(Ipv4Addr::new(127, 0, 0, 66).into());
        let datagram = wrapped(address(&association.target), b"stranger");
        post(&stranger, &datagram, association.relay);
        association.fate()
    })
}

fn junk_on_control(server: &Server) -> String {
    with_association(server, |mut association| {
        say(&mut association.control, b"junk");
        let (_, end) = association.control.hear(1, HERE);
        association.send(b"after the junk");
        match (association.arrives(), end) {
            (Some(_), None) => "kept".to_owned(),
            (Some(_), Some(_)) => "closes TCP, relay lives on".to_owned(),
            (None, _) => "kills".to_owned(),
        }
    })
}

fn large(server: &Server) -> String {
    with_association(server, |association| {
        association.send(&vec![b'x'; 20_000]);
        match association.arrives() {
            Some(20_000) => "whole".to_owned(),
            Some(length) => format!("cut to {length}"),
            None => "dropped".to_owned(),
        }
    })
}

fn with_association(server: &Server, check: impl FnOnce(Association) -> String) -> String {
    Association::open(server).map_or_else(|| NO_UDP.to_owned(), check)
}

impl Association {
    fn open(server: &Server) -> Option<Self> {
        let (control, reply) = asked(server, &request(UDP_ASSOCIATE, zeros())).ok()?;
        let granted = reply[1] == 0;
        let relay = bound(&reply);
        let (client, target) = (datagrams(server.addr().ip()), datagrams(server.addr().ip()));
        target.set_read_timeout(Some(HERE)).expect("the limit is not zero");
        granted.then_some(Self { control, relay, client, target })
    }

    fn send(&self, payload: &[u8]) {
        post(&self.client, &wrapped(address(&self.target), payload), self.relay);
    }

    /// The length of what arrives at the target.
    fn arrives(&self) -> Option<usize> {
        let mut room = vec![0; 1 << 16];
        self.target.recv(&mut room).ok()
    }

    fn fate(&self) -> String {
        if self.arrives().is_some() { "relayed".to_owned() } else { "dropped".to_owned() }
    }
}
