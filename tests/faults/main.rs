//! What goes wrong around a proxy, done to the real program: processes that die or hang, limits that are reached, disks that fill,
//! clients that dawdle, hosts that vanish and name servers that lie.
//!
//! Each test has a daemon of its own. They need root: for name servers on port 53, for limits, and for networks of their own.

mod bad_answers;
mod bind;
mod datagrams;
mod descriptors;
mod endings;
mod log_file;
mod log_reader;
mod name_servers;
mod slow_handshakes;
mod slow_readers;
mod stop;
mod threads;
mod vanished;
mod weather;
mod worker_killed;
mod worker_stalled;

use std::path::Path;

use rig::service::{Launch, Service};

/// Opens loopback, where the targets of these tests are.
const LOOPBACK: &str = "[guard]\nallow = [\"127.0.0.0/8\", \"::1\"]\n";

fn start(config: &str) -> Service {
    launch(config).start()
}

fn launch(config: &str) -> Launch {
    Launch::of(program()).config(&[LOOPBACK, config].concat())
}

fn program() -> &'static Path {
    rig::usage::require_root();
    Path::new(env!("CARGO_BIN_EXE_rustsocks"))
}
