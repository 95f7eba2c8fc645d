//! Answers in the form that was asked for. Standard output has data and nothing else.

mod sheet;
mod table;
mod written;

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use serde_json::{Map, Value, json};

pub(crate) use self::sheet::{Kind, Sheet, raw};
pub(crate) use self::written::csv;
use crate::failure::Failure;
use crate::shown::{is_hidden, visible};

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: aligned, with units
    Table,
    /// One document, numbers as they are
    Json,
    /// One document for each row
    Ndjson,
    /// Comma-separated, with a header
    Csv,
    /// Tab-separated, with a header
    Tsv,
    /// For people and screen readers: units, but no alignment
    Plain,
}

/// Where answers go, and how.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) has_header: bool,
    /// Which columns, if not all.
    pub(crate) fields: Option<Vec<String>>,
    /// The width of the terminal; nothing where nothing is cut.
    pub(crate) width: Option<usize>,
}

impl Output {
    /// Rows of a table; `schema` names their form for programs.
    pub(crate) fn rows(&self, schema: &str, sheet: Sheet) -> Result<(), Failure> {
        let sheet = match &self.fields {
            Some(fields) => sheet.only(fields)?,
            None => sheet,
        };
        let mut out = io::stdout().lock();
        match self.format {
            Format::Table => {
                let left_out = table::aligned(&mut out, &sheet, self.has_header, self.width)?;
                if !left_out.is_empty() {
                    let words = format!("no room for {}; --fields says which there are to be", left_out.join(", "));
                    let _told = writeln!(io::stderr(), "{}", visible(&words));
                }
            }
            Format::Plain => table::plain(&mut out, &sheet, self.has_header)?,
            Format::Csv => csv(&mut out, &sheet, self.has_header)?,
            Format::Tsv => written::tsv(&mut out, &sheet, self.has_header)?,
            Format::Json => document(&mut out, &json!({ "schema": schema, "rows": sheet.objects() }))?,
            Format::Ndjson => {
                for row in sheet.objects() {
                    document(&mut out, &row)?;
                }
            }
        }
        Ok(out.flush()?)
    }

    /// The next row of a table without an end, for programs: the names of the columns stand above the first alone.
    pub(crate) fn next_row(&mut self, columns: &[(&str, Kind)], object: &Value) -> Result<(), Failure> {
        self.rows("", Sheet::of_object(columns, object))?;
        self.has_header = false;
        Ok(())
    }

    /// The next document of a stream, with the wanted properties of it; those of the columns may be missing.
    pub(crate) fn next_document(&self, columns: &[(&str, Kind)], object: &Value) -> Result<(), Failure> {
        let Some(fields) = &self.fields else { return Self::document(object) };
        let mut wanted = Map::new();
        for field in fields {
            let column = field.split('.').next().unwrap_or_default();
            let is_of_column = columns.iter().any(|(name, _)| name == field || *name == column);
            let value = sheet::property(object, field);
            let value = value.or_else(|missing| if is_of_column { Ok(Value::Null) } else { Err(missing) })?;
            wanted.insert(field.clone(), value);
        }
        Self::document(&Value::Object(wanted))
    }

    /// Whether a person reads it, who wants to see what matters.
    pub(crate) fn is_for_people(&self) -> bool {
        matches!(self.format, Format::Table | Format::Plain)
    }

    /// One thing with its properties.
    pub(crate) fn record(&self, schema: &str, record: &Value) -> Result<(), Failure> {
        let mut record = record.clone();
        with_dates(&mut record);
        match self.format {
            Format::Table | Format::Plain | Format::Csv | Format::Tsv => {
                let has_header = self.has_header && matches!(self.format, Format::Csv | Format::Tsv);
                let sheet = match &self.fields {
                    Some(fields) => Sheet::of_part(&record, fields)?,
                    None => Sheet::of_record(&record),
                };
                let sheet = if self.is_for_people() { sheet.with_units() } else { sheet };
                Output { has_header, fields: None, ..*self }.rows(schema, sheet)
            }
            Format::Json | Format::Ndjson => {
                let mut whole = Map::from_iter([("schema".to_owned(), Value::from(schema))]);
                match &self.fields {
                    Some(fields) => {
                        for field in fields {
                            whole.insert(field.clone(), sheet::property(&record, field)?);
                        }
                    }
                    None => whole.extend(record.as_object().cloned().unwrap_or_default()),
                }
                Self::document(&Value::Object(whole))
            }
        }
    }

    /// A line for people, of no format.
    pub(crate) fn line(text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}", visible(text))?;
        Ok(out.flush()?)
    }

    /// A text of several lines as it is written; into a pipe to the byte, on a terminal with nothing hidden.
    pub(crate) fn text(text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        if io::stdout().is_terminal() {
            for line in text.lines() {
                writeln!(out, "{}", visible(line))?;
            }
        } else {
            out.write_all(text.as_bytes())?;
        }
        Ok(out.flush()?)
    }

    /// A document as it is, on a line of its own.
    pub(crate) fn document(value: &Value) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        document(&mut out, value)?;
        Ok(out.flush()?)
    }
}

/// Moments that the daemon tells in seconds since 1970, wherever they stand in a record.
const MOMENTS: &[&str] = &["t", "start", "started", "oldest", "first_seen", "last_seen", "mtime"];

/// Those moments as RFC 3339.
pub(crate) fn with_dates(record: &mut Value) {
    match record {
        Value::Object(properties) => {
            for (name, value) in properties {
                if value.is_number() && MOMENTS.contains(&name.as_str()) {
                    *value = Kind::Time.exact(value);
                } else {
                    with_dates(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(with_dates),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// JSON in which nothing is hidden: such letters only stand in texts, and there they may be escaped.
fn document(out: &mut impl Write, value: &Value) -> Result<(), Failure> {
    let text = value.to_string();
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_hidden(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                write!(shown, "\\u{unit:04x}").expect("writing to a string cannot fail");
            }
        } else {
            shown.push(letter);
        }
    }
    Ok(writeln!(out, "{shown}")?)
}
