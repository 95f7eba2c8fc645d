//! Whether all is well, as an orchestrator and a balancer ask.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::socket::{setsockopt, sockopt};
use rig::history::Shelf;
use rig::note::measured;
use rig::process::descriptors;
use rig::scrape::{Answer, Endpoint};
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::tunnel;
use rig::usage::limit_descriptors;
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::{LOOPBACK, launch, program, start};

const READY: &str = "{\"status\":\"ready\",\"reasons\":[]}\n";
const DRAINING: &str = "{\"status\":\"not_ready\",\"reasons\":[\"draining\"]}\n";
const PAUSED: &str = "{\"status\":\"not_ready\",\"reasons\":[\"accept_paused\"]}\n";

#[test]
fn a_daemon_that_is_well_says_so() {
    let house = start("");
    let live = house.http.get("/health/live");
    assert_eq!((live.status, live.body.as_str()), (200, "{\"status\":\"live\"}\n"));
    let ready = house.http.get("/health/ready");
    assert_eq!((ready.status, ready.body.as_str()), (200, READY));
    let health = house.http.get("/health");
    assert_eq!(health.status, 200);
    assert!(health.body.starts_with("{\"status\":\"ok\",\"reasons\":[],\"version\":\""), "{}", health.body);
    assert_eq!(health.field("Content-Type"), Some("application/json"));
    assert_eq!(health.field("Cache-Control"), Some("no-store"));
    assert_eq!(house.http.scrape().count("rustsocks_not_ready{reason=\"draining\"}"), 0);
}

/// Clients are served all the same, so it stays ready.
#[test]
fn a_history_that_cannot_be_written_is_said() {
    let shelf = Shelf::of_another_program();
    let house = start(&shelf.settings());
    let is_said = || house.http.get("/health").body.contains("\"degraded\",\"reasons\":[\"history\"]");
    assert!(eventually(PATIENCE, is_said), "{}", house.http.get("/health").body);
    assert_eq!(house.http.get("/health/ready").status, 200);
}

/// Whoever asks hears it before the last session is gone.
#[test]
fn a_daemon_that_drains_is_alive_and_not_ready() {
    let mut house = start("[server]\ndrain_secs = 60\n");
    let (client, target) = tunnel(house.service.addr());
    house.service.process.signal(Signal::SIGTERM);
    assert!(eventually(PATIENCE, || house.http.get("/health/ready").status == 503));
    let ready = house.http.get("/health/ready");
    assert_eq!((ready.body.as_str(), ready.field("Retry-After")), (DRAINING, Some("1")));
    assert_eq!(house.http.get("/health/live").status, 200);
    let health = house.http.get("/health");
    assert!(health.status == 200 && health.body.contains("\"degraded\",\"reasons\":[\"draining\"]"), "{}", health.body);
    let scrape = house.http.scrape();
    assert_eq!(scrape.count("rustsocks_not_ready{reason=\"draining\"}"), 1);
    assert_eq!(scrape.count("rustsocks_active_sessions"), 1);
    drop((client, target));
    let exit = house.service.process.exit_within(PATIENCE).expect("it ends with its last session");
    assert_eq!(exit.code(), Some(0));
}

