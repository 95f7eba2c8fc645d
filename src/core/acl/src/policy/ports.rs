//! Ports as a rule names them: numbers, ranges, names of services, or all.

use std::fmt;

use crate::policy::services;

/// Ports that a rule is about; never none.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Ports(Box<[Span]>);

/// The first and the last port of a range, both included.
type Span = (u16, u16);

/// All of them, and 0 for requests that have no port.
const ALL: Span = (0, u16::MAX);

/// Why a text names no ports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortsFault {
    /// Neither a number nor a range nor the name of a service.
    #[error("{0:?} is neither a port nor a range of ports nor the name of a service")]
    Unknown(Box<str>),
    /// `4000-3000`
    #[error("the range {first}-{last} is empty")]
    Empty {
        /// What stands before the hyphen.
        first: u16,
        /// What stands behind it.
        last: u16,
    },
    /// Nobody listens on port 0.
    #[error("there is no port 0")]
    Zero,
}

impl Ports {
    /// Every port.
    #[must_use]
    pub fn all() -> Self {
        Self(Box::new([ALL]))
    }

    /// Reads `443`, `8000-9000`, `https`, `80,443,8000-9000` or `*`.
    ///
    /// # Errors
    /// The first part that names no port.
    pub fn parse(text: &str) -> Result<Self, PortsFault> {
        if text.trim() == "*" {
            return Ok(Self::all());
        }
        let spans = text.split(',').map(|part| span(part.trim())).collect::<Result<Vec<_>, _>>()?;
        Ok(Self(merged(spans)))
    }

    /// The ports of all of these; `None` for none of them.
    pub fn union(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        let spans: Vec<Span> = parts.into_iter().flat_map(|part| part.0).collect();
        if spans.is_empty() { None } else { Some(Self(merged(spans))) }
    }

    /// Whether the port is one of them.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= port);
        after > 0 && port <= self.0[after - 1].1
    }

    /// Whether all ports of the other are among these.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|(first, last)| self.0.iter().any(|span| span.0 <= *first && *last <= span.1))
    }

    /// Whether a port is in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        other.0.iter().any(|(first, last)| self.0.iter().any(|span| span.0 <= *last && *first <= span.1))
    }

    /// Whether every port is one of them.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self.0 == [ALL]
    }

    /// The ranges in ascending order; no two touch.
    #[must_use]
    pub fn spans(&self) -> &[(u16, u16)] {
        &self.0
    }
}

/// `22, 80, 3000-4000`, or `*`
impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, span) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            match *span {
                ALL => write!(f, "{comma}*")?,
                (first, last) if first == last => write!(f, "{comma}{first}")?,
                (first, last) => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ports({self})")
    }
}

/// Names of services may have hyphens, so they come before ranges.
fn span(text: &str) -> Result<Span, PortsFault> {
    if let Some(port) = services::port(text) {
        return Ok((port, port));
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (number(first), number(last)) {
        (Some(0), _) | (_, Some(0)) => Err(PortsFault::Zero),
        (Some(first), Some(last)) if first > last => Err(PortsFault::Empty { first, last }),
        (Some(first), Some(last)) => Ok((first, last)),
        (None, _) | (_, None) => Err(PortsFault::Unknown(text.into())),
    }
}

fn number(text: &str) -> Option<u16> {
    let digits = text.trim();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// Sorts, and joins what overlaps or touches.
fn merged(mut spans: Vec<Span>) -> Box<[Span]> {
    spans.sort_unstable();
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for (first, last) in spans {
        match joined.last_mut() {
            Some(before) if u32::from(first) <= u32::from(before.1) + 1 => before.1 = before.1.max(last),
            _ => joined.push((first, last)),
        }
    }
    joined.into()
}
