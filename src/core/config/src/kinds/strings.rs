//! Strings, and lists of them.

use std::marker::PhantomData;
use std::net::IpAddr;

use toml::Spanned;
use toml::de::DeValue;

use crate::kinds::{Input, Kind, Show, mismatch};
use crate::problem::Fault;
use crate::values::choices::Choices;
use crate::values::{Parsed, Written};

/// A string that is a value of its own type.
pub(crate) struct Text<T>(PhantomData<T>);

pub(crate) const fn text<T>() -> Text<T> {
    Text(PhantomData)
}

impl<T: Parsed> Kind for Text<T> {
    type Value = T;

    fn read(&self, input: Input<'_>) -> Result<T, Vec<Fault>> {
        string(input).and_then(T::parse).map_err(|fault| vec![fault])
    }
}

impl<T: Written> Show for Text<T> {
    fn show(&self, value: &T) -> Option<String> {
        Some(quoted(&value.written()))
    }
}

/// An address that one host can have: not unspecified, not multicast.
pub(crate) struct Unicast<T>(PhantomData<T>);

pub(crate) const fn unicast<T>() -> Unicast<T> {
    Unicast(PhantomData)
}

impl<T: Parsed + Copy + Into<IpAddr>> Kind for Unicast<T> {
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
}

impl<T: Written + Copy + Into<IpAddr>> Show for Unicast<T> {
    fn show(&self, value: &T) -> Option<String> {
        text().show(value)
    }
}

/// A list of strings; in a variable or flag they are separated by commas.
pub(crate) struct List<T>(PhantomData<T>);

pub(crate) const fn list<T>() -> List<T> {
    List(PhantomData)
}

impl<T: Parsed> Kind for List<T> {
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
}

impl<T: Written> Show for List<T> {
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

impl<T: Parsed + Copy + PartialEq> Kind for Choice<T> {
    type Value = Choices<T>;

    fn read(&self, input: Input<'_>) -> Result<Choices<T>, Vec<Fault>> {
        let one_word = matches!(input, Input::File(value) if value.get_ref().is_str());
        let values = if one_word { vec![text().read(input)?] } else { list().read(input)? };
        Choices::new(values).map_err(|fault| vec![fault])
    }
}

impl<T: Written + Copy + PartialEq> Show for Choice<T> {
    fn show(&self, values: &Choices<T>) -> Option<String> {
        match values.as_slice() {
            [only] => text().show(only),
            several => list().show(&several.to_vec()),
        }
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
    let point = |fault| Fault { span: Some(item.span()), ..fault };
    faults.into_iter().map(point).collect()
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
