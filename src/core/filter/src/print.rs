//! A filter written out so that reading it again gives the same.

use std::fmt::{self, Display, Formatter};

use crate::expr::{Expr, Filter, Item, Test};
use crate::fields::Kind;
use crate::measure::{print_bytes, print_duration, print_moment};
use crate::scan::is_plain;

impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.expr.as_ref().map_or(Ok(()), |expr| expr.fmt(f))
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => joined(f, parts, " and "),
            Self::Or(parts) => joined(f, parts, " or "),
            Self::Not(part) => {
                f.write_str("not ")?;
                part.inside(f)
            }
            Self::Where(field, test) => write!(f, "{}{}", field.name, Written(test, field.kind)),
            Self::Word(word) => quoted_if_needed(f, word),
        }
    }
}

impl Expr {
    /// As a part of another one.
    fn inside(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(_) | Self::Or(_) => write!(f, "({self})"),
            Self::Not(_) | Self::Where(..) | Self::Word(_) => self.fmt(f),
        }
    }
}

fn joined(f: &mut Formatter<'_>, parts: &[Expr], between: &str) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        f.write_str(if i == 0 { "" } else { between })?;
        part.inside(f)?;
    }
    Ok(())
}

struct Written<'a>(&'a Test, Kind);

impl Display for Written<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(test, kind) = self;
        match test {
            Test::Is(items) => list(f, "=", items, *kind),
            Test::IsNone(items) => list(f, "!=", items, *kind),
            Test::Like(glob) => {
                f.write_str("~")?;
                quoted_if_needed(f, glob)
            }
            Test::Matches(pattern) => {
                f.write_str("~~")?;
                quoted_if_needed(f, pattern.source())
            }
            Test::Compares(order, item) => list(f, order.sign(), std::slice::from_ref(item), *kind),
        }
    }
}

fn list(f: &mut Formatter<'_>, sign: &str, items: &[Item], kind: Kind) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        f.write_str(if i == 0 { sign } else { "," })?;
        match item {
            Item::Text(text) => quoted_if_needed(f, text)?,
            Item::Number(number) => f.write_str(&number_of(*number, kind))?,
            Item::Range(from, to) => write!(f, "{}-{}", number_of(*from, kind), number_of(*to, kind))?,
            Item::Network(network) if network.prefix_len() == network.max_prefix_len() => network.addr().fmt(f)?,
            Item::Network(network) => network.fmt(f)?,
            Item::Moment(moment) => f.write_str(&print_moment(*moment))?,
        }
    }
    Ok(())
}

fn number_of(number: u64, kind: Kind) -> String {
    match kind {
        Kind::Bytes => print_bytes(number),
        Kind::Rate => format!("{}/s", print_bytes(number)),
        Kind::Duration => print_duration(number),
        Kind::Count | Kind::Time | Kind::Text | Kind::Name | Kind::Word(_) | Kind::Address | Kind::Destination => {
            number.to_string()
        }
    }
}

fn quoted_if_needed(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    if is_plain(text) {
        return f.write_str(text);
    }
    f.write_str(&quoted(text))
}

/// A text as one value of a filter, whatever is in it.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
