//! Moments as operators write them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// What has no offset is meant in UTC.
///
/// # Errors
/// The forms that there are.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    let utc = |local: DateTime| local.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    let with_offset = text.parse::<Timestamp>();
    let moment = with_offset.or_else(|_| text.parse::<DateTime>().and_then(utc));
    let moment = moment.or_else(|_| text.parse::<Date>().and_then(|date| utc(date.at(0, 0, 0, 0))));
    moment.map_err(|_| "write 2026-11-22, 2026-11-22T18:00 or 2026-11-22T18:00:00+01:00".to_owned())
}
