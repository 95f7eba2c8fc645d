//! Measures the rules engine: how long a decision takes among 10 to 100,000 rules, beside a linear scan over the same
//! rules, and how long a file takes from its text to compiled rules.
//!
//! Rules and requests are made by a fixed recipe, so that every run asks the same questions.

mod chance;
mod linear;
mod measure;
mod recipe;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::measure::Size;

/// Measures decisions and loading: 0 all goals reached, 1 not all, 2 could not measure.
#[derive(Debug, Parser)]
struct Cli {
    /// How many rules; may be given several times.
    #[arg(long, default_values_t = [10, 100, 1_000, 10_000, 100_000])]
    rules: Vec<usize>,
    /// Writes the report, in Markdown, here too.
    #[arg(long)]
    output: Option<PathBuf>,
}

fn main() -> ExitCode {
    page::ended("bench-acl", run(&Cli::parse()))
}

fn run(cli: &Cli) -> Result<bool> {
    let mut sizes: Vec<Size> = Vec::new();
    for rules in &cli.rules {
        sizes.push(Size::measure(*rules)?);
    }
    let (page, all_reached) = report::page(&sizes);
    page::show(&page, cli.output.as_deref())?;
    Ok(all_reached)
}
