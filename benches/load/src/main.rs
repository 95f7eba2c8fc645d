//! The side-by-side benchmark: the same load against rustsocks and its peers, and against no proxy at all.
//!
//! It starts every server itself, on loopback, and ends them all. It shares no code with what it measures,
//! except the frames by which [`worker`] plays the monitor.

mod scenario;

mod active;
mod bulk;
mod idle;
mod pingpong;
mod short;
mod udp;

mod goal;
mod instructions;
mod limits;
mod report;

mod contender;
mod group;
mod procfs;
mod worker;

mod call;
mod client;
mod crowd;
mod datagrams;
mod echo;
mod poller;
mod pump;
mod socks;
mod stats;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::{
    contender::{Contender, Login, Setup, Threads},
    goal::Verdict,
    instructions::Counts,
    scenario::{Pace, Scenario},
};

/// Runs the same load against rustsocks, microsocks and dante, side by side.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// The rustsocks executable.
    #[arg(long, global = true, default_value = "target/release/rustsocks")]
    rustsocks: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures, and judges the figures against the goals: 0 all reached, 1 not all, 2 could not measure.
    Run(RunArgs),
    /// Measures what limits let pass and what they cost: 0 all goals reached, 1 not all, 2 could not measure.
    Limits(LimitsArgs),
    /// Counts instructions under valgrind: 0 within 10 % of the baseline, 1 above, 2 could not count.
    Instructions(InstructionsArgs),
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Which loads; all of them by default.
    loads: Vec<Load>,
    /// One short round, only to see that everything works.
    #[arg(long)]
    quick: bool,
    /// How often each contender is measured; the median counts.
    #[arg(long)]
    rounds: Option<usize>,
    /// How many idle and active sessions; twice as many descriptors and a few are needed.
    #[arg(long)]
    sessions: Option<usize>,
    /// Which contenders take part; all by default.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Contender>,
    /// Writes the report, in Markdown, here too.
    #[arg(long)]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Load {
    Bulk,
    Short,
    Login,
    Pingpong,
    Idle,
    Active,
    Udp,
}

#[derive(Debug, Args)]
struct LimitsArgs {
    /// How long each rate is looked at.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Measures one part of the page only.
    #[arg(long)]
    only: Option<limits::Section>,
    /// How many sessions are limited at once; fewer if the descriptors of one process do not suffice.
    #[arg(long, default_value_t = 10_000)]
    sessions: usize,
    /// Writes the report, in Markdown, here too.
    #[arg(long)]
    output: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct InstructionsArgs {
    /// Writes what was counted as the new baseline.
    #[arg(long)]
    update: bool,
    #[arg(long, default_value = "benches/instructions.baseline")]
    baseline: PathBuf,
    /// Counts a peer instead, to compare; nothing is judged.
    #[arg(long, conflicts_with = "update")]
    of: Option<Contender>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.command {
        Command::Run(args) => measure(args, &cli.rustsocks),
        Command::Limits(args) => limit(args, &cli.rustsocks),
        Command::Instructions(args) => count(args, &cli.rustsocks),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => page::failed("bench", &error),
    }
}

/// Runs the chosen loads one after another; one that fails does not keep the others from running.
fn measure(args: &RunArgs, rustsocks: &Path) -> Result<ExitCode> {
    let chosen = args.contenders();
    let setup = setup(rustsocks, Threads::PerCore, &chosen)?;
    let pace = args.pace();
    make_room(pace.sessions)?;
    let mut report = Page::default();
    report.add(&report::head(if args.quick { "quick, for a check only" } else { "full" }, pace.rounds));
    for load in args.loads() {
        report.add_load(load.scenario(pace).as_ref(), &chosen, &setup, pace.rounds);
    }
    report.add(&report.summary());
    page::keep(&report.text, args.output.as_deref())?;
    Ok(report.exit_code())
}

fn limit(args: &LimitsArgs, rustsocks: &Path) -> Result<ExitCode> {
    let setup = setup(rustsocks, Threads::PerCore, &[Contender::Ours])?;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let sessions = args.sessions.min(limits::room(most)).max(1);
    make_room(sessions)?;
    let measure = limits::Measure { seconds: args.seconds.max(1), sessions };
    limits::run(&setup, measure, args.only, args.output.as_deref())
}

fn count(args: &InstructionsArgs, rustsocks: &Path) -> Result<ExitCode> {
    let contender = args.of.unwrap_or(Contender::Ours);
    let counts = Counts::take(contender, &setup(rustsocks, Threads::One, &[contender])?)?;
    for (name, count) in counts.named() {
        page::print(&format!("{} {name}: {count} instructions\n", contender.name()));
    }
    if args.update {
        counts.write(&args.baseline)?;
    } else if args.of.is_none() {
        let (lines, holds) = counts.compare(Counts::read(&args.baseline)?);
        page::print(&lines);
        return Ok(ExitCode::from(u8::from(!holds)));
    }
    Ok(ExitCode::SUCCESS)
}

impl RunArgs {
    fn pace(&self) -> Pace {
        let pace = if self.quick { Pace::QUICK } else { Pace::FULL };
        Pace {
            rounds: self.rounds.unwrap_or(pace.rounds).max(1),
            sessions: self.sessions.unwrap_or(pace.sessions).max(1),
            ..pace
        }
    }

