//! The header of a datagram: what is decoded adds up, and what is shown of it is harmless.
#![no_main]

use libfuzzer_sys::fuzz_target;
use socks::udp;

fuzz_target!(|datagram: &[u8]| {
    let Ok(decoded) = udp::decode(datagram) else { return };
    assert_eq!(decoded.payload, &datagram[decoded.header_length..]);
    assert!((8..=262).contains(&decoded.header_length));
    assert!(decoded.target.to_string().bytes().all(|byte| byte.is_ascii_graphic()));
});
