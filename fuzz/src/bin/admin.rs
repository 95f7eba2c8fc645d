//! A line of the admin socket: a refusal instead of a panic, and what is read means what its own line says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::admin::{Lines, Message, Request};

fuzz_target!(|bytes: &[u8]| {
    let mut lines = Lines::new(4096);
    lines.push(bytes);
    while let Ok(Some(line)) = lines.next_line() {
        match Request::read(&line) {
            Ok(request) => {
                let again = request.line();
                assert_eq!(Request::read(&again[..again.len() - 1]), Ok(request));
            }
            Err(bad) => assert!(Message::read(bad.answer().line().trim_ascii_end()).is_ok()),
        }
        let _whatever_it_is = Message::read(&line);
    }
});
