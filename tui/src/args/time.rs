//! How long something is to be: `90s`, `15m`, `1h30m`. What is no such time, or not one that can be, is said with the argument.

use std::time::Duration;

use wire::admin::{LONGEST_LEVEL, LONGEST_PROBATION};

/// Whole seconds, at least one.
pub(super) fn seconds(text: &str) -> Result<u64, String> {
    let micros = filter::read_duration(text).filter(|micros| *micros > 0);
    Ok(micros.ok_or("it is no duration; write 90s, 15m or 1h30m")?.div_ceil(1_000_000))
}

/// As long as another level of the log may hold.
pub(super) fn of_level(text: &str) -> Result<u64, String> {
    at_most(LONGEST_LEVEL, text)
}

/// As long as what was applied may wait to be confirmed.
pub(super) fn probation(text: &str) -> Result<u64, String> {
    at_most(LONGEST_PROBATION, text)
}

fn at_most(longest: Duration, text: &str) -> Result<u64, String> {
    let hours = longest.as_secs() / 3_600;
    let found = seconds(text)?;
    if found > longest.as_secs() { Err(format!("{hours}h is the longest")) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_people_write_it() {
        for (text, read) in
            [("15m", Some(900)), ("90s", Some(90)), ("1h30m", Some(5_400)), ("0s", None), ("soon", None), ("-5m", None)]
        {
            assert_eq!(seconds(text).ok(), read, "{text}");
        }
        assert_eq!((of_level("24h"), of_level("25h")), (Ok(86_400), Err("24h is the longest".to_owned())));
    }
}
