//! How values look to people: names that cannot play tricks on a terminal, and numbers at a glance.

use std::borrow::Cow;
use std::fmt::Write;

use jiff::{Timestamp, tz::TimeZone};
use unicode_width::UnicodeWidthChar;

/// A text in which everything can be seen: controls, marks that turn the direction of writing, and what has no width are
/// written as escapes.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().fold(String::new(), |mut shown, letter| {
        match letter {
            '\t' => shown.push_str("\\t"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            hidden if is_hidden(hidden) => {
                write!(shown, "\\u{{{:x}}}", u32::from(hidden)).expect("writing to a string cannot fail");
            }
            seen => shown.push(seen),
        }
        shown
    }))
}

/// Whether a letter takes no place of its own, or changes what others look like.
pub(crate) fn is_hidden(letter: char) -> bool {
    letter.width().is_none_or(|width| width == 0)
        || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{ad}' | '\u{115f}' | '\u{3164}')
}

/// How many cells of a terminal a visible text takes.
pub(crate) fn width(text: &str) -> usize {
    text.chars().filter_map(UnicodeWidthChar::width).sum()
}

/// As much of a text as fits, cut in the middle, because both ends of a name say something.
pub(crate) fn cut(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    if cells < 5 {
        return Cow::Owned(head(text, cells).to_owned());
    }
    let dots = 2;
    let tail_cells = (cells - dots) / 2;
    let front = head(text, cells - dots - tail_cells);
    let back = tail(text, tail_cells);
    Cow::Owned(format!("{front}..{back}"))
}

/// What three spaces part in a text: as many of its parts as fit whole, from the first, which is cut if it must be.
pub(crate) fn facts(text: &str, cells: usize) -> Cow<'_, str> {
    let mut rest = text;
    while width(rest) > cells {
        let Some((before, _)) = rest.rsplit_once("   ") else { return cut(rest, cells) };
        rest = before.trim_end();
    }
    Cow::Borrowed(rest)
}

/// A text in lines of at most so many cells, parted at its spaces where that can be done; one line at least.
pub(crate) fn wrapped(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(2);
    let (mut lines, mut line, mut taken) = (Vec::new(), String::new(), 0);
    for word in text.split_inclusive(' ') {
        if taken > 0 && taken + width(word.trim_end()) > cells {
            lines.push(std::mem::take(&mut line));
            taken = 0;
        }
        for letter in word.chars() {
            let more = letter.width().unwrap_or(0);
            if taken + more > cells {
                // A space that does not fit stands at the end of a line, where it is not missed.
                if letter == ' ' {
                    break;
                }
                lines.push(std::mem::take(&mut line));
                taken = 0;
            }
            line.push(letter);
            taken += more;
        }
    }
    lines.push(line);
    lines
}

/// `text` in exactly so many cells, cut or filled up.
pub(crate) fn fitted(text: &str, cells: usize, to_the_right: bool) -> String {
    let text = cut(text, cells);
    let gap = " ".repeat(cells.saturating_sub(width(&text)));
    if to_the_right { format!("{gap}{text}") } else { format!("{text}{gap}") }
}

