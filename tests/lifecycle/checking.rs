//! `rustsocks check`: says whether a start would work, and starts nothing.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use crate::run;

#[test]
fn the_embedded_default_is_correct() {
    let ran = run(&["check"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "the embedded default: correct; listens on 127.0.0.1:1080\n")
    );
    assert_eq!(ran.stderr, "");
}

#[test]
fn the_file_that_ships_is_correct_and_is_the_default() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config/rustsocks.toml");
    let shipped = run(&["check", "--show", "--config", file]);
    assert_eq!((shipped.code, shipped.stderr.as_str()), (Some(0), ""));
    assert_eq!(values(&shipped.stdout), values(&run(&["check", "--show"]).stdout));
}

#[test]
fn nothing_is_bound() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there are free ports");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    assert_eq!(run(&["check", "--port", &port]).code, Some(0), "a port that is taken is no mistake");
}

#[test]
fn warnings_are_shown_and_are_no_failure() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let config = directory.path().join("rustsocks.toml");
    fs::write(&config, "[auth]\nusers_file = \"/nowhere\"\n").expect("a temporary directory can be written");
    let ran = run(&["check", "--config", &config.to_string_lossy()]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("warning: ") && ran.stderr.contains("auth.users_file"), "{}", ran.stderr);
}

/// Lines without their origins.
pub(crate) fn values(shown: &str) -> Vec<String> {
    let value = |line: &str| line.split("  #").next().unwrap_or_default().trim_end().to_owned();
    shown.lines().map(value).filter(|line| !line.is_empty()).collect()
}
