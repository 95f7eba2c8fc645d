//! Walks a parsed file table by table, lays the overrides over it, and collects problems and origins.
//!
//! Knows how tables and keys are found, and nothing of which keys exist: [`Table`] tells it.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::kinds::{Input, Kind, described};
use crate::origin::{Origin, Override};
use crate::problem::{Fault, Problem, Problems, alternatives};

/// A table whose keys are known.
pub(crate) trait Table: Sized {
    const KEYS: &'static [&'static str];
    fn read(section: &mut Section<'_, '_>) -> Self;
}

/// What has been found so far.
pub(crate) struct Reader<'a> {
    path: &'a str,
    text: &'a str,
    root: DeTable<'a>,
    overrides: BTreeMap<String, Override>,
    problems: Vec<Problem>,
    origins: BTreeMap<String, Origin>,
}

impl<'a> Reader<'a> {
    /// Parses the text as TOML.
    ///
    /// # Errors
    /// Every syntax error of the text, with its line.
    pub(crate) fn new(path: &'a str, text: &'a str, excerpt: Excerpt) -> Result<Self, Problems> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut reader = Self {
            path,
            text,
            root: root.into_inner(),
            overrides: BTreeMap::new(),
            problems: Vec::new(),
            origins: BTreeMap::new(),
        };
        for error in errors {
            let start = error.span().map_or(0, |span| span.start);
            let fault = Fault { hint: excerpt.of(text, start), ..Fault::new(error.message()) };
            reader.report(reader.place(start), "syntax", fault);
        }
        if reader.problems.is_empty() { Ok(reader) } else { Err(Problems::sorted(reader.problems)) }
    }

    /// The places of every key that was written.
    ///
    /// # Errors
    /// Every problem that was reported, in the order of the file.
    pub(crate) fn finish(self) -> Result<BTreeMap<String, Origin>, Problems> {
        if self.problems.is_empty() { Ok(self.origins) } else { Err(Problems::sorted(self.problems)) }
    }

    /// Lays values over the file; of two values for one key the one with the higher [`Origin`] wins.
    pub(crate) fn lay_over(&mut self, overrides: &[Override]) {
        let mut ranked: Vec<&Override> = overrides.iter().collect();
        ranked.sort_by_key(|over| matches!(over.origin, Origin::Flag { .. }));
        self.overrides = ranked.into_iter().map(|over| (over.key.clone(), over.clone())).collect();
    }

    /// The table `[name]`, or its defaults.
    pub(crate) fn table<T: Table>(&mut self, name: &'static str) -> T {
        let found = self.root.remove(name);
        match found.as_ref().map(|value| (value, value.get_ref().as_table())) {
            Some((value, None)) => {
                let wrong = Fault::new(format!("must be a table, not {}", described(value.get_ref())));
                self.report(
                    self.place(value.span().start),
                    name,
                    wrong.hint(format!("write [{name}] on a line of its own")),
                );
                Section::read(self, name, None)
            }
            Some((_, table)) => Section::read(self, name, table),
            None => Section::read(self, name, None),
        }
    }

    /// The tables `[[name]]` in the order of the file, each with its place.
    pub(crate) fn tables<T: Table>(&mut self, name: &'static str) -> Vec<T> {
        let Some(found) = self.root.remove(name) else { return Vec::new() };
        let items: Option<Vec<&DeTable<'_>>> =
            found.get_ref().as_array().and_then(|items| items.iter().map(|item| item.get_ref().as_table()).collect());
        let Some(items) = items else {
            let wrong = Fault::new("must be a list of tables").hint(format!("write [[{name}]] above each of them"));
            self.report(self.place(found.span().start), name, wrong);
            return Vec::new();
        };
        let spans = found.get_ref().as_array().into_iter().flatten().map(Spanned::span);
        let mut tables = Vec::new();
        for (index, (table, span)) in items.into_iter().zip(spans).enumerate() {
            let path = format!("{name}[{index}]");
            self.origins.insert(path.clone(), self.place(span.start));
            tables.push(Section::read(self, &path, Some(table)));
        }
        tables
    }

    /// Reports that a key without a default is missing, unless its value was already found wrong.
    pub(crate) fn require(&mut self, table: &str, key: &str, example: &str) {
        let path = format!("{table}.{key}");
        let was_written = self.origins.contains_key(&path) || self.problems.iter().any(|problem| problem.key == path);
        if !was_written {
            self.report(self.origin(table), &path, Fault::new("is missing").hint(format!("add {key} = {example}")));
        }
    }

    pub(crate) fn is_faultless(&self) -> bool {
        self.problems.is_empty()
    }

    /// The keys that have a problem.
    pub(crate) fn refused_keys(&self) -> Vec<String> {
        self.problems.iter().map(|problem| problem.key.clone()).collect()
    }

    /// The first character of the file.
    pub(crate) fn start(&self) -> Origin {
        self.place(0)
    }

    /// Where a key was written, or [`Origin::Default`].
    pub(crate) fn origin(&self, path: &str) -> Origin {
        self.origins.get(path).cloned().unwrap_or(Origin::Default)
    }

    /// A key may be any string, so what a terminal would obey is escaped.
    pub(crate) fn report(&mut self, origin: Origin, key: &str, fault: Fault) {
        let key = key.escape_debug().to_string();
        self.problems.push(Problem { origin, key, message: fault.message, hint: fault.hint });
    }

    /// Reports every table that nobody asked for, and hands back the overrides that nobody asked for.
    pub(crate) fn leftovers(&mut self, known: &[&str]) -> Vec<Override> {
        for (name, _) in std::mem::take(&mut self.root) {
            let hint = alternatives(name.get_ref(), known.iter().copied());
            self.report(self.place(name.span().start), name.get_ref(), Fault::new("unknown table or key").hint(hint));
        }
        std::mem::take(&mut self.overrides).into_values().collect()
    }

    fn place(&self, offset: usize) -> Origin {
        let before = &self.text[..self.text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Origin::File {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// One table while it is read.
pub(crate) struct Section<'r, 'a> {
    reader: &'r mut Reader<'a>,
    path: &'r str,
    table: Option<&'r DeTable<'r>>,
}

impl<'r, 'a> Section<'r, 'a> {
    fn read<T: Table>(reader: &'r mut Reader<'a>, path: &'r str, table: Option<&'r DeTable<'r>>) -> T {
        let mut section = Self { reader, path, table };
        section.report_unknown(T::KEYS);
        T::read(&mut section)
    }

    /// The value of a key: the override's, else the file's, else the default. A wrong value is reported wherever it stands.
    pub(crate) fn key<K: Kind>(&mut self, key: &'static str, kind: &K, default: K::Value) -> K::Value {
        let written = self.table.and_then(|table| table.get(key)).and_then(|value| self.written(key, kind, value));
        let over = self.reader.overrides.remove(&self.path_of(key)).and_then(|over| self.given(key, kind, over));
        over.or(written).unwrap_or(default)
    }

    fn written<K: Kind>(&mut self, key: &str, kind: &K, value: &Spanned<DeValue<'_>>) -> Option<K::Value> {
        let origin = self.reader.place(value.span().start);
        let read = kind.read(Input::File(value));
        self.accept(key, origin, read)
    }

    fn given<K: Kind>(&mut self, key: &str, kind: &K, over: Override) -> Option<K::Value> {
        let read = kind.read(Input::Text(&over.value));
        self.accept(key, over.origin, read)
    }

    fn accept<T>(&mut self, key: &str, origin: Origin, read: Result<T, Vec<Fault>>) -> Option<T> {
        let path = self.path_of(key);
        match read {
            Ok(value) => {
                self.reader.origins.insert(path, origin);
                Some(value)
            }
            Err(faults) => {
                for fault in faults {
                    let place =
                        fault.span.as_ref().map_or_else(|| origin.clone(), |span| self.reader.place(span.start));
                    self.reader.report(place, &path, fault);
                }
                None
            }
        }
    }

    fn report_unknown(&mut self, keys: &[&str]) {
        for name in self.table.into_iter().flat_map(DeTable::keys) {
            let written: &str = name.get_ref();
            if !keys.contains(&written) {
                let hint = alternatives(written, keys.iter().copied());
                let place = self.reader.place(name.span().start);
                self.reader.report(place, &self.path_of(written), Fault::new("unknown key").hint(hint));
            }
        }
    }

    fn path_of(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }
}

/// Whether a message may quote a line of the file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Excerpt {
    Quoted,
    /// The file holds secrets.
    Withheld,
}

impl Excerpt {
    fn of(self, text: &str, offset: usize) -> Option<String> {
        match self {
            Self::Quoted => Some(format!("the line reads: {}", line_at(text, offset).trim().escape_debug())),
            Self::Withheld => None,
        }
    }
}

fn line_at(text: &str, offset: usize) -> &str {
    let offset = text.floor_char_boundary(offset);
    let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    text[start..].lines().next().unwrap_or_default()
}
