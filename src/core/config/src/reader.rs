//! Walks a parsed file table by table, lays the overrides over it, and collects problems and origins.
//!
//! Knows how tables and keys are found, and nothing of which keys exist: [`Table`] tells it.

use std::collections::{BTreeMap, HashMap};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::kinds::{Input, Kind, described};
use crate::lines::Lines;
use crate::origin::{Origin, Override};
use crate::problem::{Fault, Problem, Problems, alternatives, unknown};

/// A table whose keys are known.
pub(crate) trait Table: Sized {
    const KEYS: &'static [&'static str];
    fn read(section: &mut Section<'_, '_>) -> Self;
}

/// What has been found so far.
pub(crate) struct Reader<'a> {
    path: &'a str,
    lines: Lines<'a>,
    root: DeTable<'a>,
    overrides: BTreeMap<String, Override>,
    problems: Vec<Problem>,
    /// Where each key was written; nothing when nobody will ask.
    origins: Option<BTreeMap<String, Origin>>,
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
            lines: Lines::of(text),
            root: root.into_inner(),
            overrides: BTreeMap::new(),
            problems: Vec::new(),
            origins: Some(BTreeMap::new()),
        };
        for error in errors {
            let start = error.span().map_or(0, |span| span.start);
            let fault = Fault { hint: excerpt.of(&reader.lines, start), ..Fault::new(error.message()) };
            reader.report(reader.place(start), "syntax", fault);
        }
        if reader.problems.is_empty() { Ok(reader) } else { Err(Problems::sorted(reader.problems)) }
    }

    /// Does not remember where keys were written: for files of many tables whose places nobody will ask for.
    pub(crate) fn forgetful(self) -> Self {
        Self { origins: None, ..self }
    }

    /// The places of every key that was written.
    ///
    /// # Errors
    /// Every problem that was reported, in the order of the file.
    pub(crate) fn finish(self) -> Result<BTreeMap<String, Origin>, Problems> {
        if self.problems.is_empty() {
            Ok(self.origins.unwrap_or_default())
        } else {
            Err(Problems::sorted(self.problems))
        }
    }

    /// Lays values over the file; of two values for one key the one with the higher [`Origin`] wins.
    pub(crate) fn lay_over(&mut self, overrides: &[Override]) {
        let mut ranked: Vec<&Override> = overrides.iter().collect();
        ranked.sort_by_key(|over| matches!(over.origin, Origin::Flag { .. }));
        self.overrides = ranked.into_iter().map(|over| (over.key.clone(), over.clone())).collect();
    }

    /// The table `[name]`, or its defaults. A table inside another one, `[outer.name]`, is read before the outer one.
    pub(crate) fn table<T: Table>(&mut self, name: &'static str) -> T {
        let found = self.take(name);
        let start = found.as_ref().map_or(0, |value| value.span().start);
        let table = found.as_ref().and_then(|value| value.get_ref().as_table());
        if let (Some(value), None) = (&found, table) {
            let wrong = Fault::new(format!("must be a table, not {}", described(value.get_ref())));
            self.report(self.place(start), name, wrong.hint(format!("write [{name}] on a line of its own")));
        }
        Section::read(self, name, start, table)
    }

    /// The tables `[[name]]` in the order of the file, each with its place; `[[outer.name]]` are read before the outer one.
    pub(crate) fn tables<T: Table>(&mut self, name: &'static str) -> Vec<T> {
        let found = self.take(name);
        found.map_or_else(Vec::new, |found| self.each(name, name, &found))
    }

    fn take(&mut self, name: &str) -> Option<Spanned<DeValue<'a>>> {
        let Some((outer, inner)) = name.split_once('.') else { return self.root.remove(name) };
        match self.root.get_mut(outer).map(Spanned::get_mut) {
            Some(DeValue::Table(outer)) => outer.remove(inner),
            _ => None,
        }
    }

    /// Every table of a list of tables, whose heading is `[[heading]]`.
    fn each<T: Table>(&mut self, path: &str, heading: &str, found: &Spanned<DeValue<'_>>) -> Vec<T> {
        let items: Option<Vec<_>> = found
            .get_ref()
            .as_array()
            .and_then(|items| items.iter().map(|item| Some((item.get_ref().as_table()?, item.span().start))).collect());
        let Some(items) = items else {
            let wrong = Fault::new("must be a list of tables").hint(format!("write [[{heading}]] above each of them"));
            self.report(self.place(found.span().start), path, wrong);
            return Vec::new();
        };
        let mut tables = Vec::with_capacity(items.len());
        for (index, (table, start)) in items.into_iter().enumerate() {
            let path = format!("{path}[{index}]");
            self.remember(&path, start);
            tables.push(Section::read(self, &path, start, Some(table)));
        }
        tables
    }

    fn remember(&mut self, path: &str, start: usize) {
        if self.origins.is_some() {
            let place = self.place(start);
            self.origins.get_or_insert_default().insert(path.to_owned(), place);
        }
    }

    /// Reports that a key without a default is missing, unless its value was already found wrong.
    pub(crate) fn require(&mut self, table: &str, key: &str, example: &str) {
        let path = format!("{table}.{key}");
        let was_written =
            self.origin(&path) != Origin::Default || self.problems.iter().any(|problem| problem.key == path);
        if !was_written {
            self.report(self.origin(table), &path, Fault::new("is missing").hint(format!("add {key} = {example}")));
        }
    }

    /// Reports each table of this array whose name one before it has; `what` is what a table is about.
    pub(crate) fn refuse_repeated<'n>(
        &mut self,
        array: &str,
        what: &str,
        names: impl IntoIterator<Item = Option<&'n str>>,
    ) {
        let mut seen: HashMap<&str, Origin> = HashMap::new();
        for (index, name) in names.into_iter().enumerate() {
            let Some(name) = name else { continue };
            let key = format!("{array}[{index}].name");
            let place = self.origin(&key);
            if let Some(first) = seen.get(name) {
                let fault = Fault::new(format!("{name:?} is already a {what} at {first}"));
                self.report(place, &key, fault.hint("remove one of the two"));
            } else {
                seen.insert(name, place);
            }
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
        self.origins.as_ref().and_then(|origins| origins.get(path)).cloned().unwrap_or(Origin::Default)
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

    /// The place of a byte of the file.
    pub(crate) fn place(&self, offset: usize) -> Origin {
        let (line, column) = self.lines.place(offset);
        Origin::File { path: self.path.to_owned(), line, column }
    }

    /// The line of a byte of the file, from 1.
    pub(crate) fn line(&self, offset: usize) -> u32 {
        u32::try_from(self.lines.line(offset)).unwrap_or(u32::MAX)
    }
}

/// One table while it is read.
pub(crate) struct Section<'r, 'a> {
    reader: &'r mut Reader<'a>,
    path: &'r str,
    /// Where the table begins.
    start: usize,
    table: Option<&'r DeTable<'r>>,
}

impl<'r, 'a> Section<'r, 'a> {
    fn read<T: Table>(reader: &'r mut Reader<'a>, path: &'r str, start: usize, table: Option<&'r DeTable<'r>>) -> T {
        let mut section = Self { reader, path, start, table };
        section.report_unknown(T::KEYS);
        T::read(&mut section)
    }

    /// The value of a key: the override's, else the file's, else the default. A wrong value is reported wherever it stands.
    pub(crate) fn key<K: Kind>(&mut self, key: &'static str, kind: &K, default: K::Value) -> K::Value {
        let written = self.value(key).and_then(|value| self.written(key, kind, value));
        let over = self.over(key).and_then(|over| self.given(key, kind, over));
        over.or(written).unwrap_or(default)
    }

    /// The value of a key that has no default; a missing one is reported where its table begins.
    pub(crate) fn required<K: Kind>(&mut self, key: &'static str, kind: &K, example: &str) -> Option<K::Value> {
        if let Some(value) = self.value(key) {
            return self.written(key, kind, value);
        }
        self.report(key, Fault::new("is missing").hint(format!("add {key} = {example}")));
        None
    }

    /// The tables `[[….key]]` inside this one, in the order of the file.
    pub(crate) fn tables<T: Table>(&mut self, key: &'static str) -> Vec<T> {
        let Some(found) = self.value(key) else { return Vec::new() };
        let (path, parent) = (self.path_of(key), self.path.split('[').next().unwrap_or_default());
        self.reader.each(&path, &format!("{parent}.{key}"), found)
    }

    /// The table `key = { … }` inside this one.
    pub(crate) fn table<T: Table>(&mut self, key: &'static str, example: &str) -> Option<T> {
        let found = self.value(key)?;
        let (path, start) = (self.path_of(key), found.span().start);
        let Some(table) = found.get_ref().as_table() else {
            let wrong = Fault::new(format!("must be a table, not {}", described(found.get_ref())));
            self.report(key, wrong.hint(format!("write {key} = {example}")));
            return None;
        };
        Some(Section::read(self.reader, &path, start, Some(table)))
    }

    /// Reports something about a key: where it is written, or where its table begins.
    pub(crate) fn report(&mut self, key: &str, fault: Fault) {
        let place = self.reader.place(self.start_of(key));
        self.reader.report(place, &self.path_of(key), fault);
    }

    /// Whether the file has this key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// The first byte of the key's value, or of the table without it.
    pub(crate) fn start_of(&self, key: &str) -> usize {
        self.value(key).map_or(self.start, |value| value.span().start)
    }

    /// The line on which the table begins, from 1.
    pub(crate) fn line(&self) -> u32 {
        self.reader.line(self.start)
    }

    /// The line on which a key's value begins, or its table without it.
    pub(crate) fn line_of(&self, key: &str) -> u32 {
        self.reader.line(self.start_of(key))
    }

    /// The name of a key with the tables that it stands in.
    pub(crate) fn path_of(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    fn value(&self, key: &str) -> Option<&'r Spanned<DeValue<'r>>> {
        self.table.and_then(|table| table.get(key))
    }

    fn over(&mut self, key: &str) -> Option<Override> {
        if self.reader.overrides.is_empty() {
            return None;
        }
        self.reader.overrides.remove(&override_of(&self.path_of(key)))
    }

    fn written<K: Kind>(&mut self, key: &str, kind: &K, value: &Spanned<DeValue<'_>>) -> Option<K::Value> {
        let read = kind.read(Input::File(value));
        self.accept(key, |reader| reader.place(value.span().start), read)
    }

    fn given<K: Kind>(&mut self, key: &str, kind: &K, over: Override) -> Option<K::Value> {
        let read = kind.read(Input::Text(&over.value));
        self.accept(key, |_| over.origin, read)
    }

    fn accept<T>(
        &mut self,
        key: &str,
        origin: impl FnOnce(&Reader<'a>) -> Origin,
        read: Result<T, Vec<Fault>>,
    ) -> Option<T> {
        match read {
            Ok(value) => {
                if self.reader.origins.is_some() {
                    let (path, origin) = (self.path_of(key), origin(self.reader));
                    self.reader.origins.get_or_insert_default().insert(path, origin);
                }
                Some(value)
            }
            Err(faults) => {
                let (path, origin) = (self.path_of(key), origin(self.reader));
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
                let path = self.path_of(written);
                let place = self.reader.place(name.span().start);
                self.reader.report(place, &path, unknown(&path, written, keys.iter().copied()));
            }
        }
    }
}

/// The key of an override, which cannot tell the dot of an inner table from an underscore: `auth.pam_verbose`.
fn override_of(path: &str) -> String {
    let (table, key) = path.split_once('.').unwrap_or((path, ""));
    format!("{table}.{}", key.replace('.', "_"))
}

/// Whether a message may quote a line of the file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Excerpt {
    Quoted,
    /// The file holds secrets.
    Withheld,
}

impl Excerpt {
    fn of(self, lines: &Lines<'_>, offset: usize) -> Option<String> {
        match self {
            Self::Quoted => Some(format!("the line reads: {}", lines.text_at(offset).trim().escape_debug())),
            Self::Withheld => None,
        }
    }
}
