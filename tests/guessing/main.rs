//! Whoever guesses passwords or crowds the door, against the real program: what it costs them, that it teaches them nothing,
//! and that nobody else notices.
//!
//! Each test has a daemon of its own. Sources are addresses of loopback, or those that a PROXY protocol header names.

mod crowds;
mod fail2ban;
mod flood;
mod memory;
mod names;
mod sources;
mod uniform;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use rig::place;
use rig::port::Port;
use rig::service::{Launch, Service};
use rig::socks5::{USERPASS, greeting, login};
use rig::users::Users;
use rig::wait::PATIENCE;
use rig::wire::Wire;

/// Opens loopback, where the targets of these tests are.
const LOOPBACK: &str = "[guard]\nallow = [\"127.0.0.0/8\", \"::1\"]\n";

/// The user that every daemon here knows.
const ALICE: (&[u8], &[u8]) = (b"alice", b"wonderland");

/// How a login ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    LetIn,
    Refused,
    /// The connection was closed before anything was said.
    TurnedAway,
    /// It was closed while the password was to be checked.
    Dropped,
}

/// A daemon that asks for passwords, with these keys of `[penalties]`.
fn start(penalties: &str) -> Service {
    launch(penalties).start()
}

fn launch(penalties: &str) -> Launch {
    let users = Users::of(&[("alice", ALICE.1)]);
    let launch = Launch::of(program());
    place::write_secret(&launch.directory().join("users.toml"), &users.text());
    launch.config(&format!("{LOOPBACK}{AUTH}[penalties]\n{penalties}"))
}

const AUTH: &str = "[auth]\nsocks_method = \"userpass\"\nusers_file = \"{dir}/users.toml\"\n";

/// A further listener, whose clients a balancer on loopback introduces.
fn balanced() -> (Port, String) {
    let port = Port::reserve(Ipv4Addr::LOCALHOST.into());
    let listen = format!("[[listen]]\naddress = \"{}\"\nproxy_protocol_from = [\"127.0.0.1\"]\n", port.addr());
    (port, listen)
}

/// A connection whose client a balancer says is at `source`.
fn introduced(to: SocketAddr, source: &str) -> Wire {
    let family = if source.contains(':') { "TCP6" } else { "TCP4" };
    let mut wire = Wire::connect(to);
    wire.send(format!("PROXY {family} {source} {source} 4321 1080\r\n").as_bytes());
    wire
}

/// Logs in from this address of loopback.
fn log_in_from(source: IpAddr, to: SocketAddr, (name, password): (&[u8], &[u8])) -> Answer {
    Wire::try_connect_from(source, to).map_or(Answer::TurnedAway, |wire| log_in(wire, (name, password)))
}

/// Says everything at once and hears what comes.
fn log_in(mut wire: Wire, (name, password): (&[u8], &[u8])) -> Answer {
    let said = wire.try_send(&[greeting(&[USERPASS]), login(name, password)].concat());
    let (heard, end) = wire.hear(4, PATIENCE);
    match heard.as_slice() {
        [5, USERPASS, 1, 0] => Answer::LetIn,
        [5, USERPASS, 1, 1] => Answer::Refused,
        [] if said.is_err() || end.is_some() => Answer::TurnedAway,
        [5, USERPASS] if end.is_some() => Answer::Dropped,
        other => panic!("an answer, or none: {} {end:?}", other.escape_ascii()),
    }
}

/// 127.0.`network`.`host`
fn loopback(network: u8, host: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, network, host).into()
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_rustsocks"))
}
