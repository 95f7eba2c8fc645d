//! Rates as people write them, bytes a second, and as files have them: megabits a second, where a megabit is 10^6 bits.

/// What is wrong with a rate that [`read`] cannot read.
pub(crate) const FAULT: &str = "bytes a second: 512K, 2.5M; 0 is no limit";

/// `512K` or `2.5M/s`; nothing for what is no rate.
#[expect(clippy::cast_precision_loss, reason = "a rate in bytes a second is far below 2^53")]
pub(crate) fn read(text: &str) -> Option<f64> {
    filter::read_rate(text).map(|bytes| bytes as f64 * 8.0 / 1e6)
}

/// Bytes a second, or bytes, as [`read`] has them without loss: `4M`, `512K`, `523750`.
pub(crate) fn exact(bytes: u64) -> String {
    let units = [(1 << 20, "M"), (1 << 10, "K")];
    let unit = units.into_iter().find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    unit.map_or_else(|| bytes.to_string(), |(unit, letter)| format!("{}{letter}", bytes / unit))
}

/// The way back.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the daemon keeps rates from 0 to a petabit"
)]
pub(crate) fn bytes_a_second(megabits: f64) -> u64 {
    (megabits * 1e6 / 8.0).round() as u64
}
