//! What somebody may have, for a while or for good.

use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::change::{Change, seconds};
use super::{Desk, idem};
use crate::args::{Limits, Manner};
use crate::failure::Failure;
use crate::output::{Kind, Sheet};

const CLASSES: [(&str, Kind); 11] = [
    ("name", Kind::Text),
    ("parent", Kind::Text),
    ("ceiling_up", Kind::Rate),
    ("ceiling_down", Kind::Rate),
    ("guaranteed", Kind::Rate),
    ("using_up", Kind::Rate),
    ("using_down", Kind::Rate),
    ("pct", Kind::Count),
    ("sessions", Kind::Count),
    ("waiting", Kind::Count),
    ("override_left_s", Kind::Seconds),
];

const CONCESSIONS: [(&str, Kind); 9] = [
    ("target", Kind::Text),
    ("bandwidth_limit_mbps", Kind::Text),
    ("max_connections", Kind::Count),
    ("bytes", Kind::Bytes),
    ("quota", Kind::Text),
    ("until", Kind::Text),
    ("by", Kind::Text),
    ("reason", Kind::Text),
    ("kept", Kind::Text),
];

/// What is to hold.
struct Wanted {
    rate: Option<f64>,
    guaranteed: Option<f64>,
    conns: Option<u32>,
}

impl Desk {
    pub(super) fn limits(&mut self, command: Limits) -> Result<ExitCode, Failure> {
        match command {
            Limits::Show => self.listed_as("limits.tree", "classes", &CLASSES, "rustsocks.limits/1")?,
            Limits::Overrides => {
                self.listed_as("limits.concessions", "concessions", &CONCESSIONS, "rustsocks.concessions/1")?;
            }
            Limits::Set { target, rate, guaranteed, conns, for_how_long, manner } => {
                let [rate, guaranteed] = [rate, guaranteed].map(|rate| rate.as_deref().map(megabits).transpose());
                let wanted = Wanted { rate: rate?, guaranteed: guaranteed?, conns };
                match for_how_long {
                    Some(time) => self.lay_over(&target, &wanted, &time, &manner)?,
                    None => return self.write_limit(&target, &wanted, &manner),
                }
            }
            Limits::Reset { target } => {
                self.record("limits.reset", &json!({ "target": target, "idem": idem() }), "rustsocks.reset/1")?;
            }
            Limits::Unset { target, manner } => {
                let ops = json!([{ "op": "limit.del", "target": target }]);
                return self.change(store_of(&target), Change::Ops(ops), &manner);
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn listed_as(&mut self, op: &str, name: &str, columns: &[(&str, Kind)], schema: &str) -> Result<(), Failure> {
        let answer: Value = self.connection.call(op, &json!({}))?;
        let rows = answer[name].as_array().cloned().unwrap_or_default();
        self.output.rows(schema, Sheet::of_objects(columns, &rows))
    }

    fn lay_over(&mut self, target: &str, wanted: &Wanted, time: &str, manner: &Manner) -> Result<(), Failure> {
        let until = Timestamp::now().checked_add(Duration::from_secs(seconds(time)?));
        let until = until.map_err(|_| Failure::Usage(format!("{time} is longer than there is a date for")))?;
        let mut p = json!({ "target": target, "until": until.to_string(), "reason": manner.comment, "idem": idem() });
        if let Some(rate) = wanted.rate {
            p["bandwidth_limit_mbps"] = rate.into();
        }
        if let Some(conns) = wanted.conns {
            p["max_connections"] = conns.into();
        }
        if manner.dry_run {
            return self.output.record("rustsocks.change/1", &p);
        }
        self.record("limits.override", &p, "rustsocks.override/1")
    }

    fn write_limit(&mut self, target: &str, wanted: &Wanted, manner: &Manner) -> Result<ExitCode, Failure> {
        let Wanted { rate, guaranteed, conns } = wanted;
        let said = [
            ("rate_mbps", rate.map(Value::from)),
            ("guaranteed_mbps", guaranteed.map(Value::from)),
            ("conns", conns.map(Value::from)),
        ];
        let limits: Map<String, Value> =
            said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        let ops = json!([{ "op": "limit.set", "target": target, "limits": limits }]);
        self.change(store_of(target), Change::Ops(ops), manner)
    }
}

/// Which file says what this one may have.
fn store_of(target: &str) -> &'static str {
    if target.starts_with("user/") { "users" } else { "config" }
}

/// Bytes a second as the files have them: megabits.
#[expect(clippy::cast_precision_loss, reason = "a rate in bytes a second is far below 2^53")]
fn megabits(rate: &str) -> Result<f64, Failure> {
    let bytes = filter::read_rate(rate);
    let bytes = bytes.ok_or_else(|| Failure::Usage(format!("{rate:?} is no rate; write 512K, 2.5M or 10M/s")))?;
    Ok(bytes as f64 * 8.0 / 1e6)
}
