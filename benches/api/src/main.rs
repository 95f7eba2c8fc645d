//! Measures the HTTP API of a daemon that is busy: sessions that are in, rows in its history, and connections that come and go.
//!
//! A second round has readers of the whole history beside it, who must not delay what is quick.

mod load;
mod measure;
mod report;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use rig::crowd::Crowd;
use rig::population::room;

use crate::load::readers;
use crate::measure::{ALL, QUICK, measured};
use crate::report::Findings;
use crate::world::World;

/// Measures the API: 0 all goals reached, 1 not all, 2 could not measure.
#[derive(Debug, Parser)]
struct Cli {
    /// The rustsocks executable.
    #[arg(long, default_value = "target/release/rustsocks")]
    rustsocks: PathBuf,
    /// Sessions that are in; fewer if the descriptors of one process do not suffice.
    #[arg(long, default_value_t = 10_000)]
    sessions: usize,
    /// Rows of the history.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u32,
    /// Connections that come and go, a second.
    #[arg(long, default_value_t = 500)]
    connections: u32,
    /// How long each round takes.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Writes the report, in Markdown, here too.
    #[arg(long)]
    output: Option<PathBuf>,
}

fn main() -> ExitCode {
    page::ended("bench-api", run(&Cli::parse()))
}

fn run(cli: &Cli) -> Result<bool> {
    let round = Duration::from_secs(cli.seconds);
    let sessions = cli.sessions.min(room());
    let world = World::make(&cli.rustsocks, cli.rows, sessions)?;
    let connections = Crowd::of_visitors(world.proxy(), world.echo, cli.connections);
    let alone = measured(&world, ALL, round);
    let readers = readers(&world);
    let beside_readers = measured(&world, QUICK, round);
    let read = readers.stop();
    let findings = Findings { sessions, rows: cli.rows, connections: connections.stop(), alone, beside_readers, read };
    let (page, all_reached) = report::page(&findings);
    page::show(&page, cli.output.as_deref())?;
    Ok(all_reached)
}
