//! The command line. rustsocks-cli(1) and docs/cli.md describe it; a test compares.

mod acl;
mod auth;
mod files;
mod people;
mod state;
mod support;
mod time;

use std::env;
use std::path::PathBuf;

use clap::{ArgGroup, Subcommand, ValueEnum};
use clap_complete::Shell;
use uuid::Uuid;

pub(crate) use self::acl::{Acl, NewTest, Terms, Tests};
pub(crate) use self::auth::Auth;
pub(crate) use self::files::{Config, Limits, Manner, OfFile};
pub(crate) use self::people::{Groups, Measure, Secret, Users};
pub(crate) use self::state::{LogLevel, Logs, Ranking, Reload, Top, What};
pub(crate) use self::support::Support;
use crate::complete;
use crate::output::Format;

/// Where the daemon listens for operators, and the variable that says it otherwise.
const SOCKET: &str = "/run/rustsocks/admin.sock";
const SOCKET_OF: &str = "RUSTSOCKS_ADMIN";

/// The one of whoever names none. It is a default to clap and nothing that was typed, or usage lines would have it.
pub(crate) fn usual_socket() -> PathBuf {
    env::var_os(SOCKET_OF).map_or_else(|| SOCKET.into(), PathBuf::from)
}

/// Watches and steers a running rustsocks daemon over its admin socket.
///
/// Without a command, on a terminal, it opens the console.
#[derive(Debug, clap::Parser)]
#[command(name = "rustsocks-cli", version, max_term_width = 100)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What every command understands.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// The daemon's admin socket; `RUSTSOCKS_ADMIN` names another one too
    #[arg(short, long, value_name = "SOCKET", global = true, default_value_os_t = usual_socket())]
    pub(crate) socket: PathBuf,

    /// How answers are written
    #[arg(short, long, value_name = "FORMAT", global = true)]
    pub(crate) output: Option<Format>,

    /// The same as `--output json`
    #[arg(long, global = true, conflicts_with = "output")]
    pub(crate) json: bool,

    /// The same as `--output plain`
    #[arg(long, global = true, conflicts_with_all = ["output", "json"])]
    pub(crate) plain: bool,

    /// Only these columns or properties, in this order
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', global = true)]
    pub(crate) fields: Option<Vec<String>>,

    /// No line with the names of the columns
    #[arg(long, global = true)]
    pub(crate) no_header: bool,

    /// Ask the daemon for a role that can only look
    #[arg(long, global = true)]
    pub(crate) read_only: bool,

    /// Do it without asking; needed where nobody can be asked
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Open the console
    Console(Console),
    /// What the daemon does, at a glance
    Status,
    /// Whether everything is well; the exit code is 1 if a check fails
    Health,
    /// What was not well since the worker began, the latest first
    Incidents {
        /// At most so many
        #[arg(short, long, value_name = "N", default_value_t = 50)]
        number: usize,
    },
    /// Who or what has the most now
    Top(Top),
    /// The daemon's own log
    Logs(Logs),
    /// Make the log say more or less of something, for a while
    LogLevel(LogLevel),
    /// Sessions that are in
    #[command(subcommand)]
    Sessions(Sessions),
    /// Users
    #[command(subcommand)]
    Users(Users),
    /// Groups of users
    #[command(subcommand)]
    Groups(Groups),
    /// What somebody may have
    #[command(subcommand)]
    Limits(Limits),
    /// The configuration
    #[command(subcommand)]
    Config(Config),
    /// Logins
    #[command(subcommand)]
    Auth(Auth),
    /// Sessions that were
    #[command(subcommand)]
    History(History),
    /// Rules
    #[command(subcommand)]
    Acl(Acl),
    /// Read the operator's files again, and say what came of it
    Reload(Reload),
    /// Who did what
    #[command(subcommand)]
    Audit(Audit),
    /// For whoever helps
    #[command(subcommand)]
    Support(Support),
    /// Send one request as it is, for instance '{"op":"status.get"}'
    Raw {
        /// JSON with `op` and, if it needs any, `p`
        request: String,
    },
    /// What this daemon can be asked
    Ops,
    /// Print a completion script
    Completions {
        /// For which shell
        shell: Shell,
    },
}

