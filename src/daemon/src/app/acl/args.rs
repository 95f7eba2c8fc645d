//! The command lines of the commands about rules.

use std::net::IpAddr;
use std::path::PathBuf;

use acl::{AuthMethod, Command, Destination, Protocol, Word};
use clap::ArgAction;
use jiff::Timestamp;

/// A request that nobody makes.
#[derive(Debug, clap::Args)]
pub(in crate::app) struct Check {
    /// Who asks; nobody in particular without it
    #[arg(long, value_name = "NAME")]
    pub(super) user: Option<String>,

    /// A group that the authentication finds, besides those of the files; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(super) group: Vec<String>,

    /// Where to: a name or an address
    #[arg(long, value_name = "HOST", value_parser = destination)]
    pub(super) dest: Destination,

    /// At which port; a lookup has none
    #[arg(long, value_name = "PORT", required_unless_present = "command")]
    pub(super) port: Option<u16>,

    /// tcp or udp; tcp without it
    #[arg(long, value_name = "PROTOCOL", value_parser = word::<Protocol>)]
    pub(super) protocol: Option<Protocol>,

    /// connect, bind, `udp_associate` or resolve, instead of what the protocol means
    #[arg(long, value_name = "COMMAND", value_parser = word::<Command>, conflicts_with = "protocol")]
    pub(super) command: Option<Command>,

    /// Where the client is
    #[arg(long, value_name = "ADDRESS")]
    pub(super) source: Option<IpAddr>,

    /// none, userpass, pam.address or pam.username; userpass for a user and none for nobody without it
    #[arg(long, value_name = "METHOD", value_parser = word::<AuthMethod>)]
    pub(super) auth_method: Option<AuthMethod>,

    /// A PAM service that accepts the client; may be given several times, and all others refuse it
    #[arg(long, value_name = "SERVICE")]
    pub(super) pam_service: Vec<String>,

    /// An address that the name has; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    pub(super) address: Vec<IpAddr>,

    /// Ask this host's resolver for the addresses of the name
    #[arg(long, action = ArgAction::SetTrue, conflicts_with = "address")]
    pub(super) resolve: bool,

    /// When, as 2027-01-31T18:00:00+01:00; now without it
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(super) at: Option<Timestamp>,

    /// Say of every rule why it fits or does not
    #[arg(long, action = ArgAction::SetTrue)]
    pub(super) explain: bool,

    /// Print one JSON object
    #[arg(long, action = ArgAction::SetTrue)]
    pub(super) json: bool,
}

#[derive(Debug, clap::Args)]
pub(in crate::app) struct Validate {
    /// Take every warning for an error
    #[arg(long, action = ArgAction::SetTrue)]
    pub(super) strict: bool,
    /// Print one JSON object
    #[arg(long, action = ArgAction::SetTrue)]
    pub(super) json: bool,
}

#[derive(Debug, clap::Args)]
pub(in crate::app) struct Test {
    /// Read the tests from FILE; without it from the file beside the rules, as acl.tests.toml beside acl.toml
    #[arg(long, value_name = "FILE")]
    pub(super) tests: Option<PathBuf>,
}

fn destination(text: &str) -> Result<Destination, String> {
    Destination::parse_name(text.as_bytes()).map_err(|fault| fault.to_string())
}

fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write 2027-01-31T18:00:00+01:00".to_owned())
}

fn word<W: Word>(text: &str) -> Result<W, String> {
    let words = || W::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(", ");
    let found = W::ALL.iter().copied().find(|word| word.as_str() == text);
    found.ok_or_else(|| format!("known are {}", words()))
}
