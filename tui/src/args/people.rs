//! Users, their groups and their passwords.

use clap::{ArgGroup, Subcommand, ValueEnum};

use super::files::Manner;
use crate::complete;

#[derive(Debug, Subcommand)]
pub(crate) enum Users {
    /// Those of the users file, and whoever else is in
    List {
        /// Only this group's
        #[arg(long, value_name = "NAME", add = complete::groups())]
        group: Option<String>,
        /// Only those that this lets through
        #[arg(long, value_name = "EXPR")]
        filter: Option<String>,
    },
    /// Everything about one
    Get {
        /// Who
        #[arg(add = complete::users())]
        name: String,
    },
    /// A new user in the users file
    Add {
        /// Who
        name: String,
        /// In which groups
        #[arg(long = "group", value_name = "NAME", add = complete::groups())]
        groups: Vec<String>,
        /// Until when, as 2027-01-31 or 2027-01-31T18:00:00+01:00
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        #[command(flatten)]
        secret: Secret,
        /// Why, for whoever reads it later
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        comment: String,
    },
    /// A user less
    Del {
        /// Who
        #[arg(add = complete::users())]
        name: String,
        #[command(flatten)]
        manner: Manner,
    },
    /// Lets a user log in again
    Enable {
        /// Who
        #[arg(add = complete::users())]
        name: String,
        #[command(flatten)]
        manner: Manner,
    },
    /// Lets a user log in no more
    Disable {
        /// Who
        #[arg(add = complete::users())]
        name: String,
        /// End the sessions that this user has
        #[arg(long)]
        end_sessions: bool,
        #[command(flatten)]
        manner: Manner,
    },
    /// Another password
    Passwd {
        /// Whose
        #[arg(add = complete::users())]
        name: String,
        #[command(flatten)]
        secret: Secret,
        /// Why, for whoever reads it later
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        comment: String,
    },
    /// Keeps what was applied with `--confirm-within` to users, groups or their limits
    Confirm {
        /// Which generation, if not the one that waits
        generation: Option<u64>,
    },
    /// Brings an earlier users file back; asks first
    Rollback {
        /// Which generation
        #[arg(add = complete::generations_of_users())]
        to: u64,
        /// Why, for whoever reads it later
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        comment: String,
    },
    /// Which groups there are, and who is in them; the same as `groups list`
    Groups,
    /// Who is in, with the most first
    Top {
        /// What counts
        #[arg(long, value_enum, default_value = "sessions")]
        by: Measure,
        /// The same as `--by sessions`
        #[arg(long, conflicts_with = "by")]
        by_sessions: bool,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 10)]
        limit: usize,
    },
}

/// Where a password comes from; a terminal is asked for it otherwise.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(group(ArgGroup::new("secret_from").args(["stdin", "generate"])))]
pub(crate) struct Secret {
    /// Read it from standard input, one line
    #[arg(long)]
    pub(crate) stdin: bool,

    /// Let the daemon make one, and print it
    #[arg(long)]
    pub(crate) generate: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measure {
    /// How many are in
    Sessions,
    /// What they moved, in both directions
    Bytes,
    /// What they move in a second now
    Rate,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Groups {
    /// Which there are, and who is in them
    List,
    /// Puts users into a group, which is there as long as somebody is in it
    Add {
        /// Its name
        #[arg(add = complete::groups())]
        name: String,
        /// Who
        #[arg(required = true, add = complete::users())]
        members: Vec<String>,
        #[command(flatten)]
        manner: Manner,
    },
    /// Takes users out of a group, or everybody
    Del {
        /// Its name
        #[arg(add = complete::groups())]
        name: String,
        /// Who; everybody without any
        #[arg(add = complete::users())]
        members: Vec<String>,
        #[command(flatten)]
        manner: Manner,
    },
    /// Another name for a group; rules and limits that name it do not follow
    Rename {
        /// As it is called
        #[arg(add = complete::groups())]
        name: String,
        /// As it will be called
        to: String,
        #[command(flatten)]
        manner: Manner,
    },
}
