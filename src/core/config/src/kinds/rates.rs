//! Rates in megabits a second.

use toml::de::{DeFloat, DeInteger};

use crate::kinds::{Input, Kind, Show, mismatch};
use crate::problem::Fault;

/// The least and the most that a rate may be, in bits a second: a kilobyte, and a terabit.
const RANGE: (u64, u64) = (8_000, 1_000_000_000_000);

/// Digits behind the point: the unit is a bit.
const DIGITS: usize = 6;

/// A rate; nothing is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rate {
    bits: u64,
}

impl Rate {
    /// No limit, or no guarantee.
    pub(crate) const NONE: Self = Self { bits: 0 };

    /// Bytes in a second; 0 is no limit.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.bits / 8
    }
}

/// Megabits a second, as a whole number or a decimal; 0 stands for none.
pub(crate) struct Mbps;

impl Kind for Mbps {
    type Value = Rate;

    fn read(&self, input: Input<'_>) -> Result<Rate, Vec<Fault>> {
        let wanted = "0 or a number of megabits a second from 0.008 to 1000000";
        let written = match input {
            Input::File(value) => {
                let value = value.get_ref();
                let whole = value.as_integer().filter(|integer| integer.radix() == 10).map(DeInteger::as_str);
                let number = whole.or_else(|| value.as_float().map(DeFloat::as_str));
                number.ok_or_else(|| vec![mismatch(wanted, input)])?
            }
            Input::Text(text) => text,
        };
        let bits = bits(written).filter(|bits| *bits == 0 || (RANGE.0..=RANGE.1).contains(bits));
        bits.map(|bits| Rate { bits }).ok_or_else(|| vec![Fault::new(format!("must be {wanted}, not {written}"))])
    }
}

impl Show for Mbps {
    fn show(&self, value: &Rate) -> Option<String> {
        let (whole, rest) = (value.bits / 1_000_000, value.bits % 1_000_000);
        let decimal = || format!("{whole}.{rest:06}").trim_end_matches('0').to_owned();
        Some(if rest == 0 { whole.to_string() } else { decimal() })
    }
}

/// Millionths of a decimal number that has at most six digits behind its point.
fn bits(written: &str) -> Option<u64> {
    let (whole, rest) = written.split_once('.').unwrap_or((written, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(rest) || rest.len() > DIGITS {
        return None;
    }
    let millions: u64 = whole.parse().ok()?;
    millions.checked_mul(1_000_000)?.checked_add(format!("{rest:0<DIGITS$}").parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_whole_number_or_a_decimal_of_megabits() {
        for (written, bytes) in [
            ("0", Some(0)),
            ("100", Some(12_500_000)),
            ("0.5", Some(62_500)),
            ("0.008", Some(1_000)),
            ("1000000", Some(125_000_000_000)),
            ("2.000", Some(250_000)),
            ("0.007", None),
            ("1000001", None),
            ("-1", None),
            ("1e3", None),
            ("inf", None),
            ("0.0000001", None),
            ("99999999999999999999", None),
            ("", None),
        ] {
            let read = Mbps.read(Input::Text(written));
            assert_eq!(read.as_ref().ok().copied().map(Rate::bytes), bytes, "{written}");
            if let Ok(rate) = read {
                let shown = Mbps.show(&rate).expect("every rate can be shown");
                assert_eq!(Mbps.read(Input::Text(&shown)).ok(), Some(rate), "{written} {shown}");
            }
        }
    }
}
