//! Two networks with one cable between them, for what happens on the way: loss, another order, narrow links, and a host that vanishes.
//!
//! Needs root and the programs `ip`, `tc` and `nft`.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use nix::sched::{CloneFlags, unshare};
use nix::unistd::gettid;

use crate::network::ip;

/// The address of this end of the cable.
pub const NEAR: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 99, 0, 1));
/// The address of the other end.
pub const FAR: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 99, 0, 2));

type Errand = Box<dyn FnOnce() + Send>;

/// The host at the other end; it is gone when this is dropped and its sockets are closed.
#[derive(Debug)]
pub struct Cable {
    errands: Option<Sender<Errand>>,
    host: Option<JoinHandle<()>>,
}

impl Cable {
    /// Lays a cable from the network of this thread, which is `near0` here and `far0` there.
    ///
    /// To be called in a network of one's own, see [`alone`](crate::network::alone).
    #[must_use]
    pub fn lay() -> Self {
        let (errands, inbox) = channel::<Errand>();
        let (tell, told) = channel();
        let host = thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).expect("root may make namespaces");
            tell.send(gettid()).expect("whoever lays the cable waits");
            for errand in inbox {
                errand();
            }
        });
        let host_id = told.recv().expect("the other host is up");
        let cable = Self { errands: Some(errands), host: Some(host) };
        ip(&format!("link add near0 type veth peer name far0 netns {host_id}"));
        ip(&format!("address add {NEAR}/24 dev near0"));
        ip("link set near0 up");
        cable.there(|| {
            ip("link set lo up");
            ip(&format!("address add {FAR}/24 dev far0"));
            ip("link set far0 up");
        });
        cable
    }

    /// Does something in the network of the other host: sockets that are made there belong to it.
    pub fn there<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (done, result) = channel();
        let errand = Box::new(move || done.send(work()).expect("whoever sent the errand waits"));
        self.errands.as_ref().expect("the host lives as long as its cable").send(errand).expect("the host is up");
        result.recv().expect("the errand was done")
    }

    /// Unplugs the other host: nothing reaches it, nothing comes from it, and nobody is told.
    pub fn cut(&self) {
        self.there(|| ip("link set far0 down"));
    }

    /// Loses this share of the packets at random, both ways.
    pub fn lose(&self, percent: u8) {
        drop_at_random(percent);
        self.there(move || drop_at_random(percent));
    }

    /// Holds this share of the packets up at random, so that others overtake them, both ways.
    pub fn shuffle(&self, percent: u8) {
        hold_up_at_random("near0", percent);
        self.there(move || hold_up_at_random("far0", percent));
    }

    /// How many packets came to either host before one that was sent before them.
    #[must_use]
    pub fn overtakings(&self) -> u64 {
        out_of_order() + self.there(out_of_order)
    }

    /// Lets this many kilobits a second pass, each way.
    pub fn narrow(&self, kilobits: u32) {
        shape("near0", kilobits);
        self.there(move || shape("far0", kilobits));
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        drop(self.errands.take());
        if let Some(host) = self.host.take() {
            let _ = host.join();
        }
    }
}

/// In the network of this thread.
fn drop_at_random(percent: u8) {
    run("nft", "add table inet weather");
    run("nft", "add chain inet weather arriving { type filter hook input priority 0 ; }");
    run("nft", &format!("add rule inet weather arriving iifname != lo numgen random mod 100 < {percent} drop"));
}

/// Whoever is chosen goes through a narrow class of the device, and everybody else through a wide one.
fn hold_up_at_random(device: &str, percent: u8) {
    run("tc", &format!("qdisc add dev {device} root handle 1: htb default 1"));
    run("tc", &format!("class add dev {device} parent 1: classid 1:1 htb rate 1gbit"));
    run("tc", &format!("class add dev {device} parent 1: classid 1:2 htb rate 10mbit"));
    run("nft", "add table inet order");
    run("nft", "add chain inet order leaving { type filter hook postrouting priority 0 ; }");
    let choice = format!("oifname {device} numgen random mod 100 < {percent}");
    run("nft", &format!("add rule inet order leaving {choice} meta priority set 1:2"));
}

/// What TCP in the network of this thread had to keep until something older came (`TCPOFOQueue`).
fn out_of_order() -> u64 {
    let counters = fs::read_to_string("/proc/thread-self/net/netstat").expect("the kernel counts");
    let mut lines = counters.lines().filter_map(|line| line.strip_prefix("TcpExt: "));
    let (names, values) = lines.next().zip(lines.next()).expect("a line of names and one of values");
    let mut counts = names.split(' ').zip(values.split(' '));
    let (_, count) = counts.find(|(name, _)| *name == "TCPOFOQueue").expect("every kernel has it");
    count.parse().expect("it is a number")
}

fn shape(device: &str, kilobits: u32) {
    run("tc", &format!("qdisc add dev {device} root tbf rate {kilobits}kbit burst 16kb latency 400ms"));
}

fn run(program: &str, arguments: &str) {
    let done = Command::new(program).args(arguments.split_whitespace()).output();
    let done = done.unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    assert!(done.status.success(), "{program} {arguments}: {}", String::from_utf8_lossy(&done.stderr));
}
