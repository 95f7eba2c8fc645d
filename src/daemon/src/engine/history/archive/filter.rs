//! Which sessions somebody asks about.

use history::{Sought, Status};
use rusqlite::types::Value;
use uuid::Uuid;

use super::super::store::key::first_id;
use super::expression::Expression;
use super::order::Order;
use super::withdrawn::Withdrawn;
use crate::state::session::facts::ANONYMOUS;

/// The name of our function in SQL: whether an address is in a network.
pub(super) const IS_SOUGHT: &str = "is_sought";

/// Everything must fit; what is not set fits always.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) user: Option<String>,
    /// Began at this moment or later; microseconds since 1970.
    pub(crate) since: Option<i64>,
    /// Began before this moment.
    pub(crate) until: Option<i64>,
    pub(crate) destination: Option<Sought>,
    pub(crate) port: Option<u16>,
    pub(crate) status: Option<Status>,
    /// Part of the name of the rule that decided.
    pub(crate) rule: Option<String>,
    /// What the filter language says of it.
    pub(crate) such: Option<Expression>,
    /// Comes behind this session, which was the last one of the page before.
    pub(crate) after: Option<Uuid>,
    pub(crate) order: Order,
    /// Whether somebody still waits for the answer.
    pub(crate) withdrawn: Withdrawn,
}

/// The filter in SQL, and the values for its parameters.
#[derive(Debug)]
pub(super) struct Conditions {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Filter {
    pub(super) fn conditions(&self) -> Conditions {
        let mut conditions = Conditions { sql: "true".to_owned(), values: Vec::new() };
        match self.user.as_deref() {
            Some(ANONYMOUS) => conditions.add("user = 'anonymous'", []),
            // The index has the others, and is used by whoever says so.
            Some(user) => conditions.add("user <> 'anonymous' AND user = ?", [user.to_owned().into()]),
            None => {}
        }
        // Ids begin with the millisecond of the start, and rows lie in their order.
        if let Some(since) = self.since {
            conditions.add("session_id >= ? AND start_time >= ?", [first_id(since).to_vec().into(), since.into()]);
        }
        if let Some(until) = self.until {
            conditions.add(
                "session_id < ? AND start_time < ?",
                [first_id(until.saturating_add(1_000)).to_vec().into(), until.into()],
            );
        }
        match &self.destination {
            Some(Sought::Network(network)) if network.prefix_len() == network.max_prefix_len() => {
                let address = Value::from(network.addr().to_string());
                let through_udp = "session_id IN (SELECT session_id FROM flows WHERE peer_ip = ?)";
                conditions.add(&format!("(dest_ip = ? OR {through_udp})"), [address.clone(), address]);
            }
            Some(Sought::Network(network)) => {
                let network = Value::from(network.to_string());
                let through_udp = format!("session_id IN (SELECT session_id FROM flows WHERE {IS_SOUGHT}(peer_ip, ?))");
                conditions.add(&format!("({IS_SOUGHT}(dest_ip, ?) OR {through_udp})"), [network.clone(), network]);
            }
            Some(Sought::Name(name)) => conditions.add("dest_host = ?", [name.clone().into()]),
            Some(Sought::Below(parent)) => {
                conditions.add("dest_host LIKE ? ESCAPE '!'", [format!("%.{}", unlike(parent)).into()]);
            }
            None => {}
        }
        if let Some(port) = self.port {
            conditions.add("dest_port = ?", [i64::from(port).into()]);
        }
        match self.status {
            Some(Status::Closed) => conditions.add("status = 'closed'", []),
            // The same with this index.
            Some(other) => conditions.add("status <> 'closed' AND status = ?", [other.word().to_owned().into()]),
            None => {}
        }
        if let Some(rule) = &self.rule {
            conditions.add("acl_rule_matched LIKE ? ESCAPE '!'", [format!("%{}%", unlike(rule)).into()]);
        }
        if let Some(such) = &self.such {
            let (sql, values) = such.condition();
            conditions.add(&sql, []);
            conditions.values.extend(values);
        }
        if let Some(after) = self.after {
            conditions.add(&self.order.behind(), [after.as_bytes().to_vec().into()]);
        }
        conditions
    }
}

impl Conditions {
    fn add<const N: usize>(&mut self, sql: &str, values: [Value; N]) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.values.extend(values);
    }
}

/// A text in which LIKE sees nothing special.
fn unlike(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}