/// How the console looks.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Console {
    /// Colours
    #[arg(long, value_enum, value_name = "WHEN")]
    pub(crate) color: Option<Color>,

    /// Which colours
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) theme: Option<ThemeName>,

    /// Draw with ASCII alone
    #[arg(long)]
    pub(crate) ascii: bool,

    /// For screen readers and magnifiers: the cursor is where the selection is, and ASCII alone
    #[arg(long)]
    pub(crate) a11y: bool,

    /// Draw curves with braille, which has twice as many values in a line
    #[arg(long, conflicts_with_all = ["ascii", "a11y"])]
    pub(crate) braille: bool,

    /// For slow lines: drawn every five seconds, and at once after a key; chosen by itself when the terminal is slow
    #[arg(long)]
    pub(crate) low_bandwidth: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// Unless `NO_COLOR` is set
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ThemeName {
    /// The terminal's own sixteen colours
    Auto16,
    /// No colours
    Mono,
    /// White and yellow on black
    HighContrast,
    /// 256 colours on a dark background of its own
    Dark,
    /// 256 colours on a light background of its own
    Light,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// List them
    List(List),
    /// Everything about one
    Get {
        /// Its id
        #[arg(add = complete::sessions())]
        id: String,
    },
    /// End some
    Kill(Kill),
    /// How many are in, and what they and those of today carried, who had the most, where to, and what rules let pass
    Stats,
    /// A line for each that comes and goes
    Watch {
        /// Which
        #[arg(long, value_name = "EXPR")]
        filter: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Only those that are in; so it is without a time too
    #[arg(long, conflicts_with = "last")]
    pub(crate) active: bool,

    /// Only this user's; the same as `--filter user=NAME`
    #[arg(long, value_name = "NAME", add = complete::users())]
    pub(crate) user: Option<String>,

    /// Those of the history too that began so long ago or later, for instance 24h
    #[arg(long, value_name = "DURATION")]
    pub(crate) last: Option<String>,

    /// Only those that this lets through
    #[arg(long, value_name = "EXPR")]
    pub(crate) filter: Option<String>,

    /// By which column; `-NAME` has the greatest first
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub(crate) sort: Option<String>,

    /// At most so many
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("which").required(true).args(["ids", "filter"])))]
pub(crate) struct Kill {
    /// Their ids
    #[arg(add = complete::sessions())]
    pub(crate) ids: Vec<String>,

    /// Those that this lets through
    #[arg(long, value_name = "EXPR")]
    pub(crate) filter: Option<String>,

    /// Only if there are exactly so many
    #[arg(long, value_name = "N")]
    pub(crate) expect: Option<u64>,

    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,

    /// Only say which
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum History {
    /// List them, the latest first
    Query {
        /// Which, for instance 'user=alice and status=rejected'
        expr: Option<String>,
        /// Since when: a time, or so long ago (24h)
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Until when
        #[arg(long, value_name = "TIME")]
        to: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
        /// By which: start, end, bytes or dur; `-NAME` has the greatest first
        #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
        sort: Option<String>,
    },
    /// The same in numbers
    Agg {
        /// Which
        expr: Option<String>,
        /// Since when
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Until when
        #[arg(long, value_name = "TIME")]
        to: Option<String>,
        /// In groups
        #[arg(long, value_parser = ["user", "destination", "rule", "status", "hour", "day"])]
        by: Option<String>,
        /// At most so many groups
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// All of them, as they come; written into the audit log
    Export {
        /// Which
        expr: Option<String>,
        /// Since when
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Until when
        #[arg(long, value_name = "TIME")]
        to: Option<String>,
    },
    /// Everything about one
    Get {
        /// Its UUID
        id: Uuid,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// The last records
    Tail {
        /// How many
        #[arg(short, long, value_name = "N", default_value_t = 20)]
        number: usize,
    },
    /// The last records that a filter lets through
    Query {
        /// Which, for instance 'op=sessions.kill user=anna t>-7d'
        expr: Option<String>,
        /// At most so many
        #[arg(short, long, value_name = "N", default_value_t = 100)]
        number: usize,
    },
    /// Whether any record has been changed or taken out
    Verify,
}
