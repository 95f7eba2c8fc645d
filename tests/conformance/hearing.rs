//! Hears a peer out whatever it does, and puts what it did into a word.

use std::net::SocketAddr;
use std::time::Duration;

use rig::server::Server;
use rig::socks5::{CONNECT, Destination, greeting, request};
use rig::wire::{End, Wire};

/// Longer than a working server needs for anything, shorter than a reader of the table waits.
pub(crate) const MOMENT: Duration = Duration::from_secs(5);

/// A successful reply that carries an IPv4 address.
pub(crate) const REPLY: usize = 10;

/// Says something to a peer that may have left already; what is heard next will tell.
pub(crate) fn say(client: &mut Wire, bytes: &[u8]) {
    let _ = client.try_send(bytes);
}

/// What was heard where `count` bytes should be: the bytes, or why there are none.
pub(crate) fn hear(client: &mut Wire, count: usize) -> Result<Vec<u8>, &'static str> {
    match client.hear(count, MOMENT) {
        (bytes, _) if bytes.len() == count => Ok(bytes),
        (bytes, _) if !bytes.is_empty() => Err("cut short"),
        (_, Some(End::Closed)) => Err("closed, silent"),
        (_, Some(End::Reset)) => Err("reset"),
        (_, None) => Err("silence"),
    }
}

/// A client that has greeted without authentication.
pub(crate) fn greeted(server: &Server) -> Result<Wire, &'static str> {
    let mut client = Wire::connect(server.addr());
    say(&mut client, &greeting(&[0]));
    hear(&mut client, 2)?;
    Ok(client)
}

/// A client and what it heard to its request.
pub(crate) fn asked(server: &Server, request: &[u8]) -> Result<(Wire, Vec<u8>), &'static str> {
    let mut client = greeted(server)?;
    say(&mut client, request);
    let reply = hear(&mut client, REPLY)?;
    Ok((client, reply))
}

/// A client whose CONNECT was granted.
pub(crate) fn connected(server: &Server, target: SocketAddr) -> Result<Wire, &'static str> {
    let (client, reply) = asked(server, &request(CONNECT, target))?;
    if reply[1] == 0 { Ok(client) } else { Err("refused") }
}

/// The address in a reply.
pub(crate) fn bound(reply: &[u8]) -> SocketAddr {
    Destination::decode(&reply[3..]).0.address()
}

/// Either word of a result.
pub(crate) fn word(answer: Result<&'static str, &'static str>) -> String {
    answer.unwrap_or_else(|word| word).to_owned()
}
