//! The command line of `rustsocks doctor`.

use std::fmt;
use std::str::FromStr;

use acl::Destination;
use clap::ArgAction;

#[derive(Debug, clap::Args)]
pub(in crate::app) struct Examination {
    /// Print the findings as JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub(super) json: bool,

    /// A host of the world, whose name is resolved and to whose port a connection is made, by IPv6 and IPv4
    #[arg(long, value_name = "HOST:PORT", default_value = "example.com:443")]
    pub(super) target: Target,

    /// Listen on PORT instead of `server.bind_port`
    #[arg(long, value_name = "PORT")]
    pub(in crate::app) port: Option<u16>,
}

/// Some host of the world, with a port at which it takes connections.
#[derive(Debug, Clone)]
pub(in crate::app) struct Target {
    pub(super) host: Destination,
    pub(super) port: u16,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = text.rsplit_once(':').ok_or("HOST:PORT is wanted")?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let host = Destination::parse_name(host.as_bytes()).map_err(|fault| fault.to_string())?;
        Ok(Self { host, port: port.parse().map_err(|_| "a port is a number up to 65535")? })
    }
}

/// The host alone.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Destination::Address(address) => write!(f, "{address}"),
            Destination::Name(name) => write!(f, "{name}"),
        }
    }
}
