//! The documents against the program: what it can do is written down, and what is written down is so.
//!
//! Knows no words of its own: every flag, word and number that it looks for is read from the program or its sources.

mod commands;
mod guide;
mod links;
mod markdown;
mod program;
mod quick_start;
mod words;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository as text.
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_rustsocks"))
}

/// The program without any setting that whoever runs the tests may have in the environment.
fn rustsocks(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    let settings = std::env::vars_os().map(|(name, _)| name);
    settings.filter(|name| name.to_string_lossy().starts_with("RUSTSOCKS_")).for_each(|name| {
        command.env_remove(name);
    });
    command.args(arguments);
    command
}
