//! The closed sets of words in a rule, each a few bits.

use std::fmt;
use std::marker::PhantomData;

/// One word out of a closed set of at most eight.
pub trait Word: Copy + PartialEq + 'static {
    /// Every word, in the order of the documentation.
    const ALL: &'static [Self];

    /// The word as it is written in a file.
    fn as_str(self) -> &'static str;

    /// The bit that stands for it in a [`Set`].
    fn bit(self) -> u8;
}

/// Which words of a closed set are meant.
pub struct Set<W> {
    bits: u8,
    of: PhantomData<W>,
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl Word for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            fn bit(self) -> u8 {
                1 << self as u8
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+};
}

words! {
    /// What carries the bytes.
    Protocol {
        /// A connection.
        Tcp = "tcp",
        /// Datagrams.
        Udp = "udp",
    }

    /// What a client asks for (RFC 1928 §4, and Tor's lookups).
    Command {
        /// A connection to the destination.
        Connect = "connect",
        /// A connection from the destination; its port is the one that it comes from.
        Bind = "bind",
        /// A datagram to or from the destination.
        UdpAssociate = "udp_associate",
        /// A lookup without a connection, which has no port: only rules for every port fit it.
        Resolve = "resolve",
    }

    /// How a client proved who it is.
    AuthMethod {
        /// Not at all.
        None = "none",
        /// Name and password, checked against the users file.
        UserPass = "userpass",
        /// By its address, with PAM.
        PamAddress = "pam.address",
        /// Name and password, checked with PAM.
        PamUsername = "pam.username",
    }

    /// How loud the log is about a session that a rule decided.
    Loudness {
        /// Only for developers.
        Debug = "debug",
        /// For operators.
        Info = "info",
        /// Something to look at.
        Warn = "warn",
    }

    /// A day of the week.
    Weekday {
        /// Monday.
        Mon = "mon",
        /// Tuesday.
        Tue = "tue",
        /// Wednesday.
        Wed = "wed",
        /// Thursday.
        Thu = "thu",
        /// Friday.
        Fri = "fri",
        /// Saturday.
        Sat = "sat",
        /// Sunday.
        Sun = "sun",
    }
}

impl Command {
    /// What carries the bytes of this command; a lookup counts as TCP.
    #[must_use]
    pub fn protocol(self) -> Protocol {
        match self {
            Self::Connect | Self::Bind | Self::Resolve => Protocol::Tcp,
            Self::UdpAssociate => Protocol::Udp,
        }
    }
}

impl Weekday {
    /// The day before.
    #[must_use]
    pub fn yesterday(self) -> Self {
        let days = Self::ALL;
        days[(self as usize + days.len() - 1) % days.len()]
    }
}

impl<W: Word> Set<W> {
    /// Every word.
    #[must_use]
    pub fn all() -> Self {
        W::ALL.iter().copied().collect()
    }

    /// Whether the word is meant.
    #[must_use]
    pub fn contains(self, word: W) -> bool {
        self.bits & word.bit() != 0
    }

    /// Whether every word of the other set is meant.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        other.bits & !self.bits == 0
    }

    /// Whether no word is meant.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// Whether every word is meant.
    #[must_use]
    pub fn is_all(self) -> bool {
        self == Self::all()
    }

    /// The words of either set.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self { bits: self.bits | other.bits, of: PhantomData }
    }

    /// The words that are meant, in the order of the documentation.
    pub fn iter(self) -> impl Iterator<Item = W> {
        W::ALL.iter().copied().filter(move |word| self.contains(*word))
    }

    pub(crate) fn bits(self) -> u8 {
        self.bits
    }
}

impl<W: Word> FromIterator<W> for Set<W> {
    fn from_iter<I: IntoIterator<Item = W>>(words: I) -> Self {
        let bits = words.into_iter().fold(0, |bits, word| bits | word.bit());
        Self { bits, of: PhantomData }
    }
}

/// `tcp, udp`
impl<W: Word> fmt::Display for Set<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Word::as_str).collect();
        f.write_str(&words.join(", "))
    }
}

impl<W: Word> fmt::Debug for Set<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

impl<W> Clone for Set<W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for Set<W> {}

impl<W> PartialEq for Set<W> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}

impl<W> Eq for Set<W> {}

impl<W> Default for Set<W> {
    fn default() -> Self {
        Self { bits: 0, of: PhantomData }
    }
}
