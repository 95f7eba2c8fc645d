//! Rates in megabits a second.

use crate::kinds::{Input, Kind, Show, decimal, mismatch};
use crate::problem::Fault;

/// The least and the most that a rate may be, in bits a second: a kilobyte, and a terabit.
const RANGE: (u64, u64) = (8_000, 1_000_000_000_000);

/// A rate; nothing is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rate {
    bits: u64,
}

impl Rate {
    /// No limit, or no guarantee.
    pub(crate) const NONE: Self = Self { bits: 0 };

    pub(crate) const fn of_megabits(megabits: u64) -> Self {
        Self { bits: megabits * 1_000_000 }
    }

    /// Bytes in a second; 0 is no limit.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.bits / 8
    }
}

/// A rate from the client, and one to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EachWay {
    /// From the client.
    pub up: Rate,
    /// To the client.
    pub down: Rate,
}

impl EachWay {
    /// No limit in either direction.
    pub(crate) const NONE: Self = Self { up: Rate::NONE, down: Rate::NONE };
}

/// Megabits a second, as a whole number or a decimal; 0 stands for none.
pub(crate) struct Mbps;

/// The same for both directions, or `"up:down"` for each.
pub(crate) struct MbpsEachWay;

/// What is asked for, for messages.
const WANTED: &str = "0 or a number of megabits a second from 0.008 to 1000000";

impl Kind for Mbps {
    type Value = Rate;

    fn read(&self, input: Input<'_>) -> Result<Rate, Vec<Fault>> {
        let written = decimal::written(input).ok_or_else(|| vec![mismatch(WANTED, input)])?;
        rate(written).ok_or_else(|| vec![Fault::new(format!("must be {WANTED}, not {written}"))])
    }
}

impl Kind for MbpsEachWay {
    type Value = EachWay;

    fn read(&self, input: Input<'_>) -> Result<EachWay, Vec<Fault>> {
        let text = match input {
            Input::File(value) => value.get_ref().as_str(),
            Input::Text(text) => Some(text),
        };
        let Some((up, down)) = text.and_then(|text| text.split_once(':')) else {
            return Mbps.read(input).map(|rate| EachWay { up: rate, down: rate });
        };
        let both = rate(up).zip(rate(down)).map(|(up, down)| EachWay { up, down });
        both.ok_or_else(|| {
            let fault = Fault::new(format!("must be up:down, each of them {WANTED}, not \"{up}:{down}\""));
            vec![fault.hint("write what comes from clients first, then what goes to them: \"10:100\"")]
        })
    }
}

impl Show for MbpsEachWay {
    fn show(&self, value: &EachWay) -> Option<String> {
        let (up, down) = (Mbps.show(&value.up)?, Mbps.show(&value.down)?);
        Some(if up == down { up } else { format!("\"{up}:{down}\"") })
    }
}

fn rate(written: &str) -> Option<Rate> {
    let bits = decimal::millionths(written).filter(|bits| *bits == 0 || (RANGE.0..=RANGE.1).contains(bits));
    bits.map(|bits| Rate { bits })
}

impl Show for Mbps {
    fn show(&self, value: &Rate) -> Option<String> {
        Some(decimal::shown(value.bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_one_rate_from_clients_and_one_to_them() {
        for (written, bytes, shown) in [
            ("8", Some((1_000_000, 1_000_000)), "8"),
            ("8:0.8", Some((1_000_000, 100_000)), "\"8:0.8\""),
            ("0:8", Some((0, 1_000_000)), "\"0:8\""),
            ("8:8", Some((1_000_000, 1_000_000)), "8"),
            ("8:", None, ""),
            (":8", None, ""),
            ("8:8:8", None, ""),
            ("8/8", None, ""),
            ("0.001:8", None, ""),
        ] {
            let read = MbpsEachWay.read(Input::Text(written)).ok();
            assert_eq!(read.map(|rates| (rates.up.bytes(), rates.down.bytes())), bytes, "{written}");
            if let Some(rates) = read {
                assert_eq!(MbpsEachWay.show(&rates).as_deref(), Some(shown), "{written}");
            }
        }
    }

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
