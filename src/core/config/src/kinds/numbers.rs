//! Whole numbers and the durations that are written as whole numbers.

use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::kinds::{Input, Kind, Show, mismatch};
use crate::problem::Fault;

/// A whole number between two bounds, both included.
pub(crate) struct Count<T> {
    least: u64,
    most: u64,
    of: PhantomData<T>,
}

pub(crate) const fn count<T>(least: u64, most: u64) -> Count<T> {
    Count { least, most, of: PhantomData }
}

impl<T: TryFrom<u64> + Copy + ToString> Kind for Count<T> {
    type Value = T;

    fn read(&self, input: Input<'_>) -> Result<T, Vec<Fault>> {
        let number = whole_number(input, self.least, self.most, "")?;
        Ok(T::try_from(number).ok().expect("the bounds of a count fit its type"))
    }
}

impl<T: TryFrom<u64> + Copy + ToString> Show for Count<T> {
    fn show(&self, value: &T) -> Option<String> {
        Some(value.to_string())
    }
}

/// How many threads; 0 leaves the choice to the machine.
pub(crate) struct Threads {
    pub(crate) most: u64,
}

impl Kind for Threads {
    type Value = Option<NonZeroUsize>;

    fn read(&self, input: Input<'_>) -> Result<Self::Value, Vec<Fault>> {
        let number = whole_number(input, 0, self.most, "")?;
        Ok(NonZeroUsize::new(usize::try_from(number).expect("the bound of a thread count fits a pointer")))
    }
}

impl Show for Threads {
    fn show(&self, value: &Self::Value) -> Option<String> {
        Some(value.map_or(0, NonZeroUsize::get).to_string())
    }
}

/// A duration in whole seconds between two bounds.
pub(crate) struct Secs {
    pub(crate) least: u64,
    pub(crate) most: u64,
}

impl Kind for Secs {
    type Value = Duration;

    fn read(&self, input: Input<'_>) -> Result<Duration, Vec<Fault>> {
        whole_number(input, self.least, self.most, " (seconds)").map(Duration::from_secs)
    }
}

impl Show for Secs {
    fn show(&self, value: &Duration) -> Option<String> {
        Some(value.as_secs().to_string())
    }
}

/// A duration in whole seconds up to a bound; 0 stands for no limit.
pub(crate) struct SecsOrNone {
    pub(crate) most: u64,
}

impl Kind for SecsOrNone {
    type Value = Option<Duration>;

    fn read(&self, input: Input<'_>) -> Result<Self::Value, Vec<Fault>> {
        let seconds = whole_number(input, 0, self.most, " (seconds)")?;
        Ok((seconds > 0).then(|| Duration::from_secs(seconds)))
    }
}

impl Show for SecsOrNone {
    fn show(&self, value: &Self::Value) -> Option<String> {
        Some(value.map_or(0, |limit| limit.as_secs()).to_string())
    }
}

/// A duration in whole milliseconds between two bounds.
pub(crate) struct Millis {
    pub(crate) least: u64,
    pub(crate) most: u64,
}

impl Kind for Millis {
    type Value = Duration;

    fn read(&self, input: Input<'_>) -> Result<Duration, Vec<Fault>> {
        whole_number(input, self.least, self.most, " (milliseconds)").map(Duration::from_millis)
    }
}

impl Show for Millis {
    fn show(&self, value: &Duration) -> Option<String> {
        Some(value.as_millis().to_string())
    }
}

fn whole_number(input: Input<'_>, least: u64, most: u64, unit: &str) -> Result<u64, Vec<Fault>> {
    let wanted = format!("a whole number from {least} to {most}{unit}");
    let (number, found) = match input {
        Input::File(value) => match value.get_ref().as_integer() {
            Some(integer) => (u64::from_str_radix(integer.as_str(), integer.radix()), integer.to_string()),
            None => return Err(vec![mismatch(&wanted, input)]),
        },
        Input::Text(text) => (text.parse(), format!("{text:?}")),
    };
    let in_range = number.ok().filter(|number| (least..=most).contains(number));
    in_range.ok_or_else(|| vec![Fault::new(format!("must be {wanted}, not {found}"))])
}
