//! How the daemon is: who has the most, and what its log says.

use clap::ValueEnum;

use super::{Measure, time};

#[derive(Debug, clap::Args)]
pub(crate) struct Top {
    /// Of what: users, destinations, or what rules denied within an hour
    #[arg(long, value_enum, default_value = "user")]
    pub(crate) by: Ranking,

    /// What counts
    #[arg(long, value_enum, default_value = "rate")]
    pub(crate) key: Measure,

    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) limit: usize,

    /// Again every two seconds
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ranking {
    User,
    Dst,
    Denied,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Logs {
    /// Go on with the lines that come
    #[arg(short, long)]
    pub(crate) follow: bool,

    /// Only lines that are at least so important
    #[arg(long, value_name = "LEVEL", value_parser = ["error", "warn", "info", "debug", "trace"])]
    pub(crate) level: Option<String>,

    /// Only lines of this room, for instance session, auth or daemon
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,

    /// Only lines that have this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,

    /// So many of the last lines
    #[arg(short, long, value_name = "N", default_value_t = 100)]
    pub(crate) number: usize,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LogLevel {
    /// TARGET=LEVEL, for instance session=debug; TARGET alone is as configured again
    #[arg(value_name = "TARGET[=LEVEL]")]
    pub(crate) what: String,

    /// For how long, for instance 15m, which it is without it
    #[arg(long = "for", value_name = "DURATION", value_parser = time::of_level)]
    pub(crate) time: Option<u64>,

    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Reload {
    /// Which of them
    #[arg(value_enum, default_value = "all")]
    pub(crate) what: What,

    /// What people write behind `wait`, who are told how it is written
    #[arg(hide = true)]
    pub(crate) behind: Option<String>,

    /// Only say what would come of it; the exit code is 6 if anything would fail
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Of `wait`, how long: 20s, which it is without it, or a number of seconds
    #[arg(long, value_name = "DURATION")]
    pub(crate) timeout: Option<String>,

    /// Of `wait`, for a reload behind this generation; for the next one without it
    #[arg(long, value_name = "GENERATION")]
    pub(crate) since: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    All,
    /// The configuration, and with it every file that it names
    Config,
    /// The rules and their tests
    Acl,
    /// The users file
    Users,
    /// The daemon opens its log anew by itself, so that this is only told
    #[value(hide = true)]
    Logs,
    /// Nothing; waits for a reload that somebody else wants
    Wait,
}

impl Measure {
    /// As the daemon calls it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Bytes => "bytes",
            Self::Rate => "rate",
        }
    }
}
