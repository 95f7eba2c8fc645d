//! The daemon from its command line to its end, as an administrator and a service manager see it.
//!
//! Each test has a daemon of its own. They need root: for users and networks of their own.

mod checking;
mod doctor;
mod generating;
mod hashing;
mod health;
mod listeners;
mod notices;
mod refusals;
mod rules;
mod settings;
mod unix_socket;
mod users;

use std::path::Path;
use std::process::{Command, Output};

use rig::service::Launch;

/// Opens loopback, where the targets of these tests are.
const LOOPBACK: &str = "[guard]\nallow = [\"127.0.0.0/8\", \"::1\"]\n";

fn launch(config: &str) -> Launch {
    Launch::of(program()).config(&[LOOPBACK, config].concat())
}

fn program() -> &'static Path {
    rig::usage::require_root();
    Path::new(env!("CARGO_BIN_EXE_rustsocks"))
}

/// Runs the program to its end.
fn run(arguments: &[&str]) -> Ran {
    ran(&mut command(arguments))
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments);
    command
}

fn ran(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().expect("the program can be started");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program writes UTF-8");
    Ran { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

/// What a program left behind.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}
