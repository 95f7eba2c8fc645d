//! What operators do to a running daemon: commands with one answer each, and a console.
//!
//! Everything goes over the admin socket; nothing here knows the daemon's inside, its files or its database.

mod args;
mod bundle;
mod command;
mod complete;
mod connection;
mod console;
mod editor;
mod failure;
mod megabits;
mod output;
mod pager;
mod password;
mod past;
mod shown;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;

use self::args::Args;
use self::failure::Failure;

/// Does what the command line says; the exit code tells how it went.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(code) = complete::answered() {
        return code;
    }
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return explained(&error),
    };
    match command::run(args, io::stdout().is_terminal()) {
        Ok(code) => code,
        // Whoever read the output has seen enough of it.
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => reported(&failure),
    }
}

/// Help goes to standard output and is no failure; a command line that makes no sense is one.
fn explained(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    match (error.use_stderr(), printed) {
        (false, Ok(())) => ExitCode::SUCCESS,
        (false, Err(failed)) if failed.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        _ => ExitCode::from(2),
    }
}

fn reported(failure: &Failure) -> ExitCode {
    // Standard error may be closed as well, and then nobody is there to tell.
    let _told = writeln!(io::stderr(), "rustsocks-cli: {failure}");
    ExitCode::from(failure.exit_code())
}
