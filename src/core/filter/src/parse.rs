//! From text to a filter, or to the place where it stops making sense.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::expr::{Expr, Filter, Item, Order, Test};
use crate::fields::{Field, Kind};
use crate::measure;
use crate::misread::{Misread, Slip, proposal};
use crate::pattern::Pattern;
use crate::scan::Scanner;

/// The longest filter, in bytes.
pub const MAX_BYTES: usize = 4096;

/// How deep brackets and negations may be nested.
pub const MAX_DEPTH: usize = 32;

/// How many comparisons and values a filter may have.
pub const MAX_PARTS: usize = 256;

impl Filter {
    /// Reads a filter over these fields; an empty text means everything.
    ///
    /// # Errors
    /// Where it stops making sense, and what was probably meant.
    pub fn parse(text: &str, fields: &[Field]) -> Result<Self, Misread> {
        let mut parser = Parser { scanner: Scanner::new(text), fields, parts: 0 };
        let expr = parser.whole(text).map_err(|slip| slip.in_text(text))?;
        Ok(Self { expr, bare: fields.iter().copied().filter(|field| field.bare).collect() })
    }
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    fields: &'a [Field],
    parts: usize,
}

impl Parser<'_> {
    fn whole(&mut self, text: &str) -> Result<Option<Expr>, Slip> {
        if text.len() > MAX_BYTES {
            return Err(Slip::new(MAX_BYTES, format!("a filter has at most {MAX_BYTES} bytes")));
        }
        if let Some(at) = text.find('\0') {
            return Err(Slip::new(at, "no value has a NUL in it"));
        }
        if self.scanner.peek().is_none() {
            return Ok(None);
        }
        let expr = self.any(0)?;
        match self.scanner.peek() {
            None => Ok(Some(expr)),
            Some(_) => Err(self.slip("this bracket was never opened")),
        }
    }

    /// Terms between `or`.
    fn any(&mut self, depth: usize) -> Result<Expr, Slip> {
        let mut parts = vec![self.all(depth)?];
        while self.scanner.takes_word("or") {
            parts.push(self.all(depth)?);
        }
        Ok(one_or(parts, Expr::Or))
    }

    /// Terms between `and`, or side by side.
    fn all(&mut self, depth: usize) -> Result<Expr, Slip> {
        let mut parts = vec![self.term(depth)?];
        while self.scanner.takes_word("and") || self.goes_on() {
            parts.push(self.term(depth)?);
        }
        Ok(one_or(parts, Expr::And))
    }

    fn goes_on(&mut self) -> bool {
        let before = self.scanner.at;
        let is_or = self.scanner.takes_word("or");
        self.scanner.at = before;
        !is_or && !matches!(self.scanner.peek(), None | Some(')'))
    }

    fn term(&mut self, depth: usize) -> Result<Expr, Slip> {
        if depth >= MAX_DEPTH {
            return Err(self.slip("too many brackets inside each other"));
        }
        if self.scanner.takes("(") {
            let opened = self.scanner.at - 1;
            let inner = self.any(depth + 1)?;
            let is_closed = self.scanner.takes(")");
            return if is_closed { Ok(inner) } else { Err(Slip::new(opened, "this bracket is never closed")) };
        }
        if self.scanner.takes_word("not") {
            return Ok(Expr::Not(Box::new(self.term(depth + 1)?)));
        }
        self.count()?;
        match self.scanner.peek() {
            None => Err(self.slip("something is missing here")),
            Some('"') => {
                let at = self.scanner.at;
                let words = self.scanner.quoted()?;
                if words.is_empty() { Err(Slip::new(at, "nothing is searched for")) } else { Ok(Expr::Word(words)) }
            }
            Some(_) => self.word_or_comparison(),
        }
    }

    fn word_or_comparison(&mut self) -> Result<Expr, Slip> {
        self.scanner.peek();
        let at = self.scanner.at;
        let word = self.scanner.word();
        if word.is_empty() {
            return Err(Slip::new(at, "a field or a word is missing").hint("write user=alice, or put signs in quotes"));
        }
        if word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or") {
            return Err(Slip::new(at, format!("`{word}` stands between two terms"))
                .hint("in quotes it is a word to search for"));
        }
        match self.operator() {
            None => Ok(Expr::Word(word.to_owned())),
            Some(operator) => {
                let field = self.field(word, at)?;
                Ok(Expr::Where(field, self.test(field, operator, at)?))
            }
        }
    }

    fn field(&self, name: &str, at: usize) -> Result<Field, Slip> {
        let found = self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        found.copied().ok_or_else(|| {
            let names = self.fields.iter().map(|field| field.name);
            Slip::new(at, format!("unknown field `{name}`")).hint(proposal(name, names))
        })
    }

    fn operator(&mut self) -> Option<Operator> {
        let signs = [
            ("!=", Operator::IsNot),
            ("~~", Operator::Matches),
            ("~", Operator::Like),
            ("<=", Operator::Compare(Order::AtMost)),
            ("<", Operator::Compare(Order::Less)),
            (">=", Operator::Compare(Order::AtLeast)),
            (">", Operator::Compare(Order::More)),
            ("=", Operator::Is),
        ];
        let found = signs.into_iter().find(|(sign, _)| self.scanner.takes(sign)).map(|(_, operator)| operator);
        found.or_else(|| self.scanner.takes_word("in").then_some(Operator::Is))
    }

    fn test(&mut self, field: Field, operator: Operator, at: usize) -> Result<Test, Slip> {
        match operator {
            Operator::Is | Operator::IsNot if field.kind == Kind::Time => {
                Err(Slip::new(at, format!("`{}` is a time", field.name)).hint("compare it with <, <=, > or >="))
            }
            Operator::Is => self.items(field).map(Test::Is),
            Operator::IsNot => self.items(field).map(Test::IsNone),
            Operator::Like | Operator::Matches if field.kind.is_ordered() => {
                Err(Slip::new(at, format!("`{}` is no text", field.name)).hint("compare it with =, != or <, <=, >, >="))
            }
            Operator::Like => self.scanner.value(&[]).map(Test::Like),
            Operator::Matches => {
                self.scanner.peek();
                let at = self.scanner.at;
                let source = self.scanner.value(&[])?;
                Pattern::new(&source).map(Test::Matches).map_err(|error| Slip::new(at, error))
            }
            Operator::Compare(_) if !field.kind.is_ordered() => {
                Err(Slip::new(at, format!("`{}` has no order", field.name)).hint("compare it with =, !=, ~ or ~~"))
            }
            Operator::Compare(order) => {
                self.scanner.peek();
                let at = self.scanner.at;
                let value = self.scanner.value(&[])?;
                match item(field.kind, &value) {
                    Ok(Item::Range(..)) => Err(Slip::new(at, "a range has no order").hint("write port=8000-9000")),
                    Ok(item) => Ok(Test::Compares(order, item)),
                    Err(fault) => Err(fault.at(at)),
                }
            }
        }
    }

    fn items(&mut self, field: Field) -> Result<Vec<Item>, Slip> {
        let mut items = Vec::new();
        loop {
            self.count()?;
            self.scanner.peek();
            let at = self.scanner.at;
            let value = self.scanner.value(&[','])?;
            items.push(item(field.kind, &value).map_err(|fault| fault.at(at))?);
            if !self.scanner.takes(",") {
                return Ok(items);
            }
        }
    }

    fn count(&mut self) -> Result<(), Slip> {
        self.parts += 1;
        if self.parts > MAX_PARTS { Err(self.slip("too many comparisons and values")) } else { Ok(()) }
    }

    fn slip(&self, message: &str) -> Slip {
        Slip::new(self.scanner.at, message)
    }
}

