//! What each language says to a request, byte by byte.

use std::net::SocketAddr;

use socks::{Dialect, Failure, Name};

#[test]
fn connect_bnd() {
    granted(Dialect::Socks5, "192.0.2.1:80", b"\x05\x00\x00\x01\xc0\x00\x02\x01\x00\x50");
    granted(
        Dialect::Socks5,
        "[2001:db8::1]:443",
        b"\x05\x00\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xbb",
    );
    granted(Dialect::Socks5, "[::ffff:192.0.2.1]:80", b"\x05\x00\x00\x01\xc0\x00\x02\x01\x00\x50");
    granted(Dialect::Socks4, "192.0.2.1:80", b"\x00\x5a\x00\x50\xc0\x00\x02\x01");
    granted(Dialect::Socks4, "[::ffff:192.0.2.1]:80", b"\x00\x5a\x00\x50\xc0\x00\x02\x01");
    granted(Dialect::Socks4, "[2001:db8::1]:443", b"\x00\x5a\x01\xbb\x00\x00\x00\x00");
    granted(Dialect::HttpConnect, "192.0.2.1:80", b"HTTP/1.1 200 Connection established\r\n\r\n");
}

#[test]
fn rep_failure_shape() {
    for (failure, rep, status) in FAILURES {
        assert_eq!(failure.code(), rep);
        assert_eq!(Dialect::Socks5.failed(failure).as_bytes(), [5, rep, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Dialect::Socks4.failed(failure).as_bytes(), [0, 0x5b, 0, 0, 0, 0, 0, 0]);
        let http = Dialect::HttpConnect.failed(failure);
        assert!(http.as_bytes().starts_with(format!("HTTP/1.1 {status} ").as_bytes()), "{http:?}");
    }
}

#[test]
fn a_reverse_lookup_is_answered_with_a_name() {
    let name = Name::new(b"db.corp").unwrap();
    assert_eq!(Dialect::Socks5.named(&name).as_bytes(), b"\x05\x00\x00\x03\x07db.corp\x00\x00");
    for dialect in [Dialect::Socks4, Dialect::HttpConnect] {
        assert_eq!(dialect.named(&name), dialect.failed(Failure::CommandNotSupported));
    }
}

#[test]
fn a_message_shows_its_bytes() {
    let message = Dialect::Socks4.failed(Failure::General);
    assert_eq!(format!("{message:?}"), r#"Message(b"\x00[\x00\x00\x00\x00\x00\x00")"#);
    assert_eq!(message.as_ref(), message.as_bytes());
    assert!(!message.is_empty());
}

fn granted(dialect: Dialect, bound: &str, expected: &[u8]) {
    let message = dialect.granted(bound.parse::<SocketAddr>().unwrap());
    assert_eq!(message.as_bytes(), expected, "{dialect:?} {bound}");
}

const FAILURES: [(Failure, u8, u16); 8] = [
    (Failure::General, 1, 500),
    (Failure::NotAllowed, 2, 403),
    (Failure::NetworkUnreachable, 3, 502),
    (Failure::HostUnreachable, 4, 502),
    (Failure::ConnectionRefused, 5, 502),
    (Failure::TtlExpired, 6, 504),
    (Failure::CommandNotSupported, 7, 501),
    (Failure::AddressTypeNotSupported, 8, 501),
];
