//! Prints what was measured: a table for each load, and below it every goal with its verdict.
//!
//! The same text serves the terminal and the Markdown page.

use std::{fmt::Write, fs, process::Command, thread::available_parallelism};

use crate::{
    goal::Judgement,
    scenario::{Outcome, Scenario},
};

/// The head of the page: what this is, and what it was measured on.
pub(crate) fn head(pace: &str, rounds: usize) -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let congestion = fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control").unwrap_or_default();
    let cores = available_parallelism().map_or(0, usize::from);
    format!(
        "# Performance in numbers

Written by `make bench`; do not edit.
Every server got the same load over loopback, one after another in each round, freshly started each time; all values are medians.
CPU is user and system time of all processes of the server.
Absolute speeds belong to this machine; the ratios below each table are what counts.

- Run: {pace}, rounds: {rounds}
- Machine: {cores} cores, {}, Linux {}, congestion control {}
- Peers: {}
",
        processor(),
        kernel.trim(),
        congestion.trim(),
        peers(),
    )
}

/// The section of one load: its table, and one line for each goal.
pub(crate) fn section(scenario: &dyn Scenario, outcome: &Outcome, judgements: &[Judgement]) -> String {
    let (title, about) = (scenario.title(), scenario.about());
    format!("\n## {title}\n\n{about}\n\n{}\n\n{}", table(outcome), verdicts(judgements))
}

fn verdicts(judgements: &[Judgement]) -> String {
    judgements.iter().fold(String::new(), |mut text, judgement| {
        writeln!(text, "- {} {}", judgement.verdict.name(), judgement.line).expect("a string takes everything");
        text
    })
}

fn table(outcome: &Outcome) -> String {
    let mut rows = vec![vec![String::new()]];
    rows[0].extend(outcome.medians.iter().map(|(contender, _)| contender.name().to_owned()));
    for (at, figure) in outcome.figures.iter().enumerate() {
        let values = outcome.medians.iter().map(|(_, values)| number(values[at], figure.decimals));
        rows.push([figure.name.to_owned()].into_iter().chain(values).collect());
    }
    aligned(&rows)
}

fn number(value: f64, decimals: usize) -> String {
    if value.is_nan() { "–".into() } else { format!("{value:.decimals$}") }
}

/// Markdown whose columns also line up in a terminal: names to the left, numbers to the right.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows[0].len();
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(4))
        .collect();
    let mut lines: Vec<String> = rows.iter().map(|row| line(row, &widths)).collect();
    let rule = widths.iter().enumerate().map(|(column, width)| {
        let dashes = "-".repeat(width - 1);
        if column == 0 { format!("{dashes}-") } else { format!("{dashes}:") }
    });
    lines.insert(1, line(&rule.collect::<Vec<_>>(), &widths));
    lines.join("\n")
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let cells = cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
        0 => format!("{cell:<width$}"),
        _ => format!("{cell:>width$}"),
    });
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
}

/// The processor's name.
pub(crate) fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or("an unnamed processor", |(_, name)| name.trim()).to_owned()
}

/// The versions of the packages that the peers came from.
fn peers() -> String {
    let query = ["-W", "-f", "${Package} ${Version}\\n", "microsocks", "dante-server"];
    let output = Command::new("dpkg-query").args(query).output();
    let lines = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let peers: Vec<_> = lines.lines().collect();
    if peers.is_empty() { "not from packages".into() } else { peers.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{contender::Contender, scenario::Figure};

    #[test]
    fn columns_line_up_and_what_was_not_measured_is_a_dash() {
        let medians = vec![(Contender::Direct, vec![1234.5, f64::NAN]), (Contender::Dante, vec![2.0, 0.25])];
        let outcome = Outcome { figures: vec![Figure::new("rate", 0), Figure::new("CPU µs", 2)], medians };
        let expected = "\
|        | direct | dante |
| ------ | -----: | ----: |
| rate   |   1234 |     2 |
| CPU µs |      – |  0.25 |";
        assert_eq!(table(&outcome), expected);
    }
}
