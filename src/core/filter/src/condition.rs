//! The same filter as a condition of SQL, for SQLite's rules: text with places for values, and the values.
//!
//! SQL has a third answer, "unknown", where a row has no value; `IS NOT TRUE` makes it a no before anything is negated.

use crate::expr::{Expr, Filter, Item, Test};
use crate::fields::{Field, Kind};
use crate::glob;

/// What stands behind a WHERE, and the values for its question marks in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    pub sql: String,
    pub arguments: Vec<Argument>,
}

/// A value for a question mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    Text(String),
    Integer(i64),
}

/// Where a field lies in the database: an expression over the columns of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    Text(&'static str),
    /// A number in the unit of the field's kind.
    Integer(&'static str),
    /// An address as text in its canonical form.
    Address(&'static str),
}

/// How a table keeps the fields.
pub trait Columns {
    /// Where the field of this name lies; several places if it may be in any of them, none if it is not kept.
    fn stored(&self, field: &str) -> &'static [Stored];

    /// The SQL function of (address, network) that says whether one is in the other.
    fn in_network(&self) -> &'static str;

    /// The SQL function of (text, expression) that does what [`crate::Pattern::is_in`] does.
    fn matches(&self) -> &'static str;
}

/// A field that live rows have and the database does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not kept in the history")]
pub struct NotKept(pub &'static str);

impl Filter {
    /// The condition for rows that lie in such columns, at `now` in microseconds since 1970.
    /// `1` where everything is meant.
    ///
    /// # Errors
    /// A field is not kept there.
    pub fn condition(&self, columns: &impl Columns, now: i64) -> Result<Condition, NotKept> {
        let Some(expr) = &self.expr else { return Ok(Condition { sql: "1".to_owned(), arguments: Vec::new() }) };
        let mut writer = Writer { columns, bare: &self.bare, now, written: Condition::default() };
        writer.expr(expr)?;
        Ok(writer.written)
    }
}

struct Writer<'a, C> {
    columns: &'a C,
    bare: &'a [Field],
    now: i64,
    written: Condition,
}

impl<C: Columns> Writer<'_, C> {
    fn expr(&mut self, expr: &Expr) -> Result<(), NotKept> {
        match expr {
            Expr::And(parts) => self.joined(parts, " AND "),
            Expr::Or(parts) => self.joined(parts, " OR "),
            Expr::Not(part) => {
                self.push("((");
                self.expr(part)?;
                self.push(") IS NOT TRUE)");
                Ok(())
            }
            Expr::Where(field, test) => self.test(*field, test),
            Expr::Word(word) => {
                self.word(word);
                Ok(())
            }
        }
    }

    fn joined(&mut self, parts: &[Expr], between: &str) -> Result<(), NotKept> {
        self.push("(");
        for (i, part) in parts.iter().enumerate() {
            self.push(if i == 0 { "" } else { between });
            self.expr(part)?;
        }
        self.push(")");
        Ok(())
    }

    fn test(&mut self, field: Field, test: &Test) -> Result<(), NotKept> {
        let stored = self.columns.stored(field.name);
        if stored.is_empty() {
            return Err(NotKept(field.name));
        }
        match test {
            Test::Is(items) => self.is_one_of(field.kind, stored, items),
            Test::IsNone(items) => {
                self.push("(");
                self.is_one_of(field.kind, stored, items);
                self.push(" IS NOT TRUE)");
            }
            Test::Like(shape) => {
                self.alternatives(texts(stored), |writer, column| writer.like(column, &glob::as_like(shape)));
            }
            Test::Matches(pattern) => self.alternatives(texts(stored), |writer, column| {
                writer.push(&format!("{}({column}, ?)", writer.columns.matches()));
                writer.argument(Argument::Text(pattern.source().to_owned()));
            }),
            Test::Compares(order, item) => self.alternatives(integers(stored), |writer, column| {
                writer.push(&format!("{column} {} ?", order.sign()));
                writer.argument(Argument::Integer(writer.integer(item)));
            }),
        }
        Ok(())
    }

    fn is_one_of(&mut self, kind: Kind, stored: &[Stored], items: &[Item]) {
        let pairs = stored.iter().flat_map(|place| items.iter().map(move |item| (*place, item)));
        let fitting = pairs.filter(|(place, item)| fits(*place, item));
        self.alternatives(fitting, |writer, (place, item)| writer.is(kind, place, item));
    }

    fn is(&mut self, kind: Kind, place: Stored, item: &Item) {
        match (place, item) {
            (Stored::Text(column), Item::Text(text)) => {
                let collation = if kind == Kind::Text { "BINARY" } else { "NOCASE" };
                self.push(&format!("{column} = ? COLLATE {collation}"));
                self.argument(Argument::Text(text.clone()));
            }
            (Stored::Address(column), Item::Network(network)) if network.prefix_len() == network.max_prefix_len() => {
                self.push(&format!("{column} = ?"));
                self.argument(Argument::Text(network.addr().to_string()));
            }
            (Stored::Address(column), Item::Network(network)) => {
                self.push(&format!("{}({column}, ?)", self.columns.in_network()));
                self.argument(Argument::Text(network.to_string()));
            }
            (Stored::Integer(column), Item::Range(from, to)) => {
                self.push(&format!("{column} BETWEEN ? AND ?"));
                self.argument(Argument::Integer(clamped(*from)));
                self.argument(Argument::Integer(clamped(*to)));
            }
            (Stored::Integer(column), item) => {
                self.push(&format!("{column} = ?"));
                self.argument(Argument::Integer(self.integer(item)));
            }
            (Stored::Text(_) | Stored::Address(_), _) => self.push("0"),
        }
    }

    fn word(&mut self, word: &str) {
        let columns = self.columns;
        let bare = self.bare.iter().flat_map(|field| texts(columns.stored(field.name)));
        let mut places: Vec<&str> = bare.collect();
        places.sort_unstable();
        places.dedup();
        self.alternatives(places, |writer, column| writer.like(column, &glob::containing(word)));
    }

    fn like(&mut self, column: &str, shape: &str) {
        self.push(&format!("{column} LIKE ? ESCAPE '\\'"));
        self.argument(Argument::Text(shape.to_owned()));
    }

    /// One of these must hold; without any of them, nothing does.
    fn alternatives<T>(&mut self, of: impl IntoIterator<Item = T>, mut each: impl FnMut(&mut Self, T)) {
        self.push("(");
        let mut count = 0;
        for one in of {
            self.push(if count == 0 { "" } else { " OR " });
            each(self, one);
            count += 1;
        }
        self.push(if count == 0 { "0)" } else { ")" });
    }

    fn integer(&self, item: &Item) -> i64 {
        match item {
            Item::Number(number) | Item::Range(number, _) => clamped(*number),
            Item::Moment(moment) => moment.at(self.now),
            Item::Text(_) | Item::Network(_) => 0,
        }
    }

    fn push(&mut self, sql: &str) {
        self.written.sql.push_str(sql);
    }

    fn argument(&mut self, argument: Argument) {
        self.written.arguments.push(argument);
    }
}

/// Whether something that lies there can be equal to the item at all.
fn fits(place: Stored, item: &Item) -> bool {
    match place {
        Stored::Text(_) => matches!(item, Item::Text(_)),
        Stored::Integer(_) => matches!(item, Item::Number(_) | Item::Range(..) | Item::Moment(_)),
        Stored::Address(_) => matches!(item, Item::Network(_)),
    }
}

fn texts(stored: &[Stored]) -> impl Iterator<Item = &'static str> {
    stored.iter().filter_map(|place| match place {
        Stored::Text(column) | Stored::Address(column) => Some(*column),
        Stored::Integer(_) => None,
    })
}

fn integers(stored: &[Stored]) -> impl Iterator<Item = &'static str> {
    stored.iter().filter_map(|place| match place {
        Stored::Integer(column) => Some(*column),
        Stored::Text(_) | Stored::Address(_) => None,
    })
}

fn clamped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
