//! What can be asked about a row.

/// One column, as it is called in a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// As operators write it; lower case.
    pub name: &'static str,
    pub kind: Kind,
    /// Whether a bare word looks in here too.
    pub bare: bool,
}

/// What the values of a field are, and so how they are written and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Compared letter by letter; globs and bare words take no notice of the case of ASCII letters.
    Text,
    /// Without regard to the case of ASCII letters.
    Name,
    /// One word of a closed set.
    Word(&'static [&'static str]),
    /// An address; written as an address or as a network (`10.0.0.0/8`).
    Address,
    /// An address, a network or a name.
    Destination,
    /// A whole number; `443`, `8000-9000`.
    Count,
    /// Bytes; `10M` is 10 · 2²⁰.
    Bytes,
    /// Bytes in a second; `10M/s`, or just `10M`.
    Rate,
    /// Microseconds; `250ms`, `1h30m`, and a number alone is seconds.
    Duration,
    /// Microseconds since 1970; `2026-11-20`, `2026-11-20T19:20Z`, or so long ago: `-24h`.
    Time,
}

impl Field {
    pub(crate) const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, bare: false }
    }

    pub(crate) const fn bare(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, bare: true }
    }
}

impl Kind {
    /// Whether `<` and `>` mean something.
    #[must_use]
    pub fn is_ordered(self) -> bool {
        matches!(self, Self::Count | Self::Bytes | Self::Rate | Self::Duration | Self::Time)
    }
}
