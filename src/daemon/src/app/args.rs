//! The command line. rustsocks(8) and docs/cli.md describe it; a test compares.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{ArgAction, Subcommand, ValueEnum};
use clap_complete::Shell;
use config::Override;
use config::tokens::{Scope, TokenName};

use super::acl::args as acl;
use super::doctor::args as doctor;
use super::health::args as health;
use super::history::args as history;
use crate::state::program;

/// What `--version` says and `-V` does not.
static DESCRIPTION: LazyLock<String> = LazyLock::new(program::description);

/// A SOCKS proxy for administrators: SOCKS5, SOCKS4(a) and HTTP CONNECT on one port.
///
/// Without --config it listens on 127.0.0.1:1080 for clients on this machine, without authentication.
#[derive(Debug, clap::Parser)]
#[command(name = "rustsocks", version, long_version = &**DESCRIPTION, max_term_width = 100)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) selection: Selection,

    /// Write the default configuration, with every key explained, to FILE, which must not exist; "-" prints it
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    pub(super) generate_config: Option<PathBuf>,

    #[command(subcommand)]
    pub(super) command: Option<Command>,

    /// Which process this is; a monitor gives it to those that it starts, and `launch` to the stage before
    #[arg(long, hide = true)]
    pub(super) role: Option<Role>,

    #[command(flatten)]
    pub(super) from_monitor: FromMonitor,
}

/// What the monitor gives to its worker.
#[derive(Debug, clap::Args)]
pub(super) struct FromMonitor {
    /// Where state is kept when the configuration names no place; the monitor may be root, whose place is another one
    #[arg(long, hide = true)]
    pub(super) state_directory: Option<PathBuf>,

    /// Which frames the processes of the service speak whose monitor wants a successor
    #[arg(long, hide = true)]
    pub(super) frames: Option<u8>,

    /// The services that the PAM helpers know, in their order
    #[arg(long, hide = true)]
    pub(super) pam_service: Vec<String>,
}

/// Which configuration, and what outranks it.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Selection {
    /// Read the configuration from FILE; without it the defaults hold
    #[arg(short, long, value_name = "FILE", global = true)]
    pub(super) config: Option<PathBuf>,

    /// Listen on ADDRESS instead of `server.bind_address`
    #[arg(long, value_name = "ADDRESS", global = true)]
    bind: Option<IpAddr>,

    /// Listen on PORT instead of `server.bind_port`
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,

    /// Log at LEVEL (error, warn, info, debug, trace) instead of `logging.level`
    #[arg(long, value_name = "LEVEL", global = true)]
    log_level: Option<String>,

    /// Where relative paths of the configuration begin; the monitor gives it to its worker
    #[arg(long, value_name = "DIRECTORY", global = true, hide = true)]
    pub(super) directory: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check the configuration and every file that it names, without starting anything
    Check(Check),
    /// Examine what the configuration asks for and what this host has for it, and say which line to change
    Doctor(doctor::Examination),
    /// Ask the service that runs for its health, where its metrics are
    Health(health::Question),
    /// Read a password (from a terminal twice and without echo, otherwise one line of standard input) and print its hash for the users file
    HashPassword,
    /// Make a token for the API: its table for the tokens file on standard output, the token itself on standard error
    ApiToken(ApiToken),
    /// Say whether a client may go somewhere, and which rule says so
    AclCheck(acl::Check),
    /// Say what is wrong with the rules, and what does not make sense
    AclValidate(acl::Validate),
    /// Run the tests of the rules
    AclTest(acl::Test),
    /// Show sessions from the history
    History(history::Ask),
    /// Print a completion script
    Completions {
        /// For which shell
        shell: Shell,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct ApiToken {
    /// Who will have it: 1 to 64 letters, digits, dots, hyphens and underscores
    #[arg(value_name = "NAME")]
    pub(super) name: TokenName,

    /// What it opens: read, operate or admin
    #[arg(value_name = "SCOPE")]
    pub(super) scope: Scope,
}

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Print the effective settings, each with where it came from
    #[arg(long, action = ArgAction::SetTrue)]
    pub(super) show: bool,

    /// Listen on PORT instead of `server.bind_port`
    #[arg(long, value_name = "PORT")]
    pub(super) port: Option<u16>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Role {
    Worker,
    /// Does what a monitor does before it begins, and ends.
    Rehearsal,
    /// Takes the place of a monitor in its process.
    Successor,
}

/// The command line as the operator wrote it, without the program's name and without what a former monitor put before it.
pub(super) fn own_words() -> impl Iterator<Item = OsString> {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let is_successor = words.first().is_some_and(|word| word == "--role");
    words.into_iter().skip(if is_successor { 2 } else { 0 })
}

/// What follows `--role launch`, if the command line begins so.
///
/// Told apart before anything else is read: that stage still has every right of its monitor, and parses no more than it must.
pub(super) fn launch_order() -> Option<impl Iterator<Item = OsString>> {
    let mut words = std::env::args_os().skip(1);
    (words.next()? == "--role" && words.next()? == "launch").then_some(words)
}

impl Selection {
    /// With the port that stands behind the command, if one does.
    ///
    /// It is not a flag of every command, since `acl-check` means another port by it.
    pub(super) fn with_port(self, port: Option<u16>) -> Self {
        Self { port: port.or(self.port), ..self }
    }

    /// The values that outrank the file: the environment's, and the flags' above them.
    pub(super) fn overrides(&self) -> Vec<Override> {
        let pairs =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let flags = [
            ("--bind", "server.bind_address", self.bind.map(|bind| bind.to_string())),
            ("--port", "server.bind_port", self.port.map(|port| port.to_string())),
            ("--log-level", "logging.level", self.log_level.clone()),
        ];
        let flags = flags.into_iter().filter_map(|(flag, key, value)| Some(Override::flag(flag, key, &value?)));
        Override::environment(pairs).into_iter().chain(flags).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
