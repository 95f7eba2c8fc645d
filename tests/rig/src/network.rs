//! Networks that belong to one test: a thread in a network namespace of its own, and everything that it starts with it.
//!
//! Needs root and the programs `ip` and `mount`.

use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, unshare};

use crate::dns::Dns;

/// Runs `test` where there is nothing but a loopback interface: no route, no neighbour, no other test.
///
/// Sockets and processes that `test` makes belong to that network; threads that it starts do too.
pub fn alone<T: Send>(test: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let own = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS;
            unshare(own).expect("root may make namespaces");
            ip("link set lo up");
            test()
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Makes networks, in the network of this thread, in which every host swallows what is sent to it.
///
/// Frames leave by one end of a veth pair with that end's own address as destination, so that the other end takes
/// them for a stranger's.
pub fn add_black_holes(networks: &[&str]) {
    ip("link add hole type veth peer name bottom");
    ip("link set bottom up");
    ip("link set hole arp off up");
    for network in networks {
        ip(&format!("route add {network} dev hole"));
    }
}

/// Makes a name server that of everybody in the network of this thread.
pub fn ask_only(dns: &Dns) {
    run("mount", "--make-rprivate /");
    run("mount", &format!("--bind {} /etc/resolv.conf", dns.resolv_conf().display()));
}

/// Runs `ip` with these arguments.
pub fn ip(arguments: &str) {
    run("ip", arguments);
}

fn run(program: &str, arguments: &str) {
    let done = Command::new(program).args(arguments.split_whitespace()).output();
    let done = done.unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    assert!(done.status.success(), "{program} {arguments}: {}", String::from_utf8_lossy(&done.stderr));
}
