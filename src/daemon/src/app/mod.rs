//! The roof: arguments in, the parts built from the configuration, and an exit code out.

mod acl;
mod allowance;
mod args;
mod blueprint;
mod build;
mod certificate;
mod commands;
mod configuration;
mod confinement;
mod counting;
mod delivery;
mod doctor;
mod effective;
mod files;
mod gates;
mod health;
mod history;
mod house;
mod housekeeping;
mod pam;
mod privileges;
mod pulse;
mod quotas;
mod regimes;
mod reload;
mod rewriting;
mod rule_hits;
mod run;
mod soundness;
mod state_directory;
mod threads;
mod trusted;
mod worker;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command, Role, Selection};

/// Runs whatever the command line asks for.
///
/// Exit codes are those of the monitor (0, 1, 69, 70, 71, 77, 78), 10 for a request that `acl-check` finds refused,
/// and 2 for a command line that makes no sense.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(order) = args::launch_order() {
        return monitor::launch::main(order);
    }
    let args = Args::parse();
    match (args.command, args.role) {
        (_, Some(Role::Worker)) => worker::main(args.selection, args.from_monitor),
        (_, Some(Role::Rehearsal)) => run::rehearse(&args.selection, &args.from_monitor),
        (_, Some(Role::Successor)) => run::succeed(&args.selection),
        (Some(command), None) => offline(args.selection, command),
        (None, None) => match &args.generate_config {
            Some(path) => commands::generate_config(path),
            None => run::run(&args.selection),
        },
    }
}

fn offline(selection: Selection, command: Command) -> ExitCode {
    match command {
        Command::Check(check) => commands::check(&selection.with_port(check.port), &check),
        Command::HashPassword => commands::hash_password(),
        Command::ApiToken(token) => commands::api_token(&token),
        Command::AclCheck(check) => acl::check::check(&selection, &check),
        Command::AclValidate(validate) => acl::validate::validate(&selection, &validate),
        Command::AclTest(test) => acl::test::test(&selection, &test),
        Command::Doctor(wanted) => doctor::doctor(&selection.with_port(wanted.port), &wanted),
        Command::Health(question) => health::health(&selection, &question),
        Command::History(ask) => history::ask(&selection, &ask),
        Command::Completions { shell } => commands::completions(shell),
    }
}
