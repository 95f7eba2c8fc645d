//! A filter: refused inside of its text, or written out so that it reads as the same.
#![no_main]

use filter::{Filter, HISTORY, SESSIONS};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for fields in [SESSIONS, HISTORY] {
        match Filter::parse(text, fields) {
            Ok(filter) => assert_eq!(Filter::parse(&filter.to_string(), fields), Ok(filter)),
            Err(misread) => assert!(misread.column <= text.chars().count() + 1),
        }
    }
});
