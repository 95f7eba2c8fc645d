//! Logins.

use std::net::IpAddr;

use clap::Subcommand;

use crate::complete;

#[derive(Debug, Subcommand)]
pub(crate) enum Auth {
    /// How clients log in, and how that goes
    Status,
    /// Try a login by what clients meet; no source pays for it. The exit code is 0 if it works and 10 if not
    Test {
        /// The name
        #[arg(add = complete::users())]
        user: String,
        /// As if from this address
        #[arg(long, value_name = "ADDRESS")]
        source: Option<IpAddr>,
        /// By the methods of this listener
        #[arg(long, value_name = "NAME")]
        listener: Option<String>,
        /// The password is the first line of standard input
        #[arg(long)]
        stdin: bool,
    },
    /// Sources that are turned away because they guessed
    Bans {
        /// Which, for instance 'src in 192.0.2.0/24 left>1h'
        #[arg(long, value_name = "EXPR")]
        filter: Option<String>,
    },
    /// Let a source come again
    Unban {
        /// Any address of it, or what `auth bans` calls it
        #[arg(value_parser = source, add = complete::sources())]
        address: IpAddr,
        /// Why, for the audit log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// A line for each login as it is tried, the last ones first
    Log {
        /// Only those that failed
        #[arg(long)]
        failures: bool,
        /// Which, for instance 'user=alice or result=blocked'
        #[arg(long, value_name = "EXPR")]
        filter: Option<String>,
    },
}

/// An address, also with the length of the network that it stands for.
fn source(text: &str) -> Result<IpAddr, String> {
    let address = text.split_once('/').map_or(text, |(address, _)| address);
    address.parse().map_err(|_| "write an address, as 192.0.2.7 or 2001:db8::7".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_meant_as_it_is_listed() {
        for text in ["2001:db8::/64", "2001:db8::"] {
            assert_eq!(source(text).map(|address| address.to_string()).as_deref(), Ok("2001:db8::"));
        }
        assert!(source("alice").is_err());
    }
}
