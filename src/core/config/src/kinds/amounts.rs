//! Amounts of bytes, and how much of one is used up.

use toml::de::DeInteger;

use crate::kinds::{Input, Kind, Show, decimal, mismatch};
use crate::problem::Fault;

/// The least and the most that there may be, in kilobytes: one, and a petabyte.
const RANGE: (u64, u64) = (1, 1_000_000_000_000);

/// So many bytes; none is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    kilobytes: u64,
}

impl Amount {
    /// No limit.
    pub(crate) const NONE: Self = Self { kilobytes: 0 };

    /// Bytes, up to 10^15; 0 is no limit.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.kilobytes * 1000
    }

    /// 0, or a decimal number of gigabytes of at most six digits behind its point.
    pub(crate) fn of(written: &str) -> Option<Self> {
        let kilobytes = decimal::millionths(written)?;
        (kilobytes == 0 || (RANGE.0..=RANGE.1).contains(&kilobytes)).then_some(Self { kilobytes })
    }

    pub(crate) fn written(self) -> String {
        decimal::shown(self.kilobytes)
    }
}

/// Gigabytes, decimal, as a whole number or a decimal; 0 stands for no limit.
pub(crate) struct Gigabytes;

impl Kind for Gigabytes {
    type Value = Amount;

    fn read(&self, input: Input<'_>) -> Result<Amount, Vec<Fault>> {
        let wanted = "0 or a number of gigabytes from 0.000001 to 1000000";
        let written = decimal::written(input).ok_or_else(|| vec![mismatch(wanted, input)])?;
        Amount::of(written).ok_or_else(|| vec![Fault::new(format!("must be {wanted}, not {written}"))])
    }
}

impl Show for Gigabytes {
    fn show(&self, value: &Amount) -> Option<String> {
        Some(value.written())
    }
}

/// A list of whole numbers from 1 to 99, in brackets; in a variable or flag they are separated by commas.
pub(crate) struct Percentages;

impl Kind for Percentages {
    type Value = Vec<u8>;

    fn read(&self, input: Input<'_>) -> Result<Vec<u8>, Vec<Fault>> {
        let numbers: Option<Vec<u8>> = match input {
            Input::File(value) => value.get_ref().as_array().and_then(|items| {
                let number = |integer: &DeInteger<'_>| u8::from_str_radix(integer.as_str(), integer.radix()).ok();
                items.iter().map(|item| item.get_ref().as_integer().and_then(number)).collect()
            }),
            Input::Text("") => Some(Vec::new()),
            Input::Text(text) => text.split(',').map(|number| number.trim().parse().ok()).collect(),
        };
        let in_range = numbers.filter(|numbers| numbers.iter().all(|number| (1..=99).contains(number)));
        in_range.ok_or_else(|| {
            let fault = Fault::new("must be a list of whole numbers from 1 to 99");
            vec![fault.hint("write them in brackets: [80, 95]; [] for none")]
        })
    }
}

impl Show for Percentages {
    fn show(&self, value: &Vec<u8>) -> Option<String> {
        Some(format!("{value:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_a_whole_number_or_a_decimal_of_gigabytes() {
        for (written, bytes) in [
            ("0", Some(0)),
            ("50", Some(50_000_000_000)),
            ("0.5", Some(500_000_000)),
            ("0.000001", Some(1_000)),
            ("1000000", Some(1_000_000_000_000_000)),
            ("2.000", Some(2_000_000_000)),
            ("1000000.1", None),
            ("0.0000001", None),
            ("-1", None),
            ("1e3", None),
            ("inf", None),
            ("99999999999999999999", None),
            ("", None),
        ] {
            let read = Gigabytes.read(Input::Text(written));
            assert_eq!(read.as_ref().ok().copied().map(Amount::bytes), bytes, "{written}");
            if let Ok(amount) = read {
                let shown = Gigabytes.show(&amount).expect("every amount can be shown");
                assert_eq!(Gigabytes.read(Input::Text(&shown)).ok(), Some(amount), "{written} {shown}");
            }
        }
    }

    #[test]
    fn percentages_are_whole_numbers_below_a_hundred() {
        for (written, numbers) in [
            ("", Some(vec![])),
            ("80", Some(vec![80])),
            ("50, 95", Some(vec![50, 95])),
            ("0", None),
            ("100", None),
            ("50,", None),
            ("0.5", None),
        ] {
            assert_eq!(Percentages.read(Input::Text(written)).ok(), numbers, "{written}");
        }
    }
}
