//! Why PAM could not be asked, and how often that was so.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A question without a verdict: the client may be right, and is refused all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("too many questions wait for a helper")]
    Busy,
    #[error("no helper was there in time; the log says why they ended")]
    NoHelper,
    #[error("helper {number} has not answered within {seconds} s and is killed: one of the service's modules hangs")]
    Stuck { number: u32, seconds: u64 },
    #[error("helper {number} died with the question: one of the service's modules crashes, or somebody killed it")]
    Died { number: u32 },
    #[error("helper {number} speaks nonsense: {error}")]
    Garbled { number: u32, error: String },
    /// PAM itself failed; libpam's own words.
    #[error("{0}")]
    Failed(String),
    #[error("the helpers were not started with this service; a restart of rustsocks starts them anew")]
    UnknownService,
}

impl Trouble {
    /// The stable word for logs.
    pub(super) fn cause(&self) -> &'static str {
        CAUSES[self.number()]
    }

    fn number(&self) -> usize {
        match self {
            Self::Busy => 0,
            Self::NoHelper => 1,
            Self::Stuck { .. } => 2,
            Self::Died { .. } => 3,
            Self::Garbled { .. } => 4,
            Self::Failed(_) => 5,
            Self::UnknownService => 6,
        }
    }
}

const CAUSES: [&str; 7] = ["busy", "no_helper", "stuck", "died", "garbled", "failed", "unknown_service"];

/// Questions without a verdict, by cause.
#[derive(Debug, Default)]
pub(super) struct Tally([AtomicU64; CAUSES.len()]);

impl Tally {
    /// Returns how many of its cause there have been, this one included.
    pub(super) fn count(&self, trouble: &Trouble) -> u64 {
        self.0[trouble.number()].fetch_add(1, Relaxed) + 1
    }

    /// Every cause with its number.
    pub(super) fn snapshot(&self) -> [(&'static str, u64); CAUSES.len()] {
        std::array::from_fn(|at| (CAUSES[at], self.0[at].load(Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_a_word_and_a_count_of_its_own() {
        let tally = Tally::default();
        let (number, error) = (1, String::new());
        let troubles = [
            Trouble::Busy,
            Trouble::NoHelper,
            Trouble::Stuck { number, seconds: 30 },
            Trouble::Died { number },
            Trouble::Garbled { number, error: error.clone() },
            Trouble::Failed(error),
            Trouble::UnknownService,
        ];
        for (times, trouble) in (1..).zip(&troubles) {
            let last = (0..times).map(|_| tally.count(trouble)).last();
            assert_eq!(last, Some(times));
        }
        let expected: Vec<_> = troubles.iter().map(Trouble::cause).zip(1..).collect();
        assert_eq!(tally.snapshot().to_vec(), expected);
    }
}
