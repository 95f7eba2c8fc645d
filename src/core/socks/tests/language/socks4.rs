//! SOCKS4 and 4a: a user id that proves nothing, and a name behind an impossible address.

use socks::{Dialect, Fault, Method};

use crate::driver::{Claimed, End, Judge};
use crate::{accepts, broken, everything, requests, run, run_as};

#[test]
fn socks4_userid() {
    let outcome = run(&everything(), [&b"\x04\x01\x00\x50\xc0\x00\x02\x01alice\0GET"[..]]);
    assert_eq!(outcome.claimed, Some(Claimed::UserId(b"alice".into())));
    assert_eq!(outcome.sent, b"");
    assert_eq!(outcome.rest, b"GET");
    requests(&outcome, "Connect 192.0.2.1:80");
}

#[test]
fn socks4_is_refused_where_an_identity_is_required() {
    let request = b"\x04\x01\x00\x50\xc0\x00\x02\x01root\0";
    broken(&accepts(&[Method::UserPass]), request, Fault::Socks4Unproven, REJECTED);
}

#[test]
fn a_rejected_user_id_is_answered_with_5b() {
    let request = b"\x04\x01\x00\x50\xc0\x00\x02\x01\0";
    let outcome = run_as(Judge::Rejects, &everything(), [&request[..]]);
    assert_eq!(outcome.end, End::Rejected);
    assert_eq!(outcome.sent, REJECTED);
}

#[test]
fn socks4_commands() {
    check(b"\x04\x02\x00\x50\xc0\x00\x02\x01\0", "Bind 192.0.2.1:80");
    check(b"\x04\xf0\x00\x00\x00\x00\x00\x01\0db.corp\0", "Resolve db.corp:0");
    for code in [0, 3, 0xf1] {
        let request = [4, code, 0, 80, 192, 0, 2, 1, 0];
        broken(&everything(), &request, Fault::Command(code), REJECTED);
    }
}

#[test]
fn socks4a() {
    check(b"\x04\x01\x01\xbb\x00\x00\x00\x01\0db.corp\0", "Connect db.corp:443");
    check(b"\x04\x01\x01\xbb\x00\x00\x00\xffbob\0db.corp\0", "Connect db.corp:443");
    check(b"\x04\x01\x01\xbb\x00\x00\x00\x00\0", "Connect 0.0.0.0:443");
    check(b"\x04\x01\x01\xbb\x00\x00\x01\x01\0", "Connect 0.0.1.1:443");
    broken(&everything(), b"\x04\x01\x01\xbb\x00\x00\x00\x01\0\0", Fault::EmptyName, REJECTED);
}

#[test]
fn socks4_fields_are_bounded_before_their_end_arrives() {
    let longest = vec![b'x'; 255];
    let user_id = [b"\x04\x01\x00\x50\xc0\x00\x02\x01", &longest[..]].concat();
    let name = [b"\x04\x01\x00\x50\x00\x00\x00\x01\0", &longest[..]].concat();
    check(&[&user_id[..], b"\0"].concat(), "Connect 192.0.2.1:80");
    check(&[&name[..], b"\0"].concat(), &format!("Connect {}:80", "x".repeat(255)));
    broken(&everything(), &[&user_id[..], b"x"].concat(), Fault::UserIdTooLong, REJECTED);
    broken(&everything(), &[&name[..], b"x"].concat(), Fault::NameTooLong, REJECTED);
}

#[test]
fn the_longest_message_fits_the_announced_size() {
    let field = [&[b'x'; 255][..], b"\0"].concat();
    let request = [b"\x04\x01\x00\x50\x00\x00\x00\x01", &field[..], &field[..]].concat();
    let mut socks_only = everything();
    socks_only.http_connect = false;
    assert_eq!(socks_only.longest_message(), request.len());
    assert_eq!(everything().longest_message(), 8192);
    requests(&run(&socks_only, [&request[..]]), &format!("Connect {}:80", "x".repeat(255)));
}

fn check(request: &[u8], expected: &str) {
    let outcome = run(&everything(), [request]);
    requests(&outcome, expected);
    let End::Requested(request) = outcome.end else { unreachable!("requests() has looked") };
    assert_eq!(request.dialect, Dialect::Socks4);
}

const REJECTED: &[u8] = &[0, 0x5b, 0, 0, 0, 0, 0, 0];
