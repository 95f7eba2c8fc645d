//! The command line of `rustsocks history`.

use std::num::NonZeroU32;
use std::time::Duration;

use clap::ValueEnum;
use history::{Sought, Status};
use jiff::{Timestamp, ToSpan};
use uuid::Uuid;

use crate::engine::history::archive::filter::Filter;
use crate::engine::history::archive::sum;
use crate::frontends::office::moment::moment;

#[derive(Debug, clap::Args)]
pub(in crate::app) struct Ask {
    /// Only sessions of this user
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// Only sessions that began at TIME or later: 2026-11-22, 2026-11-22T18:00 (both in UTC), or with an offset
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "hours")]
    since: Option<Timestamp>,

    /// Only sessions that began before TIME
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,

    /// Only sessions that began within the last HOURS
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=876_000))]
    hours: Option<u32>,

    /// Only sessions to an address, a network (10.0.0.0/8), a name, or everything below a name (*.example.com)
    #[arg(long, value_name = "DESTINATION")]
    dest: Option<Sought>,

    /// Only sessions to this port
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,

    /// Only sessions with this status: active, closed, failed, rejected or interrupted
    #[arg(long, value_name = "STATUS")]
    status: Option<Status>,

    /// Only sessions that were decided by a rule with TEXT in its name or description
    #[arg(long, value_name = "TEXT")]
    rule: Option<String>,

    /// Sum sessions up instead of listing them
    #[arg(long, value_enum, conflicts_with = "after")]
    pub(super) by: Option<By>,

    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,

    /// How many to print, the latest first; 0 prints all
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: u32,

    /// Go on behind this session, which was the last one of the page before
    #[arg(long, value_name = "SESSION")]
    after: Option<Uuid>,

    /// Give up a question that takes longer
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    deadline: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum By {
    User,
    Destination,
    /// The rule that decided
    Rule,
    Status,
    /// In which sessions began, in UTC
    Hour,
    Day,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Table,
    /// One object per line
    Json,
    /// Comma-separated values with a header (RFC 4180)
    Csv,
}

impl Ask {
    pub(super) fn filter(&self, now: Timestamp) -> anyhow::Result<Filter> {
        let hours = self.hours.map(|hours| now.checked_sub(i64::from(hours).hours())).transpose()?;
        Ok(Filter {
            user: self.user.clone(),
            since: hours.or(self.since).map(Timestamp::as_microsecond),
            until: self.until.map(Timestamp::as_microsecond),
            destination: self.dest.clone(),
            port: self.port,
            status: self.status,
            rule: self.rule.clone(),
            after: self.after,
            ..Filter::default()
        })
    }

    /// Nothing for all.
    pub(super) fn limit(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.limit)
    }

    pub(super) fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline.into())
    }
}

impl From<By> for sum::By {
    fn from(by: By) -> Self {
        match by {
            By::User => Self::User,
            By::Destination => Self::Destination,
            By::Rule => Self::Rule,
            By::Status => Self::Status,
            By::Hour => Self::Hour,
            By::Day => Self::Day,
        }
    }
}
