//! Whether a row in memory is meant.
//!
//! A row may have several values for one field, or none; a comparison holds if it holds for one of them.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::expr::{Expr, Filter, Item, Order, Test};
use crate::fields::{Field, Kind};
use crate::glob;

/// What a row has in one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    Text(Cow<'a, str>),
    /// A count, bytes, bytes in a second or microseconds.
    Number(u64),
    /// Microseconds since 1970.
    Time(i64),
    Address(IpAddr),
    /// Any of these; nothing where it is empty.
    Many(Vec<Value<'a>>),
}

/// Something that a filter can be asked about.
pub trait Row {
    /// What it has in the field of this name; nothing where it has nothing there.
    fn value(&self, field: &str) -> Option<Value<'_>>;
}

impl<R: Row> Row for &R {
    fn value(&self, field: &str) -> Option<Value<'_>> {
        (**self).value(field)
    }
}

impl Filter {
    /// Whether the row is meant, at `now` in microseconds since 1970.
    #[must_use]
    pub fn admits(&self, row: &impl Row, now: i64) -> bool {
        self.expr.as_ref().is_none_or(|expr| Judge { bare: &self.bare, row, now }.holds(expr))
    }
}

struct Judge<'a, R> {
    bare: &'a [Field],
    row: &'a R,
    now: i64,
}

impl<R: Row> Judge<'_, R> {
    fn holds(&self, expr: &Expr) -> bool {
        match expr {
            Expr::And(parts) => parts.iter().all(|part| self.holds(part)),
            Expr::Or(parts) => parts.iter().any(|part| self.holds(part)),
            Expr::Not(part) => !self.holds(part),
            Expr::Where(field, test) => self.passes(*field, test),
            Expr::Word(word) => {
                let has =
                    |field: &Field| self.any(field.name, |value| value.text_has(|text| glob::contains(text, word)));
                self.bare.iter().any(has)
            }
        }
    }

    fn passes(&self, field: Field, test: &Test) -> bool {
        match test {
            Test::Is(items) => self.is_one_of(field, items),
            Test::IsNone(items) => !self.is_one_of(field, items),
            Test::Like(shape) => self.any(field.name, |value| value.text_has(|text| glob::fits(shape, text))),
            Test::Matches(pattern) => self.any(field.name, |value| value.text_has(|text| pattern.is_in(text))),
            Test::Compares(order, item) => self.any(field.name, |value| self.compares(value, *order, item)),
        }
    }

    fn is_one_of(&self, field: Field, items: &[Item]) -> bool {
        self.any(field.name, |value| items.iter().any(|item| is(value, item, field.kind)))
    }

    fn any(&self, field: &str, holds: impl Fn(&Value<'_>) -> bool) -> bool {
        match self.row.value(field) {
            None => false,
            Some(Value::Many(values)) => values.iter().any(holds),
            Some(one) => holds(&one),
        }
    }

    fn compares(&self, value: &Value<'_>, order: Order, item: &Item) -> bool {
        match (value, item) {
            (Value::Number(value), Item::Number(limit)) => order.holds(value, limit),
            (Value::Time(value), Item::Moment(moment)) => order.holds(value, &moment.at(self.now)),
            _ => false,
        }
    }
}

impl Value<'_> {
    fn text_has(&self, holds: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Text(text) => holds(text),
            Self::Address(address) => holds(&address.to_string()),
            Self::Number(_) | Self::Time(_) | Self::Many(_) => false,
        }
    }
}

impl Order {
    fn holds<T: PartialOrd>(self, value: &T, limit: &T) -> bool {
        match self {
            Self::Less => value < limit,
            Self::AtMost => value <= limit,
            Self::More => value > limit,
            Self::AtLeast => value >= limit,
        }
    }
}

fn is(value: &Value<'_>, item: &Item, kind: Kind) -> bool {
    match (value, item) {
        (Value::Text(text), Item::Text(wanted)) if kind == Kind::Text => text == wanted,
        (Value::Text(text), Item::Text(wanted)) => text.eq_ignore_ascii_case(wanted),
        (Value::Number(number), Item::Number(wanted)) => number == wanted,
        (Value::Number(number), Item::Range(from, to)) => (from..=to).contains(&number),
        (Value::Address(address), Item::Network(network)) => network.contains(&address.to_canonical()),
        _ => false,
    }
}
