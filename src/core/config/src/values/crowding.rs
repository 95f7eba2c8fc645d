//! When newcomers are turned away by chance.

use crate::problem::Fault;
use crate::values::{Parsed, Written};

/// As many unauthenticated connections as this can ever matter.
const MOST: u32 = 1_000_000;

/// `MaxStartups` of `sshd_config(5)`, written `"start:rate:full"`: from `start` unauthenticated connections on, a newcomer is
/// turned away with a chance of `rate` percent, which grows evenly until at `full` everybody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EarlyDrop {
    start: u32,
    rate: u8,
    full: u32,
}

impl EarlyDrop {
    pub(crate) const DEFAULT: Self = Self { start: 200, rate: 30, full: 1_000 };

    /// The chance in percent, 0 to 100, that a newcomer is turned away when so many are there.
    #[must_use]
    pub fn chance(self, there: usize) -> u64 {
        let there = u32::try_from(there).unwrap_or(u32::MAX);
        if there < self.start {
            return 0;
        }
        if there >= self.full {
            return 100;
        }
        let (grown, way) = (u64::from(there - self.start), u64::from(self.full - self.start));
        u64::from(self.rate) + u64::from(100 - self.rate) * grown / way
    }
}

impl Parsed for EarlyDrop {
    fn parse(text: &str) -> Result<Self, Fault> {
        let mut parts = text.split(':').map(str::parse::<u32>);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(start)), Some(Ok(rate @ 1..=100)), Some(Ok(full)), None) if start <= full && full <= MOST => {
                Ok(Self { start, rate: u8::try_from(rate).expect("a percentage fits"), full })
            }
            _ => Err(Fault::new(format!("{text:?} is not start:rate:full")).hint(format!(
                "write two numbers of connections up to {MOST} and a percentage between them: \"200:30:1000\"; \"none\" turns it off"
            ))),
        }
    }
}

impl Written for EarlyDrop {
    fn written(&self) -> String {
        format!("{}:{}:{}", self.start, self.rate, self.full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chance_grows_evenly_from_start_to_full() {
        let table = [
            ("200:30:1000", 199, 0),
            ("200:30:1000", 200, 30),
            ("200:30:1000", 600, 65),
            ("200:30:1000", 999, 99),
            ("200:30:1000", 1_000, 100),
            ("200:30:1000", usize::MAX, 100),
            ("0:1:1", 0, 1),
            ("10:50:10", 9, 0),
            ("10:50:10", 10, 100),
            ("0:100:1000000", 0, 100),
        ];
        for (text, there, chance) in table {
            assert_eq!(EarlyDrop::parse(text).expect(text).chance(there), chance, "{text} {there}");
        }
    }

    #[test]
    fn what_is_no_early_drop_is_refused() {
        for text in
            ["", "200", "200:30", "200:0:1000", "200:101:1000", "1000:30:200", "1:1:1:1", "0:1:1000001", "a:1:2"]
        {
            assert!(EarlyDrop::parse(text).is_err(), "{text}");
        }
    }
}
