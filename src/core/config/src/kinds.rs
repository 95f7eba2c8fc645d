//! How the value of a key is read and written: one kind per shape of value.
//!
//! A kind sees one value at a time and knows nothing of keys, tables or places.

use std::marker::PhantomData;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use crate::problem::Fault;
use crate::values::{Choices, Written};

/// A value as it was found: in a file, or as the text of a variable or flag.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Input<'a> {
    File(&'a Spanned<DeValue<'a>>),
    Text(&'a str),
}

/// One shape of value.
pub(crate) trait Kind {
    type Value;

    /// The value, or everything that is wrong with it.
    fn read(&self, input: Input<'_>) -> Result<Self::Value, Vec<Fault>>;

    /// The value as TOML, or nothing when it stands for an absent key.
    fn show(&self, value: &Self::Value) -> Option<String>;
}

/// `true` or `false`.
pub(crate) struct Flag;

impl Kind for Flag {
    type Value = bool;

    fn read(&self, input: Input<'_>) -> Result<bool, Vec<Fault>> {
        let read = match input {
            Input::File(value) => value.get_ref().as_bool(),
            Input::Text(text) => text.parse().ok(),
        };
        read.ok_or_else(|| vec![mismatch("true or false", input)])
    }

    fn show(&self, value: &bool) -> Option<String> {
        Some(value.to_string())
    }
}

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

    fn show(&self, value: &Duration) -> Option<String> {
        Some(value.as_millis().to_string())
    }
}

/// A string that is a value of its own type.
pub(crate) struct Text<T>(PhantomData<T>);

pub(crate) const fn text<T>() -> Text<T> {
    Text(PhantomData)
}

impl<T: Written> Kind for Text<T> {
    type Value = T;

    fn read(&self, input: Input<'_>) -> Result<T, Vec<Fault>> {
        string(input).and_then(T::parse).map_err(|fault| vec![fault])
    }

    fn show(&self, value: &T) -> Option<String> {
        Some(quoted(&value.written()))
    }
}

/// An address that one host can have: not unspecified, not multicast.
pub(crate) struct Unicast<T>(PhantomData<T>);

pub(crate) const fn unicast<T>() -> Unicast<T> {
    Unicast(PhantomData)
}

impl<T: Written + Copy + Into<IpAddr>> Kind for Unicast<T> {
    type Value = T;

    fn read(&self, input: Input<'_>) -> Result<T, Vec<Fault>> {
        let value = text::<T>().read(input)?;
        let address: IpAddr = value.into();
        if address.is_unspecified() || address.is_multicast() {
            let wrong = Fault::new(format!("{address} is not the address of one host"));
            return Err(vec![wrong.hint("write an address that others can reach, or leave the key out")]);
        }
        Ok(value)
    }

    fn show(&self, value: &T) -> Option<String> {
        text().show(value)
    }
}

/// A list of strings; in a variable or flag they are separated by commas.
pub(crate) struct List<T>(PhantomData<T>);

pub(crate) const fn list<T>() -> List<T> {
    List(PhantomData)
}

impl<T: Written> Kind for List<T> {
    type Value = Vec<T>;

    fn read(&self, input: Input<'_>) -> Result<Vec<T>, Vec<Fault>> {
        match input {
            Input::File(value) => match value.get_ref().as_array() {
                Some(items) => all(items
                    .iter()
                    .map(|item| Text::<T>(PhantomData).read(Input::File(item)).map_err(|faults| at(item, faults)))),
                None => Err(vec![mismatch("a list of strings", input).hint("write it in brackets: [\"…\"]")]),
            },
            Input::Text("") => Ok(Vec::new()),
            Input::Text(text) => all(text.split(',').map(|item| T::parse(item.trim()).map_err(|fault| vec![fault]))),
        }
    }

    fn show(&self, values: &Vec<T>) -> Option<String> {
        let items: Vec<String> = values.iter().map(|value| quoted(&value.written())).collect();
        Some(format!("[{}]", items.join(", ")))
    }
}

/// One word, or a list of words in order of preference.
pub(crate) struct Choice<T>(PhantomData<T>);

pub(crate) const fn choice<T>() -> Choice<T> {
    Choice(PhantomData)
}

impl<T: Written + Copy + PartialEq> Kind for Choice<T> {
    type Value = Choices<T>;

    fn read(&self, input: Input<'_>) -> Result<Choices<T>, Vec<Fault>> {
        let one_word = matches!(input, Input::File(value) if value.get_ref().is_str());
        let values = if one_word { vec![text().read(input)?] } else { list().read(input)? };
        Choices::new(values).map_err(|fault| vec![fault])
    }

    fn show(&self, values: &Choices<T>) -> Option<String> {
        match values.as_slice() {
            [only] => text().show(only),
            several => list().show(&several.to_vec()),
        }
    }
}

/// A key that may be left out.
pub(crate) struct Maybe<K>(pub(crate) K);

impl<K: Kind> Kind for Maybe<K> {
    type Value = Option<K::Value>;

    fn read(&self, input: Input<'_>) -> Result<Self::Value, Vec<Fault>> {
        self.0.read(input).map(Some)
    }

    fn show(&self, value: &Self::Value) -> Option<String> {
        value.as_ref().and_then(|value| self.0.show(value))
    }
}

fn whole_number(input: Input<'_>, least: u64, most: u64, unit: &str) -> Result<u64, Vec<Fault>> {
    let wanted = format!("a whole number from {least} to {most}{unit}");
    let number = match input {
        Input::File(value) => value.get_ref().as_integer().map(|i| i128::from_str_radix(i.as_str(), i.radix())),
        Input::Text(text) => Some(text.parse()),
    };
    match number {
        Some(Ok(number)) => u64::try_from(number)
            .ok()
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| vec![Fault::new(format!("must be {wanted}, not {number}"))]),
        Some(Err(_)) | None => Err(vec![mismatch(&wanted, input)]),
    }
}

fn string(input: Input<'_>) -> Result<&str, Fault> {
    match input {
        Input::File(value) => {
            value.get_ref().as_str().ok_or_else(|| mismatch("a string", input).hint("put it in quotes"))
        }
        Input::Text(text) => Ok(text),
    }
}

fn mismatch(wanted: &str, input: Input<'_>) -> Fault {
    match input {
        Input::File(value) => {
            let found = value.get_ref().type_str();
            let article = if matches!(found, "integer" | "array") { "an" } else { "a" };
            Fault::new(format!("must be {wanted}, not {article} {found}"))
        }
        Input::Text(text) => Fault::new(format!("must be {wanted}, not {text:?}")),
    }
}

/// Every value, or the faults of every item.
fn all<T>(items: impl Iterator<Item = Result<T, Vec<Fault>>>) -> Result<Vec<T>, Vec<Fault>> {
    let (mut values, mut faults) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Ok(value) => values.push(value),
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

/// Faults of one item of a list, pointing at the item.
fn at(item: &Spanned<DeValue<'_>>, faults: Vec<Fault>) -> Vec<Fault> {
    let point = |fault| Fault { span: Some(Range::clone(&item.span())), ..fault };
    faults.into_iter().map(point).collect()
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
