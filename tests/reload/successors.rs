//! A worker that dies after or during a reload is followed by one that serves by what was in force.

use std::net::Ipv4Addr;

use nix::sys::signal::Signal;
use rig::port::Port;
use rig::service::Service;
use rig::signals::send;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::Target;
use rig::users::Users;
use rig::wire::Wire;

use crate::{SIGNAL_ONLY, of, start, words};

#[test]
fn what_was_taken_outlives_the_worker() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let office = Port::reserve(Ipv4Addr::LOCALHOST.into());
    let service = start(SIGNAL_ONLY);
    let listen = format!("[[listen]]\naddress = \"{}\"\nsocks_method = \"userpass\"\n", office.addr());
    let auth = format!("[auth]\nusers_file = \"{}\"\n", users.path().display());
    service.rewrite(&of(&[SIGNAL_ONLY, &listen, &auth, "[commands]\nconnect = false\n"].concat()));
    assert_eq!(words(&service.reload()), ("applied", "applied"));
    for _ in 0..2 {
        replace_worker(&service);
        assert_eq!(connect(&service), rep::COMMAND);
        assert_eq!(Wire::connect(office.addr()).log_in(b"alice", b"wonderland")[1], 0);
    }
    users.replace_by(&[("bob", b"builder")]);
    assert_eq!(words(&service.reload()), ("same", "applied"));
    replace_worker(&service);
    assert_eq!(Wire::connect(office.addr()).log_in(b"bob", b"builder")[1], 0);
    service.rewrite(&of(SIGNAL_ONLY));
    assert_eq!(words(&service.reload()), ("applied", "same"));
    replace_worker(&service);
    assert_eq!(connect(&service), rep::SUCCEEDED);
}

#[test]
fn what_was_refused_does_not_come_back_with_the_next_worker() {
    let service = start(SIGNAL_ONLY);
    service.rewrite(&of(&[SIGNAL_ONLY, "[commands]\nconnect = false\nconect = true\n"].concat()));
    assert_eq!(words(&service.reload()).0, "failed");
    replace_worker(&service);
    assert_eq!(connect(&service), rep::SUCCEEDED);
    let line = service.reload();
    assert_eq!(words(&line).0, "failed");
    assert_eq!((line.number("generation"), line.number("serving")), (3, 1));
}

/// Whenever it dies, the next one serves by one of the two texts, whole.
#[test]
fn a_worker_killed_around_a_reload_is_followed_by_one_that_serves() {
    let service = start(SIGNAL_ONLY);
    for pause in [0, 1, 2, 4, 8] {
        let is_off = pause % 2 == 0;
        service.rewrite(&of(&format!("{SIGNAL_ONLY}[commands]\nconnect = {}\n", !is_off)));
        let worker = service.worker_pid();
        service.process.signal(Signal::SIGHUP);
        std::thread::sleep(std::time::Duration::from_millis(pause));
        send(worker, Signal::SIGKILL);
        let _ = service.successor_of(worker);
        assert!([rep::SUCCEEDED, rep::COMMAND].contains(&connect(&service)));
        let before = service.reloads().len();
        service.process.signal(Signal::SIGHUP);
        let line = service.next_reload(before);
        assert_ne!(words(&line).0, "failed", "{line:?}");
        assert_eq!(connect(&service), if is_off { rep::COMMAND } else { rep::SUCCEEDED });
    }
}

fn replace_worker(service: &Service) {
    let worker = service.worker_pid();
    send(worker, Signal::SIGKILL);
    let _ = service.successor_of(worker);
}

fn connect(service: &Service) -> u8 {
    greeted(service.addr()).ask(CONNECT, Target::listen().addr()).code
}
