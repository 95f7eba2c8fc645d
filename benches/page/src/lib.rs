//! What every measurement does with what it has found: prints it, keeps it where somebody wants it, and ends with a code that says
//! how it went.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Error, Result};

/// Ends a measurement of this name: 0 all goals reached, 1 not all, 2 could not measure.
#[must_use]
pub fn ended(name: &str, outcome: Result<bool>) -> ExitCode {
    match outcome {
        Ok(all_reached) => ExitCode::from(u8::from(!all_reached)),
        Err(error) => failed(name, &error),
    }
}

/// Says why a measurement of this name could not be made.
#[must_use]
pub fn failed(name: &str, error: &Error) -> ExitCode {
    say(&mut io::stderr(), &format!("{name}: {error:#}\n"));
    ExitCode::from(2)
}

/// Prints a page, and writes it into a file too if one is named.
///
/// # Errors
/// The file cannot be written.
pub fn show(page: &str, output: Option<&Path>) -> Result<()> {
    print(page);
    keep(page, output)
}

/// Prints a text as soon as it is there.
pub fn print(text: &str) {
    say(&mut io::stdout(), text);
}

/// Writes a page into a file, if one is named.
///
/// # Errors
/// The file cannot be written.
pub fn keep(page: &str, output: Option<&Path>) -> Result<()> {
    let Some(path) = output else { return Ok(()) };
    fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))
}

/// Nobody is left to tell when the terminal is gone.
fn say(to: &mut dyn Write, text: &str) {
    drop(to.write_all(text.as_bytes()).and_then(|()| to.flush()));
}
