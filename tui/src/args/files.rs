//! Changes to the operator's files: the configuration, and what somebody may have.

use std::path::PathBuf;

use clap::Subcommand;

use super::time;
use crate::complete;

/// What becomes of the file.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct OfFile {
    /// In force until files are read again, by a reload or a start; the file stays as it is
    #[arg(long, conflicts_with_all = ["over_file", "merge_file"])]
    pub(crate) run_time: bool,

    /// Over a file that somebody has edited and that is not in force, if it is just this text
    #[arg(long, value_name = "SHA", conflicts_with = "merge_file")]
    pub(crate) over_file: Option<String>,

    /// Together with what somebody has written into the file and that is not in force
    #[arg(long)]
    pub(crate) merge_file: bool,
}

/// How a change is made.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Manner {
    /// Only say what would change, and whether it could
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// What was before comes back after so long (2m) unless somebody confirms
    #[arg(long, value_name = "DURATION", value_parser = time::probation)]
    pub(crate) confirm_within: Option<u64>,

    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) comment: String,

    #[command(flatten)]
    pub(crate) of_file: OfFile,
}

/// What is said of a change to a file, of which what holds for a while is none.
const OF_FILES: [&str; 4] = ["confirm_within", "run_time", "over_file", "merge_file"];

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// The configuration in force, as it is written
    Get,
    /// Every key: its value, where that comes from, and what waits for a start
    Effective {
        /// Only what somebody wrote
        #[arg(long)]
        changed: bool,
    },
    /// Another value for a key
    Set {
        /// The table and the key: `limits.max_connections`, or `limits.groups/staff.max_connections`
        #[arg(add = complete::keys())]
        key: String,
        /// As TOML has it; what is neither a number nor true or false is a text
        value: String,
        #[command(flatten)]
        manner: Manner,
    },
    /// Takes a key out, for which its default then holds
    Unset {
        /// The table and the key
        #[arg(add = complete::keys())]
        key: String,
        #[command(flatten)]
        manner: Manner,
    },
    /// The files that the daemon reads, and whether each says what is in force
    Files,
    /// How the operator's own file differs from what is in force
    Diff {
        /// Which file
        #[arg(value_parser = ["config", "acl", "users"], default_value = "config")]
        store: String,
    },
    /// How a file differs from what is in force
    Compare {
        /// The file; - is standard input
        file: PathBuf,
    },
    /// Puts the text of a file in force, in the place of the configuration file
    Apply {
        /// The file; - is standard input
        file: PathBuf,
        /// The generation on which it builds, if not the one in force
        #[arg(long, value_name = "N")]
        base: Option<u64>,
        #[command(flatten)]
        manner: Manner,
    },
    /// Opens the text in $VISUAL or $EDITOR, looks whether it could be in force, and applies it
    Edit {
        #[command(flatten)]
        manner: Manner,
    },
    /// What was in force, the last 50
    History,
    /// Brings one of those back; asks first
    Rollback {
        /// Its number
        to: u64,
        /// Why, for whoever reads it later
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        comment: String,
    },
    /// Keeps what was applied with `--confirm-within`
    Confirm {
        /// Which generation, if not the one that waits
        generation: Option<u64>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Limits {
    /// Who has which part of the bandwidth, who waits for it and why; or all that limits one of them
    #[command(visible_alias = "list")]
    Show {
        /// As the list calls it: global, user/NAME, group/NAME, …
        #[arg(add = complete::targets(), conflicts_with = "filter")]
        target: Option<String>,
        /// Only those that this lets through
        #[arg(long, value_name = "EXPR")]
        filter: Option<String>,
    },
    /// Grants and overrides that hold now
    Overrides,
    /// How far quotas are used up, the nearest to its end first
    Quotas {
        /// Only this user's
        #[arg(long, value_name = "NAME", add = complete::users())]
        user: Option<String>,
    },
    /// Lets somebody have more of a quota for a while: `limits grant user/bob 2G --until 18:00`
    Grant {
        /// user/NAME or group/NAME
        #[arg(add = complete::targets())]
        target: String,
        /// How many bytes more, as 500M or 2G
        bytes: String,
        /// So long, as 6h or 2d
        #[arg(long = "for", value_name = "DURATION", id = "for_how_long", value_parser = time::seconds, required_unless_present = "until")]
        for_how_long: Option<u64>,
        /// Until this time of the day (18:00), this day (2026-11-22) or this moment (2026-11-22T18:00), where the client runs
        #[arg(long, value_name = "TIME", conflicts_with = "for_how_long")]
        until: Option<String>,
        /// Of this quota alone, not of all that the target has
        #[arg(long, value_name = "NAME")]
        quota: Option<String>,
        /// Why, for the audit log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// What somebody may have: for a while with --for, or written in a file
    Set {
        /// user/NAME or group/NAME; without --for also global, users (each of them) or source (each of them)
        #[arg(add = complete::targets())]
        target: String,
        /// Bytes a second in each direction, as 512K or 2.5M, or up and down, as 512K:4M (not with --for); 0 is no limit
        #[arg(long, value_name = "RATE")]
        rate: Option<String>,
        /// Bytes a second in each direction that it has in any case, as 512K
        #[arg(long, value_name = "RATE", conflicts_with = "for_how_long")]
        guaranteed: Option<String>,
        /// Sessions at once; 0 is no limit
        #[arg(long, value_name = "N")]
        conns: Option<u32>,
        /// Only so long (1h), and in no file
        #[arg(long = "for", value_name = "DURATION", id = "for_how_long", value_parser = time::seconds, conflicts_with_all = OF_FILES)]
        for_how_long: Option<u64>,
        #[command(flatten)]
        manner: Manner,
    },
    /// Takes grants and overrides back
    Reset {
        /// user/NAME or group/NAME
        #[arg(add = complete::targets())]
        target: String,
        /// Only the one that `limits overrides` calls so
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
    /// Takes what is written of somebody out of the file
    Unset {
        /// As for set
        #[arg(add = complete::targets())]
        target: String,
        #[command(flatten)]
        manner: Manner,
    },
}
