//! What tests share that go on for as long as somebody likes: how long that is, and what may be left over.

use std::env;
use std::time::Duration;

use crate::note::measured;

/// What the allocator may keep more after a long time than after the first quarter.
const GROWTH: u64 = 4 << 20;

/// So long, or as many minutes as `RUSTSOCKS_SOAK_MINUTES` says.
#[must_use]
pub fn duration(otherwise: Duration) -> Duration {
    let minutes = env::var("RUSTSOCKS_SOAK_MINUTES").map(|text| text.parse::<f64>().expect("a number of minutes"));
    minutes.map_or(otherwise, |minutes| Duration::from_secs_f64(minutes * 60.0))
}

/// Compares the memory of the last quarter with that of the second one; `samples` were taken in equal steps.
pub fn assert_no_growth(samples: &[u64]) {
    let quarter = samples.len() / 4;
    let [early, late] = [1, 3].map(|number| median(&samples[number * quarter..(number + 1) * quarter]));
    measured(format!("memory: {early} bytes in the second quarter, {late} in the last"));
    assert!(late < early + GROWTH, "it has grown from {early} to {late} bytes");
}

fn median(samples: &[u64]) -> u64 {
    let mut samples = samples.to_vec();
    samples.sort_unstable();
    samples[samples.len() / 2]
}
