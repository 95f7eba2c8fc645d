//! Decimal numbers of at most six digits behind the point, in millionths.

use toml::de::{DeFloat, DeInteger};

use crate::kinds::Input;

const DIGITS: usize = 6;

/// A number as it is written, whole or with a point.
pub(super) fn written(input: Input<'_>) -> Option<&str> {
    match input {
        Input::File(value) => {
            let value = value.get_ref();
            let whole = value.as_integer().filter(|integer| integer.radix() == 10).map(DeInteger::as_str);
            whole.or_else(|| value.as_float().map(DeFloat::as_str))
        }
        Input::Text(text) => Some(text),
    }
}

pub(super) fn millionths(written: &str) -> Option<u64> {
    let (whole, rest) = written.split_once('.').unwrap_or((written, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(rest) || rest.len() > DIGITS {
        return None;
    }
    let millions: u64 = whole.parse().ok()?;
    millions.checked_mul(1_000_000)?.checked_add(format!("{rest:0<DIGITS$}").parse().ok()?)
}

/// As it would be written.
pub(super) fn shown(millionths: u64) -> String {
    let (whole, rest) = (millionths / 1_000_000, millionths % 1_000_000);
    let decimal = || format!("{whole}.{rest:06}").trim_end_matches('0').to_owned();
    if rest == 0 { whole.to_string() } else { decimal() }
}
