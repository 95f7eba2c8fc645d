//! The request of SOCKS5: which commands and addresses it may carry, and what is owed for others.

use socks::Fault;

use crate::{broken, everything, requests, run};

#[test]
fn every_command_is_decoded() {
    for (code, expected) in [
        (1, "Connect 192.0.2.1:80"),
        (2, "Bind 192.0.2.1:80"),
        (3, "UdpAssociate 192.0.2.1:80"),
        (0xf0, "Resolve 192.0.2.1:80"),
        (0xf1, "ResolvePtr 192.0.2.1:80"),
    ] {
        check(&[5, code, 0, 1, 192, 0, 2, 1, 0, 80], expected);
    }
}

#[test]
fn every_kind_of_address_is_decoded() {
    check(b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50", "Connect 127.0.0.1:80");
    check(b"\x05\x01\x00\x03\x07db.corp\x01\xbb", "Connect db.corp:443");
    check(b"\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\xff\xff", "Connect [2001:db8::1]:65535");
}

#[test]
fn connect_domain_255() {
    let name = "a".repeat(255);
    let request = [b"\x05\x01\x00\x03\xff", name.as_bytes(), b"\x00\x50"].concat();
    check(&request, &format!("Connect {name}:80"));
}

#[test]
fn connect_domain_is_ip_literal() {
    check(b"\x05\x01\x00\x03\x09127.0.0.1\x00\x50", "Connect 127.0.0.1:80");
    check(b"\x05\x01\x00\x03\x03::1\x00\x50", "Connect [::1]:80");
}

#[test]
fn connect_port_zero() {
    check(b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x00", "Connect 127.0.0.1:0");
}

#[test]
fn a_reserved_byte_may_be_anything() {
    check(b"\x05\x01\xff\x01\x7f\x00\x00\x01\x00\x50", "Connect 127.0.0.1:80");
}

#[test]
fn an_unknown_command_is_answered_with_7_before_the_address_is_looked_at() {
    for request in [&b"\x05\x00"[..], b"\x05\x04", b"\x05\xff\x00\x09", b"\x05\xf2\x00\x03\x00"] {
        refused(request, Fault::Command(request[1]), 7);
    }
}

#[test]
fn an_unknown_address_type_is_answered_with_8() {
    for atyp in [0, 2, 5, 0xff] {
        refused(&[5, 1, 0, atyp], Fault::AddressType(atyp), 8);
    }
}

#[test]
fn an_empty_name_is_answered_with_1() {
    refused(b"\x05\x01\x00\x03\x00", Fault::EmptyName, 1);
}

#[test]
fn a_request_of_another_version_is_answered_with_1() {
    refused(b"\x04\x01", Fault::RequestVersion(4), 1);
}

fn check(request: &[u8], expected: &str) {
    requests(&run(&everything(), [&b"\x05\x01\x00"[..], request]), expected);
}

fn refused(request: &[u8], fault: Fault, rep: u8) {
    let input = [b"\x05\x01\x00", request].concat();
    broken(&everything(), &input, fault, &[5, 0, 5, rep, 0, 1, 0, 0, 0, 0, 0, 0]);
}
