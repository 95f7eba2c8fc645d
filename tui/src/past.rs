//! Sessions that were, as they are shown, and how rows are taken away.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::connection::{Connection, Peer};
use crate::failure::Failure;
use crate::output::{Kind, Sheet, csv};

/// The columns of a row, as it comes.
pub(crate) const COLUMNS: &[(&str, Kind)] = &[
    ("start_time", Kind::Time),
    ("duration_secs", Kind::Seconds),
    ("user", Kind::Text),
    ("dest_host", Kind::Text),
    ("dest_port", Kind::Text),
    ("bytes_sent", Kind::Bytes),
    ("bytes_received", Kind::Bytes),
    ("status", Kind::Text),
    ("acl_rule_matched", Kind::Text),
    ("close_reason", Kind::Text),
    ("source_ip", Kind::Text),
    ("protocol", Kind::Text),
    ("session_id", Kind::Text),
];

/// A shorter name for a column, where there is little room.
pub(crate) fn title(name: &str) -> &str {
    match name {
        "start_time" => "start",
        "duration_secs" => "dur",
        "dest_host" => "destination",
        "dest_port" => "port",
        "bytes_sent" => "up",
        "bytes_received" => "down",
        "acl_rule_matched" => "rule",
        "close_reason" => "reason",
        "source_ip" => "source",
        "session_id" => "id",
        "sessions" => "sess",
        other => other,
    }
}

/// The columns of a group of sessions.
pub(crate) const GROUPS: &[(&str, Kind)] = &[
    ("of", Kind::Text),
    ("sessions", Kind::Count),
    ("bytes_sent", Kind::Bytes),
    ("bytes_received", Kind::Bytes),
    ("rejected", Kind::Count),
    ("failed", Kind::Count),
];

/// Both conditions, as far as there are any.
pub(crate) fn both(one: &str, other: &str) -> String {
    match (one.is_empty(), other.is_empty()) {
        (true, _) => other.to_owned(),
        (_, true) => one.to_owned(),
        (false, false) => format!("({one}) and ({other})"),
    }
}

/// The columns of rows that are lines, whatever the rows have.
pub(crate) fn columns() -> Vec<(String, Kind)> {
    COLUMNS.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect()
}

/// These rows with these columns, the ones that a row has not empty.
pub(crate) fn sheet(columns: Vec<(String, Kind)>, rows: &[Value]) -> Sheet {
    let row = |row: &Value| columns.iter().map(|(name, _)| row[name].clone()).collect();
    Sheet { rows: rows.iter().map(row).collect(), columns }
}

/// What is taken away.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Taken {
    /// `history.export` or `sessions.export`.
    pub(crate) op: &'static str,
    pub(crate) filter: String,
    /// Of rows that are lines with commas; without them each row is a document.
    pub(crate) columns: Option<Vec<(String, Kind)>>,
}

/// Writes it into a new file that only its owner reads.
///
/// # Errors
/// The daemon's no, or the file is there already or cannot be written.
pub(crate) fn save(peer: &Peer, taken: &Taken, path: &Path) -> Result<u64, Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let (mut file, mut count, mut has_header) = (BufWriter::new(file), 0, true);
    Connection::open(peer)?.stream(taken.op, &json!({ "filter": taken.filter }), |part| {
        let rows = part["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
        count += rows.len() as u64;
        match &taken.columns {
            Some(columns) => csv(&mut file, &sheet(columns.clone(), rows), std::mem::take(&mut has_header))?,
            None => rows.iter().try_for_each(|row| writeln!(file, "{row}"))?,
        }
        Ok(())
    })?;
    file.flush()?;
    Ok(count)
}
