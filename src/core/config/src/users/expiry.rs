//! The moment from which a user may no longer log in.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use toml::value::Datetime;

use crate::kinds::{Input, Kind, mismatch};
use crate::problem::Fault;

/// A moment, written as a TOML date (its midnight in UTC) or as a TOML date and time with an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry(Timestamp);

impl Expiry {
    /// The first moment at which the user is no longer let in.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        self.0
    }

    fn of(written: &Datetime) -> Option<Self> {
        let midnight = |date: jiff::civil::Date| date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
        let moment = match (written.date, written.time, written.offset) {
            (Some(_), None, None) => written.to_string().parse().and_then(midnight),
            (Some(_), Some(_), Some(_)) => written.to_string().parse(),
            _ => return None,
        };
        moment.ok().map(Self)
    }
}

/// A date, or a date and time with its offset.
pub(crate) struct Moment;

impl Kind for Moment {
    type Value = Expiry;

    fn read(&self, input: Input<'_>) -> Result<Expiry, Vec<Fault>> {
        let written = match input {
            Input::File(value) => value.get_ref().as_datetime().copied(),
            Input::Text(text) => text.parse().ok(),
        };
        written.as_ref().and_then(Expiry::of).ok_or_else(|| {
            let fault = mismatch("a date, or a date and time with an offset", input);
            vec![fault.hint("write 2027-01-31 or 2027-01-31T18:00:00+01:00, without quotes")]
        })
    }
}
