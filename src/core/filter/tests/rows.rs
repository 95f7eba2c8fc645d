//! Which rows are meant: in memory and in a database, and that both say the same.

use std::borrow::Cow;
use std::net::IpAddr;

use filter::{Argument, Columns, Filter, HISTORY, Pattern, Row, Stored, Value};
use proptest::prelude::*;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params, params_from_iter};

/// 2026-11-22T08:00:00Z in microseconds.
const NOW: i64 = 1_795_334_400_000_000;
const HOUR: i64 = 3_600_000_000;

#[test]
fn rows_are_told_apart() {
    let row = Kept {
        user: Some("alice".into()),
        source: "192.0.2.7".parse().expect("an address"),
        host: Some("Repo.example.com".into()),
        address: "10.1.2.3".parse().ok(),
        port: Some(443),
        up: 2048,
        started: NOW - 2 * HOUR,
        rule: Some("users/alice#2".into()),
    };
    for (filter, expected) in [
        ("", true),
        ("user=alice", true),
        ("user=Alice", false),
        ("user~AL*", true),
        ("user=bob,alice", true),
        ("user!=bob", true),
        ("user!=bob,alice", false),
        ("host=repo.EXAMPLE.com", true),
        ("dst=repo.example.com", true),
        ("dst in 10.0.0.0/8", true),
        ("dst!=10.0.0.0/8", false),
        ("dst~*.example.com", true),
        ("host~*.example", false),
        ("host~r??o.*", true),
        ("rule~~\"^users/(alice|bob)#\"", true),
        ("rule~~ALICE", true),
        ("src=192.0.2.7", true),
        ("src in 192.0.2.0/29,10.0.0.0/8", true),
        ("port in 80,400-500", true),
        ("port!=443", false),
        ("port>=443 port<444", true),
        ("up=2K", true),
        ("up>2K", false),
        ("start>-3h", true),
        ("start>-1h", false),
        ("start<2026-11-22T06:00:01Z start>=2026-11-22", true),
        ("claimed=x", false),
        ("claimed!=x", true),
        ("not claimed~*", true),
        ("EXAMPLE", true),
        ("0.2.7", true),
        ("nowhere", false),
        ("nowhere or alice", true),
        ("not nowhere and not (bob or eve)", true),
        ("100%", false),
        ("a_ice", false),
    ] {
        let filter = Filter::parse(filter, HISTORY).expect(filter);
        assert_eq!(filter.admits(&row, NOW), expected, "in memory: {filter}");
        assert_eq!(in_database(&filter, std::slice::from_ref(&row)), [expected], "in the database: {filter}");
    }
}

#[test]
fn a_field_that_is_not_kept_is_named() {
    let filter = Filter::parse("user=alice gen=3", HISTORY).expect("a filter");
    assert_eq!(filter.condition(&Table, NOW).expect_err("no column").to_string(), "`gen` is not kept in the history");
}

#[test]
fn the_longest_filter_is_no_trouble_for_the_database() {
    let words = Filter::parse(&"a ".repeat(filter::MAX_PARTS), HISTORY).expect("a filter");
    let depth = filter::MAX_DEPTH - 1;
    let nested = Filter::parse(&format!("{}a{}", "(b not ".repeat(depth / 2), ")".repeat(depth / 2)), HISTORY)
        .expect("a filter");
    for filter in [words, nested] {
        assert_eq!(in_database(&filter, &[Kept::default_at(0)]).len(), 1);
    }
}

proptest! {
    #[test]
    fn memory_and_database_agree(rows in prop::collection::vec(rows(), 1..8), texts in prop::collection::vec(filters(), 8)) {
        for text in texts {
            let filter = Filter::parse(&text, HISTORY).expect("a filter");
            let expected: Vec<bool> = rows.iter().map(|row| filter.admits(row, NOW)).collect();
            prop_assert_eq!(in_database(&filter, &rows), expected, "{}", filter);
        }
    }
}

#[derive(Debug, Clone)]
struct Kept {
    user: Option<String>,
    source: IpAddr,
    host: Option<String>,
    address: Option<IpAddr>,
    port: Option<u16>,
    up: u32,
    started: i64,
    rule: Option<String>,
}

impl Kept {
    fn default_at(started: i64) -> Self {
        let source = IpAddr::from([127, 0, 0, 1]);
        Self { user: None, source, host: None, address: None, port: None, up: 0, started, rule: None }
    }
}

impl Row for Kept {
    fn value(&self, field: &str) -> Option<Value<'_>> {
        let text = |text: &'_ Option<String>| text.clone().map(|text| Value::Text(Cow::Owned(text)));
        match field {
            "user" => text(&self.user),
            "src" => Some(Value::Address(self.source)),
            "host" => text(&self.host),
            "ip" => self.address.map(Value::Address),
            "dst" => Some(Value::Many(text(&self.host).into_iter().chain(self.address.map(Value::Address)).collect())),
            "port" => self.port.map(|port| Value::Number(port.into())),
            "up" => Some(Value::Number(self.up.into())),
            "start" => Some(Value::Time(self.started)),
            "rule" => text(&self.rule),
            _ => None,
        }
    }
}