#[derive(Debug, Clone, Copy)]
enum Operator {
    Is,
    IsNot,
    Like,
    Matches,
    Compare(Order),
}

fn one_or(mut parts: Vec<Expr>, several: fn(Vec<Expr>) -> Expr) -> Expr {
    match parts.len() {
        1 => parts.remove(0),
        _ => several(parts),
    }
}

/// What is wrong with a value, wherever it stands.
struct Fault {
    message: String,
    hint: String,
}

impl Fault {
    fn at(self, at: usize) -> Slip {
        Slip::new(at, self.message).hint(self.hint)
    }
}

fn item(kind: Kind, value: &str) -> Result<Item, Fault> {
    let expected = |found: Option<Item>, what: &str, hint: &str| {
        found.ok_or_else(|| Fault { message: format!("{value:?} is no {what}"), hint: hint.to_owned() })
    };
    match kind {
        Kind::Text | Kind::Name => Ok(Item::Text(value.to_owned())),
        Kind::Word(known) => match known.iter().find(|word| word.eq_ignore_ascii_case(value)) {
            Some(word) => Ok(Item::Text((*word).to_owned())),
            None => Err(Fault {
                message: format!("{value:?} is none of its words"),
                hint: proposal(value, known.iter().copied()),
            }),
        },
        Kind::Address => expected(network(value).map(Item::Network), "address", "write 192.0.2.1 or 10.0.0.0/8"),
        Kind::Destination => Ok(network(value).map_or_else(|| Item::Text(value.to_owned()), Item::Network)),
        Kind::Count => expected(counts(value), "number", "write 443 or 8000-9000"),
        Kind::Bytes => expected(measure::bytes(value).map(Item::Number), "size", "write 10M, 1.5G or 4096"),
        Kind::Rate => expected(measure::rate(value).map(Item::Number), "rate", "write 10M/s"),
        Kind::Duration => expected(measure::duration(value).map(Item::Number), "duration", "write 250ms, 2h or 1h30m"),
        Kind::Time => {
            expected(measure::moment(value).map(Item::Moment), "time", "write 2026-11-20, 2026-11-20T19:20Z or -24h")
        }
    }
}

fn counts(value: &str) -> Option<Item> {
    match value.split_once('-') {
        None => measure::count(value).map(Item::Number),
        Some((from, to)) => {
            let (from, to) = (measure::count(from)?, measure::count(to)?);
            (from <= to).then_some(Item::Range(from, to))
        }
    }
}

fn network(value: &str) -> Option<IpNet> {
    let unbracketed = value.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(value);
    let address = unbracketed.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
    address.ok().or_else(|| value.parse::<IpNet>().ok().map(|network| network.trunc()))
}
