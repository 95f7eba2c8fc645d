//! What each process of the real program may, read from /proc for every one of its threads and tried from inside; and starts that are
//! refused because privileges could not be given up.
//!
//! Each test has a daemon of its own. They need root, for only root has something to give up.

mod files;
mod intruder;
mod processes;
mod refusals;
mod unprivileged;

use std::path::Path;

use rig::service::{Launch, Service};
use rig::standing::{Standing, of_all_threads};
use rig::target::{Target, echo};
use rig::visitor::visit;

/// Opens loopback, where the targets of these tests are.
const LOOPBACK: &str = "[guard]\nallow = [\"127.0.0.0/8\", \"::1\"]\n";

/// The account that the key's absence means (passwd(5)).
const NOBODY: u32 = 65534;

fn launch(config: &str) -> Launch {
    Launch::of(program()).config(&[LOOPBACK, config].concat())
}

fn program() -> &'static Path {
    rig::usage::require_root();
    Path::new(env!("CARGO_BIN_EXE_rustsocks"))
}

/// A worker of this user and group that can do nothing else.
fn confined(user: u32, group: u32) -> Standing {
    Standing {
        users: vec![user; 4],
        groups: vec![group; 4],
        further_groups: Vec::new(),
        inheritable: 0,
        permitted: 0,
        effective: 0,
        bounding: 0,
        ambient: 0,
        no_new_privileges: true,
        seccomp: 2,
    }
}

fn assert_all_threads(pid: u32, expected: &Standing) {
    let threads = of_all_threads(pid);
    assert!(!threads.is_empty(), "process {pid} has threads");
    for (name, standing) in threads {
        assert_eq!(standing, *expected, "thread {name} of {pid}");
    }
}

/// A session from one end to the other, so that every kind of thread is there and has worked.
fn assert_serves(service: &Service) {
    let target = Target::listen().serve(echo);
    visit(service.addr(), target, b"to and fro").expect("the daemon serves");
}
