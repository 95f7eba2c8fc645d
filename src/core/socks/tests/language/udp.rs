//! The header of a relayed datagram.

use std::net::SocketAddr;

use socks::udp::{UdpFault, decode, encode_header};

#[test]
fn a_datagram_names_its_target() {
    check(b"\0\0\0\x01\xc0\x00\x02\x01\x00\x35query", "192.0.2.1:53", b"query");
    check(b"\0\0\0\x03\x07db.corp\x00\x35query", "db.corp:53", b"query");
    check(b"\0\0\0\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x35query", "[2001:db8::1]:53", b"query");
}

#[test]
fn udp_empty_payload() {
    check(b"\0\0\0\x01\xc0\x00\x02\x01\x00\x35", "192.0.2.1:53", b"");
}

#[test]
fn udp_rsv_nonzero() {
    check(b"\xff\x01\0\x01\xc0\x00\x02\x01\x00\x35query", "192.0.2.1:53", b"query");
}

#[test]
fn udp_frag_nonzero() {
    for fragment in [1, 0x80, 0xff] {
        let datagram = [0, 0, fragment, 1, 192, 0, 2, 1, 0, 53];
        assert_eq!(decode(&datagram), Err(UdpFault::Fragment(fragment)));
    }
}

#[test]
fn udp_short_packet() {
    let whole = b"\0\0\0\x03\x07db.corp\x00\x35";
    for length in 0..whole.len() {
        assert_eq!(decode(&whole[..length]), Err(UdpFault::Short), "{length} bytes");
    }
}

#[test]
fn udp_bad_atyp() {
    assert_eq!(decode(b"\0\0\0\x02\xc0\x00\x02\x01\x00\x35"), Err(UdpFault::AddressType(2)));
}

#[test]
fn udp_domain_0_len() {
    assert_eq!(decode(b"\0\0\0\x03\x00\x00\x35query"), Err(UdpFault::EmptyName));
}

#[test]
fn udp_64k() {
    let payload = vec![7; 65_507 - 10];
    let datagram = [b"\0\0\0\x01\xc0\x00\x02\x01\x00\x35", &payload[..]].concat();
    check(&datagram, "192.0.2.1:53", &payload);
}

#[test]
fn udp_reply_header() {
    answered("192.0.2.1:53", b"\0\0\0\x01\xc0\x00\x02\x01\x00\x35");
    answered("[2001:db8::1]:53", b"\0\0\0\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x35");
}

#[test]
fn udp_v4_mapped() {
    answered("[::ffff:192.0.2.1]:53", b"\0\0\0\x01\xc0\x00\x02\x01\x00\x35");
}

fn check(datagram: &[u8], target: &str, payload: &[u8]) {
    let decoded = decode(datagram).unwrap();
    assert_eq!(decoded.target.to_string(), target);
    assert_eq!(decoded.payload, payload);
    assert_eq!(decoded.header_length + payload.len(), datagram.len());
}

fn answered(from: &str, expected: &[u8]) {
    assert_eq!(encode_header(from.parse::<SocketAddr>().unwrap()).as_bytes(), expected);
}
