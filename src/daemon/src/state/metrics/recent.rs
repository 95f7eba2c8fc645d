//! How long something took lately: what a histogram has grown by since some looks ago.

use std::collections::VecDeque;

use prometheus::Histogram;
use prometheus::core::Metric;

use super::STEP_SECONDS;

/// Looks that are remembered: a minute, if somebody looks once a second.
pub(crate) const LOOKS: usize = 60;

/// Histograms with the buckets of [`STEP_SECONDS`], looked at together again and again.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// Cumulative counts at each look, the latest last.
    looks: VecDeque<Counts>,
}

/// How many took no longer than each bound; the last is all of them.
type Counts = [u64; STEP_SECONDS.len() + 1];

impl Recent {
    pub(crate) fn look<'a>(&mut self, histograms: impl IntoIterator<Item = &'a Histogram>) {
        let mut counts = [0; STEP_SECONDS.len() + 1];
        for histogram in histograms {
            let metric = histogram.metric();
            let found = metric.get_histogram();
            let buckets = found.get_bucket().iter().map(prometheus::proto::Bucket::cumulative_count);
            for (count, more) in counts.iter_mut().zip(buckets.chain([found.get_sample_count()])) {
                *count += more;
            }
        }
        self.looks.push_back(counts);
        if self.looks.len() > LOOKS + 1 {
            self.looks.pop_front();
        }
    }

    /// How many there were since so many looks ago.
    pub(crate) fn count(&self, looks: usize) -> u64 {
        self.since(looks)[STEP_SECONDS.len()]
    }

    /// Seconds that this part of them took at most, to what the buckets tell; nothing if there were none.
    pub(crate) fn quantile(&self, part: f64, looks: usize) -> Option<f64> {
        let counts = self.since(looks);
        let all = counts[STEP_SECONDS.len()];
        if all == 0 {
            return None;
        }
        let rank = float(all) * part;
        let bucket = STEP_SECONDS.iter().zip(counts).position(|(_, count)| float(count) >= rank);
        // Whatever took longer than the last bound took at least that long.
        let Some(bucket) = bucket else { return STEP_SECONDS.last().copied() };
        let (begin, before) = match bucket.checked_sub(1) {
            Some(last) => (STEP_SECONDS[last], counts[last]),
            None => (0.0, 0),
        };
        let inside = (rank - float(before)) / float((counts[bucket] - before).max(1));
        Some(begin + (STEP_SECONDS[bucket] - begin) * inside.clamp(0.0, 1.0))
    }

    fn since(&self, looks: usize) -> Counts {
        let Some(latest) = self.looks.back() else { return Counts::default() };
        let first = self.looks.len().saturating_sub(looks + 1);
        let mut counts = *latest;
        counts.iter_mut().zip(self.looks[first]).for_each(|(count, before)| *count = count.saturating_sub(before));
        counts
    }
}

#[expect(clippy::cast_precision_loss, reason = "a quantile is told to two digits")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::metrics::Metrics;

    #[test]
    fn a_quantile_is_that_of_the_last_looks_alone() {
        let histogram = Metrics::default().seconds("some_seconds", "Some.", &STEP_SECONDS);
        let mut recent = Recent::default();
        histogram.observe(9.0);
        recent.look([&histogram]);
        assert_eq!((recent.quantile(0.99, 60), recent.count(60)), (None, 0));
        (0..99).for_each(|_| histogram.observe(0.0007));
        histogram.observe(0.2);
        recent.look([&histogram]);
        assert_eq!(recent.count(1), 100);
        let middle = recent.quantile(0.5, 60).unwrap();
        assert!((0.0005..=0.001).contains(&middle), "{middle}");
        assert!(recent.quantile(1.0, 60).unwrap() > 0.1);
        recent.look([&histogram]);
        assert_eq!((recent.count(1), recent.count(2)), (0, 100));
    }

    #[test]
    fn what_takes_longer_than_any_bound_took_at_least_that() {
        let histogram = Metrics::default().seconds("some_seconds", "Some.", &STEP_SECONDS);
        let mut recent = Recent::default();
        recent.look([&histogram]);
        histogram.observe(1_000.0);
        recent.look([&histogram]);
        assert_eq!(recent.quantile(0.99, 1), Some(30.0));
        (0..1_000).for_each(|_| recent.look([&histogram]));
        assert_eq!(recent.looks.len(), LOOKS + 1);
    }
}
