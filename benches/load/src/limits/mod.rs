//! What limits do to what passes, and what they cost: `make bench-limits`.
//!
//! Each line has a server of its own, with nobody else on it.

mod cost;
mod house;
mod rates;
mod sharing;

use std::{path::Path, process::ExitCode, thread::available_parallelism, time::Duration};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::{contender::Setup, report};

/// How long a rate is looked at, and how many sessions are limited at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measure {
    pub seconds: u64,
    pub sessions: usize,
}

/// One part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Section {
    Rates,
    Sharing,
    Cost,
}

/// What was measured, printed line by line as it is.
#[derive(Debug)]
struct Table {
    text: String,
    all_reached: bool,
}

/// What something has to be, and whether it is.
#[derive(Debug)]
enum Goal {
    None,
    Is(String, bool),
}

impl Table {
    fn begin(title: &str) -> Self {
        let mut table = Self { text: String::new(), all_reached: true };
        table.add(&format!("\n## {title}\n\n| what | measured | goal | reached |\n|---|---|---|---|\n"));
        table
    }

    fn line(&mut self, what: &str, found: &str, goal: &Goal) {
        let (goal, verdict) = match goal {
            Goal::None => ("–", "–"),
            Goal::Is(goal, true) => (&**goal, "yes"),
            Goal::Is(goal, false) => (&**goal, "**no**"),
        };
        self.all_reached &= verdict != "**no**";
        self.add(&format!("| {what} | {found} | {goal} | {verdict} |\n"));
    }

    fn add(&mut self, text: &str) {
        page::print(text);
        self.text.push_str(text);
    }
}

impl Goal {
    fn new(goal: impl Into<String>, is_reached: bool) -> Self {
        Self::Is(goal.into(), is_reached)
    }
}

impl Section {
    const ALL: [Self; 3] = [Self::Rates, Self::Sharing, Self::Cost];

    fn title(self) -> &'static str {
        match self {
            Self::Rates => "What passes",
            Self::Sharing => "How it is shared",
            Self::Cost => "What it costs",
        }
    }

    fn measure(self, setup: &Setup, measure: Measure, table: &mut Table) -> Result<()> {
        match self {
            Self::Rates => rates::measure(setup, measure, table),
            Self::Sharing => sharing::measure(setup, measure, table),
            Self::Cost => cost::measure(setup, measure, table),
        }
    }
}

/// How many sessions fit under this limit of descriptors, which holds for the proxy as for us.
pub(crate) fn room(descriptors: u64) -> usize {
    usize::try_from(descriptors.saturating_sub(cost::RESERVED) / 2).unwrap_or(usize::MAX)
}

impl Measure {
    fn time(self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// Measures everything; 0 if every goal is reached, 1 if not.
pub(crate) fn run(setup: &Setup, measure: Measure, only: Option<Section>, output: Option<&Path>) -> Result<ExitCode> {
    let mut page = head(measure);
    page::print(&page);
    let mut all_reached = true;
    for section in Section::ALL.into_iter().filter(|section| only.is_none_or(|only| only == *section)) {
        let mut table = Table::begin(section.title());
        section.measure(setup, measure, &mut table).with_context(|| section.title())?;
        all_reached &= table.all_reached;
        page.push_str(&table.text);
    }
    page::keep(&page, output)?;
    Ok(ExitCode::from(u8::from(!all_reached)))
}

fn head(measure: Measure) -> String {
    let cores = available_parallelism().map_or(0, usize::from);
    format!(
        "# Limits in numbers\n\nWritten by `make bench-limits`; do not edit.\n\
         Clients, proxy and targets share {cores} cores ({}) and talk over loopback; every rate is a mean over {} s, after the burst.\n\
         CPU is user and system time of all processes of the proxy; a GB is 10^9 bytes.\n",
        report::processor(),
        measure.seconds,
    )
}
