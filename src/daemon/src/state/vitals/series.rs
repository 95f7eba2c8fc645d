//! What was measured each second, in three rings: 5 minutes by the second, an hour by ten seconds, a day by the minute.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Key {
    /// Sessions that are in.
    Sessions,
    /// Connections accepted, a second.
    New,
    /// Bytes from clients, a second.
    Up,
    /// Bytes to clients, a second.
    Down,
    /// Requests that rules denied, a second.
    Denied,
    /// Milliseconds that all but one of a hundred connections to destinations took at most.
    Connect,
    /// Logins that succeeded, a second.
    LoggedIn,
    /// Logins that were wrong, a second.
    NotLoggedIn,
    /// Logins that nobody could check, a second.
    Unchecked,
    /// The longest that a relay thread came too late, in milliseconds.
    Lag,
    /// Of one processor, in percent.
    Processor,
    /// Memory in RAM, in bytes.
    Memory,
}

pub(crate) const KEYS: usize = 12;

impl Key {
    pub(crate) const ALL: [Self; KEYS] = [
        Self::Sessions,
        Self::New,
        Self::Up,
        Self::Down,
        Self::Denied,
        Self::Connect,
        Self::LoggedIn,
        Self::NotLoggedIn,
        Self::Unchecked,
        Self::Lag,
        Self::Processor,
        Self::Memory,
    ];

    /// The stable word.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::New => "new",
            Self::Up => "up",
            Self::Down => "down",
            Self::Denied => "denied",
            Self::Connect => "conn_p99",
            Self::LoggedIn => "auth_ok",
            Self::NotLoggedIn => "auth_fail",
            Self::Unchecked => "auth_err",
            Self::Lag => "lag",
            Self::Processor => "cpu",
            Self::Memory => "rss",
        }
    }

    /// Whether a longer time is told by its worst moment instead of its mean.
    fn is_a_worst(self) -> bool {
        matches!(self, Self::Connect | Self::Lag)
    }
}

/// One moment: a value for each key, or none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample([Option<f32>; KEYS]);

impl Sample {
    pub(crate) const EMPTY: Self = Self([None; KEYS]);

