//! Rates as people write them, bytes a second, and as files have them: megabits a second, where a megabit is 10^6 bits.

use policy::Rate;
use serde_json::Value;

/// What is wrong with a rate that [`read`] cannot read.
pub(crate) const FAULT: &str = "bytes a second: 512K, 2.5M; 0 is no limit";

/// The same of [`each_way`].
pub(crate) const FAULT_EACH_WAY: &str = "bytes a second: 512K, or 512K:4M up and down; 0 is no limit";

/// `512K` or `2.5M/s`; nothing for what is no rate.
#[expect(clippy::cast_precision_loss, reason = "a rate in bytes a second is far below 2^53")]
pub(crate) fn read(text: &str) -> Option<f64> {
    filter::read_rate(text).map(|bytes| bytes as f64 * 8.0 / 1e6)
}

/// What files say for `512K`, the same in both directions, or for `512K:4M`, from clients and to them.
pub(crate) fn each_way(text: &str) -> Option<Rate> {
    let Some((up, down)) = text.split_once(':') else { return read(text).map(Rate::Both) };
    Some(Rate::Each(format!("{}:{}", read(up)?, read(down)?)))
}

/// The way back: of what a file says.
pub(crate) fn of_file(said: &Value) -> Option<String> {
    let bytes = |said: &str| said.trim().parse().ok().map(bytes_a_second);
    match said.as_str().and_then(|said| said.split_once(':')) {
        Some((up, down)) => Some(exact_each_way(bytes(up)?, bytes(down)?)),
        None => said.as_f64().map(bytes_a_second).map(exact),
    }
}

/// Of bytes a second from clients and to them, as [`each_way`] has them.
pub(crate) fn exact_each_way(up: u64, down: u64) -> String {
    if up == down { exact(up) } else { format!("{}:{}", exact(up), exact(down)) }
}

/// Bytes a second, or bytes, as [`read`] has them without loss: `4M`, `512K`, `523750`.
pub(crate) fn exact(bytes: u64) -> String {
    let units = [(1 << 20, "M"), (1 << 10, "K")];
    let unit = units.into_iter().find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    unit.map_or_else(|| bytes.to_string(), |(unit, letter)| format!("{}{letter}", bytes / unit))
}

/// Of a rate as files have it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the daemon keeps rates from 0 to a petabit"
)]
pub(crate) fn bytes_a_second(megabits: f64) -> u64 {
    (megabits * 1e6 / 8.0).round() as u64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_for_each_direction_comes_back() {
        for (written, in_file) in
            [("512K", json!(4.194_304)), ("512K:4M/s", json!("4.194304:33.554432")), ("0:1M", json!("0:8.388608"))]
        {
            assert_eq!(each_way(written).map(|rate| json!(rate)).as_ref(), Some(&in_file), "{written}");
            assert_eq!(of_file(&in_file).as_deref(), Some(written.trim_end_matches("/s")));
        }
        assert_eq!((of_file(&json!(4)).as_deref(), of_file(&Value::Null)), (Some("500000"), None));
        assert_eq!((exact_each_way(524_288, 4_194_304).as_str(), exact_each_way(0, 0).as_str()), ("512K:4M", "0"));
        for wrong in ["", ":", "1M:", ":1M", "1M:2M:3M", "fast"] {
            assert_eq!(each_way(wrong), None, "{wrong}");
        }
    }
}
