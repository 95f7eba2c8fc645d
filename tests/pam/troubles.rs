//! Modules that hang, crash or fail, and helpers that are killed: a login fails, and the service goes on.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rig::api::Api;
use rig::process::exists;
use rig::scrape::Endpoint;
use rig::service::Service;
use rig::session_log::Line;
use rig::socks5::{USERPASS, login};
use rig::wait::{PATIENCE, eventually, found};
use rig::wire::Wire;
use serde_json::Value;

use crate::system::{Login, PERMIT, System, accepts, log_in};

/// The helper's limit for one question.
const LIMIT: Duration = Duration::from_secs(30);

/// Handshakes that outlast it.
const PATIENT: &str = "[timeouts]\nhandshake_secs = 120";

fn hostile(deeds: &str) -> System {
    let system = System::with(&format!("auth required {{dir}}/hostile.so {deeds}\n{PERMIT}"));
    system.hostile_module();
    system
}

/// The trouble of a session, as logged.
fn trouble(service: &Service, cause: &str) -> Line {
    let is_it = |line: &Line| line.text("message") == "PAM could not be asked" && line.text("cause") == cause;
    let line = found(PATIENCE, || service.log.lines().into_iter().find(is_it));
    line.unwrap_or_else(|| panic!("the log should name the cause {cause}"))
}

/// Waits until there are two helpers, none of them one of `former`.
fn successors(service: &Service, former: &[u32]) -> Vec<u32> {
    let look =
        || Some(service.pam_helpers()).filter(|now| now.len() == 2 && now.iter().all(|pid| !former.contains(pid)));
    found(PATIENCE, look)
        .unwrap_or_else(|| panic!("{former:?} should have successors, not {:?}", service.pam_helpers()))
}

#[test]
fn a_module_that_hangs_is_killed_after_30_seconds_and_holds_nobody_else_up() {
    let system = hostile("dave=hang");
    let service = system.start(PATIENT);
    let before = successors(&service, &[]);
    let began = Instant::now();
    thread::scope(|scope| {
        let stuck = scope.spawn(|| log_in(&service, b"dave", b"any"));
        while !stuck.is_finished() {
            let asked = Instant::now();
            assert!(accepts(&service, "alice"));
            assert!(asked.elapsed() < LIMIT / 3, "alice waited {:?}", asked.elapsed());
            thread::sleep(Duration::from_millis(100));
        }
        let (login, client) = stuck.join().expect("no panic");
        assert_eq!((login, service.session_of(client).text("reason")), (Login::Refused, "auth_unavailable"));
    });
    assert!((LIMIT..LIMIT + PATIENCE).contains(&began.elapsed()), "{:?}", began.elapsed());
    let line = trouble(&service, "stuck");
    assert_eq!((line.number("total"), line.text("service")), (1, "rustsocks"));
    let _ = service.event("a PAM helper is stuck and is killed");
    let survivors = || service.pam_helpers().into_iter().filter(|pid| before.contains(pid)).count();
    assert!(eventually(PATIENCE, || survivors() == 1 && service.pam_helpers().len() == 2), "one was replaced");
    assert!(accepts(&service, "alice"));
}

#[test]
fn a_module_that_crashes_fails_that_login_alone() {
    let system = hostile("dave=crash erin=exit");
    let http = Endpoint::reserve();
    let service = system.start(&http.settings());
    for (total, name) in [(1, &b"dave"[..]), (2, b"erin")] {
        let (login, client) = log_in(&service, name, b"any");
        assert_eq!((login, service.session_of(client).text("reason")), (Login::Refused, "auth_unavailable"));
        let counted = || {
            service.log.lines().into_iter().any(|line| line.text("cause") == "died" && line.number("total") == total)
        };
        assert!(eventually(PATIENCE, counted), "{}", name.escape_ascii());
        assert!(accepts(&service, "alice"));
    }
    let scrape = http.scrape();
    assert_eq!(scrape.count("rustsocks_pam_troubles_total{cause=\"died\"}"), 2);
    assert_eq!(scrape.count("rustsocks_auth_checks_total{method=\"pam.username\",result=\"unavailable\"}"), 2);
    assert_eq!(scrape.count("rustsocks_auth_checks_total{method=\"pam.username\",result=\"accepted\"}"), 2);
    let _ = service.event("a PAM helper died");
    successors(&service, &[]);
}

#[test]
fn a_helper_killed_in_the_middle_of_a_question_fails_that_login_alone() {
    let system = hostile("dave=hang");
    let service = system.start(PATIENT);
    let before = successors(&service, &[]);
    let began = Instant::now();
    let (login, client) = thread::scope(|scope| {
        let stuck = scope.spawn(|| log_in(&service, b"dave", b"any"));
        let busy = found(PATIENCE, || before.iter().copied().find(|pid| hangs(*pid))).expect("a helper hangs");
        rig::signals::send(busy, Signal::SIGKILL);
        stuck.join().expect("no panic")
    });
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    assert_eq!((login, service.session_of(client).text("reason")), (Login::Refused, "auth_unavailable"));
    assert_eq!(trouble(&service, "died").number("total"), 1);
    assert!(accepts(&service, "alice"));
    assert!(eventually(PATIENCE, || service.pam_helpers().len() == 2));
}