    #[must_use]
    pub(crate) fn with(mut self, key: Key, value: impl Into<Option<f64>>) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "seven digits are more than a chart shows")]
        let value = value.into().map(|value| value as f32);
        self.0[key as usize] = value;
        self
    }

    pub(crate) fn of(&self, key: Key) -> Option<f32> {
        self.0[key as usize]
    }

    /// Several moments as one.
    fn of_several(moments: &[Self]) -> Self {
        let mut whole = Self::EMPTY;
        for key in Key::ALL {
            let values = moments.iter().filter_map(|moment| moment.of(key));
            whole.0[key as usize] = if key.is_a_worst() { values.reduce(f32::max) } else { mean(values) };
        }
        whole
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are ten at most")]
fn mean(values: impl Iterator<Item = f32>) -> Option<f32> {
    let (count, sum) = values.fold((0_u32, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / count as f32)
}

/// How long a moment is, with how many of them are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Resolution {
    Second,
    TenSeconds,
    Minute,
}

impl Resolution {
    pub(crate) const ALL: [Self; 3] = [Self::Second, Self::TenSeconds, Self::Minute];

    pub(crate) fn seconds(self) -> i64 {
        match self {
            Self::Second => 1,
            Self::TenSeconds => 10,
            Self::Minute => 60,
        }
    }

    pub(crate) fn kept(self) -> usize {
        match self {
            Self::Second => 300,
            Self::TenSeconds => 360,
            Self::Minute => 1_440,
        }
    }

    /// How many moments of the finer ring make one of this.
    fn takes(self) -> usize {
        match self {
            Self::Second => 1,
            Self::TenSeconds => 10,
            Self::Minute => 6,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Series(Mutex<Rings>);

#[derive(Debug, Default)]
struct Rings {
    /// When the last second was, counted from 1970.
    last: Option<i64>,
    rings: [Ring; Resolution::ALL.len()],
}

#[derive(Debug, Default)]
struct Ring {
    /// The end of the last moment.
    end: i64,
    samples: VecDeque<Sample>,
    /// Moments of the finer ring that are not a whole one yet.
    gathered: Vec<Sample>,
}

impl Series {
    /// Notes a second. Those that nobody measured are there without a value; one that was measured already is left out.
    pub(crate) fn push(&self, second: i64, sample: Sample) {
        let mut rings = self.rings();
        let most = i64::try_from(Resolution::Second.kept()).unwrap_or(i64::MAX);
        let missing = rings.last.map_or(0, |last| second - last - 1);
        if missing < 0 {
            return;
        }
        for missing in (1..=missing.min(most)).rev() {
            rings.note(second - missing, Sample::EMPTY);
        }
        rings.note(second, sample);
        rings.last = Some(second);
    }

    /// When the first of the last `most` moments began, and these moments, the oldest first.
    pub(crate) fn last(&self, resolution: Resolution, most: usize) -> (i64, Vec<Sample>) {
        let rings = self.rings();
        let ring = &rings.rings[resolution as usize];
        let count = ring.samples.len().min(most);
        let samples = ring.samples.range(ring.samples.len() - count..).copied().collect();
        (ring.end - i64::try_from(count).unwrap_or(0) * resolution.seconds(), samples)
    }

    /// The seconds behind this one that are known, each with its time.
    pub(crate) fn since(&self, second: i64) -> Vec<(i64, Sample)> {
        let most = Resolution::Second.kept();
        let (first, samples) = self.last(Resolution::Second, most);
        (first..).zip(samples).filter(|(at, _)| *at > second).collect()
    }

    fn rings(&self) -> MutexGuard<'_, Rings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rings {
    fn note(&mut self, second: i64, sample: Sample) {
        let mut whole = Some(sample);
        for (resolution, ring) in Resolution::ALL.into_iter().zip(&mut self.rings) {
            let Some(sample) = whole else { return };
            whole = ring.gather(resolution, second, sample);
        }
    }
}

impl Ring {
    /// Returns the moment that is whole now, if one is.
    fn gather(&mut self, resolution: Resolution, second: i64, sample: Sample) -> Option<Sample> {
        self.gathered.push(sample);
        if self.gathered.len() < resolution.takes() {
            return None;
        }
        let whole = Sample::of_several(&self.gathered);
        self.gathered.clear();
        self.samples.push_back(whole);
        if self.samples.len() > resolution.kept() {
            self.samples.pop_front();
        }
        self.end = second + 1;
        Some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(sessions: f64) -> Sample {
        Sample::EMPTY.with(Key::Sessions, sessions).with(Key::Lag, sessions)
    }

    #[test]
    fn ten_seconds_are_their_mean_and_their_worst_and_six_of_these_a_minute() {
        let series = Series::default();
        (0..60).for_each(|second: i32| series.push(1_000 + i64::from(second), sample(f64::from(second))));
        let (from, tens) = series.last(Resolution::TenSeconds, 100);
        assert_eq!((from, tens.len()), (1_000, 6));
        assert_eq!((tens[1].of(Key::Sessions), tens[1].of(Key::Lag)), (Some(14.5), Some(19.0)));
        let (from, minutes) = series.last(Resolution::Minute, 100);
        assert_eq!((from, minutes[0].of(Key::Sessions), minutes[0].of(Key::Lag)), (1_000, Some(29.5), Some(59.0)));
        assert_eq!(minutes[0].of(Key::New), None);
        let (from, seconds) = series.last(Resolution::Second, 2);
        assert_eq!((from, seconds[0].of(Key::Sessions)), (1_058, Some(58.0)));
    }

    #[test]
    fn each_ring_keeps_what_it_should_however_long_it_runs() {
        let series = Series::default();
        (0..100_000).for_each(|second| series.push(second, sample(1.0)));
        for resolution in Resolution::ALL {
            let (from, samples) = series.last(resolution, usize::MAX);
            assert_eq!(samples.len(), resolution.kept());
            assert!(from > 0);
        }
    }

    #[test]
    fn seconds_that_nobody_measured_have_no_value_and_none_counts_twice() {
        let series = Series::default();
        series.push(100, sample(1.0));
        series.push(103, sample(2.0));
        series.push(103, sample(9.0));
        let seen: Vec<_> = series.since(99).into_iter().map(|(at, seen)| (at, seen.of(Key::Sessions))).collect();
        assert_eq!(seen, [(100, Some(1.0)), (101, None), (102, None), (103, Some(2.0))]);
        assert_eq!(series.since(102).len(), 1);
        series.push(100_000_000, sample(3.0));
        assert_eq!(series.last(Resolution::Second, usize::MAX).1.len(), 300);
    }
}
