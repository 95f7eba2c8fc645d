//! How long something took, many times.

use std::time::Duration;

/// The same thing, again and again.
#[derive(Debug, Default)]
pub(crate) struct Times {
    took: Vec<Duration>,
}

impl Times {
    pub(crate) fn add(&mut self, took: Duration) {
        self.took.push(took);
    }

    pub(crate) fn median(&mut self) -> Duration {
        self.percentile(50)
    }

    pub(crate) fn percentile(&mut self, percent: usize) -> Duration {
        self.took.sort_unstable();
        let place = self.took.len().saturating_sub(1) * percent / 100;
        self.took.get(place).copied().unwrap_or(Duration::MAX)
    }

    pub(crate) fn longest(&mut self) -> Duration {
        self.percentile(100)
    }
}

/// For people.
pub(crate) fn milliseconds(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1e3;
    if milliseconds < 10.0 { format!("{milliseconds:.2} ms") } else { format!("{milliseconds:.0} ms") }
}
