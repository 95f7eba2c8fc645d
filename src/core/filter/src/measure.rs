//! Numbers with units, durations and times, as people write them and as they are printed again.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::expr::Moment;

const UNITS: [(&str, u64); 5] = [("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10), ("", 1)];

/// Microseconds.
const SPANS: [(&str, u64); 7] = [
    ("w", 604_800_000_000),
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// SQLite has no larger integers.
const LARGEST: u64 = i64::MAX as u64;

/// `10M`, `1.5G`, `4096`; units are powers of 1024, in either case, with or without `B` or `iB`.
#[must_use]
pub fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = split(text);
    let unit = unit.to_ascii_uppercase();
    let unit = unit.strip_suffix("IB").or(unit.strip_suffix('B')).unwrap_or(&unit);
    let (_, scale) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    scaled(number, scale)
}

/// Bytes in a second, as a filter has them: the same with `/s`, which may be left out.
#[must_use]
pub fn rate(text: &str) -> Option<u64> {
    bytes(text.strip_suffix("/s").unwrap_or(text))
}

pub(crate) fn count(text: &str) -> Option<u64> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_plain && *number <= LARGEST)
}

/// Microseconds of `250ms`, `1h30m`, `1.5h`, or of so many seconds.
#[must_use]
pub fn duration(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let (number, tail) = split(rest);
        let ends = tail.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(ends);
        let unit = if unit.is_empty() && rest.len() == text.len() && tail.is_empty() { "s" } else { unit };
        let (_, scale) = SPANS.into_iter().find(|(name, _)| *name == unit)?;
        sum = sum.checked_add(scaled(number, scale)?)?;
        rest = tail;
    }
    (!text.is_empty() && sum <= LARGEST).then_some(sum)
}

/// A date, a date with a time (UTC unless it says otherwise), or so long ago.
pub(crate) fn moment(text: &str) -> Option<Moment> {
    if let Some(before) = text.strip_prefix('-') {
        return duration(before).and_then(|micros| i64::try_from(micros).ok()).map(Moment::Ago);
    }
    let utc = |local: DateTime| local.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let at = text.parse::<Timestamp>().ok();
    let at = at.or_else(|| text.parse::<DateTime>().ok().and_then(utc));
    let at = at.or_else(|| text.parse::<Date>().ok().and_then(|date| utc(date.at(0, 0, 0, 0))));
    at.map(|at| Moment::At(at.as_microsecond()))
}

/// The shortest way to write so many bytes exactly.
pub(crate) fn print_bytes(bytes: u64) -> String {
    let exact = UNITS.into_iter().find(|(_, scale)| bytes >= *scale && bytes.is_multiple_of(*scale));
    exact.map_or_else(|| bytes.to_string(), |(unit, scale)| format!("{}{unit}", bytes / scale))
}

/// The shortest way to write so many microseconds exactly.
pub(crate) fn print_duration(micros: u64) -> String {
    let exact = SPANS.into_iter().find(|(_, scale)| micros >= *scale && micros.is_multiple_of(*scale));
    exact.map_or_else(|| "0s".to_owned(), |(unit, scale)| format!("{}{unit}", micros / scale))
}

pub(crate) fn print_moment(moment: Moment) -> String {
    match moment {
        Moment::Ago(before) => format!("-{}", print_duration(before.unsigned_abs())),
        Moment::At(at) => {
            Timestamp::from_microsecond(at).map_or_else(|_| Timestamp::MIN.to_string(), |at| at.to_string())
        }
    }
}

/// Digits with at most one point, and what follows them.
fn split(text: &str) -> (&str, &str) {
    text.split_at(text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len()))
}

/// A decimal number times its unit, exactly, rounded down.
fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') || whole.len() > 20 || fraction.len() > 12 {
        return None;
    }
    let fine = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let product = digits.checked_mul(u128::from(scale))? / fine;
    u64::try_from(product).ok().filter(|product| *product <= LARGEST)
}
