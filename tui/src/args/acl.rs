//! The commands about rules.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Acl {
    /// May this user go there, and which rule says so? The exit code is 0 for yes and 10 for no
    Explain {
        /// Who
        user: String,
        /// Where to: ADDRESS:PORT or NAME:PORT
        dest: String,
        /// From which address
        #[arg(long, value_name = "ADDRESS")]
        source: Option<String>,
        /// By which protocol
        #[arg(long, value_name = "PROTOCOL", value_parser = ["tcp", "udp"], default_value = "tcp")]
        protocol: String,
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
        #[arg(long = "gen", value_name = "N")]
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
        generation: u64,
        /// Why; it is kept with the generation
        #[arg(long, value_name = "TEXT")]
        comment: Option<String>,
    },
    /// The rule files that were in force, the latest first
    History,
}

/// How rules come into force.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Terms {
    /// Why; it is kept with the generation
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,

    /// The rules of before come back after so long (120s) unless somebody confirms
    #[arg(long, value_name = "DURATION")]
    pub(crate) confirm_within: Option<String>,

    /// End the sessions that the rules deny
    #[arg(long)]
    pub(crate) end_denied: bool,

    /// Only if exactly so many live sessions are denied
    #[arg(long, value_name = "N")]
    pub(crate) expect_denied: Option<u64>,
}
