//! Measures what the history costs: thousands of short sessions a second with and without one, and rows that have piled up.
//!
//! The loads take turns, so that both see the same machine.

mod load;
mod report;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Parser;
use rig::history::{History, Shelf};
use rig::service::{Launch, Service};
use rig::target::{Target, echo};
use rig::wait::eventually;

use crate::load::{Load, run};
use crate::report::{Findings, Pile};

/// Opens loopback, where the target is.
const BASIS: &str = "[guard]\nallow = [\"127.0.0.0/8\"]\n";

/// How long one load lasts before the other one has its turn.
const TURN: Duration = Duration::from_secs(5);

/// How long rows may take to be there.
const PATIENCE: Duration = Duration::from_mins(2);

/// Between two looks at how many rows there are.
const LOOK: Duration = Duration::from_millis(100);

/// Measures the history: 0 all goals reached, 1 not all, 2 could not measure.
#[derive(Debug, Parser)]
struct Cli {
    /// The rustsocks executable.
    #[arg(long, default_value = "target/release/rustsocks")]
    rustsocks: PathBuf,
    /// Short sessions a second, if the machine can make so many.
    #[arg(long, default_value_t = 5_000)]
    sessions: u32,
    /// How long each of the two loads lasts in all, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How long rows pile up because the database is locked, in seconds.
    #[arg(long, default_value_t = 30)]
    locked: u64,
    /// Writes the report, in Markdown, here too.
    #[arg(long)]
    output: Option<PathBuf>,
}

fn main() -> ExitCode {
    page::ended("bench-history", measure(&Cli::parse()))
}

fn measure(cli: &Cli) -> Result<bool> {
    let (target, shelf) = (Target::listen().serve(echo), Shelf::new());
    let with_history = start(&cli.rustsocks, &shelf.settings());
    let without = start(&cli.rustsocks, "[sessions]\nenabled = false\n");
    let (mut with, mut none) = (Load::default(), Load::default());
    let turns = (cli.seconds / TURN.as_secs()).max(1);
    for _ in 0..turns {
        with.join(run((with_history.addr(), target), cli.sessions, TURN)?);
        none.join(run((without.addr(), target), cli.sessions, TURN)?);
    }
    let history = shelf.history();
    let rows = rows_of(&history, with.sessions)?;
    let pile = piled_up(cli, (with_history.addr(), target), &history)?;
    let (page, all_reached) = report::page(&Findings { wanted: cli.sessions, with, none, rows, pile });
    page::show(&page, cli.output.as_deref())?;
    Ok(all_reached)
}

fn start(program: &Path, config: &str) -> Service {
    Launch::of(program).config(&[BASIS, config].concat()).start()
}

/// How many final rows there are, once there are as many as sessions, and how many in all.
fn rows_of(history: &History, sessions: usize) -> Result<(usize, usize)> {
    let closed = || final_rows(history);
    ensure!(eventually(PATIENCE, || closed() >= sessions), "{} rows of {sessions} sessions", closed());
    Ok((closed(), history.count()))
}

fn final_rows(history: &History) -> usize {
    let counted = history.ask("SELECT count(*) AS rows FROM sessions WHERE status = 'closed'").unwrap_or_default();
    counted.first().map_or(0, |row| usize::try_from(row.number("rows")).unwrap_or(0))
}

/// Rows wait while the database is locked; then nothing comes any more, and they are written as fast as they can be.
fn piled_up(cli: &Cli, route: (SocketAddr, SocketAddr), history: &History) -> Result<Pile> {
    let before = history.count();
    let load = history.while_locked(|| run(route, cli.sessions, Duration::from_secs(cli.locked)))?;
    let all = before + load.sessions;
    let began = Instant::now();
    let (mut first, mut now) = (None, before);
    while now < all {
        ensure!(began.elapsed() < PATIENCE, "{now} rows of {all} are there");
        sleep(LOOK);
        now = history.count();
        if now > before {
            first.get_or_insert((now, Instant::now()));
        }
    }
    let (at_first, since) = first.unwrap_or((before, began));
    Ok(Pile { sessions: load.sessions, rows: now - at_first, took: since.elapsed() })
}
