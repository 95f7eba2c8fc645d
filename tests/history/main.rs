//! The history of sessions, kept by the real program: what a row holds, against what clients and targets counted;
//! and that every session has exactly one, whatever is killed, locked, full, damaged, removed or cut off.
//!
//! Each test has daemons of its own. They need root: for small disks and for networks of their own.

mod asking;
mod busy;
mod counted;
mod damaged;
mod disk;
mod failing;
mod killed;
mod locked;
mod neighbours;
mod power;
mod rows;
mod session_log;
mod stopped;
mod traffic;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use rig::history::History;
use rig::service::{Launch, Service};
use rig::target::{Target, echo};
use rig::visitor::visit;

/// Opens loopback, where the targets of these tests are.
const LOOPBACK: &str = "[guard]\nallow = [\"127.0.0.0/8\", \"::1\"]\n";

/// A daemon with these settings, which is about to keep its history in its own directory unless they say otherwise.
fn launch(config: &str) -> Launch {
    Launch::of(program()).config(&[LOOPBACK, config].concat())
}

fn program() -> &'static Path {
    rig::usage::require_root();
    Path::new(env!("CARGO_BIN_EXE_rustsocks"))
}

/// The history of a daemon that keeps it in its own directory.
fn history_of(service: &Service) -> History {
    History::in_directory(service.directory())
}

/// One session that ends well; returns the client's address.
fn visited(service: &Service, target: SocketAddr) -> SocketAddr {
    visit(service.addr(), target, b"hello").expect("a session is served whatever becomes of its row").client
}

/// How long a load lasts: so long, or as `RUSTSOCKS_HISTORY_SECONDS` says.
fn length(usual: Duration) -> Duration {
    let wanted = std::env::var("RUSTSOCKS_HISTORY_SECONDS").ok();
    wanted.map_or(usual, |seconds| Duration::from_secs(seconds.parse().expect("it is a number of seconds")))
}

/// So many a second of something that took so long.
fn rate(count: usize, took: Duration) -> u128 {
    u128::try_from(count).expect("counts fit") * 1_000 / took.as_millis().max(1)
}

fn echoing() -> SocketAddr {
    Target::listen().serve(echo)
}
