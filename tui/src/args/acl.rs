//! The commands about rules.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Subcommand;

use super::files::OfFile;
use super::time;
use crate::complete;

#[derive(Debug, Subcommand)]
pub(crate) enum Acl {
    /// May this user go there, and which rule says so? The exit code is 0 for yes and 10 for no
    Explain {
        /// Who
        #[arg(add = complete::users())]
        user: String,
        /// Where to: ADDRESS:PORT or NAME:PORT
        dest: String,
        /// From which address
        #[arg(long, value_name = "ADDRESS")]
        source: Option<IpAddr>,
        /// By which protocol
        #[arg(long, value_name = "PROTOCOL", value_parser = ["tcp", "udp"], default_value = "tcp")]
        protocol: String,
        /// Look the name up, and judge the addresses that it has now
        #[arg(long)]
        resolve: bool,
        /// Under the rules of this file instead of those in force; - is standard input
        #[arg(long, value_name = "FILE")]
        draft: Option<PathBuf>,
    },
    /// The rules in force
    Rules,
    /// How often each rule decided
    Hits,
    /// The rule file in force, or an earlier one, as it is written
    Get {
        /// Which generation, if not the one in force
        #[arg(long = "gen", value_name = "N", add = complete::generations_of_rules())]
        generation: Option<u64>,
    },
    /// Whether a rule file could be in force; the exit code is 6 if not
    Validate {
        /// The file; - is standard input
        file: PathBuf,
    },
    /// How a rule file differs from the one in force
    Diff {
        /// The file; - is standard input
        file: PathBuf,
    },
    /// What a rule file would change for those who are in, and for those who were
    Whatif {
        /// The file; - is standard input
        file: PathBuf,
        /// Also judge what was asked for in so many hours
        #[arg(long, value_name = "N", default_value_t = 0)]
        hours: u32,
        /// Every live session for which it would decide otherwise, instead of how many
        #[arg(long)]
        list: bool,
    },
    /// Saved tests of the rules; without a word, whether the rules in force pass them: the exit code is 1 if not
    Test {
        #[command(subcommand)]
        what: Option<Tests>,
    },
    /// Edit the rules in $VISUAL or $EDITOR; they count once they are valid and you say so
    Edit(Terms),
    /// Put a rule file in force; asks first
    Apply {
        /// The file; - is standard input
        file: PathBuf,
        /// The generation on which it builds, if not the one in force
        #[arg(long, value_name = "N")]
        base: Option<u64>,
        #[command(flatten)]
        how: Terms,
    },
    /// Keep what was applied and would go again otherwise
    Confirm {
        /// Which generation, if not the one that waits
        generation: Option<u64>,
    },
    /// Bring an earlier rule file back; asks first
    Rollback {
        /// Which generation
        #[arg(add = complete::generations_of_rules())]
        generation: u64,
        /// Why; it is kept with the generation
        #[arg(long, value_name = "TEXT")]
        comment: Option<String>,
        /// Although it fails saved tests: they are switched off
        #[arg(long)]
        despite_tests: bool,
        /// In force until files are read again, by a reload or a start; the file stays as it is
        #[arg(long)]
        run_time: bool,
    },
    /// The rule files that were in force, the latest first
    History,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tests {
    /// Whether rules pass them; the exit code is 1 if one fails
    Run {
        /// The rules of this file instead of those in force; - is standard input
        #[arg(long, value_name = "FILE")]
        draft: Option<PathBuf>,
    },
    /// The file of them as it is written
    Get,
    /// Write a file of tests in the place of those that are there
    Put {
        /// The file; - is standard input
        file: PathBuf,
    },
    /// Another one, behind the others
    Add(NewTest),
    /// One less
    Del {
        /// Its number, from 1
        number: usize,
    },
    /// One counts again
    On {
        /// Its number, from 1
        number: usize,
    },
    /// One is run and holds nothing up
    Off {
        /// Its number, from 1
        number: usize,
    },
}

/// A test that is to be saved.
#[derive(Debug, clap::Args)]
pub(crate) struct NewTest {
    /// Who
    pub(crate) user: String,
    /// Where to: ADDRESS:PORT or NAME:PORT
    pub(crate) dest: String,
    /// What is expected
    #[arg(value_parser = ["allow", "deny"])]
    pub(crate) expect: String,
    /// What it is about
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// From which address
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) source: Option<IpAddr>,
    /// By which protocol
    #[arg(long, value_name = "PROTOCOL", value_parser = ["tcp", "udp"], default_value = "tcp")]
    pub(crate) protocol: String,
    /// An address that the name has; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Vec<IpAddr>,
    /// The rule that has to be credited: its description, or its place as users/alice#2
    #[arg(long, value_name = "RULE")]
    pub(crate) rule: Option<String>,
    /// Switched off: it is run and holds nothing up, for rules that are still to come
    #[arg(long)]
    pub(crate) off: bool,
}

/// How rules come into force.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Terms {
    /// Why; it is kept with the generation
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,

    /// The rules of before come back after so long (120s) unless somebody confirms
    #[arg(long, value_name = "DURATION", value_parser = time::probation)]
    pub(crate) confirm_within: Option<u64>,

    /// End the sessions that the rules deny
    #[arg(long)]
    pub(crate) end_denied: bool,

    /// Only if exactly so many live sessions are denied
    #[arg(long, value_name = "N")]
    pub(crate) expect_denied: Option<u64>,

    /// Although they fail saved tests: these are switched off
    #[arg(long)]
    pub(crate) despite_tests: bool,

    #[command(flatten)]
    pub(crate) of_file: OfFile,
}
