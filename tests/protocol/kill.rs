//! Stopping at once, whatever the sessions are waiting for.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rig::daemon::Daemon;
use rig::dns::{Answer, Dns, Zone};
use rig::socks5::{BIND, CONNECT, greeted, request};
use rig::target::{Endless, Unanswering, tunnel};
use rig::udp::Association;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::{LOOPBACK, start};

/// Every limit is minutes away, so that only the order to stop can end a session in time.
const LONG: &str = "[server]\ndrain_secs = 600
[timeouts]\nhandshake_secs = 300\nconnect_secs = 600\nbind_secs = 600\nudp_idle_secs = 600
[commands]\nbind = true\n";

#[test]
fn kill_is_prompt() {
    let dns = Dns::serve(Zone::default().with("silent.test", Answer::Silence));
    let mut daemon = start(&[LOOPBACK, LONG, &dns.settings(), "timeout_secs = 60\n"].concat());
    let full = Unanswering::on(Ipv4Addr::LOCALHOST.into());

    let in_handshake = half_greeted(&daemon);
    let idle = tunnel(daemon.addr());
    let in_write = stalled_download(&daemon);
    let in_dial = waiting_for(&daemon, &request(CONNECT, full.addr()));
    let in_dns = waiting_for(&daemon, &request(CONNECT, ("silent.test", 80)));
    let mut in_bind = waiting_for(&daemon, &request(BIND, SocketAddr::from(([0, 0, 0, 0], 0))));
    assert_eq!(in_bind.reply().code, 0);
    let datagrams = Association::open(daemon.addr());
    assert!(eventually(PATIENCE, || dns.asked_for("silent.test") > 0), "the name is being resolved");

    let began = Instant::now();
    stop_now(&mut daemon);
    assert!(began.elapsed() < Duration::from_secs(5), "stopping took {:?}", began.elapsed());
    let sessions =
        [&in_handshake, &idle.0, &in_write, &in_dial, &in_dns, &in_bind, &datagrams.control].map(Wire::local);
    for client in sessions {
        assert_eq!(daemon.session_of(client).text("ending"), "stopped");
    }
}

/// The first signal lets sessions finish, the second one does not.
fn stop_now(daemon: &mut Daemon) {
    daemon.process.signal(Signal::SIGTERM);
    let address = daemon.addr();
    assert!(eventually(PATIENCE, || TcpStream::connect(address).is_err()), "listeners close before sessions end");
    assert_eq!(daemon.log.sessions().len(), 0, "sessions may finish");
    daemon.process.signal(Signal::SIGTERM);
    assert!(daemon.process.exit_within(PATIENCE).is_some(), "the second signal means now");
}

fn half_greeted(daemon: &Daemon) -> Wire {
    let mut client = Wire::connect(daemon.addr());
    client.send(&[5]);
    client
}

fn waiting_for(daemon: &Daemon, request: &[u8]) -> Wire {
    let mut client = greeted(daemon.addr());
    client.send(request);
    client
}

/// A client that does not read, and a source that fills every buffer on the way to it.
fn stalled_download(daemon: &Daemon) -> Wire {
    let source = Endless::listen();
    let client = waiting_for(daemon, &request(CONNECT, source.addr()));
    source.wait_until_stalled();
    client
}
