//! Listeners that come and go while the daemon runs.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use rig::port::Port;
use rig::service::Service;
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::{Target, tunnel};
use rig::wait::{PATIENCE, eventually};

use crate::{SIGNAL_ONLY, assert_passes, of, start, words};

#[test]
fn listeners_come_and_go_and_their_sessions_live_on() {
    let service = start(SIGNAL_ONLY);
    let [office, lab] = [0, 1].map(|_| Port::reserve(Ipv4Addr::LOCALHOST.into()));
    let mut main = tunnel(service.addr());
    refuses(office.addr());

    apply(&service, &[listen(office.addr(), "office"), listen(lab.addr(), "lab")]);
    let (mut at_office, mut at_lab) = (tunnel(office.addr()), tunnel(lab.addr()));
    apply(&service, &[listen(lab.addr(), "laboratory")]);
    assert!(eventually(PATIENCE, || TcpStream::connect(office.addr()).is_err()), "nobody listens there any more");
    for relay in [&mut main, &mut at_office, &mut at_lab] {
        assert_passes(relay);
    }
    let renamed = tunnel(lab.addr()).0.leave();
    assert_eq!(service.session_of(renamed).text("listener"), "laboratory");
    drop(at_office.1);
    let client = at_office.0.leave();
    assert_eq!(service.session_of(client).text("listener"), "office");

    apply(&service, &[listen(office.addr(), "office")]);
    assert_passes(&mut tunnel(office.addr()));
    assert_passes(&mut at_lab);
    assert_passes(&mut main);
}

#[test]
fn a_port_that_is_taken_changes_nothing() {
    let service = start(SIGNAL_ONLY);
    let other = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    let free = Port::reserve(Ipv4Addr::LOCALHOST.into());
    let taken = other.local_addr().expect("it is bound");
    let config = [listen(free.addr(), "free"), listen(taken, "taken")].concat();
    service.rewrite(&of(&[SIGNAL_ONLY, &config, "[commands]\nconnect = false\n"].concat()));
    let line = service.reload();
    assert_eq!((line.text("configuration"), line.text("level")), ("failed", "ERROR"));
    assert!(line.text("problems").contains(&format!("cannot listen on {taken}: somebody else does")), "{line:?}");
    let status = || service.manager.heard().iter().any(|said| said.contains("configuration failed: cannot listen on"));
    assert!(eventually(PATIENCE, status), "{:?}", service.manager.heard());
    assert_eq!(greeted(service.addr()).ask(CONNECT, Target::listen().addr()).code, rep::SUCCEEDED);
    refuses(free.addr());

    drop(other);
    assert_eq!(words(&service.reload()).0, "applied");
    assert_eq!(greeted(free.addr()).ask(CONNECT, Target::listen().addr()).code, rep::COMMAND);
}

#[test]
fn a_unix_socket_comes_changes_its_mode_and_goes() {
    let service = start(SIGNAL_ONLY);
    let path = service.directory().join("socks");
    let unix = |mode: &str| format!("[[listen]]\naddress = \"unix:{}\"\nmode = \"{mode}\"\n", path.display());
    for (mode, bits) in [("0600", 0o600), ("0666", 0o666)] {
        apply(&service, &[unix(mode)]);
        let is_set = || fs::metadata(&path).is_ok_and(|file| file.permissions().mode() & 0o777 == bits);
        assert!(eventually(PATIENCE, is_set), "{mode}");
        UnixStream::connect(&path).expect("it listens");
    }
    apply(&service, &[]);
    assert!(eventually(PATIENCE, || !path.exists()), "its file is gone");
}

fn listen(address: SocketAddr, name: &str) -> String {
    format!("[[listen]]\naddress = \"{address}\"\nname = \"{name}\"\n")
}

fn apply(service: &Service, listeners: &[String]) {
    service.rewrite(&of(&[SIGNAL_ONLY, &listeners.concat()].concat()));
    let line = service.reload();
    assert_eq!(words(&line).0, "applied", "{line:?}");
}

fn refuses(address: SocketAddr) {
    assert!(TcpStream::connect(address).is_err(), "nobody listens on {address} yet");
}
