//! The dialer against real sockets on loopback and a name server of its own.

mod addresses;
mod failing_names;
mod names;
mod racing;
mod server;
mod system;

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use acl::{Destination, Exception, HostName};
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;
use tokio::net::TcpStream;

use super::Dialer;
use super::lookups::Lookups;
use super::options::{CacheBounds, Naming, Options, Servers, SmallWrites, Source};
use crate::state::limits::allowance::Allowance;
use crate::state::metrics::Metrics;
use crate::state::penalties::tariff::Tariff;
use crate::state::rules::Rules;
use crate::state::session::judge::Judge;
use crate::state::session::refusal::Refusal;
use crate::state::session::roster::Roster;
use crate::state::session::ticket::Ticket;
use crate::state::snapshot::{Lifetimes, Policy, Snapshot, Surroundings};

/// Longer than anything here takes on a busy machine.
const PLENTY: Duration = Duration::from_secs(20);

/// A session that may dial for `connect` and go to these places on loopback.
fn session(connect: Duration, open: &[&str]) -> Ticket {
    let lifetimes = Lifetimes {
        handshake: PLENTY,
        connect,
        bind: PLENTY,
        idle: None,
        half_closed: None,
        udp_idle: None,
        max_age: None,
    };
    let exceptions = open.iter().map(|network| Exception::Network(network.parse().unwrap())).collect();
    let surroundings = Surroundings { exceptions, own_listeners: HashSet::new(), advertised: HashSet::new() };
    let (rules, penalties, allowance) = (Arc::new(Rules::open()), Tariff::for_tests(), Allowance::default());
    let policy = Policy { rules, lifetimes, commands: Vec::new(), penalties, allowance, ends_refused: false };
    let snapshot = Snapshot::new(1, Arc::default(), policy, surroundings, HashSet::new());
    Ticket::for_tests(&Roster::new(16, Vec::new()), Arc::new(snapshot))
}

/// The addresses of a name that may be reached at port 80.
async fn resolved(dialer: &Dialer, ticket: &Ticket, name: &HostName) -> Result<Arc<[IpAddr]>, Refusal> {
    let judge = Judge::anonymous(ticket.session());
    dialer.resolve(ticket.session(), name, |address| judge.address(Some(name), address, 80)).await
}

/// All of loopback is open.
fn anywhere() -> Ticket {
    session(PLENTY, &["127.0.0.0/8", "::1/128"])
}

fn dialer(options: Options) -> Dialer {
    Dialer::new(options, Lookups::new(&Metrics::default())).unwrap()
}

/// Plain connections, and no names.
fn plain() -> Options {
    let nowhere = Servers {
        resolv_conf: "/nonexistent/resolv.conf".into(),
        hosts: "/nonexistent/hosts".into(),
        port: 53,
        timeout: PLENTY,
        attempts: 1,
    };
    Options {
        exit_v4: None,
        exit_v6: None,
        interface: None,
        mark: None,
        endurance: Arc::default(),
        small_writes: SmallWrites::AtOnce,
        attempt_delay: Duration::from_millis(250),
        naming: naming(Source::Servers(nowhere)),
    }
}

fn naming(source: Source) -> Naming {
    let cache = CacheBounds {
        capacity: 64,
        min_ttl: Duration::from_mins(1),
        max_ttl: Duration::from_mins(1),
        negative_ttl: Duration::from_mins(1),
    };
    Naming { source, cache }
}

/// A resolv.conf and a hosts file.
struct Files(TempDir);

impl Files {
    fn new(resolv_conf: &str, hosts: &str) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.write("resolv.conf", resolv_conf);
        files.write("hosts", hosts);
        files
    }

    /// Replaces a file as an editor does.
    fn write(&self, name: &str, text: &str) {
        let draft = self.0.path().join("draft");
        std::fs::write(&draft, text).unwrap();
        std::fs::rename(draft, self.0.path().join(name)).unwrap();
    }

    fn options(&self, port: u16) -> Options {
        let (resolv_conf, hosts) = (self.0.path().join("resolv.conf"), self.0.path().join("hosts"));
        let servers = Servers { resolv_conf, hosts, port, timeout: Duration::from_secs(1), attempts: 1 };
        Options { naming: naming(Source::Servers(servers)), ..plain() }
    }
}

fn name(text: &str) -> HostName {
    match Destination::parse_name(text.as_bytes()) {
        Ok(Destination::Name(name)) => name,
        other => panic!("{text} is no name: {other:?}"),
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn listen(address: &str) -> std::net::TcpListener {
    std::net::TcpListener::bind((address, 0)).unwrap()
}

fn port_of(listener: &std::net::TcpListener) -> u16 {
    listener.local_addr().unwrap().port()
}

fn was_left_alone(listener: &std::net::TcpListener) -> bool {
    listener.set_nonblocking(true).unwrap();
    listener.accept().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// A port of 127.0.0.1 where nobody listens.
fn closed_port() -> u16 {
    port_of(&listen("127.0.0.1"))
}

/// A target that answers nothing: its queue of one connection is full, so Linux drops every further SYN.
struct Silent {
    _listener: Socket,
    _queued: TcpStream,
    address: SocketAddr,
}

impl Silent {
    async fn at(address: &str) -> Self {
        let any: SocketAddr = (ip(address), 0).into();
        let listener = Socket::new(Domain::for_address(any), Type::STREAM, None).unwrap();
        listener.bind(&any.into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let queued = TcpStream::connect(address).await.unwrap();
        Self { _listener: listener, _queued: queued, address }
    }
}
