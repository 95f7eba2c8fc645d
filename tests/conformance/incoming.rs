//! BIND.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use rig::server::Server;
use rig::socks5::{BIND, request};
use rig::wait::eventually;
use rig::wire::Wire;

use crate::Check;
use crate::hearing::{MOMENT, REPLY, asked, bound, hear, say, word};

/// For what has already happened when it is looked for.
const BRIEFLY: Duration = Duration::from_millis(500);

pub(crate) const CHECKS: &[Check] = &[
    Check { what: "BIND two replies", should_be: "ok, usable address", answer: two_replies },
    Check { what: "BIND, peer other than DST.ADDR", should_be: "refused", answer: other_peer },
    Check { what: "BIND listener after client left", should_be: "gone", answer: after_client_left },
];

fn two_replies(server: &Server) -> String {
    word(bind(server, Ipv4Addr::LOCALHOST).and_then(|(mut client, listening)| {
        let mut peer = Wire::connect(reachable(listening));
        let second = hear(&mut client, REPLY)?;
        say(&mut peer, b"data");
        let data = hear(&mut client, 4)?;
        if second[1] != 0 || bound(&second) != peer.local() || data != b"data" {
            return Err("unusable");
        }
        if listening.ip().is_unspecified() { Err("ok, but address 0.0.0.0") } else { Ok("ok, usable address") }
    }))
}

fn other_peer(server: &Server) -> String {
    word(bind(server, Ipv4Addr::new(127, 0, 0, 9)).and_then(|(mut client, listening)| {
        let Ok(mut peer) = Wire::try_connect_from(Ipv4Addr::LOCALHOST.into(), reachable(listening)) else {
            return Ok("refused");
        };
        // A server may tell the client (REP 2), or turn the peer away and wait on.
        match (peer.hear(1, MOMENT), client.hear(REPLY, BRIEFLY)) {
            (_, (second, _)) if second.len() == REPLY && second[1] == 0 => Ok("accepted"),
            ((_, Some(_)), _) => Ok("refused"),
            ((_, None), _) => Err("left hanging"),
        }
    }))
}

fn after_client_left(server: &Server) -> String {
    word(bind(server, Ipv4Addr::LOCALHOST).map(|(client, listening)| {
        drop(client);
        let listens = || TcpStream::connect_timeout(&reachable(listening), Duration::from_secs(1)).is_ok();
        if eventually(MOMENT, || !listens()) { "gone" } else { "still open" }
    }))
}

/// A client whose BIND was granted, and where the server listens for the peer.
fn bind(server: &Server, expected_peer: Ipv4Addr) -> Result<(Wire, SocketAddr), &'static str> {
    let (client, reply) = asked(server, &request(BIND, SocketAddr::from((expected_peer, 0))))?;
    match reply[1] {
        0 => Ok((client, bound(&reply))),
        7 => Err("REP 7"),
        _ => Err("refused at once"),
    }
}

fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = if listening.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { listening.ip() };
    SocketAddr::new(ip, listening.port())
}
