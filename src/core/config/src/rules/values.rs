//! The values that rules are made of: the rules' own types, read as an operator writes them.

use std::marker::PhantomData;

use acl::{Action, AuthMethod, Command, Hours, Loudness, Mode, Pattern, Ports, Protocol, Set, Weekday, Word};
use ipnet::IpNet;

use crate::kinds::strings::list;
use crate::kinds::{Input, Kind, mismatch};
use crate::problem::{Fault, alternatives};
use crate::values::Parsed;

/// A list of strings with at least one in it.
pub(super) struct Several<T>(PhantomData<T>);

pub(super) const fn several<T>() -> Several<T> {
    Several(PhantomData)
}

impl<T: Parsed> Kind for Several<T> {
    type Value = Vec<T>;

    fn read(&self, input: Input<'_>) -> Result<Vec<T>, Vec<Fault>> {
        let values = list().read(input)?;
        if values.is_empty() {
            return Err(vec![Fault::new("must not be empty").hint("name at least one, or leave the key out")]);
        }
        Ok(values)
    }
}

/// Which of several rules that fit is credited: -1 000 000 to 1 000 000.
pub(super) struct Priority;

impl Kind for Priority {
    type Value = i32;

    fn read(&self, input: Input<'_>) -> Result<i32, Vec<Fault>> {
        let number = match input {
            Input::File(value) => value.get_ref().as_integer().map(|integer| {
                let number = i32::from_str_radix(integer.as_str(), integer.radix());
                number
                    .ok()
                    .filter(|number| (-1_000_000..=1_000_000).contains(number))
                    .ok_or_else(|| integer.to_string())
            }),
            Input::Text(text) => Some(text.parse().map_err(|_| format!("{text:?}"))),
        };
        let wanted = "a whole number from -1000000 to 1000000";
        match number {
            Some(Ok(number)) => Ok(number),
            Some(Err(found)) => Err(vec![Fault::new(format!("must be {wanted}, not {found}"))]),
            None => Err(vec![mismatch(wanted, input)]),
        }
    }
}

impl Parsed for Action {
    fn parse(text: &str) -> Result<Self, Fault> {
        match text {
            "allow" => Ok(Self::Allow),
            "deny" | "block" => Ok(Self::Block),
            _ => Err(unknown(text, ["allow", "deny", "block"])),
        }
    }
}

impl Parsed for Mode {
    fn parse(text: &str) -> Result<Self, Fault> {
        match text {
            "enforce" => Ok(Self::Enforced),
            "shadow" => Ok(Self::Shadow),
            _ => Err(unknown(text, ["enforce", "shadow"])),
        }
    }
}

macro_rules! parsed_words {
    ($($name:ty)+) => {$(
        impl Parsed for $name {
            fn parse(text: &str) -> Result<Self, Fault> {
                let found = Self::ALL.iter().find(|word| word.as_str() == text);
                found.copied().ok_or_else(|| unknown(text, Self::ALL.iter().map(|word| word.as_str())))
            }
        }
    )+};
}

parsed_words! { Protocol Command AuthMethod Loudness Weekday }

impl Parsed for Pattern {
    fn parse(text: &str) -> Result<Self, Fault> {
        Self::parse(text).map_err(|fault| {
            let wrong = Fault::new(format!("{text:?} cannot be a destination: {fault}"));
            wrong
                .hint("write \"10.0.0.0/8\", \"db.example.com\", \"*.example.com\", \"@public\", \"@private\" or \"*\"")
        })
    }
}

impl Parsed for Ports {
    fn parse(text: &str) -> Result<Self, Fault> {
        Self::parse(text)
            .map_err(|fault| Fault::new(fault.to_string()).hint("write \"443\", \"8000-9000\", \"https\" or \"*\""))
    }
}

impl Parsed for Hours {
    fn parse(text: &str) -> Result<Self, Fault> {
        Self::parse(text).ok_or_else(|| {
            let wrong = Fault::new(format!("{text:?} is not a span of hours"));
            wrong.hint("write \"08:00-18:00\"; \"22:00-06:00\" ends on the next day")
        })
    }
}

/// A network of clients.
pub(super) struct Source(pub(super) IpNet);

impl Parsed for Source {
    fn parse(text: &str) -> Result<Self, Fault> {
        match Pattern::parse(text) {
            Ok(Pattern::Network(network)) => Ok(Self(network)),
            Ok(_) | Err(_) => Err(Fault::new(format!("{text:?} is neither an address nor a network"))
                .hint("write \"192.0.2.7\", \"192.0.2.0/24\" or \"2001:db8::/32\"")),
        }
    }
}

/// A day, or days in a row: `mon`, `mon-fri`, `sat-mon`.
pub(super) struct Days(pub(super) Set<Weekday>);

impl Parsed for Days {
    fn parse(text: &str) -> Result<Self, Fault> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (Weekday::parse(first.trim())?, Weekday::parse(last.trim())?);
        let week = Weekday::ALL.iter().chain(Weekday::ALL).copied();
        let days: Vec<Weekday> = week.skip_while(|day| *day != first).take(Weekday::ALL.len()).collect();
        let end = days.iter().position(|day| *day == last).map_or(days.len(), |at| at + 1);
        Ok(Self(days.into_iter().take(end).collect()))
    }
}

/// What a rule says to people: at most 500 bytes on one line.
pub(super) struct Description(pub(super) Box<str>);

impl Parsed for Description {
    fn parse(text: &str) -> Result<Self, Fault> {
        if text.len() <= 500 && !text.contains(char::is_control) {
            return Ok(Self(text.into()));
        }
        Err(Fault::new("cannot be a description").hint("use at most 500 bytes on one line"))
    }
}

/// A word that is judged later: the name of a time zone.
pub(super) struct Name(pub(super) Box<str>);

impl Parsed for Name {
    fn parse(text: &str) -> Result<Self, Fault> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+./".contains(&byte);
        let is_path = text.starts_with(['/', '.']) || text.contains("..");
        if (1..=64).contains(&text.len()) && text.bytes().all(is_allowed) && !is_path {
            return Ok(Self(text.into()));
        }
        Err(Fault::new(format!("{text:?} cannot be a name")).hint("use 1 to 64 letters, digits and - _ + . /"))
    }
}

fn unknown<'w>(text: &str, words: impl IntoIterator<Item = &'w str, IntoIter: Clone>) -> Fault {
    Fault::new(format!("{text:?} is not known")).hint(alternatives(text, words.into_iter()))
}
