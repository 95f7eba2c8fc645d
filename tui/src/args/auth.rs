//! Logins.

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
        source: Option<String>,
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
        /// Any address of it
        #[arg(add = complete::sources())]
        address: String,
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
