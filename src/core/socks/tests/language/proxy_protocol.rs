//! The PROXY protocol in front of a connection.

use socks::proxy_protocol::{Path, Progress, ProxyFault, decode};

#[test]
fn version_1_names_both_ends() {
    proxied(b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n", "192.0.2.1:56324", "192.0.2.2:443");
    proxied(b"PROXY TCP6 2001:db8::1 ::1 0 65535\r\n", "[2001:db8::1]:0", "[::1]:65535");
}

#[test]
fn version_1_may_not_know() {
    direct(b"PROXY UNKNOWN\r\n");
    direct(b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n");
}

#[test]
fn version_1_is_strict() {
    for line in [
        &b"PROXY \r\n"[..],
        b"PROXY TCP4\r\n",
        b"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        b"PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n",
        b"PROXY TCP4 ::1 ::1 1 2\r\n",
        b"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n",
        b"PROXY TCP4 \xff 192.0.2.2 1 2\r\n",
    ] {
        assert_eq!(decode(line), Err(ProxyFault::Malformed), "{}", line.escape_ascii());
    }
}

#[test]
fn version_1_has_at_most_107_bytes() {
    let line = |length: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(length - 16));
    direct(line(107).as_bytes());
    let too_long = Err(ProxyFault::TooLong { limit: 107 });
    assert_eq!(decode(line(108).as_bytes()), too_long);
    assert_eq!(decode(&line(200).as_bytes()[..107]), too_long);
}

#[test]
fn version_2_names_both_ends() {
    proxied(&v2(0x21, 0x11, V4), "192.0.2.1:56324", "192.0.2.2:443");
    let v6 = [&[0; 15][..], &[1], &[0; 15], &[2], b"\x00\x01\x00\x02"].concat();
    proxied(&v2(0x21, 0x21, &v6), "[::1]:1", "[::2]:2");
}

#[test]
fn version_2_extensions_are_skipped() {
    let with_noop = [V4, b"\x04\x00\x03abc"].concat();
    proxied(&v2(0x21, 0x11, &with_noop), "192.0.2.1:56324", "192.0.2.2:443");
}

#[test]
fn version_2_may_come_from_the_neighbour_itself() {
    direct(&v2(0x20, 0x00, b""));
    direct(&v2(0x20, 0x11, V4));
    for valid_but_of_no_use in [0x00, 0x01, 0x10, 0x12, 0x22, 0x31, 0x32] {
        direct(&v2(0x21, valid_but_of_no_use, &[7; 216]));
    }
}

#[test]
fn version_2_is_strict() {
    for header in [
        v2(0x11, 0x11, V4),
        v2(0x22, 0x11, V4),
        v2(0x21, 0x41, V4),
        v2(0x21, 0x13, V4),
        v2(0x21, 0x11, &V4[..11]),
        v2(0x21, 0x21, V4),
    ] {
        assert_eq!(decode(&header), Err(ProxyFault::Malformed), "{header:02x?}");
    }
}

#[test]
fn version_2_is_bounded_before_its_extensions_arrive() {
    direct(&v2(0x20, 0, &[0; 2048 - 16]));
    let too_long = Err(ProxyFault::TooLong { limit: 2048 });
    assert_eq!(decode(&v2(0x20, 0, &[0; 2048 - 15])[..16]), too_long);
}

#[test]
fn a_header_may_arrive_byte_by_byte() {
    let v1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n".to_vec();
    for header in [v1, v2(0x21, 0x11, V4)] {
        for length in 0..header.len() {
            assert_eq!(decode(&header[..length]), Ok(Progress::NeedMore), "{length} bytes");
        }
    }
}

#[test]
fn a_connection_without_a_header_is_noticed_at_once() {
    for input in [&b"\x05\x01\x00"[..], b"GET / HTTP/1.1", b"PROXX", b"\r\n\r\n\0\r\nQUIT\r", b"\x16"] {
        assert_eq!(decode(input), Err(ProxyFault::Absent), "{}", input.escape_ascii());
    }
}

fn proxied(header: &[u8], source: &str, destination: &str) {
    let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
    done(header, Path::Proxied { source, destination });
}

fn direct(header: &[u8]) {
    done(header, Path::Direct);
}

/// What the client sent behind the header is not touched.
fn done(header: &[u8], path: Path) {
    let expected = Ok(Progress::Done { consumed: header.len(), path });
    assert_eq!(decode(header), expected);
    assert_eq!(decode(&[header, b"\x05\x01\x00"].concat()), expected);
}

fn v2(command: u8, transport: u8, block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, transport][..], &length, block].concat()
}

/// 192.0.2.1:56324 to 192.0.2.2:443.
const V4: &[u8] = b"\xc0\x00\x02\x01\xc0\x00\x02\x02\xdc\x04\x01\xbb";
