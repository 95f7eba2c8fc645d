//! The operator's own pager.

use std::env;
use std::io::{self, Write};
use std::process::{Command, Stdio};

/// What is run where nothing is chosen.
const USUAL: &str = "less -S";

/// Shows a text, until it is left.
///
/// # Errors
/// The pager cannot be run, or failed.
pub(crate) fn show(text: &str) -> io::Result<()> {
    let set = env::var("PAGER").ok().filter(|value| !value.trim().is_empty());
    let pager = set.unwrap_or_else(|| USUAL.to_owned());
    // It may come with arguments of its own, and has its keys from the terminal.
    let mut child = Command::new("sh").arg("-c").arg(&pager).stdin(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        match input.write_all(text.as_bytes()) {
            // It was left before the end.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written?,
        }
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{pager} ended with {status}"))) }
}
