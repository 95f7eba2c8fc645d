//! A bad line between the proxy and the rest of the world: packets that get lost or overtake each other, and hardly any room for the
//! others.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use rig::cable::{Cable, FAR, NEAR};
use rig::network;
use rig::note::measured;
use rig::service::{Launch, Service};
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::Target;
use rig::wire::{End, Wire};

use crate::program;

/// Short enough that a stall which is taken for silence shows.
const LIMITS: &str = "[limits]\nconnection_timeout_secs = 15\n[outbound]\nuser_timeout_secs = 15\n";

#[test]
fn lost_packets_cost_time_and_not_a_byte() {
    network::alone(|| {
        let (cable, service) = world();
        cable.lose(5);
        exchange(&cable, &service, 2_000_000);
    });
}

#[test]
fn packets_that_overtake_each_other_cost_not_a_byte() {
    network::alone(|| {
        let (cable, service) = world();
        cable.shuffle(20);
        exchange(&cable, &service, 2_000_000);
        let overtakings = cable.overtakings();
        measured(format!("{overtakings} packets overtook another one"));
        assert!(overtakings > 0, "the line kept its order");
    });
}

#[test]
fn a_narrow_line_costs_time_and_no_session() {
    network::alone(|| {
        let (cable, service) = world();
        cable.narrow(1_000);
        let taken = exchange(&cable, &service, 400_000);
        assert!(taken > Duration::from_secs(2), "400 kB were through 1 Mbit/s after {taken:?}");
    });
}

#[test]
fn a_line_that_is_narrow_and_loses_packets_harms_no_byte() {
    network::alone(|| {
        let (cable, service) = world();
        cable.narrow(1_000);
        cable.lose(5);
        exchange(&cable, &service, 150_000);
    });
}

/// Three sessions at once, both ways in each, with targets behind the line.
fn exchange(cable: &Cable, service: &Service, length: usize) -> Duration {
    let began = Instant::now();
    let clients: Vec<SocketAddr> = thread::scope(|scope| {
        let session = |seed| scope.spawn(move || session(cable, service, length / 3, seed));
        let sessions: Vec<_> = (0..3).map(session).collect();
        sessions.into_iter().map(|session| session.join().expect("every byte arrives")).collect()
    });
    for client in clients {
        let line = service.session_of(client);
        assert!(["client_closed", "upstream_closed"].contains(&line.text("ending")), "{}", line.text("ending"));
        assert_eq!((line.number("bytes_sent"), line.number("bytes_received")), (length as u64 / 3, length as u64 / 3));
    }
    measured(format!("{length} bytes each way took {:?}", began.elapsed()));
    began.elapsed()
}

fn session(cable: &Cable, service: &Service, length: usize, seed: usize) -> SocketAddr {
    let target = cable.there(|| Target::listen_on(FAR));
    let mut client = greeted(service.addr());
    assert_eq!(client.ask(CONNECT, target.addr()).code, rep::SUCCEEDED);
    let mut accepted = target.accept();
    let (up, down) = (pattern(length, 3 + seed), pattern(length, 7 + seed));
    thread::scope(|scope| {
        let (upload, download) = (another(&client), another(&accepted));
        scope.spawn(|| pour(upload, &up));
        scope.spawn(|| pour(download, &down));
        let arriving = scope.spawn(|| accepted.rest() == (up.clone(), End::Closed));
        assert!(client.rest() == (down.clone(), End::Closed), "what comes down is what was sent");
        assert!(arriving.join().expect("it only compares"), "what goes up is what was sent");
    });
    client.local()
}

fn pour(mut wire: Wire, bytes: &[u8]) {
    wire.send(bytes);
    wire.finish();
}

fn another(wire: &Wire) -> Wire {
    Wire::new(wire.stream().try_clone().expect("a descriptor can be had"))
}

/// Bytes that repeat in no power of two.
fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|index| ((index * seed) % 251).to_le_bytes()[0]).collect()
}

fn world() -> (Cable, Service) {
    let cable = Cable::lay();
    let open = "[server]\ni_understand_open_proxy = true\n[guard]\nallow = [\"10.99.0.0/24\"]\n";
    let service = Launch::on(NEAR, program()).config(&[open, LIMITS].concat()).start();
    (cable, service)
}
