//! `pam.address`: the address alone, inside the handshake or before it.

use std::net::IpAddr;

use rig::port::Port;
use rig::service::Service;
use rig::socks5::{CONNECT, NO_AUTHENTICATION, greeting, rep};
use rig::target::Target;
use rig::wire::{End, Wire};

use crate::system::{PAM_UNIX, PASSWORD, System};

const WELCOME: &str = "127.0.0.1";
const UNWELCOME: &str = "127.0.0.2";

/// As docs/pam-authentication.md shows it.
const PAM_ACCESS: &str = "auth required pam_access.so accessfile={dir}/access fieldsep=| nodefgroup noaudit\naccount required pam_permit.so\n";

const INSIDE: &str = "socks_method = \"pam.address\"";
const BEFORE: &str = "client_method = \"pam.address\"\nclient_pam_service = \"rustsocks\"";

/// A system in which these addresses are welcome, to a user who exists.
fn system(welcome: &str) -> System {
    let system = System::with(PAM_ACCESS);
    system.write("access", &format!("+|ALL|{welcome}\n-|ALL|ALL\n"));
    system
}

fn start(system: &System, auth: &str, rest: &str) -> Service {
    system.launch(auth, rest).env("RUSTSOCKS_AUTH_PAM_DEFAULT_USER", "alice").start()
}

fn from(address: &str, to: &Service) -> Wire {
    Wire::connect_from(ip(address), to.addr())
}

fn ip(address: &str) -> IpAddr {
    address.parse().expect("an address")
}

#[test]
fn a_welcome_address_is_served_and_another_one_is_told_no() {
    let system = system(WELCOME);
    let service = start(&system, INSIDE, "");
    let target = Target::listen();

    let mut client = from(WELCOME, &service);
    client.greet();
    assert_eq!(client.ask(CONNECT, target.addr()).code, rep::SUCCEEDED);
    drop(target.accept());
    let line = service.session_of(client.leave());
    assert_eq!((line.text("user"), line.text("auth")), ("anonymous", "pam.address"));

    let mut client = from(UNWELCOME, &service);
    assert_eq!(client.offer(&[NO_AUTHENTICATION]), [5, 0xff]);
    assert_refused(&service, client, "PAM says perm_denied");
}

#[test]
fn before_the_handshake_an_unwelcome_address_is_shut_out_without_a_word() {
    let system = system(WELCOME);
    let service = start(&system, BEFORE, "");
    from(WELCOME, &service).greet();
    let mut client = from(UNWELCOME, &service);
    client.send(&greeting(&[NO_AUTHENTICATION]));
    let (words, end) = client.rest();
    assert_eq!((words.as_slice(), end), (&b""[..], End::Closed));
    assert_refused(&service, client, "PAM says perm_denied");
}

#[test]
fn a_password_is_asked_for_behind_the_address() {
    let system = system(WELCOME);
    system.service("names", PAM_UNIX);
    let auth = format!("{BEFORE}\nsocks_method = \"pam.username\"\nsocks_pam_service = \"names\"");
    let service = start(&system, &auth, "");
    assert_eq!(from(WELCOME, &service).log_in(b"alice", PASSWORD.as_bytes()), [1, 0]);
    assert_eq!(from(WELCOME, &service).log_in(b"alice", b"wrong"), [1, 1]);
    let mut client = from(UNWELCOME, &service);
    assert_eq!(client.end(), End::Closed);
}

#[test]
fn the_address_that_a_trusted_balancer_names_is_judged() {
    let system = system("192.0.2.7");
    let port = Port::reserve(ip(WELCOME));
    let balanced = format!("[[listen]]\naddress = \"{}\"\nproxy_protocol_from = [\"127.0.0.0/8\"]", port.addr());
    for auth in [INSIDE, BEFORE] {
        let _service = start(&system, auth, &balanced);
        for (source, expected) in [("192.0.2.7", &[5, NO_AUTHENTICATION][..]), ("192.0.2.8", &[])] {
            let mut client = Wire::connect(port.addr());
            let header = format!("PROXY TCP4 {source} 127.0.0.1 4711 1080\r\n");
            client.send(&[header.as_bytes(), &greeting(&[NO_AUTHENTICATION])].concat());
            let answer = if expected.is_empty() { client.rest().0 } else { client.receive_all(2) };
            let answer = answer.strip_prefix(&[5, 0xff]).unwrap_or(&answer);
            assert_eq!(answer, expected, "{auth}, {source}");
        }
    }
}

#[test]
fn a_service_that_wants_a_password_refuses_every_address() {
    let system = System::with(PAM_UNIX);
    let service = start(&system, INSIDE, "");
    let mut client = from(WELCOME, &service);
    assert_eq!(client.offer(&[NO_AUTHENTICATION]), [5, 0xff]);
    assert_refused(&service, client, "PAM says prompt");
}

#[test]
fn a_default_user_whom_nobody_knows_is_named_at_the_start() {
    let system = system(WELCOME);
    let service = system.launch(INSIDE, "").start();
    let _ = service.event_with("auth.pam.default_user is \"rhostusr\", which is no user of this system");
    let mut client = from(WELCOME, &service);
    assert_eq!(client.offer(&[NO_AUTHENTICATION]), [5, 0xff]);
    assert_refused(&service, client, "PAM says user_unknown");
}

#[test]
fn socks4_and_http_are_judged_like_socks5() {
    let system = system(WELCOME);
    let service = start(&system, INSIDE, "");
    let target = Target::listen();
    let request = rig::http::connect(&target.addr().to_string(), &[]);
    for (address, status) in [(WELCOME, 200), (UNWELCOME, 403)] {
        let mut client = from(address, &service);
        client.send(&request);
        assert_eq!(client.http_head().status, status, "{address}");
    }
    let mut client = from(WELCOME, &service);
    client.send(&[4, 1, 0, 80, 127, 0, 0, 1, 0]);
    assert_eq!(client.receive::<8>()[..2], [0, 91], "SOCKS4 proves nothing");
}

fn assert_refused(service: &Service, client: Wire, remark: &str) {
    let line = service.session_of(client.leave());
    assert_eq!((line.text("reason"), line.text("remark")), ("address_refused", remark));
}
