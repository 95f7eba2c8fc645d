//! A configuration file: problems instead of panics, and what loads survives being shown and loaded again.
#![no_main]

use config::{Source, load};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(loaded) = load(Source::File { path: "fuzz.toml", text }, &[]) else { return };
    let shown = loaded.render();
    let again = load(Source::File { path: "shown.toml", text: &shown }, &[]).expect("what is shown can be loaded");
    assert_eq!(again.settings, loaded.settings);
});
