//! A host that vanishes without a word: keepalive finds it out while nothing is said, the user timeout while something is.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rig::cable::{Cable, FAR, NEAR};
use rig::network;
use rig::note::measured;
use rig::service::{Launch, Service};
use rig::socks5::{CONNECT, greeted, rep};
use rig::target::Target;
use rig::wire::{End, Wire};

use crate::program;

/// Keepalive would take a minute; so it is the user timeout.
const UNACKNOWLEDGED: &str = "keepalive_secs = 60\nuser_timeout_secs = 2\n";
/// No user timeout; so it is keepalive.
const SILENT: &str = "keepalive_secs = 1\nkeepalive_interval_secs = 1\nkeepalive_probes = 2\nuser_timeout_secs = 0\n";

/// Far from the two minutes that one would wait for at most, and enough for a busy machine.
const SOON: Duration = Duration::from_secs(15);

#[test]
fn a_target_that_vanishes_is_found_out_while_nothing_is_said() {
    network::alone(|| target_vanishes(SILENT, |_| ()));
}

#[test]
fn a_target_that_vanishes_is_found_out_while_bytes_are_on_their_way() {
    network::alone(|| target_vanishes(UNACKNOWLEDGED, |client| client.send(b"is anybody there?")));
}

#[test]
fn a_client_that_vanishes_is_found_out_while_nothing_is_said() {
    network::alone(|| client_vanishes(SILENT, |_| ()));
}

#[test]
fn a_client_that_vanishes_is_found_out_while_bytes_are_on_their_way() {
    network::alone(|| client_vanishes(UNACKNOWLEDGED, |target| target.send(b"is anybody there?")));
}

fn target_vanishes(limits: &str, speak: fn(&mut Wire)) {
    let cable = Cable::lay();
    let service = serve(limits);
    let target = cable.there(|| Target::listen_on(FAR));
    let mut client = greeted(service.addr());
    assert_eq!(client.ask(CONNECT, target.addr()).code, rep::SUCCEEDED);
    let _accepted = target.accept();
    cable.cut();
    speak(&mut client);
    assert_found_out(&service, client.local(), &mut client, "upstream_vanished");
}

fn client_vanishes(limits: &str, speak: fn(&mut Wire)) {
    let cable = Cable::lay();
    let service = serve(limits);
    let (proxy, target) = (service.addr(), Target::listen_on(NEAR));
    let mut client = cable.there(move || greeted(proxy));
    assert_eq!(client.ask(CONNECT, target.addr()).code, rep::SUCCEEDED);
    let mut accepted = target.accept();
    // The client's bytes acknowledge the reply: what is not acknowledged would be repeated, and keepalive would wait for that.
    client.send(b"here I am");
    assert_eq!(&accepted.receive(), b"here I am");
    cable.cut();
    speak(&mut accepted);
    assert_found_out(&service, client.local(), &mut accepted, "client_vanished");
}

/// The one who is left is told, and the log has the word.
fn assert_found_out(service: &Service, client: SocketAddr, left: &mut Wire, ending: &str) {
    let cut = Instant::now();
    assert_eq!(left.end(), End::Reset, "the other side is told");
    let taken = cut.elapsed();
    measured(format!("{ending} after {taken:?}"));
    assert!(taken < SOON, "it was found out after {taken:?}");
    assert_eq!(service.session_of(client).text("ending"), ending);
}

/// Listens where the other host can come, and may go there, and back to its own address.
fn serve(limits: &str) -> Service {
    let open = "[server]\ni_understand_open_proxy = true\n[guard]\nallow = [\"10.99.0.0/24\"]\n[outbound]\n";
    Launch::on(NEAR, program()).config(&[open, limits].concat()).start()
}
