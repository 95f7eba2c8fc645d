//! HTTP CONNECT on the same port: the head, its target, its credentials, and the status that each mistake deserves.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use socks::{Fault, Method, Offer};

use crate::driver::{Claimed, End, Judge, Outcome};
use crate::{accepts, everything, requests, run, run_as};

#[test]
fn http_connect_same_port() {
    let head = b"CONNECT db.corp:443 HTTP/1.1\r\nHost: elsewhere\r\n\r\n\x16\x03\x01";
    let outcome = run(&everything(), [&head[..]]);
    assert_eq!(outcome.claimed, Some(Claimed::Anonymous));
    assert_eq!(outcome.sent, b"");
    assert_eq!(outcome.rest, b"\x16\x03\x01");
    requests(&outcome, "Connect db.corp:443");
}

#[test]
fn the_target_is_host_and_port() {
    for (form, expected) in [
        ("db.corp:443", "Connect db.corp:443"),
        ("192.0.2.1:80", "Connect 192.0.2.1:80"),
        ("[2001:db8::1]:80", "Connect [2001:db8::1]:80"),
        ("127.1:80", "Connect 127.1:80"),
        ("db.corp:0", "Connect db.corp:0"),
    ] {
        requests(&connect(&everything(), form, ""), expected);
    }
}

#[test]
fn any_other_form_of_target_is_a_bad_request() {
    let long = format!("{}:80", "a".repeat(256));
    for form in [
        "db.corp",
        "db.corp:",
        ":80",
        ":",
        "db.corp:65536",
        "db.corp:+80",
        "db.corp:80a",
        "2001:db8::1:80",
        "[::1:80",
        "[db.corp]:80",
        "[::1%25eth0]:80",
        "u@db.corp:80",
        "http://db.corp:80",
        "http://db.corp/",
        "/",
        "*",
        &long,
    ] {
        refused(&connect(&everything(), form, ""), Fault::HttpTarget, 400);
    }
}

#[test]
fn only_connect_is_served() {
    for head in ["GET / HTTP/1.1\r\n\r\n", "POST http://db.corp/ HTTP/1.0\r\n\r\n"] {
        let outcome = run(&everything(), [head.as_bytes()]);
        refused(&outcome, Fault::HttpMethod, 405);
        assert!(String::from_utf8_lossy(&outcome.sent).contains("\r\nAllow: CONNECT\r\n"));
    }
}

#[test]
fn a_head_that_is_not_http_1_is_refused() {
    refused(&run(&everything(), [&b"PRI * HTTP/2.0\r\n\r\n"[..]]), Fault::HttpVersion, 505);
    refused(&run(&everything(), [&b"C\0NNECT\r\n"[..]]), Fault::HttpMalformed, 400);
    refused(&run(&everything(), [&b"CONNECT a:1 HTTP/1.1\r\nno colon\r\n"[..]]), Fault::HttpMalformed, 400);
    let many = "X: y\r\n".repeat(65);
    refused(&connect(&everything(), "a:1", &many), Fault::HttpMalformed, 400);
}

#[test]
fn a_head_has_at_most_8_kib() {
    let [start, end] = ["CONNECT a:1 HTTP/1.1\r\nX: ", "\r\n\r\n"];
    let filler = |length: usize| "x".repeat(length - start.len() - end.len());
    let fits = [start, &filler(8192), end].concat();
    requests(&run(&everything(), [fits.as_bytes()]), "Connect a:1");
    let too_long = [start, &filler(8193), end].concat();
    refused(&run(&everything(), [too_long.as_bytes()]), Fault::HttpTooLong, 431);
    refused(&run(&everything(), [&too_long.as_bytes()[..8192]]), Fault::HttpTooLong, 431);
}

#[test]
fn the_order_of_the_server_decides_who_has_to_log_in() {
    use Method::{None, UserPass};
    let alice = || Some(Claimed::Password(b"alice".into(), b"p:w".into()));
    for (methods, header, claimed) in [
        (&[None][..], "", Some(Claimed::Anonymous)),
        (&[None][..], ALICE, Some(Claimed::Anonymous)),
        (&[None, UserPass][..], ALICE, Some(Claimed::Anonymous)),
        (&[UserPass, None][..], "", Some(Claimed::Anonymous)),
        (&[UserPass, None][..], ALICE, alice()),
        (&[UserPass][..], ALICE, alice()),
        (&[UserPass][..], "proxy-authorization: bASIC YWxpY2U6cDp3\r\n", alice()),
    ] {
        assert_eq!(connect(&accepts(methods), "a:1", header).claimed, claimed, "{methods:?} {header}");
    }
}

#[test]
fn missing_credentials_are_asked_for() {
    let outcome = connect(&accepts(&[Method::UserPass]), "a:1", "");
    refused(&outcome, Fault::CredentialsMissing, 407);
    assert!(String::from_utf8_lossy(&outcome.sent).contains("\r\nProxy-Authenticate: Basic realm=\"rustsocks\"\r\n"));
}

#[test]
fn malformed_credentials_are_asked_for_again() {
    let basic = |credentials: &[u8]| format!("Proxy-Authorization: Basic {}\r\n", BASE64_STANDARD.encode(credentials));
    for header in [
        "Proxy-Authorization: Basic\r\n",
        "Proxy-Authorization: Basic !!!!\r\n",
        "Proxy-Authorization: Bearer YWxpY2U6cDp3\r\n",
        &basic(b"no colon"),
        &basic(b":nobody"),
        &basic(&[&[b'u'; 256][..], b":p"].concat()),
        &basic(&[b"u:", &[b'p'; 256][..]].concat()),
        &[ALICE, ALICE].concat(),
    ] {
        refused(&connect(&accepts(&[Method::UserPass]), "a:1", header), Fault::CredentialsMalformed, 407);
    }
}

#[test]
fn credentials_may_be_any_bytes() {
    let header = format!("Proxy-Authorization: Basic {}\r\n", BASE64_STANDARD.encode(b"\xff\0:\0\xfe"));
    let claimed = connect(&accepts(&[Method::UserPass]), "a:1", &header).claimed;
    assert_eq!(claimed, Some(Claimed::Password(b"\xff\0".into(), b"\0\xfe".into())));
}

#[test]
fn a_rejected_claim_is_answered_by_its_kind() {
    for (header, status) in [("", 403), (ALICE, 407)] {
        let head = format!("CONNECT a:1 HTTP/1.1\r\n{header}\r\n");
        let outcome = run_as(Judge::Rejects, &accepts(&[Method::UserPass, Method::None]), [head.as_bytes()]);
        assert_eq!(outcome.end, End::Rejected);
        assert_eq!(status_of(&outcome), status);
    }
}

fn connect(offer: &Offer, form: &str, header: &str) -> Outcome {
    run(offer, [format!("CONNECT {form} HTTP/1.1\r\n{header}\r\n").as_bytes()])
}

fn refused(outcome: &Outcome, fault: Fault, status: u16) {
    assert_eq!(outcome.end, End::Broken(fault));
    assert_eq!(status_of(outcome), status);
}

fn status_of(outcome: &Outcome) -> u16 {
    let text = str::from_utf8(&outcome.sent).unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

/// `alice` with the password `p:w`.
const ALICE: &str = "Proxy-Authorization: Basic YWxpY2U6cDp3\r\n";
