//! The filter language, asked of the database.

use ::filter::{Argument, Columns, Expr, Filter, Item, Order, Stored, Test};
use rusqlite::types::Value;

use super::super::store::key::first_id;
use super::filter::IS_SOUGHT;
use crate::state::session::facts::ANONYMOUS;

/// The name of our function in SQL: whether a regular expression is found in a text.
pub(super) const MATCHES: &str = "matches";

/// What somebody wrote, at which moment, and whether that one may ask about whole addresses of clients.
#[derive(Debug, Clone)]
pub(crate) struct Expression {
    pub(crate) filter: Filter,
    /// Microseconds since 1970.
    pub(crate) now: i64,
    pub(crate) is_masked: bool,
}

impl Expression {
    /// The condition in SQL and the values for it.
    pub(super) fn condition(&self) -> (String, Vec<Value>) {
        let places = Places { is_masked: self.is_masked };
        let condition = self.filter.condition(&places, self.now).expect("every field of the history has a column");
        let (mut sql, mut values) = (format!("({})", condition.sql), Vec::new());
        values.extend(condition.arguments.into_iter().map(|argument| match argument {
            Argument::Text(text) => Value::Text(text),
            Argument::Integer(number) => Value::Integer(number),
        }));
        for part in self.filter.expr.as_ref().map(necessary).unwrap_or_default() {
            self.point_at_an_index(part, &mut sql, &mut values);
        }
        (sql, values)
    }

    /// Says again what an index understands; no row fits less for it.
    fn point_at_an_index(&self, part: &Expr, sql: &mut String, values: &mut Vec<Value>) {
        let Expr::Where(field, test) = part else { return };
        match (field.name, test) {
            ("user", Test::Is(items)) if items.iter().all(|item| !is_text(item, ANONYMOUS)) => {
                sql.push_str(" AND user <> 'anonymous'");
            }
            ("status", Test::Is(items)) if items.iter().all(|item| !is_text(item, "closed")) => {
                sql.push_str(" AND status <> 'closed'");
            }
            // Ids begin with the millisecond of the start, and rows lie in their order.
            ("start", Test::Compares(Order::More | Order::AtLeast, Item::Moment(moment))) => {
                sql.push_str(" AND session_id >= ?");
                values.push(first_id(moment.at(self.now)).to_vec().into());
            }
            ("start", Test::Compares(Order::Less | Order::AtMost, Item::Moment(moment))) => {
                sql.push_str(" AND session_id < ?");
                values.push(first_id(moment.at(self.now).saturating_add(1_000)).to_vec().into());
            }
            _ => {}
        }
    }
}

/// The parts that must all hold.
fn necessary(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::And(parts) => parts.iter().flat_map(necessary).collect(),
        Expr::Or(_) | Expr::Not(_) | Expr::Where(..) | Expr::Word(_) => vec![expr],
    }
}

fn is_text(item: &Item, word: &str) -> bool {
    matches!(item, Item::Text(text) if text.eq_ignore_ascii_case(word))
}

/// Where the fields lie.
struct Places {
    is_masked: bool,
}

const ID: &str = "lower(substr(hex(session_id), 1, 8) || '-' || substr(hex(session_id), 9, 4) || '-' || \
    substr(hex(session_id), 13, 4) || '-' || substr(hex(session_id), 17, 4) || '-' || substr(hex(session_id), 21))";

impl Columns for Places {
    fn stored(&self, field: &str) -> &'static [Stored] {
        match field {
            "id" => &[Stored::Text(ID)],
            "user" => &[Stored::Text("user")],
            "claimed" => &[Stored::Text("claimed")],
            // Neither by looking nor by asking.
            "src" if self.is_masked => &[Stored::Address("NULL")],
            "src" => &[Stored::Address("source_ip")],
            "dst" => &[Stored::Text("dest_host"), Stored::Address("dest_ip")],
            "host" => &[Stored::Text("dest_host")],
            "ip" => &[Stored::Address("dest_ip")],
            "port" => &[Stored::Integer("dest_port")],
            "proto" => &[Stored::Text("protocol")],
            "cmd" => &[Stored::Text("command")],
            "status" => &[Stored::Text("status")],
            "start" => &[Stored::Integer("start_time")],
            "end" => &[Stored::Integer("end_time")],
            "dur" => &[Stored::Integer("(end_time - start_time)")],
            "up" => &[Stored::Integer("bytes_sent")],
            "down" => &[Stored::Integer("bytes_received")],
            "total" => &[Stored::Integer("(bytes_sent + bytes_received)")],
            "rule" => &[Stored::Text("acl_rule_matched")],
            "decision" => &[Stored::Text("acl_decision")],
            "reason" => &[Stored::Text("close_reason")],
            "auth" => &[Stored::Text("auth_method")],
            "listener" => &[Stored::Text("listener")],
            "gen" => &[Stored::Integer("generation")],
            _ => &[],
        }
    }

    fn in_network(&self) -> &'static str {
        IS_SOUGHT
    }

    fn matches(&self) -> &'static str {
        MATCHES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str) -> Expression {
        let filter = Filter::parse(text, ::filter::HISTORY).unwrap();
        Expression { filter, now: 1_795_334_400_000_000, is_masked: false }
    }

    #[test]
    fn every_field_lies_somewhere() {
        for field in ::filter::HISTORY {
            assert!(!Places { is_masked: true }.stored(field.name).is_empty(), "{}", field.name);
        }
    }

    #[test]
    fn only_what_must_hold_points_at_an_index() {
        for (text, hint) in [
            ("user=alice", Some("user <> 'anonymous'")),
            ("user=alice status=failed", Some("status <> 'closed'")),
            ("start>-1h", Some("session_id >= ?")),
            ("start<-1h", Some("session_id < ?")),
            ("user=anonymous", None),
            ("user=alice,anonymous", None),
            ("status=closed", None),
            ("user=alice or user=bob", None),
            ("not user=alice", None),
            ("not (start>-1h)", None),
        ] {
            let (sql, values) = expression(text).condition();
            assert_eq!(sql.matches('?').count(), values.len(), "{sql}");
            match hint {
                Some(hint) => assert!(sql.contains(hint), "{text}: {sql}"),
                None => assert!(!sql.contains("<>") && !sql.contains("session_id"), "{text}: {sql}"),
            }
        }
    }
}