/// Whoever asks what is wrong gets an answer although not one descriptor is left for clients.
#[test]
fn a_daemon_without_descriptors_says_that_it_is_not_ready() {
    let house = start("");
    let worker = house.service.worker_pid();
    let relays: Vec<_> = (0..10).map(|_| tunnel(house.service.addr())).collect();
    limit_descriptors(worker, descriptors(worker));
    let waiting: Vec<_> = (0..5).map(|_| Wire::connect(house.service.addr())).collect();
    let _ = house.service.event("cannot accept; pausing");
    let answer = || {
        let answer = house.http.answer_to(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n");
        answer.is_some_and(|answer| (answer.status, answer.body.as_str()) == (503, PAUSED))
    };
    assert!(eventually(PATIENCE, answer), "it says why it is not ready");
    // Again: what was kept for that hour is kept anew.
    assert!(eventually(PATIENCE, answer), "it says so more than once");

    drop(relays);
    let is_ready = || house.http.get("/health/ready").status == 200;
    assert!(eventually(PATIENCE, is_ready), "it is ready when there are descriptors again");
    let scrape = house.http.scrape();
    assert!(scrape.count("rustsocks_accept_pauses_total") > 0);
    assert_eq!(scrape.count("rustsocks_not_ready{reason=\"accept_paused\"}"), 0);
    assert_eq!(house.service.worker_pid(), worker, "it is the same worker");
    drop(waiting);
}

/// The server behind the front gives up for good when it cannot accept; it is built anew.
#[test]
fn the_inner_server_outlives_a_shortage_of_descriptors() {
    let house = start("");
    let worker = house.service.worker_pid();
    // With the three in reserve, the front can accept and connect, and then nothing is left to accept with behind it.
    for free in 0..3 {
        let open = descriptors(worker);
        let mut crowd: Vec<TcpStream> = Vec::new();
        limit_descriptors(worker, open + free);
        for _ in 0..6 {
            let mut stream = TcpStream::connect(house.http.addr()).expect("the kernel queues it");
            let _ = stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
            crowd.push(stream);
        }
        for stream in &mut crowd {
            stream.set_read_timeout(Some(Duration::from_millis(300))).expect("the limit is not zero");
            let _ = stream.read(&mut [0; 512]);
        }
        limit_descriptors(worker, 10_000);
        drop(crowd);
        let is_well = || {
            let answer = house.http.answer_to(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
            answer.is_some_and(|answer| answer.status == 200)
        };
        assert!(eventually(2 * PATIENCE, is_well), "with {free} descriptors");
    }
    assert_eq!(house.service.worker_pid(), worker);
}

/// Readers that take nothing of their metrics hold up nobody: their answers are whole before the first byte goes out.
#[test]
fn slow_readers_of_metrics_delay_no_probe() {
    const NAMES: usize = 600;
    let users = Users::crowd((0..NAMES).map(|number| format!("{number:->60}")), b"x");
    let house = start(&[&users.settings(&["userpass"]), "[logging]\nlevel = \"error\"\n"].concat());
    for number in 0..NAMES {
        let mut client = Wire::connect(house.service.addr());
        assert_eq!(client.log_in(format!("{number:->60}").as_bytes(), b"x"), [1, 0]);
        assert_ne!(client.ask(CONNECT, SocketAddr::from(([169, 254, 169, 254], 80))).code, rep::SUCCEEDED);
    }
    // As many as one source may have, but for the one that probes; more than there are handlers.
    let readers: Vec<_> = (0..7).map(|_| slow_reader(&house.http)).collect();
    let asked = Instant::now();
    let probe = |_| {
        let began = Instant::now();
        assert_eq!(house.http.get("/health/live").status, 200);
        began.elapsed()
    };
    let slowest = (0..50).map(probe).max().expect("there were fifty");
    measured(format!("beside slow readers the slowest of 50 probes takes {slowest:?}"));
    assert!(slowest < Duration::from_secs(1), "a probe takes {slowest:?}");
    // Whoever takes nothing for ten seconds is cut, and this machine may be busy.
    let patient = readers.into_iter().filter(|_| asked.elapsed() < Duration::from_secs(8));
    for mut reader in patient {
        let mut answer = Vec::new();
        reader.read_to_end(&mut answer).expect("whoever reads at last gets all of it");
        let answer = Answer::parse(&answer).expect("it is whole");
        assert!(answer.status == 200 && answer.body.len() > 200_000, "{} bytes", answer.body.len());
        assert_eq!(answer.field("Content-Length"), Some(&*answer.body.len().to_string()));
    }
}

/// Asks for the metrics and has room for almost nothing.
fn slow_reader(http: &Endpoint) -> TcpStream {
    let mut stream = TcpStream::connect(http.addr()).expect("there is room");
    setsockopt(&stream, sockopt::RcvBuf, &2_048).expect("SO_RCVBUF can be set");
    stream.set_read_timeout(Some(PATIENCE)).expect("the limit is not zero");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it reads");
    stream
}

/// Relays that are all busy, or frozen, are no reason not to answer.
#[test]
fn a_crowd_of_handshakes_delays_no_probe() {
    let house = start("[limits]\nmax_handshakes = 500\n");
    let crowd: Vec<_> = (0..400).map(|_| greeted(house.service.addr())).collect();
    let began = Instant::now();
    let scrape = house.http.scrape();
    assert_eq!(scrape.count("rustsocks_sessions_by_stage{stage=\"handshake\"}"), crowd.len() as u64);
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[test]
fn it_listens_on_ipv6_and_on_a_unix_socket_as_well() {
    let v6 = Endpoint::reserve_on("::1".parse().expect("an address"));
    let service = launch(&v6, "").start();
    assert_eq!(v6.get("/health").status, 200);
    drop(service);

    let settings = "[metrics]\nenabled = true\nbind_address = \"unix:{dir}/metrics.sock\"\nsocket_mode = \"0600\"\n";
    let service = rig::service::Launch::of(program()).config(&[LOOPBACK, settings].concat()).start();
    let path = service.directory().join("metrics.sock");
    let mut stream = UnixStream::connect(&path).expect("root may connect");
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    assert_eq!(Answer::parse(&answer).map(|answer| answer.body), Some(READY.to_owned()));
}

/// The port is the monitor's: it stays when the worker dies, and with it whoever waits there.
#[test]
fn the_endpoint_outlives_a_worker() {
    let house = start("");
    let worker = house.service.worker_pid();
    let started = house.http.scrape().value("process_start_time_seconds");
    rig::signals::send(worker, Signal::SIGKILL);
    assert_eq!(house.http.get("/health/ready").status, 200, "who asks meanwhile waits");
    let _ = house.service.successor_of(worker);
    assert!(house.http.scrape().value("process_start_time_seconds") >= started);
}

/// The guard holds the endpoint like every listener of ours, whatever is opened beside it.
#[test]
fn no_client_of_the_proxy_comes_to_the_endpoint() {
    let house = start("");
    let code = greeted(house.service.addr()).ask(CONNECT, house.http.addr()).code;
    assert_eq!(code, rep::NOT_ALLOWED);
}
