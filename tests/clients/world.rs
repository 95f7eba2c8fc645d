//! Three hosts in a row: the client reaches the proxy, the proxy reaches the target, and nothing else reaches anything.
//!
//! Knows nothing of the clients.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{process, thread};

use tempfile::TempDir;

use crate::host::{Host, Names, Port, connect, remove_orphans};
use crate::program::{Program, Running};
use crate::server::{Policy, Product};

/// Where the proxy listens, as the client sees it.
pub(crate) const PROXY: &str = "10.77.1.1:1080";
/// Whom the target sees when the proxy comes to it.
pub(crate) const EXIT: &str = "10.77.2.1";
/// The same over IPv6.
pub(crate) const EXIT_V6: &str = "fd77:2::1";
/// The target, as the proxy sees it, and nobody else. Its name is `target.test`, and over IPv6 `six.test`.
pub(crate) const TARGET: &str = "10.77.2.2";

/// No name service answers here: a client that looks a name up by itself fails at once.
const KNOWS_NO_NAMES: Names = Names { hosts: "127.0.0.1 localhost\n", resolv_conf: "nameserver 127.0.0.1\n" };
const KNOWS_THE_TARGET: Names = Names {
    hosts: "127.0.0.1 localhost\n10.77.2.2 target.test\nfd77:2::2 six.test\n",
    resolv_conf: "nameserver 10.77.2.2\n",
};

const LOG: &str = "proxy.log";

/// The hosts of one test, and the proxy at work on the middle one.
#[derive(Debug)]
pub(crate) struct World {
    servers: Vec<Running>,
    pub(crate) client: Host,
    pub(crate) target: Host,
    _proxy: Host,
    scratch: TempDir,
}

impl World {
    /// Returns once the proxy takes connections.
    pub(crate) fn with(policy: Policy) -> Self {
        static SWEEP: Once = Once::new();
        SWEEP.call_once(remove_orphans);
        let [client, proxy, target] = hosts();
        let scratch = TempDir::with_prefix("rustsocks-clients-").expect("the temporary directory can be written");
        rig::place::open_to_everybody(scratch.path());
        let server = Product::under_test().program(policy, &proxy, scratch.path());
        let server = start(server, &client, PROXY, &scratch.path().join(LOG));
        Self { servers: vec![server], client, target, _proxy: proxy, scratch }
    }

    /// A directory that lasts as long as this world.
    pub(crate) fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Runs a server on the target until this world ends; returns once it takes connections at `address`.
    pub(crate) fn serve(&mut self, server: Program, address: &str) {
        let server = start(server, &self.target, address, &self.scratch().join("target.log"));
        self.servers.push(server);
    }

    /// The same on the client, for a client that is itself a server.
    pub(crate) fn serve_on_client(&mut self, server: Program, address: &str) {
        let server = start(server, &self.client, address, &self.scratch().join("client.log"));
        self.servers.push(server);
    }

    /// Answers names on the target, by dnsmasq's list of `/NAME/ADDRESS`; a name without an address does not exist.
    pub(crate) fn serve_names(&mut self, names: &str) {
        let quiet = ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file"];
        let server = self.target.program("dnsmasq").args(quiet).args(["--user=root", &format!("--address={names}")]);
        self.serve(server, "10.77.2.2:53");
    }

    /// A port of the target that refuses connections.
    pub(crate) fn closed_port(&self) -> u16 {
        let listener = self.target.inside(|| TcpListener::bind("[::]:0")).expect("port 0 is always free");
        listener.local_addr().expect("it is bound").port()
    }
}

impl Drop for World {
    #[expect(clippy::print_stderr, reason = "what the proxy said belongs beside the failure of its test")]
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the proxy said:\n{}", fs::read_to_string(self.scratch().join(LOG)).unwrap_or_default());
        }
    }
}

fn hosts() -> [Host; 3] {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let world = format!("rustsocks-{}-{}", process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let client = Host::create(format!("{world}-client"), KNOWS_NO_NAMES);
    let proxy = Host::create(format!("{world}-proxy"), KNOWS_THE_TARGET);
    let target = Host::create(format!("{world}-target"), KNOWS_NO_NAMES);
    connect(
        Port { host: &client, name: "proxy", addresses: ["10.77.1.2/24", "fd77:1::2/64"] },
        Port { host: &proxy, name: "inside", addresses: ["10.77.1.1/24", "fd77:1::1/64"] },
    );
    connect(
        Port { host: &proxy, name: "outside", addresses: ["10.77.2.1/24", "fd77:2::1/64"] },
        Port { host: &target, name: "proxy", addresses: ["10.77.2.2/24", "fd77:2::2/64"] },
    );
    [client, proxy, target]
}

/// Returns once the server takes connections at `address` as seen from `host`.
///
/// A server of others tells nobody when it is ready, so the only way to know is to try.
fn start(server: Program, host: &Host, address: &str, log: &Path) -> Running {
    let mut server = server.start(&File::create(log).expect("scratch can be written"));
    let deadline = Instant::now() + Duration::from_secs(10);
    while host.inside(|| TcpStream::connect(address)).is_err() {
        let is_hopeless = server.has_ended() || Instant::now() > deadline;
        assert!(!is_hopeless, "no server at {address}: {}", fs::read_to_string(log).unwrap_or_default());
        thread::sleep(Duration::from_millis(10));
    }
    server
}
