//! The page: what each route took, alone and beside readers of the whole history, and the goals.

use std::fmt::Write;
use std::fs;
use std::thread::available_parallelism;
use std::time::Duration;

use crate::measure::Times;

/// The slowest hundredth of the answers takes no longer.
const GOAL: Duration = Duration::from_millis(20);

/// What a question of 2 s beside it may add to what is quick, on a machine whose every core is busy.
const UNDELAYED: Duration = Duration::from_millis(100);

pub(crate) struct Findings {
    pub(crate) sessions: usize,
    pub(crate) rows: u32,
    /// A second.
    pub(crate) connections: f64,
    pub(crate) alone: Vec<Times>,
    pub(crate) beside_readers: Vec<Times>,
    /// Questions of the readers a second.
    pub(crate) read: f64,
}

/// The whole page, and whether every goal is reached.
pub(crate) fn page(findings: &Findings) -> (String, bool) {
    let Findings { sessions, rows, connections, alone, beside_readers, read } = findings;
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let name = name.map_or("an unnamed processor", |(_, name)| name.trim());
    let cores = available_parallelism().map_or(0, usize::from);
    let mut page = format!(
        "# The API in numbers

Written by `make bench-api`; do not edit.
{sessions} sessions are in, the history has {rows} rows, and {connections:.0} connections a second come and go, each with five bytes there and back.
The routes are asked one after the other, each on a connection of its own; daemon, clients and targets share {cores} cores, {name}.
"
    );
    page.push_str(&table("Answers, in milliseconds", alone));
    page.push_str(&table("Beside readers of the whole history", beside_readers));
    let _never_fails = writeln!(
        page,
        "\nThree readers ask for what no index knows, {read:.1} times a second; two of them are let read at once.\n\n## Goals\n"
    );
    let goals =
        [goal(alone, GOAL, "of every route"), goal(beside_readers, UNDELAYED, "of what is quick, beside the readers")];
    for (text, is_reached) in &goals {
        let word = if *is_reached { "reached" } else { "not reached" };
        let _never_fails = writeln!(page, "- {word}: {text}");
    }
    (page, goals.iter().all(|(_, is_reached)| *is_reached))
}

fn table(title: &str, all: &[Times]) -> String {
    let mut text = format!(
        "\n## {title}\n\n| route | answers | other | median | p99 | slowest |\n|---|---:|---:|---:|---:|---:|\n"
    );
    for times in all {
        let [median, p99, slowest] = [50, 99, 100].map(|percent| milliseconds(times.percentile(percent)));
        let _never_fails = writeln!(
            text,
            "| `{}` | {} | {} | {median:.1} | {p99:.1} | {slowest:.1} |",
            times.route,
            times.took.len(),
            times.failed,
        );
    }
    text
}

fn goal(all: &[Times], limit: Duration, of: &str) -> (String, bool) {
    let is_reached = all.iter().all(|times| times.failed == 0 && times.percentile(99) < limit);
    (format!("p99 {of} is below {} ms, and every answer is 200", limit.as_millis()), is_reached)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
