//! What real clients expect of a SOCKS server, and what peers get wrong: every expectation through the real program.
//!
//! Each test has a daemon of its own. They need root: for name servers on port 53 and for networks without a route.

mod bind;
mod bind_peer;
mod connect;
mod greeting;
mod handshake_limits;
mod http;
mod isolation;
mod kill;
mod login;
mod names;
mod relay;
mod relay_limits;
mod reply_codes;
mod socks4;
mod tor;
mod udp_address;
mod udp_bursts;
mod udp_client;
mod udp_datagrams;
mod udp_life;
mod udp_replies;

use std::net::IpAddr;
use std::path::Path;

use rig::daemon::Daemon;

/// Opens loopback, where the targets of these tests are.
const LOOPBACK: &str = "[guard]\nallow = [\"127.0.0.0/8\", \"::1\"]\n";

fn start(config: &str) -> Daemon {
    Daemon::start(program(), config)
}

fn start_on(ip: impl Into<IpAddr>, config: &str) -> Daemon {
    Daemon::start_on(ip.into(), program(), config)
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_rustsocks"))
}
