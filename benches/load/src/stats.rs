//! Medians and percentiles.
//!
//! Knows nothing of what the numbers measure.

use std::time::Duration;

/// The middle of the values, the mean of the two middle ones for an even count; NaN when there are none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The arithmetic mean; NaN when there are no values.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values.len())
}

/// A count as a figure: exact up to 2^53, far above anything counted here.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(crate) fn count(number: usize) -> f64 {
    number as f64
}

/// How long each of many like things took.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn record(&mut self, took: Duration) {
        self.0.push(took);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The value that `per_mille` thousandths of all values do not exceed (nearest rank), in seconds; NaN when empty.
    pub(crate) fn percentile(&mut self, per_mille: usize) -> f64 {
        if self.0.is_empty() {
            return f64::NAN;
        }
        let rank = (self.0.len() * per_mille).div_ceil(1000).max(1);
        let (_, value, _) = self.0.select_nth_unstable(rank - 1);
        value.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_both_middles() {
        for (values, expected) in [(vec![3.0, 1.0, 2.0], 2.0), (vec![4.0, 1.0, 3.0, 2.0], 2.5), (vec![7.0], 7.0)] {
            assert!((median(&values) - expected).abs() < f64::EPSILON, "{values:?}");
        }
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let mut latencies = Latencies::default();
        (1..=100).rev().for_each(|ms| latencies.record(Duration::from_millis(ms)));
        for (per_mille, expected) in [(500, 0.050), (990, 0.099), (1000, 0.100), (0, 0.001)] {
            let found = latencies.percentile(per_mille);
            assert!((found - expected).abs() < 1e-9, "{per_mille}: {found}");
        }
        assert!(Latencies::default().percentile(500).is_nan());
    }
}
