//! Sessions that were, as they are shown and taken away.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::Value;

use crate::connection::{Connection, Peer};
use crate::failure::Failure;
use crate::output::Kind;

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

/// Writes what the parameters of `history.export` ask for into a new file that only its owner reads, a document for each row.
///
/// # Errors
/// The daemon's no, or the file is there already or cannot be written.
pub(crate) fn save(peer: &Peer, p: &Value, path: &Path) -> Result<u64, Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let (mut file, mut rows) = (BufWriter::new(file), 0);
    Connection::open(peer)?.stream("history.export", p, |part| {
        for row in part["rows"].as_array().into_iter().flatten() {
            writeln!(file, "{row}")?;
            rows += 1;
        }
        Ok(())
    })?;
    file.flush()?;
    Ok(rows)
}
