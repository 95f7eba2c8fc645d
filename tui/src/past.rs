//! Sessions that were, as they are shown, and how rows are taken away.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::connection::{Connection, Peer};
use crate::failure::Failure;
use crate::output::{Kind, Sheet, csv};

/// What people see of a row if they do not say what.
pub(crate) const FOR_PEOPLE: [&str; 13] = [
    "start_time",
    "user",
    "dest_host",
    "dest_port",
    "status",
    "close_reason",
    "bytes_sent",
    "bytes_received",
    "duration_secs",
    "source_ip",
    "acl_rule_matched",
    "protocol",
    "session_id",
];

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
    ("claimed", Kind::Text),
    ("end_time", Kind::Time),
    ("source_port", Kind::Text),
    ("dest_ip", Kind::Text),
    ("exit_ip", Kind::Text),
    ("exit_port", Kind::Text),
    ("command", Kind::Text),
    ("dialect", Kind::Text),
    ("listener", Kind::Text),
    ("auth_method", Kind::Text),
    ("acl_decision", Kind::Text),
    ("generation", Kind::Text),
    ("remark", Kind::Text),
    ("packets_sent", Kind::Count),
    ("packets_received", Kind::Count),
    ("handshake_us", Kind::Count),
    ("auth_us", Kind::Count),
    ("rules_us", Kind::Count),
    ("dns_us", Kind::Count),
    ("connect_us", Kind::Count),
    ("first_byte_us", Kind::Count),
];

/// Who it was; in brackets who it only claimed to be.
pub(crate) fn name(session: &Value) -> Value {
    match (&session["user"], &session["claimed"]) {
        (Value::Null, Value::String(claimed)) => format!("({claimed})").into(),
        (user, _) => user.clone(),
    }
}

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
