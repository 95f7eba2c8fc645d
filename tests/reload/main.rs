//! Reloads of a running daemon: what changes, what stays, and that nobody who is in notices.
//!
//! Each test has a daemon of its own. They need root.

mod files;
mod listeners;
mod refusals;
mod revoked;
mod rules;
mod settings;
mod storm;
mod successors;
mod tested;
mod users;

use std::path::Path;

use rig::service::{Launch, Service};
use rig::session_log::Line;
use rig::wire::Wire;

/// Opens loopback, where the targets of these tests are.
const LOOPBACK: &str = "[guard]\nallow = [\"127.0.0.0/8\", \"::1\"]\n";

/// One that reloads when it is told to, and not by itself.
const SIGNAL_ONLY: &str = "[server]\nwatch_files = false\nworker_threads = 2\n";

fn start(config: &str) -> Service {
    launch(config).start()
}

fn launch(config: &str) -> Launch {
    rig::usage::require_root();
    Launch::of(Path::new(env!("CARGO_BIN_EXE_rustsocks"))).config(&of(config))
}

/// A configuration of a test.
fn of(config: &str) -> String {
    [LOOPBACK, config].concat()
}

/// What the log says that came of the configuration and of the users.
fn words(line: &Line) -> (&str, &str) {
    (line.text("configuration"), line.text("users"))
}

fn assert_passes((client, target): &mut (Wire, Wire)) {
    client.send(b"there");
    assert_eq!(&target.receive::<5>(), b"there");
    target.send(b"back");
    assert_eq!(&client.receive::<4>(), b"back");
}
