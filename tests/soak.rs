//! Everything at once and for a long time: then memory, descriptors, threads and sessions are where they were.
//!
//! Takes 20 seconds, or as many minutes as `RUSTSOCKS_SOAK_MINUTES` says. Needs root.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rig::note::measured;
use rig::process::descriptors;
use rig::service::{Launch, Service};
use rig::soak::{assert_no_growth, duration};
use rig::socks5::{BIND, CONNECT, greeted, rep};
use rig::target::{Target, Vacant, echo};
use rig::udp::{Association, address, datagrams, post};
use rig::usage::{own_memory, threads};
use rig::visitor::visit;
use rig::wait::{PATIENCE, eventually};
use rig::wire::{End, Wire};

const CONFIG: &str = "[server]\nworker_threads = 2\n[commands]\nbind = true\n[guard]\nallow = [\"127.0.0.0/8\"]\n";

/// Clients at once, and how long each rests between two errands.
const CLIENTS: usize = 4;
const REST: Duration = Duration::from_millis(5);

/// Each relay thread keeps up to sixteen idle pipes at hand.
const PIPES_AT_HAND: usize = 2 * 16 * 2;

/// The kernel of a busy machine drops a datagram now and then, on loopback too, where its backlog is full; clients ask again.
const ASK_AGAIN: Duration = Duration::from_secs(2);
const TIMES: usize = 5;

/// Something that a client does, and the word that the log then has for it.
struct Errand {
    run: fn(&World),
    /// Nothing for a connection that asked for nothing: that is no line of an operator's.
    ending: Option<&'static str>,
}

const ERRANDS: &[Errand] = &[
    Errand { run: short, ending: Some("client_closed") },
    Errand { run: bulk, ending: Some("client_closed") },
    Errand { run: target_finishes_first, ending: Some("upstream_closed") },
    Errand { run: reset, ending: Some("client_reset") },
    Errand { run: exchange_datagrams, ending: Some("client_closed") },
    Errand { run: be_bound, ending: Some("client_closed") },
    Errand { run: dial_nobody, ending: Some("refused") },
    Errand { run: dial_what_is_guarded, ending: Some("refused") },
    Errand { run: talk_junk, ending: Some("client_violation") },
    Errand { run: leave_early, ending: None },
];

/// What the errands need.
struct World {
    proxy: SocketAddr,
    echo: SocketAddr,
    brief: SocketAddr,
    nobody: Vacant,
}

#[test]
fn after_a_long_time_of_everything_nothing_is_left_over() {
    rig::usage::require_root();
    let service = Launch::of(Path::new(env!("CARGO_BIN_EXE_rustsocks"))).config(CONFIG).start();
    let worker = service.worker_pid();
    let world = World::of(service.addr());
    let mut done = tour(&world);
    assert!(eventually(PATIENCE, || service.log.sessions().len() == lines(&done)), "the first errands are done");
    service.wait_for_history();
    let (base, crew) = (descriptors(worker), threads(worker).len());

    let samples = under_load(&world, worker, duration(Duration::from_secs(20)), &mut done);
    assert_no_growth(&samples);
    let is_idle = || service.manager.heard().last().is_some_and(|said| said.contains("sessions 0"));
    assert!(eventually(PATIENCE, is_idle), "every session has left: {:?}", service.manager.heard().last());
    let is_at_base = || descriptors(worker) <= base + PIPES_AT_HAND;
    assert!(eventually(PATIENCE, is_at_base), "{base} descriptors at first, {} now", descriptors(worker));
    assert_eq!((service.worker_pid(), threads(worker).len()), (worker, crew), "it is the same worker and crew");
    assert_counted(&service, &done);
}

/// How often each errand was run.
type Done = [usize; ERRANDS.len()];

/// Each errand once.
fn tour(world: &World) -> Done {
    for errand in ERRANDS {
        (errand.run)(world);
    }
    [1; ERRANDS.len()]
}

fn lines(done: &Done) -> usize {
    done.iter().zip(ERRANDS).filter(|(_, errand)| errand.ending.is_some()).map(|(count, _)| count).sum()
}

/// Runs errands for so long; returns the worker's memory, looked at in equal steps.
fn under_load(world: &World, worker: u32, duration: Duration, done: &mut Done) -> Vec<u64> {
    const SAMPLES: u32 = 80;
    let end = Instant::now() + duration;
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|first| scope.spawn(move || busy_until(end, first, world))).collect();
        let sample = |_| {
            thread::sleep(duration / SAMPLES);
            own_memory(worker)
        };
        let samples = (0..SAMPLES).map(sample).collect();
        for client in clients {
            let counts = client.join().expect("an errand does not fail");
            done.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        samples
    })
}