struct Table;

impl Columns for Table {
    fn stored(&self, field: &str) -> &'static [Stored] {
        match field {
            "user" => &[Stored::Text("user")],
            "claimed" => &[Stored::Text("NULL")],
            "src" => &[Stored::Address("source_ip")],
            "host" => &[Stored::Text("dest_host")],
            "ip" => &[Stored::Address("dest_ip")],
            "dst" => &[Stored::Text("dest_host"), Stored::Address("dest_ip")],
            "port" => &[Stored::Integer("dest_port")],
            "up" => &[Stored::Integer("bytes_sent")],
            "start" => &[Stored::Integer("start_time")],
            "rule" => &[Stored::Text("acl_rule_matched")],
            _ => &[],
        }
    }

    fn in_network(&self) -> &'static str {
        "in_network"
    }

    fn matches(&self) -> &'static str {
        "matches"
    }
}

/// Which of the rows the database finds.
fn in_database(filter: &Filter, rows: &[Kept]) -> Vec<bool> {
    let database = database(rows);
    let condition = filter.condition(&Table, NOW).expect("every field has a column");
    let arguments = condition.arguments.into_iter().map(|argument| match argument {
        Argument::Text(text) => Sql::Text(text),
        Argument::Integer(number) => Sql::Integer(number),
    });
    let question = format!("SELECT number FROM sessions WHERE {}", condition.sql);
    let mut statement = database.prepare(&question).unwrap_or_else(|error| panic!("{question}: {error}"));
    let found: rusqlite::Result<Vec<u32>> =
        statement.query_map(params_from_iter(arguments), |row| row.get(0)).expect("an answer").collect();
    let found = found.expect("rows");
    (0..).take(rows.len()).map(|number| found.contains(&number)).collect()
}

fn database(rows: &[Kept]) -> Connection {
    let database = Connection::open_in_memory().expect("a database");
    let flags = FunctionFlags::SQLITE_DETERMINISTIC;
    database
        .create_scalar_function("in_network", 2, flags, |values| {
            let address: Option<String> = values.get(0)?;
            let network: ipnet::IpNet = values.get::<String>(1)?.parse().expect("a network");
            Ok(address.map(|address| network.contains(&address.parse::<IpAddr>().expect("an address"))))
        })
        .expect("a function");
    database
        .create_scalar_function("matches", 2, flags, |values| {
            let text: Option<String> = values.get(0)?;
            let pattern = Pattern::new(&values.get::<String>(1)?).expect("a pattern");
            Ok(text.map(|text| pattern.is_in(&text)))
        })
        .expect("a function");
    let table = "CREATE TABLE sessions (number INTEGER, user TEXT, source_ip TEXT, dest_host TEXT COLLATE NOCASE, \
                 dest_ip TEXT, dest_port INTEGER, bytes_sent INTEGER, start_time INTEGER, acl_rule_matched TEXT)";
    database.execute(table, []).expect("a table");
    for (number, row) in (0_u32..).zip(rows) {
        let addresses = (row.source.to_string(), row.address.map(|address| address.to_string()));
        database
            .execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                params![number, row.user, addresses.0, row.host, addresses.1, row.port, row.up, row.started, row.rule],
            )
            .expect("a row");
    }
    database
}

fn rows() -> impl Strategy<Value = Kept> {
    let text = || prop::option::of("[a-cA-C%_*.]{1,3}");
    let address =
        || prop_oneof!["10\\.0\\.[0-3]\\.[0-3]", "2001:db8::[0-3]"].prop_map(|text| text.parse().expect("an address"));
    let times = prop_oneof![Just(NOW - 2 * HOUR), Just(NOW - HOUR), Just(NOW)];
    (text(), address(), text(), prop::option::of(address()), prop::option::of(1..5_u16), 0..5_u32, times, text())
        .prop_map(|(user, source, host, address, port, up, started, rule)| Kept {
            user,
            source,
            host,
            address,
            port,
            up,
            started,
            rule,
        })
}

fn filters() -> impl Strategy<Value = String> {
    let term = prop_oneof![
        "\"[a-c%_*.]{1,2}\"",
        "(user|host|rule|claimed|dst)(=|!=|~)\"[a-cA-C%_*?.]{1,3}\"",
        "(user|host|rule)~~\"(a|b\\.|\\^\\[\\^c\\]\\*\\$|B\\|c)\"",
        "(src|ip|dst)(=|!=)(10\\.0\\.[0-3]\\.[0-3](/(24|30|31))?|2001:db8::[0-3](/127)?)",
        "port(=|!=|<|>)[0-5]",
        "port=1,2-3",
        "up(<|<=|>|>=|=|!=)[0-5]",
        "start(<|<=|>|>=)(-1h|-2h|2026-11-22)",
    ];
    term.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), "( and | or )", inner.clone()).prop_map(|(a, join, b)| format!("({a}{join}{b})")),
            inner.prop_map(|a| format!("not {a}")),
        ]
    })
}
