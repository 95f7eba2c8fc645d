//! What the console's own tests have noted of their frames: a name, and how long half and all but a twentieth of them took.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::report::Budget;
use crate::times::milliseconds;

/// The names, with what is budgeted for half of the frames, in microseconds.
const LIMITS: &[(&str, &str, u64)] = &[
    ("frame of 10000 sessions", "one frame of 10,000 sessions at 100x30", 1_000),
    ("frame of 50000 sessions", "the same of 50,000", 1_000),
    ("wide frame of 10000 sessions", "one frame at 200x60", 2_000),
    ("curves", "six curves of 300 values", 500),
    ("log", "the log screen with 10,000 lines", 1_000),
    ("wrapped log", "the same with long lines wrapped", 1_000),
];

/// What may be exceeded by a twentieth of the frames.
const P95: Duration = Duration::from_millis(5);

/// How much longer a frame may take of fifty thousand than of a thousand.
const MORE: f64 = 1.1;

/// Half of them, and all but a twentieth.
type Noted = (Duration, Duration);

pub(crate) fn read(path: &Path) -> Result<Vec<Budget>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let noted: BTreeMap<&str, Noted> = text.lines().filter_map(line).collect();
    let of = |name: &str| noted.get(name).copied().with_context(|| format!("{} has nothing of {name}", path.display()));
    let mut budgets = Vec::new();
    for (name, about, limit) in LIMITS {
        let (median, p95) = of(name)?;
        let limit = Duration::from_micros(*limit);
        let is_kept = median <= limit && p95 <= P95;
        let measured = format!("median {}, p95 {}", milliseconds(median), milliseconds(p95));
        budgets.push(Budget::of(about, &format!("{}, p95 5 ms", milliseconds(limit)), is_kept, &measured));
    }
    let [few, many] = [of("frame of 1000 sessions")?.0, of("frame of 50000 sessions")?.0];
    ensure!(!few.is_zero(), "no frame takes no time");
    let times = many.as_secs_f64() / few.as_secs_f64();
    let measured = format!("{times:.2} times as long");
    budgets.push(Budget::of("a frame of 50,000 beside one of 1,000", "1.1 times as long", times <= MORE, &measured));
    Ok(budgets)
}

/// The name, and two numbers of nanoseconds, with tabs between them.
fn line(line: &str) -> Option<(&str, Noted)> {
    let mut parts = line.split('\t');
    let name = parts.next()?;
    let mut time = || parts.next()?.parse().ok().map(Duration::from_nanos);
    Some((name, (time()?, time()?)))
}
