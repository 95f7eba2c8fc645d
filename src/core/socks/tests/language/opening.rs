//! The greeting of SOCKS5 and the username/password message: what is chosen, and what is refused.

use socks::{Claim, Dialect, Fault, Method, Opening, Socks4, Spoke, Step};

use crate::driver::{Claimed, End, Judge};
use crate::{accepts, broken, everything, requests, run, run_as};

#[test]
fn greet_bytewise() {
    let input = b"\x05\x01\x02\x01\x05alice\x03pwd\x05\x01\x00\x03\x07db.corp\x15\x38";
    let bytewise = run(&everything(), input.chunks(1));
    assert_eq!(bytewise.sent, b"\x05\x02\x01\x00");
    assert_eq!(bytewise.claimed, Some(Claimed::Password(b"alice".into(), b"pwd".into())));
    requests(&bytewise, "Connect db.corp:5432");
}

#[test]
fn greet_pipelined() {
    let input = b"\x05\x01\x02\x01\x01u\x01p\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50GET / HTTP/1.1\r\n";
    let at_once = run(&everything(), [&input[..]]);
    assert_eq!(at_once.sent, b"\x05\x02\x01\x00");
    requests(&at_once, "Connect 127.0.0.1:80");
    assert_eq!(at_once.rest, b"GET / HTTP/1.1\r\n");
}

#[test]
fn greet_nmethods_zero() {
    broken(&everything(), b"\x05\x00", Fault::NoMethods, b"\x05\xff");
}

#[test]
fn greet_no_common_method() {
    let fault = Fault::NoCommonMethod { offered: [0, 1, 2, 0x80].into() };
    let shown = fault.to_string();
    broken(&accepts(&[]), b"\x05\x04\x00\x01\x02\x80", fault, b"\x05\xff");
    assert_eq!(shown, "no common authentication method, the client offers none, GSSAPI, username/password, 0x80");
}

#[test]
fn greet_wrong_version() {
    for (first, spoke, shown) in [
        (b'G', Spoke::Http, "HTTP"),
        (b'C', Spoke::Http, "HTTP"),
        (0x16, Spoke::Tls, "TLS"),
        (4, Spoke::Socks4, "SOCKS4"),
        (5, Spoke::Socks5, "SOCKS5"),
        (0, Spoke::Unknown, "an unknown protocol"),
    ] {
        let fault = Fault::Foreign { byte: first, spoke };
        assert!(fault.to_string().starts_with(&format!("the client spoke {shown},")), "{fault}");
        let mut nothing = everything();
        (nothing.socks5, nothing.socks4, nothing.http_connect) = (false, Socks4::Foreign, false);
        broken(&nothing, &[first], fault, b"");
    }
}

#[test]
fn greet_server_preference() {
    let curl = b"\x05\x03\x00\x01\x02";
    for (methods, chosen) in
        [(&[Method::UserPass, Method::None][..], b"\x05\x02"), (&[Method::None, Method::UserPass][..], b"\x05\x00")]
    {
        assert_eq!(run(&accepts(methods), [&curl[..]]).sent, chosen);
    }
}

#[test]
fn a_client_that_stays_anonymous_can_be_rejected() {
    let outcome = run_as(Judge::Rejects, &everything(), [&b"\x05\x01\x00"[..]]);
    assert_eq!(outcome.end, End::Rejected);
    assert_eq!(outcome.sent, b"\x05\xff");
}

#[test]
fn auth_1929_limits() {
    for (user, password) in [(1, 0), (1, 255), (255, 0), (255, 255)] {
        let (user, password) = (vec![0xff; user], vec![0; password]);
        let outcome = run(&everything(), [&b"\x05\x01\x02"[..], &credentials(&user, &password)]);
        assert_eq!(outcome.claimed, Some(Claimed::Password(user, password)));
        assert_eq!(outcome.rest, b"");
    }
    let nobody = [b"\x05\x01\x02", &credentials(b"", b"pwd")[..]].concat();
    broken(&everything(), &nobody, Fault::EmptyUser, b"\x05\x02\x01\x01");
}

#[test]
fn auth_1929_subversion() {
    let outcome = run_as(Judge::Rejects, &everything(), [&b"\x05\x01\x02\x01\x01u\x01p"[..]]);
    assert_eq!(outcome.end, End::Rejected);
    assert_eq!(outcome.sent, b"\x05\x02\x01\x01");
    broken(&everything(), b"\x05\x01\x02\x05\x01u\x01p", Fault::PasswordVersion(5), b"\x05\x02\x01\x01");
}

#[test]
fn auth_unoffered_userpass() {
    let sent_unasked = b"\x05\x01\x00\x01\x01u\x01p";
    broken(
        &accepts(&[Method::None]),
        sent_unasked,
        Fault::UnaskedPassword,
        b"\x05\x00\x05\x01\x00\x01\x00\x00\x00\x00\x00\x00",
    );
    let fault = Fault::NoCommonMethod { offered: [2].into() };
    broken(&accepts(&[Method::None]), b"\x05\x01\x02\x01\x01u\x01p", fault, b"\x05\xff");
}

#[test]
fn an_identity_is_kept_for_the_caller() {
    let step = Opening::default().receive(&everything(), b"\x04\x01\x00\x50\xc0\x00\x02\x01\0").unwrap();
    let Step::Identify { claimant, .. } = step else { panic!("the user id is complete") };
    assert_eq!(claimant.dialect(), Dialect::Socks4);
    let accepted = claimant.accept("alice");
    assert_eq!(accepted.dialect(), Dialect::Socks4);
    assert_eq!(accepted.identity(), &"alice");
    assert_eq!(accepted.into_identity(), "alice");
}

#[test]
fn a_password_is_never_shown() {
    let step = Opening::default().receive(&everything(), b"\x05\x01\x02").unwrap();
    let Step::Send { next, .. } = step else { panic!("the password is not asked for") };
    let step = next.receive(&everything(), b"\x01\x05alice\x06hunter").unwrap();
    let shown = format!("{step:?}");
    assert!(matches!(step, Step::Identify { claim: Claim::Password { .. }, .. }));
    assert!(!shown.contains("hunter") && !shown.contains("104, 117"), "{shown}");
}

fn credentials(user: &[u8], password: &[u8]) -> Vec<u8> {
    let length = |field: &[u8]| [u8::try_from(field.len()).unwrap()];
    [&[1], &length(user)[..], user, &length(password), password].concat()
}
