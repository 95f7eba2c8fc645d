//! A filter as a tree of typed conditions.

use ipnet::IpNet;

use crate::fields::Field;
use crate::pattern::Pattern;

/// What an operator asked for; the default admits every row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Nothing where nothing was written.
    pub expr: Option<Expr>,
    /// The fields that a bare word looks in.
    pub(crate) bare: Vec<Field>,
}

/// A piece of a filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// Two or more, all of which must hold.
    And(Vec<Expr>),
    /// Two or more, one of which must hold.
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// A field compared with something.
    Where(Field, Test),
    /// A part of any text of the row, without regard to the case of ASCII letters.
    Word(String),
}

/// How a field is compared. A row without a value passes none of these but [`Test::IsNone`].
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// One of these; `=` and `in`.
    Is(Vec<Item>),
    /// None of these; `!=`. It holds for a row without a value.
    IsNone(Vec<Item>),
    /// `*` stands for anything, `?` for one character; without regard to the case of ASCII letters.
    Like(String),
    Matches(Pattern),
    Compares(Order, Item),
}

/// One value to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    Text(String),
    /// A count, bytes, bytes in a second or microseconds.
    Number(u64),
    /// From one number to another, both included.
    Range(u64, u64),
    /// An address is a network of one.
    Network(IpNet),
    Moment(Moment),
}

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Microseconds since 1970-01-01T00:00:00Z.
    At(i64),
    /// So many microseconds before the question is asked.
    Ago(i64),
}

/// Which side of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Moment {
    /// Microseconds since 1970, for somebody who asks at `now`.
    #[must_use]
    pub fn at(self, now: i64) -> i64 {
        match self {
            Self::At(moment) => moment,
            Self::Ago(before) => now.saturating_sub(before),
        }
    }
}

impl Order {
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }
}