    fn loads(&self) -> &[Load] {
        if self.loads.is_empty() { Load::value_variants() } else { &self.loads }
    }

    fn contenders(&self) -> Vec<Contender> {
        if self.only.is_empty() { Contender::ALL.to_vec() } else { self.only.clone() }
    }
}

impl Load {
    fn scenario(self, pace: Pace) -> Box<dyn Scenario> {
        match self {
            Self::Bulk => Box::new(bulk::Bulk { pace }),
            Self::Short => Box::new(short::Short { pace, login: Login::Nobody }),
            Self::Login => Box::new(short::Short { pace, login: Login::Password }),
            Self::Pingpong => Box::new(pingpong::Pingpong { pace }),
            Self::Idle => Box::new(idle::Idle { pace }),
            Self::Active => Box::new(active::Active { pace }),
            Self::Udp => Box::new(udp::Udp { pace }),
        }
    }
}

/// What is printed as it is measured, and kept for the report.
#[derive(Debug, Default)]
struct Page {
    text: String,
    passed: usize,
    failed: usize,
    open: usize,
    broken: usize,
}

impl Page {
    fn add(&mut self, text: &str) {
        page::print(text);
        self.text.push_str(text);
    }

    fn add_load(&mut self, scenario: &dyn Scenario, chosen: &[Contender], setup: &Setup, rounds: usize) {
        match scenario::run(scenario, chosen, setup, rounds) {
            Ok(outcome) => {
                let judgements: Vec<_> = scenario.goals().iter().map(|goal| goal.judge(&outcome)).collect();
                for judgement in &judgements {
                    self.tick(judgement.verdict);
                }
                self.add(&report::section(scenario, &outcome, &judgements));
            }
            Err(error) => {
                self.broken += 1;
                self.add(&format!("\n## {}\n\nCould not be measured: {error:#}\n", scenario.title()));
            }
        }
    }

    fn tick(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Pass => self.passed += 1,
            Verdict::Fail => self.failed += 1,
            Verdict::Open => self.open += 1,
        }
    }

    fn summary(&self) -> String {
        let Self { passed, failed, open, broken, .. } = self;
        format!(
            "\nGoals: {passed} passed, {failed} failed, {open} not measured; {broken} loads could not be measured.\n"
        )
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::from(match (self.broken, self.failed) {
            (0, 0) => 0,
            (0, _) => 1,
            _ => 2,
        })
    }
}

fn setup(rustsocks: &Path, threads: Threads, chosen: &[Contender]) -> Result<Setup> {
    let needed = chosen.contains(&Contender::Ours);
    ensure!(!needed || rustsocks.exists(), "{} is missing: cargo build --release", rustsocks.display());
    let (runner, members) = (Vec::new(), Vec::new());
    let (login, further) = (Login::Nobody, String::new());
    Ok(Setup { rustsocks: rustsocks.to_owned(), threads, runner, login, members, further })
}

/// Raises the limit of descriptors as far as it goes, for us and the servers. Both ends of every session are ours.
fn make_room(sessions: usize) -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let needed = 2 * sessions as u64 + 100;
    ensure!(needed <= most, "{sessions} sessions need {needed} descriptors, the limit is {most}");
    Ok(())
}
