//! The page: every budget, what was measured, and whether it is kept.

use std::fmt::Write;
use std::fs;
use std::thread::available_parallelism;

/// What something may take, and what it took.
pub(crate) struct Budget {
    of: String,
    limit: String,
    measured: String,
    is_kept: bool,
}

pub(crate) struct Findings {
    pub(crate) sessions: usize,
    pub(crate) rows: usize,
    /// A second.
    pub(crate) connections: f64,
    pub(crate) budgets: Vec<Budget>,
}

impl Budget {
    pub(crate) fn of(what: &str, limit: &str, is_kept: bool, measured: &str) -> Self {
        Self { of: what.to_owned(), limit: limit.to_owned(), measured: measured.to_owned(), is_kept }
    }
}

/// The whole page, and whether every budget is kept.
pub(crate) fn page(findings: &Findings) -> (String, bool) {
    let Findings { sessions, rows, connections, budgets } = findings;
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let name = name.map_or("an unnamed processor", |(_, name)| name.trim());
    let cores = available_parallelism().map_or(0, usize::from);
    let mut page = format!(
        "# The console in numbers

Written by `make bench-console`; do not edit.
{sessions} sessions are in a real daemon with 100 rules: two descriptors of each in the daemon and two in the program that measures, where the limit of descriptors ends them.
Forty of them carry bytes, and {connections:.0} connections a second come and go, but while the daemon's processor is measured.
The table of {rows} rows is that of the users of another real daemon.
Frames are drawn by the console's own code into memory, of a window as the daemon sends it of so many sessions; everything else is the released programs, and the console is on a terminal of its own.
What the daemon's views cost is measured several times, and the one in the middle counts, for other machines on the same host make some slower; the longest is that of all.
Daemon, console, clients and targets share {cores} cores, {name}.

| | what | budget | measured |
|---|---|---:|---|
"
    );
    for Budget { of, limit, measured, is_kept } in budgets {
        let word = if *is_kept { "PASS" } else { "FAIL" };
        let _never_fails = writeln!(page, "| {word} | {of} | {limit} | {measured} |");
    }
    page.push_str(
        "\nThat a frame, a patch and a window allocate no more for 50,000 sessions than for 1,000 is a test, `tui/src/console/tests/budgets.rs`.\n",
    );
    (page, budgets.iter().all(|budget| budget.is_kept))
}
