//! The PROXY protocol: once there is an answer, more bytes do not change it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use socks::proxy_protocol::{Progress, decode};

fuzz_target!(|input: &[u8]| {
    let whole = decode(input);
    if let Ok(Progress::Done { consumed, .. }) = whole {
        assert!(consumed <= input.len());
        assert_eq!(decode(&input[..consumed]), whole);
    }
    for length in 0..input.len() {
        let part = decode(&input[..length]);
        assert!(part == Ok(Progress::NeedMore) || part == whole, "{part:?} at {length}, later {whole:?}");
    }
});
