//! How fast somebody may connect.

use limits::Pace;

use crate::problem::Fault;
use crate::values::{Parsed, Written};

impl Parsed for Pace {
    /// Written `"rate:burst"`: so many a second in the long run, and so many at once after a pause.
    fn parse(text: &str) -> Result<Self, Fault> {
        let pace = text.split_once(':').and_then(|(rate, burst)| Pace::new(rate.parse().ok()?, burst.parse().ok()?));
        pace.ok_or_else(|| {
            Fault::new(format!("{text:?} is not rate:burst")).hint(
                "write how many may come in a second and how many at once after a pause, each 1 to 1000000: \"20:100\"; \"none\" turns it off",
            )
        })
    }
}

impl Written for Pace {
    fn written(&self) -> String {
        format!("{}:{}", self.per_sec(), self.burst())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pace_is_refused() {
        for text in ["", "20", "20:", ":100", "0:100", "20:0", "1000001:1", "1:1000001", "-1:1", "1.5:2", "1:2:3"] {
            assert!(Pace::parse(text).is_err(), "{text}");
        }
        assert_eq!(Pace::parse("20:100").expect("a pace").written(), "20:100");
    }
}