fn head(text: &str, cells: usize) -> &str {
    let mut taken = 0;
    let end = text.char_indices().find(|(_, letter)| {
        taken += letter.width().unwrap_or(0);
        taken > cells
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

fn tail(text: &str, cells: usize) -> &str {
    let mut taken = 0;
    let start = text.char_indices().rev().find(|(_, letter)| {
        taken += letter.width().unwrap_or(0);
        taken > cells
    });
    &text[start.map_or(0, |(at, letter)| at + letter.len_utf8())..]
}

/// Bytes in at most five cells: `0`, `999`, `102K`, `2.0M`, `644M`.
pub(crate) fn bytes(bytes: u64) -> String {
    let mut scaled = bytes;
    for unit in ["", "K", "M", "G", "T", "P", "E"] {
        if scaled < 1000 || unit == "E" {
            return format!("{scaled}{unit}");
        }
        let tenths = scaled.saturating_mul(10) / 1024;
        if tenths < 100 {
            let unit = next_unit(unit);
            return format!("{}.{}{unit}", tenths / 10, tenths % 10);
        }
        scaled /= 1024;
    }
    bytes.to_string()
}

/// A number with four digits that say something, or as many as it has: `4.194`, `100.7`, `500`.
pub(crate) fn about(number: f64) -> String {
    let decimals = [(1000.0, 0), (100.0, 1), (10.0, 2)].into_iter().find(|(from, _)| number.abs() >= *from);
    let text = format!("{number:.*}", decimals.map_or(3, |(_, decimals)| decimals));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn next_unit(unit: &str) -> &'static str {
    match unit {
        "" => "K",
        "K" => "M",
        "M" => "G",
        "G" => "T",
        "T" => "P",
        _ => "E",
    }
}

/// A number with spaces between thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// Seconds in at most five cells: `00:58`, `20:34`, `1h02`, `12d03`.
pub(crate) fn age(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    if hours == 0 {
        format!("{minutes:02}:{:02}", seconds % 60)
    } else if days == 0 {
        format!("{hours}h{:02}", minutes % 60)
    } else if days < 1000 {
        format!("{days}d{:02}", hours % 24)
    } else {
        format!("{days}d")
    }
}

/// Seconds since 1970 as a date and a time in UTC (RFC 3339).
pub(crate) fn time(seconds: f64) -> String {
    moment(seconds).map_or_else(|| "-".to_owned(), |moment| moment.to_string())
}

/// The same with thousandths, so that lines stand below each other.
pub(crate) fn time_of_line(seconds: f64) -> String {
    moment(seconds).map_or_else(|| "-".to_owned(), |moment| format!("{moment:.3}"))
}

/// The time of day, in UTC.
pub(crate) fn clock(seconds: f64) -> String {
    moment(seconds)
        .map_or_else(|| "--:--:--".to_owned(), |moment| moment.to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string())
}

/// The day, in UTC: `2026-11-22`.
pub(crate) fn day(seconds: f64) -> String {
    moment(seconds).map_or_else(String::new, |moment| moment.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string())
}

fn moment(seconds: f64) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and what is no time is none")]
    let millis = (seconds * 1000.0).round() as i64;
    Timestamp::from_millisecond(millis).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stays_hidden() {
        for (text, expected) in [
            ("plain żółw 漢", "plain żółw 漢"),
            ("a\x1b[2Jb", "a\\u{1b}[2Jb"),
            ("a\u{9b}31m", "a\\u{9b}31m"),
            ("abc\u{202e}gpj.exe", "abc\\u{202e}gpj.exe"),
            ("a\u{200b}b\u{301}\n", "a\\u{200b}b\\u{301}\\n"),
        ] {
            assert_eq!(visible(text), expected);
        }
    }

    #[test]
    fn a_name_is_cut_in_its_middle_and_fills_its_cells() {
        assert_eq!(cut("prod-4.some.company.com:443", 20), "prod-4.so..y.com:443");
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("漢漢漢漢漢", 7), "漢..漢");
        for cells in 0..30 {
            assert_eq!(width(&fitted("漢字-and-letters.example", cells, false)), cells);
            assert_eq!(width(&fitted("x", cells, true)), cells);
        }
    }

    #[test]
    fn facts_stand_there_whole_or_not_at_all() {
        let said = "range last 24 h   sort start    page 1";
        for (cells, expected) in
            [(40, said), (36, "range last 24 h   sort start"), (20, "range last 24 h"), (9, "rang..4 h")]
        {
            assert_eq!(facts(said, cells), expected, "{cells}");
        }
    }

    #[test]
    fn a_sentence_goes_on_below_and_loses_no_word() {
        assert_eq!(wrapped("end the sessions of frank", 10), ["end the ", "sessions ", "of frank"]);
        assert_eq!(wrapped("a longer-word-than-that b", 10), ["a ", "longer-wor", "d-than-tha", "t b"]);
        assert_eq!(wrapped("漢漢漢 b", 5), ["漢漢", "漢 b"]);
        assert_eq!(
            (wrapped("", 10), wrapped("  in the front", 20)),
            (vec![String::new()], vec!["  in the front".to_owned()])
        );
        for cells in 2..40 {
            let lines = wrapped("rustsocks-cli sessions kill --filter 'user=\"frank\"' --expect 12", cells);
            assert!(lines.iter().all(|line| width(line.trim_end()) <= cells), "{lines:?}");
        }
    }

    #[test]
    fn numbers_change_their_unit_and_are_never_long() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1000, "0.9K"),
            (2048, "2.0K"),
            (104_448, "102K"),
            (2_097_152, "2.0M"),
            (1_023_000, "999K"),
        ] {
            assert_eq!(bytes(number), expected);
        }
        for shift in 0..64 {
            assert!(bytes(u64::MAX >> shift).len() <= 5, "{}", bytes(u64::MAX >> shift));
        }
        assert_eq!(count(10_214), "10 214");
        assert_eq!([4.194_304, 100.663_296, 500.0, 0.008, 0.0].map(about), ["4.194", "100.7", "500", "0.008", "0"]);
        assert_eq!([58, 1234, 3720, 1_047_600].map(age), ["00:58", "20:34", "1h02", "12d03"]);
        assert_eq!(time(1_795_334_400.25), "2026-11-22T08:00:00.25Z");
    }
}