fn busy_until(end: Instant, first: usize, world: &World) -> Done {
    let mut done = [0; ERRANDS.len()];
    for number in (0..ERRANDS.len()).cycle().skip(first * 3) {
        if Instant::now() >= end {
            break;
        }
        (ERRANDS[number].run)(world);
        done[number] += 1;
        thread::sleep(REST);
    }
    done
}

/// Every session has its line and its word, and no line was lost.
fn assert_counted(service: &Service, done: &Done) {
    let mut expected = BTreeMap::new();
    for (count, errand) in done.iter().zip(ERRANDS) {
        if let Some(ending) = errand.ending {
            *expected.entry(ending.to_owned()).or_default() += count;
        }
    }
    let counted = || {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for line in service.log.sessions() {
            *counts.entry(line.text("ending").to_owned()).or_default() += 1;
        }
        counts
    };
    measured(format!("sessions: {expected:?}"));
    assert!(eventually(PATIENCE, || counted() == expected), "{expected:?} were run, {:?} are in the log", counted());
}

impl World {
    fn of(proxy: SocketAddr) -> Self {
        let brief = Target::listen().serve(say_and_finish);
        Self { proxy, echo: Target::listen().serve(echo), brief, nobody: Vacant::port() }
    }

    fn connected(&self, to: SocketAddr) -> Wire {
        let mut client = greeted(self.proxy);
        assert_eq!(client.ask(CONNECT, to).code, rep::SUCCEEDED);
        client
    }
}

fn short(world: &World) {
    visit(world.proxy, world.echo, b"short").expect("it is echoed");
}

fn bulk(world: &World) {
    visit(world.proxy, world.echo, &vec![7; 1 << 20]).expect("it is echoed");
}

fn target_finishes_first(world: &World) {
    let mut client = world.connected(world.brief);
    assert_eq!(client.rest(), (vec![b'.'; 1000], End::Closed));
}

/// The client's part is to wait for the end.
fn say_and_finish(mut stream: TcpStream) {
    let _ = stream.write_all(&[b'.'; 1000]).and_then(|()| stream.shutdown(Shutdown::Write));
    let _ = stream.read(&mut [0]);
}

fn reset(world: &World) {
    let mut client = world.connected(world.echo);
    client.send(b"enough");
    assert_eq!(&client.receive(), b"enough");
    client.reset();
}

fn exchange_datagrams(world: &World) {
    let association = Association::open(world.proxy);
    // Of some ten thousand targets on the proxy's own address one would have the port that it listens on, and be guarded.
    let target = datagrams(Ipv4Addr::new(127, 0, 0, 2).into());
    for socket in [&association.socket, &target] {
        socket.set_read_timeout(Some(ASK_AGAIN)).expect("the limit is not zero");
    }
    for number in 0..10 {
        assert!((0..TIMES).any(|_| is_answered(&association, &target, number)), "{TIMES} datagrams went nowhere");
    }
}

fn is_answered(association: &Association, target: &UdpSocket, number: u8) -> bool {
    association.send(address(target), &[number; 500]);
    let mut room = [0; 1024];
    let Ok((length, exit)) = target.recv_from(&mut room) else { return false };
    post(target, &room[..length], exit);
    association.socket.recv_from(&mut room).is_ok_and(|(length, _)| room[..length].ends_with(&[number; 500]))
}

fn be_bound(world: &World) {
    let mut client = greeted(world.proxy);
    let awaited = client.ask(BIND, SocketAddr::from(([127, 0, 0, 1], 0))).bound.address();
    let mut peer = Wire::connect(awaited);
    assert_eq!(client.reply().code, rep::SUCCEEDED);
    client.send(b"welcome");
    client.finish();
    assert_eq!(peer.rest(), (b"welcome".to_vec(), End::Closed));
    drop(peer);
    assert_eq!(client.end(), End::Closed);
}

fn dial_nobody(world: &World) {
    assert_eq!(greeted(world.proxy).ask(CONNECT, world.nobody.addr()).code, rep::REFUSED);
}

fn dial_what_is_guarded(world: &World) {
    let metadata = SocketAddr::from(([169, 254, 169, 254], 80));
    assert_eq!(greeted(world.proxy).ask(CONNECT, metadata).code, rep::NOT_ALLOWED);
}

fn talk_junk(world: &World) {
    let mut client = Wire::connect(world.proxy);
    client.send(b"\x99 is no version of SOCKS");
    let _ = client.rest();
}

fn leave_early(world: &World) {
    Wire::connect(world.proxy).send(&[5]);
}
