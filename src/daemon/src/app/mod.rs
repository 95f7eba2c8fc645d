//! The roof: arguments in, the parts built from the configuration, and an exit code out.

mod args;
mod build;
mod commands;
mod configuration;
mod confinement;
mod gates;
mod house;
mod housekeeping;
mod pam;
mod privileges;
mod run;
mod threads;
mod trusted;
mod worker;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command, Role};

/// Runs whatever the command line asks for.
///
/// Exit codes are those of the monitor (0, 1, 69, 70, 71, 77, 78) and 2 for a command line that makes no sense.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(order) = args::launch_order() {
        return monitor::launch::main(order);
    }
    let args = Args::parse();
    match (&args.command, args.role) {
        (_, Some(Role::Worker)) => worker::main(&args.selection),
        (Some(Command::Check(check)), None) => commands::check(&args.selection, check),
        (Some(Command::HashPassword), None) => commands::hash_password(),
        (None, None) => match &args.generate_config {
            Some(path) => commands::generate_config(path),
            None => run::run(&args.selection),
        },
    }
}
