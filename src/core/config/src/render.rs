//! Writes settings as TOML, every line with its origin as a comment.

use std::fmt::Write as _;

use crate::origin::Origin;

/// A key with its value as TOML; nothing when the key is absent.
pub(crate) type Shown = (&'static str, Option<String>);

/// Column of the comments; longer lines push theirs to the right.
const COMMENT_COLUMN: usize = 44;

/// One TOML document; a table whose name has an index is one of several.
pub(crate) fn annotated<'a>(tables: &[(String, Vec<Shown>)], origin: impl Fn(&str) -> &'a Origin) -> String {
    let mut document = String::new();
    for (table, keys) in tables {
        if !document.is_empty() {
            document.push('\n');
        }
        document.push_str(&heading(table));
        for (key, value) in keys {
            document.push_str(&line(key, value.as_deref(), origin(&format!("{table}.{key}"))));
        }
    }
    document
}

fn heading(table: &str) -> String {
    match table.split_once('[') {
        Some((name, _)) => format!("[[{name}]]\n"),
        None => format!("[{table}]\n"),
    }
}

fn line(key: &str, value: Option<&str>, origin: &Origin) -> String {
    let mut line = match value {
        Some(value) => format!("{key} = {value}"),
        None => format!("# {key} is not set"),
    };
    let width = COMMENT_COLUMN.saturating_sub(line.chars().count());
    let comment = origin.to_string();
    writeln!(line, "{:width$}# {}", "", comment.escape_debug()).expect("writing to a string cannot fail");
    line
}
