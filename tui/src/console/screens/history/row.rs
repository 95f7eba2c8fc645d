//! A session as a row: little enough for the narrowest screen first, and the rest for whoever goes to the right.

use serde_json::{Map, Value};

use crate::console::listing::Columns;
use crate::output::{Kind, raw};
use crate::past::name;

/// The columns, as they are made of what the daemon tells.
pub(super) const COLUMNS: Columns = &[
    ("start", Kind::Text),
    ("dur", Kind::Seconds),
    ("user", Kind::Text),
    ("destination", Kind::Text),
    ("reason", Kind::Text),
    ("bytes", Kind::Bytes),
    ("status", Kind::Text),
    ("source", Kind::Text),
    ("rule", Kind::Text),
    ("up", Kind::Bytes),
    ("down", Kind::Bytes),
    ("proto", Kind::Text),
    ("end", Kind::Text),
    ("method", Kind::Text),
    ("listener", Kind::Text),
    ("remark", Kind::Text),
    ("id", Kind::Text),
];

/// The row, on a day.
pub(super) fn shown(session: &Value, today: &str) -> Value {
    let mut row = Map::new();
    for (to, from) in [
        ("dur", "duration_secs"),
        ("source", "source_ip"),
        ("status", "status"),
        ("reason", "close_reason"),
        ("rule", "acl_rule_matched"),
        ("up", "bytes_sent"),
        ("down", "bytes_received"),
        ("proto", "protocol"),
        ("method", "auth_method"),
        ("listener", "listener"),
        ("remark", "remark"),
        ("id", "session_id"),
    ] {
        row.insert(to.to_owned(), session[from].clone());
    }
    for (to, from) in [("start", "start_time"), ("end", "end_time")] {
        row.insert(to.to_owned(), session[from].as_str().map(|time| moment(time, today)).into());
    }
    row.insert("user".to_owned(), name(session));
    row.insert("destination".to_owned(), destination(session));
    let carried = ["bytes_sent", "bytes_received"].map(|way| session[way].as_u64().unwrap_or(0));
    row.insert("bytes".to_owned(), carried[0].saturating_add(carried[1]).into());
    Value::Object(row)
}

/// What was asked for: a name, or else the address.
fn destination(session: &Value) -> Value {
    let Some(host) = session["dest_host"].as_str().or_else(|| session["dest_ip"].as_str()) else { return Value::Null };
    let port = raw(&session["dest_port"]);
    match (port.is_empty(), host.contains(':')) {
        (true, _) => host.into(),
        (false, true) => format!("[{host}]:{port}").into(),
        (false, false) => format!("{host}:{port}").into(),
    }
}

/// The hour of a time of today; the day and the hour of another one; the year, if it is not this one.
fn moment(time: &str, today: &str) -> String {
    let Some((day, hour)) = time.split_once('T') else { return time.to_owned() };
    let [to_minutes, to_seconds] = [5, 8].map(|end| hour.get(..end).unwrap_or(hour));
    match (day.split_once('-'), today.split_once('-')) {
        _ if day == today => to_seconds.to_owned(),
        (Some((year, rest)), Some((this_year, _))) if year == this_year => format!("{rest} {to_minutes}"),
        (_, _) => day.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_says_what_is_not_known_of_it() {
        for (time, expected) in [
            ("2026-11-22T07:11:47.123Z", "07:11:47"),
            ("2026-11-21T07:11:47Z", "11-21 07:11"),
            ("2025-11-22T07:11:47Z", "2025-11-22"),
            ("soon", "soon"),
        ] {
            assert_eq!(moment(time, "2026-11-22"), expected);
        }
    }

    #[test]
    fn who_was_let_in_by_nobody_stands_in_brackets_and_an_address_in_its_own() {
        let row = shown(
            &json!({ "user": null, "claimed": "eve", "dest_ip": "2001:db8::7", "dest_port": 443, "bytes_sent": 1, "bytes_received": 2 }),
            "2026-11-22",
        );
        assert_eq!(
            [&row["user"], &row["destination"], &row["bytes"]],
            [&json!("(eve)"), &json!("[2001:db8::7]:443"), &json!(3)]
        );
        let row = shown(&json!({ "user": "alice", "claimed": "alice", "dest_host": "db.corp" }), "2026-11-22");
        assert_eq!(
            [&row["user"], &row["destination"], &row["start"]],
            [&json!("alice"), &json!("db.corp"), &Value::Null]
        );
    }
}
