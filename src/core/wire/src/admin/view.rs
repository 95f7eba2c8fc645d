//! Views: a window on a table that the daemon filters and sorts, and what changes in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A row: one value for each column of the view, in their order. The first column is always `id`.
pub type Row = Vec<Value>;

/// The tables that there are views of, each with its columns, the id first: what rows can be sorted by, and shown of them.
pub const TABLES: &[(&str, &[&str])] = &[
    (
        "sessions",
        &[
            "id", "user", "groups", "src", "sport", "dst", "dport", "host", "ip", "proto", "cmd", "state", "start",
            "idle", "up", "down", "pup", "pdown", "rup", "rdown", "rate", "limit", "rule", "decision", "auth",
            "listener", "gen", "uuid",
        ],
    ),
    (
        "users",
        &[
            "id",
            "name",
            "state",
            "from",
            "groups",
            "sessions",
            "rate",
            "up",
            "down",
            "last_seen",
            "last_src",
            "up24",
            "down24",
            "denied24",
            "fails24",
        ],
    ),
    (
        "limits",
        &[
            "id",
            "name",
            "kind",
            "parent",
            "limit",
            "using",
            "pct",
            "sessions",
            "most_sessions",
            "waiting",
            "guaranteed",
            "burst",
            "origin",
            "override_left",
            "bytes",
            "bucket",
            "throttled",
            "wait",
            "held_by",
            "refused",
            "quota",
        ],
    ),
    ("bans", &["id", "src", "age", "left", "turned_away"]),
    (
        "whatif",
        &[
            "id",
            "user",
            "src",
            "dst",
            "ip",
            "proto",
            "start",
            "up",
            "down",
            "before",
            "rule_before",
            "after",
            "rule_after",
            "own",
            "uuid",
        ],
    ),
];

/// Opens a view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ViewOpen {
    /// Which table, for instance `sessions`.
    pub of: String,
    /// Which rows; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Columns to sort by, the most important first; the id comes last of itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sort: Vec<(String, Direction)>,
    /// Which columns; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cols: Option<Vec<String>>,
    /// Which part of the rows.
    #[serde(default)]
    pub win: Window,
    /// How often it is looked at, in milliseconds; 1 000 without it, never more often than every 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_ms: Option<u64>,
    /// Whether order and membership stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<bool>,
    /// Of `whatif`: the answer of `acl.whatif` whose sessions are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Changes a view; what is not written stays.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ViewChange {
    /// Which view.
    pub sub: u64,
    /// An empty text lets every row in again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// See [`ViewOpen`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<Vec<(String, Direction)>>,
    /// See [`ViewOpen`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cols: Option<Vec<String>>,
    /// See [`ViewOpen`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub win: Option<Window>,
    /// See [`ViewOpen`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_ms: Option<u64>,
    /// See [`ViewOpen`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<bool>,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The least first.
    Asc,
    /// The greatest first.
    Desc,
}

/// Which part of the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Window {
    /// So many around this row, wherever it is; from the top if it is not there.
    Around {
        /// The id of the row.
        anchor: String,
        /// Rows before it.
        before: usize,
        /// Rows behind it.
        after: usize,
    },
    /// So many from this place on, which is counted from 0.
    At {
        /// The place of the first.
        off: usize,
        /// How many, at most 1 000.
        len: usize,
    },
}

impl Default for Window {
    fn default() -> Self {
        Self::At { off: 0, len: 100 }
    }
}

/// A view as it is: the answer to `view.open` and `view.set`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ViewOpened {
    /// The number of the subscription that its patches come with.
    pub sub: u64,
    /// What the rows have, in this order; the id first.
    pub cols: Vec<Column>,
    /// Rows of the table.
    pub total: u64,
    /// Rows that the filter lets in.
    pub matched: u64,
    /// Sums over all of these.
    #[serde(default)]
    pub agg: BTreeMap<String, u64>,
    /// The place of the first row of the window.
    pub off: usize,
    /// The window.
    pub rows: Vec<Row>,
    /// What is wrong with the filter; the one before it, or none, is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_error: Option<FilterError>,
}

/// A column of a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, as filters write it.
    pub name: String,
    /// `text`, `number`, `bytes`, `rate` (bytes a second), `time` (seconds since 1970), `seconds` or `list`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it changes while the row is there: these are in `upd`.
    pub dynamic: bool,
}

/// What is wrong with a filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterError {
    /// Where, in characters, counted from 1.
    pub col: usize,
    /// What.
    pub msg: String,
    /// What might be meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What has changed in a view since the last that was said of it.
///
/// To apply it: take up `add`, change the dynamic columns of `upd`, mark `gone` as over, and if there is an `order`, the
/// window is exactly these ids in this order. A row that has only left the window is in no `order` and in no `gone`.
/// While the order is held, rows that are over stay in it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Patch {
    /// The place of the first row of the window, if it moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off: Option<usize>,
    /// The ids of the window, if they or their order changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<String>>,
    /// Rows that were not in the window, whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<Row>,
    /// Rows of the window that changed: the id, then the dynamic columns in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upd: Vec<Row>,
    /// Rows of the window that are over, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<(String, String)>,
    /// Rows of the table, if that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Rows that the filter lets in, if that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<u64>,
    /// Sums over all of these, if one changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agg: Option<BTreeMap<String, u64>>,
    /// What has come and gone beside the window that is held, if that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
}

/// What a held order does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Held {
    /// Rows that would be in it by now.
    pub came: u64,
    /// Rows that are in it and over.
    pub went: u64,
}