#[test]
fn an_order_to_end_is_heard_by_whoever_waits_for_a_module() {
    let api = Api::reserve(crate::program());
    let system = hostile("dave=hang");
    let service = system.start(&[PATIENT, "\n", &api.settings()].concat());
    let before = successors(&service, &[]);
    let mut client = Wire::connect(service.addr());
    assert_eq!(client.offer(&[USERPASS]), [5, USERPASS]);
    client.send(&login(b"dave", b"any"));
    assert!(eventually(PATIENCE, || before.iter().any(|pid| hangs(*pid))), "PAM is being asked");
    let waits = |session: &Value| session["source_port"] == client.local().port() && session["stage"] == "logging_in";
    let live = || api.read("/api/sessions/active").as_array().cloned().unwrap_or_default();
    let session = found(PATIENCE, || live().into_iter().find(waits)).expect("the session is shown");
    let id = session["session_id"].as_str().expect("an id");

    let began = Instant::now();
    assert_eq!(api.ask("operate", "DELETE", &format!("/api/sessions/{id}"), None).status, 200);
    assert_eq!(service.session_of(client.local()).text("ending"), "killed");
    assert!(began.elapsed() < LIMIT / 3, "it took {:?}, and the module would have taken {LIMIT:?}", began.elapsed());
    assert!(accepts(&service, "alice"), "the other helper goes on");
}

#[test]
fn helpers_killed_in_their_sleep_cost_nobody_a_login() {
    let system = System::with(PERMIT);
    let service = system.start("");
    let mut former = Vec::new();
    for _ in 0..3 {
        let helpers = successors(&service, &former);
        for pid in &helpers {
            rig::signals::send(*pid, Signal::SIGKILL);
        }
        // Until then one may still take a question out of its queue.
        assert!(eventually(PATIENCE, || helpers.iter().all(|pid| !exists(*pid))));
        assert!(accepts(&service, "alice"));
        former.extend(helpers);
    }
    assert!(service.log.lines().iter().all(|line| line.text("cause").is_empty()));
}

#[test]
fn a_helper_is_replaced_after_a_thousand_questions_and_nobody_notices() {
    let system = System::with(PERMIT);
    let service = system.start("");
    let before = successors(&service, &[]);
    let address = service.addr();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(move || (0..600).for_each(|_| assert_accepted(address)));
        }
    });
    let now: BTreeSet<u32> = successors(&service, &before).into_iter().collect();
    assert!(before.iter().all(|pid| !exists(*pid)), "{before:?} {now:?}");
    let lines = service.log.lines();
    assert!(lines.iter().all(|line| !line.text("message").contains("PAM")), "nothing went wrong");
}

fn assert_accepted(proxy: SocketAddr) {
    assert_eq!(Wire::connect(proxy).log_in(b"alice", b"any"), [1, 0]);
}

#[test]
fn another_worker_has_other_helpers() {
    let system = hostile("dave=hang");
    let service = system.start(PATIENT);
    let former = successors(&service, &[]);
    let mut stuck = Wire::connect(service.addr());
    assert_eq!(stuck.offer(&[2]), [5, 2]);
    stuck.send(&login(b"dave", b"any"));
    assert!(eventually(PATIENCE, || former.iter().any(|pid| hangs(*pid))));

    let worker = service.worker_pid();
    rig::signals::send(worker, Signal::SIGKILL);
    let _ = service.successor_of(worker);
    assert!(accepts(&service, "alice"));
    successors(&service, &former);
    assert!(eventually(PATIENCE, || former.iter().all(|pid| !exists(*pid))), "even one that hangs");
}

#[test]
fn after_an_upgrade_each_worker_asks_helpers_of_its_own() {
    let system = System::with(PERMIT);
    let service = system.start("");
    let former = successors(&service, &[]);
    let mut begun = Wire::connect(service.addr());
    assert_eq!(begun.offer(&[2]), [5, 2]);
    service.process.signal(Signal::SIGUSR2);
    let _ = service.event("the former worker retires");
    assert!(accepts(&service, "alice"));
    begun.send(&login(b"alice", b"any"));
    assert_eq!(begun.receive::<2>(), [1, 0], "by whom it began with");
    drop(begun);
    assert!(eventually(PATIENCE, || former.iter().all(|pid| !exists(*pid))));
    successors(&service, &former);
    assert!(accepts(&service, "alice"));
}

#[test]
fn nobody_is_left_behind_when_the_service_stops_or_is_killed() {
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let system = hostile("dave=hang");
        let mut service = system.start(&[PATIENT, "[server]\ndrain_secs = 0"].join("\n"));
        let helpers = successors(&service, &[]);
        let mut stuck = Wire::connect(service.addr());
        assert_eq!(stuck.offer(&[2]), [5, 2]);
        stuck.send(&login(b"dave", b"any"));
        assert!(eventually(PATIENCE, || helpers.iter().any(|pid| hangs(*pid))));
        service.process.signal(signal);
        assert!(service.process.exit_within(PATIENCE).is_some());
        assert!(eventually(PATIENCE, || helpers.iter().all(|pid| !exists(*pid))), "{signal}");
    }
}

#[test]
fn a_service_that_is_broken_refuses_and_says_what_is_wrong() {
    let system = System::with("auth required pam_no_such_module.so\naccount required pam_permit.so\n");
    let service = system.start("");
    let (login, client) = log_in(&service, b"alice", b"any");
    assert_eq!((login, service.session_of(client).text("reason")), (Login::Refused, "auth_unavailable"));
    let line = trouble(&service, "failed");
    assert!(line.text("error").contains("pam_authenticate: Module is unknown (28)"), "{}", line.text("error"));
}

/// Whether the helper sleeps in pause(2), where the hostile module does.
fn hangs(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/wchan")).is_ok_and(|place| place.contains("pause"))
}
