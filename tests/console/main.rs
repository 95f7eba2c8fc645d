//! The operator's program as operators use it: the real client, the real daemon, real sessions, a real terminal.
//!
//! Each test has a daemon of its own. They need root, whom the daemon takes for an administrator.

mod commands;
mod completion;
mod drafts;
mod endurance;
mod faults;
mod files;
mod forms;
mod frame;
mod logins;
mod many;
mod meddler;
mod people;
mod rules;
mod saved;
mod screens;
mod tour;
mod transcripts;
mod walks;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rig::client::program as client_program;
use rig::screen;
use rig::service::{Launch, Service};
use rig::wait::{PATIENCE, eventually};
use serde_json::Value;

/// Opens loopback, where the targets of these tests are, and the admin socket.
const CONFIG: &str = "[guard]\nallow = [\"127.0.0.0/8\"]\n[admin]\nsocket = \"{socket}\"\n[sessions]\nenabled = true\n";

/// A daemon with an admin socket at this place.
fn daemon_at(socket: &Path) -> Service {
    let socket = socket.to_str().expect("temporary directories have plain names");
    Launch::of(program()).config(&CONFIG.replace("{socket}", socket)).start()
}

/// A daemon with an admin socket in its own directory.
fn daemon() -> Service {
    daemon_at(Path::new("{dir}/admin.sock"))
}

fn socket(service: &Service) -> PathBuf {
    service.directory().join("admin.sock")
}

/// The client with these arguments, without anybody at its standard input.
fn client(socket: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(client_program());
    command.arg("--socket").arg(socket).args(arguments).stdin(Stdio::null());
    command.output().expect("the client can be run")
}

/// What it says, as the one document that it is.
fn document(socket: &Path, arguments: &[&str]) -> Value {
    let output = client(socket, &[arguments, &["--json"]].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {output:?}"))
}

/// The short id of the session of the client at this address.
fn id_of(socket: &Path, client: SocketAddr) -> String {
    let listed = document(socket, &["sessions", "list"]);
    let mut rows = listed["rows"].as_array().into_iter().flatten();
    let row = rows.find(|row| row["src"] == client.to_string()).expect("the session is listed");
    row["id"].as_str().expect("a session has an id").to_owned()
}

/// Waits until the daemon shows so many sessions.
fn wait_for_sessions(socket: &Path, wanted: u64) {
    let has = || document(socket, &["sessions", "stats"])["active_sessions"] == wanted;
    assert!(
        eventually(PATIENCE, has),
        "there should be {wanted} sessions: {}",
        document(socket, &["sessions", "stats"])
    );
}

fn program() -> &'static Path {
    rig::usage::require_root();
    Path::new(env!("CARGO_BIN_EXE_rustsocks"))
}
