//! One destination in a rule: a network, a name with or without wildcards, one half of the address space, or anything.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::canonical::{HostName, LABEL_MAX, NAME_MAX, NameFault, ends_in_number};
use crate::guard::unmapped;
use crate::realm::Realm;

/// A destination as a rule names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// `*`: every name and every address.
    Anything,
    /// `@public` or `@private`.
    Realm(Realm),
    /// An address or a network, with whatever bits were written beyond its prefix; never v4-mapped.
    Network(IpNet),
    /// Exactly this name.
    Name(HostName),
    /// `*.example.com`: every name below this one, however deep, and not this one.
    Below(HostName),
    /// A name with wildcards elsewhere.
    Wild(Wildcard),
}

/// A name whose labels may have `*` in them, each standing for any characters of its own label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wildcard {
    /// Lower case, without the leading `*.` if there is one.
    labels: Box<str>,
    front: Front,
}

/// What may stand before the labels of a wildcard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Front {
    /// Nothing.
    Nothing,
    /// One label or more, since the pattern begins with `*.`.
    Labels,
}

/// Why a text is no destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternFault {
    /// A name that no client could ask for.
    #[error(transparent)]
    Name(#[from] NameFault),
    /// Something with a slash that is no network.
    #[error("it is not a network")]
    Network,
    /// `@something`
    #[error("only @public and @private begin with @")]
    Realm,
    /// `.example.com`
    #[error("a name does not begin with a dot; \"*{0}\" is what is below it")]
    LeadingDot(Box<str>),
    /// `example.com:443`
    #[error("ports have a key of their own")]
    Port,
    /// `**`
    #[error("two wildcards in a row mean no more than one")]
    TwoWildcards,
    /// Anything but ASCII.
    #[error("international names are written in punycode (xn--…)")]
    NotAscii,
}

impl Pattern {
    /// Reads one destination.
    ///
    /// # Errors
    /// The first reason why the text is none.
    pub fn parse(text: &str) -> Result<Self, PatternFault> {
        match text {
            "*" => return Ok(Self::Anything),
            "@public" => return Ok(Self::Realm(Realm::Public)),
            "@private" => return Ok(Self::Realm(Realm::Private)),
            _ if text.starts_with('@') => return Err(PatternFault::Realm),
            _ => {}
        }
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Self::Network(address.to_canonical().into()));
        }
        if text.contains('/') {
            return parse_network(text).map(Self::Network).ok_or(PatternFault::Network);
        }
        parse_name(text)
    }

    /// About how many bytes it has on the heap.
    pub(crate) fn memory(&self) -> usize {
        match self {
            Self::Name(name) | Self::Below(name) => name.as_str().len(),
            Self::Wild(wildcard) => wildcard.labels.len(),
            Self::Anything | Self::Realm(_) | Self::Network(_) => 0,
        }
    }

    /// Whether the pattern is about names, and so never fits a request that names an address.
    #[must_use]
    pub fn is_name(&self) -> bool {
        match self {
            Self::Name(_) | Self::Below(_) | Self::Wild(_) => true,
            Self::Anything | Self::Realm(_) | Self::Network(_) => false,
        }
    }

    /// Whether the pattern is about addresses, and so never fits a name before it is resolved.
    #[must_use]
    pub fn is_address(&self) -> bool {
        match self {
            Self::Realm(_) | Self::Network(_) => true,
            Self::Anything | Self::Name(_) | Self::Below(_) | Self::Wild(_) => false,
        }
    }
}

/// As an operator writes it, with one spelling for everything that means the same.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anything => f.write_str("*"),
            Self::Realm(realm) => realm.fmt(f),
            Self::Network(network) if network.prefix_len() == network.max_prefix_len() => network.addr().fmt(f),
            Self::Network(network) => network.fmt(f),
            Self::Name(name) => name.fmt(f),
            Self::Below(name) => write!(f, "*.{name}"),
            Self::Wild(wildcard) => wildcard.fmt(f),
        }
    }
}

impl Wildcard {
    /// The labels from left to right, without what the front stands for; at least one has a `*`.
    #[must_use]
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.labels.split('.')
    }

    /// What may stand before the labels.
    #[must_use]
    pub fn front(&self) -> Front {
        self.front
    }

    /// The part behind the last label with a `*`, without its dot; may be empty.
    #[must_use]
    pub fn tail(&self) -> &str {
        let after_star = self.labels.rfind('*').map_or(0, |star| star + 1);
        self.labels[after_star..].split_once('.').map_or("", |(_, tail)| tail)
    }
}

impl fmt::Display for Wildcard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let front = match self.front {
            Front::Nothing => "",
            Front::Labels => "*.",
        };
        write!(f, "{front}{}", self.labels)
    }
}

/// A network as it was written; one of v4-mapped addresses is the IPv4 network that it means.
pub(crate) fn parse_network(text: &str) -> Option<IpNet> {
    match text.parse::<IpAddr>() {
        Ok(address) => Some(address.to_canonical().into()),
        Err(_) => text.parse().ok().map(unmapped),
    }
}

fn parse_name(text: &str) -> Result<Pattern, PatternFault> {
    if !text.is_ascii() {
        return Err(PatternFault::NotAscii);
    }
    if text.starts_with('.') && text.len() > 1 {
        return Err(PatternFault::LeadingDot(text.into()));
    }
    if text.contains(':') {
        return Err(PatternFault::Port);
    }
    let text = text.strip_suffix('.').unwrap_or(text);
    match text.strip_prefix("*.") {
        _ if text == "*" => Err(NameFault::Empty.into()),
        Some(below) if !below.contains('*') => Ok(Pattern::Below(HostName::parse(below.as_bytes())?)),
        Some(rest) => wildcard(rest, Front::Labels),
        None if text.contains('*') => wildcard(text, Front::Nothing),
        None => Ok(Pattern::Name(HostName::parse(text.as_bytes())?)),
    }
}

fn wildcard(labels: &str, front: Front) -> Result<Pattern, PatternFault> {
    if labels.len() > NAME_MAX {
        return Err(NameFault::TooLong.into());
    }
    if labels.contains("**") {
        return Err(PatternFault::TwoWildcards);
    }
    labels.split('.').try_for_each(check_label)?;
    if ends_in_number(labels.as_bytes()) {
        return Err(NameFault::OddAddress.into());
    }
    Ok(Pattern::Wild(Wildcard { labels: labels.to_ascii_lowercase().into(), front }))
}

fn check_label(label: &str) -> Result<(), NameFault> {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_*".contains(byte);
    match label.bytes().find(|byte| !is_allowed(byte)) {
        Some(byte) => Err(NameFault::Byte(byte)),
        None if label.is_empty() => Err(NameFault::EmptyLabel),
        None if label.len() > LABEL_MAX => Err(NameFault::LabelTooLong),
        None => Ok(()),
    }
}
