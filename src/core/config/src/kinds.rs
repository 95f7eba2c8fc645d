//! How the value of a key is read and written: one kind per shape of value.
//!
//! A kind sees one value at a time and knows nothing of keys, tables or places.

pub(crate) mod amounts;
mod decimal;
pub(crate) mod numbers;
pub(crate) mod rates;
pub(crate) mod strings;

use toml::Spanned;
use toml::de::DeValue;

use crate::problem::Fault;

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
}

/// A shape of value that may be shown again.
pub(crate) trait Show: Kind {
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
}

impl Show for Flag {
    fn show(&self, value: &bool) -> Option<String> {
        Some(value.to_string())
    }
}

/// A key that may be left out.
pub(crate) struct Maybe<K>(pub(crate) K);

impl<K: Kind> Kind for Maybe<K> {
    type Value = Option<K::Value>;

    fn read(&self, input: Input<'_>) -> Result<Self::Value, Vec<Fault>> {
        self.0.read(input).map(Some)
    }
}

impl<K: Show> Show for Maybe<K> {
    fn show(&self, value: &Self::Value) -> Option<String> {
        value.as_ref().and_then(|value| self.0.show(value))
    }
}

/// A value that one word switches off.
pub(crate) struct OrWord<K> {
    pub(crate) word: &'static str,
    pub(crate) kind: K,
}

impl<K: Kind> Kind for OrWord<K> {
    type Value = Option<K::Value>;

    fn read(&self, input: Input<'_>) -> Result<Self::Value, Vec<Fault>> {
        let text = match input {
            Input::File(value) => value.get_ref().as_str(),
            Input::Text(text) => Some(text),
        };
        if text == Some(self.word) { Ok(None) } else { self.kind.read(input).map(Some) }
    }
}

impl<K: Show> Show for OrWord<K> {
    fn show(&self, value: &Self::Value) -> Option<String> {
        let off = || Some(format!("{:?}", self.word));
        value.as_ref().map_or_else(off, |value| self.kind.show(value))
    }
}

pub(crate) fn mismatch(wanted: &str, input: Input<'_>) -> Fault {
    match input {
        Input::File(value) => {
            let fault = Fault::new(format!("must be {wanted}, not {}", described(value.get_ref())));
            if value.get_ref().is_str() { fault.hint("write it without quotes") } else { fault }
        }
        Input::Text(text) => Fault::new(format!("must be {wanted}, not {text:?}")),
    }
}

/// The type of a value as a sentence has it: `an integer`.
pub(crate) fn described(value: &DeValue<'_>) -> String {
    let name = value.type_str();
    let article = if name.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {name}")
}
