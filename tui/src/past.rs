//! The history as the daemon can be asked about it: a filter that is a list of what must hold, each of it something that it knows.

use filter::{Expr, Field, Filter, HISTORY, Item, Order, Test};
use serde_json::{Map, Value};

use crate::output::Kind;
use crate::shown;

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

/// The parameters of `history.query` for what a filter asks, at `now` in seconds since 1970.
///
/// # Errors
/// It makes no sense, or asks what the daemon does not know; in words.
pub(crate) fn question(text: &str, now: f64) -> Result<Map<String, Value>, String> {
    let filter = Filter::parse(text, HISTORY).map_err(|misread| format!("the filter makes no sense at {misread}"))?;
    let mut parameters = Map::new();
    for part in filter.expr.as_ref().map(conditions).unwrap_or_default() {
        let (name, value) =
            parameter(part, now).ok_or_else(|| format!("the history cannot be asked {part}; {KNOWN}"))?;
        if parameters.insert(name.to_owned(), value).is_some() {
            return Err(format!("the history can be asked for one {name} at a time"));
        }
    }
    Ok(parameters)
}

const KNOWN: &str = "it knows user=, dst=, port=, status=, rule~, start>= and start<, joined by and";

/// What must hold, piece by piece.
fn conditions(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::And(parts) => parts.iter().flat_map(conditions).collect(),
        Expr::Or(_) | Expr::Not(_) | Expr::Where(..) | Expr::Word(_) => vec![expr],
    }
}

fn parameter(part: &Expr, now: f64) -> Option<(&'static str, Value)> {
    let Expr::Where(Field { name, .. }, test) = part else { return None };
    match (*name, test) {
        ("user", Test::Is(items)) => Some(("user", one(items)?)),
        ("dst", Test::Is(items)) => Some(("dest", one(items)?)),
        ("dst", Test::Like(shape)) if shape.starts_with("*.") => Some(("dest", shape.clone().into())),
        ("port", Test::Is(items)) => Some(("port", one(items)?)),
        ("status", Test::Is(items)) => Some(("status", one(items)?)),
        ("rule", Test::Is(items)) => Some(("rule", one(items)?)),
        ("rule", Test::Like(shape)) => Some(("rule", shape.trim_matches('*').into())),
        ("start", Test::Compares(order, Item::Moment(moment))) => {
            #[expect(clippy::cast_possible_truncation, reason = "the cast saturates far from any hour")]
            let at = moment.at((now * 1e6) as i64);
            #[expect(clippy::cast_precision_loss, reason = "53 bits of microseconds reach to the year 2255")]
            let at = Value::from(shown::time(at as f64 / 1e6));
            match order {
                Order::More | Order::AtLeast => Some(("from", at)),
                Order::Less | Order::AtMost => Some(("to", at)),
            }
        }
        _ => None,
    }
}

fn one(items: &[Item]) -> Option<Value> {
    match items {
        [Item::Text(text)] => Some(text.as_str().into()),
        [Item::Number(number)] => Some((*number).into()),
        [Item::Network(network)] => Some(network.to_string().into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_daemon_knows_is_asked_and_the_rest_is_refused() {
        let now = 1_795_334_400.0;
        let asked = |text: &str| question(text, now).map(|parameters| Value::Object(parameters).to_string());
        for (text, expected) in [
            ("", "{}"),
            ("user=alice and status=rejected", r#"{"status":"rejected","user":"alice"}"#),
            ("dst in 10.0.0.0/8 port=443", r#"{"dest":"10.0.0.0/8","port":443}"#),
            ("dst~*.corp rule~*alice*", r#"{"dest":"*.corp","rule":"alice"}"#),
            ("start>=-24h start<2026-11-22", r#"{"from":"2026-11-21T08:00:00Z","to":"2026-11-22T00:00:00Z"}"#),
        ] {
            assert_eq!(asked(text).as_deref(), Ok(expected), "{text}");
        }
        for text in
            ["user=alice or user=bob", "user=alice,bob", "alice", "down>1M", "not user=alice", "user=a user=b", "usr=x"]
        {
            assert!(asked(text).is_err(), "{text}");
        }
    }
}
