//! How much anybody may have, through the real program: what is granted, what is refused and why, and what a reload changes.
//!
//! Each test has a daemon of its own. They need root.

mod bandwidth;
mod connections;
mod life;
mod quotas;
mod rules;
mod stream;
mod waits;

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use rig::service::{Launch, Service};
use rig::socks5::{CONNECT, rep};
use rig::target::Target;
use rig::wire::Wire;

/// Opens loopback, where the targets of these tests are; it reloads when it is told to, and not by itself.
const BASIS: &str = "[guard]\nallow = [\"127.0.0.0/8\", \"::1\"]\n[server]\nwatch_files = false\nworker_threads = 2\n";

/// The password of every user in these tests.
const PASSWORD: &[u8] = b"wonderland";

fn start(config: &str) -> Service {
    rig::usage::require_root();
    Launch::of(Path::new(env!("CARGO_BIN_EXE_rustsocks"))).config(&of(config)).start()
}

fn of(config: &str) -> String {
    [BASIS, config].concat()
}

/// Gives the daemon this configuration, which must be taken.
fn apply(service: &Service, config: &str) {
    service.rewrite(&of(config));
    let line = service.reload();
    assert_eq!(line.text("configuration"), "applied", "{line:?}");
}

/// One of many addresses of this host.
fn loopback(last: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 3, last).into()
}

/// A relay of nobody in particular from there.
fn relay_from(service: &Service, source: IpAddr) -> Result<(Wire, Wire), Refused> {
    let mut client = Wire::connect_from(source, service.addr());
    client.greet();
    relay(service, client)
}

/// A relay of a user.
fn relay_of(service: &Service, user: &str) -> Result<(Wire, Wire), Refused> {
    let mut client = Wire::connect(service.addr());
    assert_eq!(client.log_in(user.as_bytes(), PASSWORD), [1, 0]);
    relay(service, client)
}

/// A relay of a user from there.
fn relay_of_from(service: &Service, user: &str, source: IpAddr) -> Result<(Wire, Wire), Refused> {
    let mut client = Wire::connect_from(source, service.addr());
    assert_eq!(client.log_in(user.as_bytes(), PASSWORD), [1, 0]);
    relay(service, client)
}

/// The reply code and the reason in the log.
type Refused = (u8, String);

fn relay(service: &Service, mut client: Wire) -> Result<(Wire, Wire), Refused> {
    let target = Target::listen();
    match client.ask(CONNECT, target.addr()).code {
        rep::SUCCEEDED => Ok((client, target.accept())),
        code => Err((code, service.session_of(client.leave()).text("reason").to_owned())),
    }
}

/// The refusal with reply 2 and this reason.
fn refused(reason: &str) -> Refused {
    (rep::NOT_ALLOWED, reason.to_owned())
}

fn assert_passes((client, target): &mut (Wire, Wire)) {
    client.send(b"there");
    assert_eq!(&target.receive::<5>(), b"there");
    target.send(b"back");
    assert_eq!(&client.receive::<4>(), b"back");
}
