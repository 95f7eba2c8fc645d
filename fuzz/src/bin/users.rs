//! A users file: problems instead of panics, and never an empty list.
#![no_main]

use config::users;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(users) = users::load("fuzz.toml", text) {
        assert!(!users.as_slice().is_empty());
    }
});
