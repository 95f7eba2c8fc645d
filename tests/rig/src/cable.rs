//! Two networks with one cable between them, for what happens on the way: loss, narrow links, and a host that vanishes.
//!
//! Needs root and the programs `ip`, `tc` and `nft`.

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

fn shape(device: &str, kilobits: u32) {
    run("tc", &format!("qdisc add dev {device} root tbf rate {kilobits}kbit burst 16kb latency 400ms"));
}

fn run(program: &str, arguments: &str) {
    let done = Command::new(program).args(arguments.split_whitespace()).output();
    let done = done.unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    assert!(done.status.success(), "{program} {arguments}: {}", String::from_utf8_lossy(&done.stderr));
}
