//! Measures the console and the views of the admin socket against their budgets, beside sessions that are in, come and go.
//!
//! What a frame costs is measured inside of the console by its own tests, whose notes are read here.

mod console;
mod daemon;
mod drawn;
mod report;
mod tap;
mod times;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use rig::population::room;

use crate::report::Findings;
use crate::world::{Registry, World};

/// Measures the console: 0 all budgets kept, 1 not all, 2 could not measure.
#[derive(Debug, Parser)]
struct Cli {
    /// The rustsocks executable.
    #[arg(long, default_value = "target/release/rustsocks")]
    rustsocks: PathBuf,
    /// Sessions that are in; fewer if the descriptors of one process do not suffice.
    #[arg(long, default_value_t = 10_000)]
    sessions: usize,
    /// Rows of the larger table.
    #[arg(long, default_value_t = 50_000)]
    rows: usize,
    /// Connections that come and go, a second.
    #[arg(long, default_value_t = 100)]
    connections: u32,
    /// How long each round takes that is measured over time.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// What the console's own tests have noted of frames, by `RUSTSOCKS_MEASURES`.
    #[arg(long)]
    drawn: PathBuf,
    /// Writes the report, in Markdown, here too.
    #[arg(long)]
    output: Option<PathBuf>,
}

fn main() -> ExitCode {
    page::ended("bench-console", run(&Cli::parse()))
}

fn run(cli: &Cli) -> Result<bool> {
    let round = Duration::from_secs(cli.seconds);
    let mut budgets = drawn::read(&cli.drawn)?;
    let sessions = cli.sessions.min(room());
    let world = World::make(&cli.rustsocks, sessions)?;
    // What the daemon does for a view is measured while nobody else makes it work.
    budgets.push(daemon::view_costs(&world, round));
    let visitors = world.visitors(cli.connections);
    budgets.push(daemon::windows_change(&world.socket(), "sessions", sessions, daemon::MANY));
    budgets.extend(daemon::what_if(&world, sessions, round));
    budgets.extend(console::measured(&world, round)?);
    let connections = visitors.stop();
    drop(world);
    let registry = Registry::make(&cli.rustsocks, cli.rows);
    budgets.push(daemon::windows_change(&registry.socket(), "users", cli.rows, daemon::VERY_MANY));
    let findings = Findings { sessions, rows: cli.rows, connections, budgets };
    let (page, all_kept) = report::page(&findings);
    page::show(&page, cli.output.as_deref())?;
    Ok(all_kept)
}
