//! What somebody may have, for a while or for good.

use std::process::ExitCode;
use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, Zoned};
use policy::Rate;
use serde_json::{Map, Value, json};

use super::change::Change;
use super::list::checked;
use super::{Desk, idem};
use crate::args::{Limits, Manner};
use crate::failure::Failure;
use crate::megabits;
use crate::output::{Kind, Sheet};

const CLASSES: [(&str, Kind); 20] = [
    ("name", Kind::Text),
    ("parent", Kind::Text),
    ("ceiling_up", Kind::Rate),
    ("ceiling_down", Kind::Rate),
    ("guaranteed", Kind::Rate),
    ("using_up", Kind::Rate),
    ("using_down", Kind::Rate),
    ("pct", Kind::Count),
    ("bytes_up", Kind::Bytes),
    ("bytes_down", Kind::Bytes),
    ("bucket_pct", Kind::Count),
    ("throttled_pct", Kind::Count),
    ("wait_p95_ms", Kind::Count),
    ("held_by", Kind::Text),
    ("sessions", Kind::Count),
    ("most_sessions", Kind::Count),
    ("waiting", Kind::Count),
    ("refused", Kind::Count),
    ("quota_pct", Kind::Count),
    ("override_left_s", Kind::Seconds),
];

/// What people see of a class if they do not say what.
const OF_CLASSES: [&str; 9] =
    ["name", "ceiling_down", "using_up", "using_down", "pct", "sessions", "waiting", "throttled_pct", "held_by"];

const CONCESSIONS: [(&str, Kind); 10] = [
    ("id", Kind::Text),
    ("target", Kind::Text),
    ("bandwidth_limit_mbps", Kind::Megabits),
    ("max_connections", Kind::Count),
    ("bytes", Kind::Bytes),
    ("quota", Kind::Text),
    ("until", Kind::Time),
    ("by", Kind::Text),
    ("reason", Kind::Text),
    ("kept", Kind::Text),
];

const QUOTAS: [(&str, Kind); 7] = [
    ("quota", Kind::Text),
    ("target", Kind::Text),
    ("used_bytes", Kind::Bytes),
    ("quota_bytes", Kind::Bytes),
    ("spent", Kind::Text),
    ("begins", Kind::Time),
    ("ends", Kind::Time),
];

/// What is to hold.
struct Wanted {
    /// As files have it, one for both directions or one for each.
    rate: Option<Rate>,
    guaranteed: Option<f64>,
    conns: Option<u32>,
}

impl Desk {
    pub(super) fn limits(&mut self, command: Limits) -> Result<ExitCode, Failure> {
        match command {
            Limits::Show { target: None, filter } => {
                checked(filter.as_deref(), filter::LIMITS)?;
                let answer: Value = self.connection.call("limits.tree", &json!({ "filter": filter }))?;
                let classes = answer["classes"].as_array().cloned().unwrap_or_default();
                self.for_people("rustsocks.limits/1", Sheet::of_objects(&CLASSES, &classes), &OF_CLASSES)?;
            }
            Limits::Show { target: Some(name), filter: _ } => {
                self.record("limits.get", &json!({ "name": name }), "rustsocks.limit/1")?;
            }
            Limits::Overrides => {
                let schema = "rustsocks.concessions/1";
                self.listed_as("limits.concessions", &json!({}), "concessions", &CONCESSIONS, schema)?;
            }
            Limits::Quotas { user } => {
                let p = user.map_or_else(|| json!({}), |user| json!({ "user": user }));
                self.listed_as("limits.quotas", &p, "quotas", &QUOTAS, "rustsocks.quotas/1")?;
            }
            Limits::Grant { target, bytes, for_how_long, until, quota, reason } => {
                let no_bytes = || Failure::Usage(format!("{bytes:?} is no number of bytes; write 500M or 2G"));
                let bytes = filter::read_bytes(&bytes).ok_or_else(no_bytes)?;
                let until = match (for_how_long, until) {
                    (Some(seconds), _) => from_now(seconds)?,
                    (None, until) => moment(until.as_deref().unwrap_or_default(), &Zoned::now())?,
                };
                let mut p = json!({ "target": target, "bytes": bytes, "until": until.to_string(), "idem": idem() });
                for (name, said) in [("quota", quota), ("reason", reason)] {
                    if let Some(said) = said {
                        p[name] = said.into();
                    }
                }
                self.record("limits.grant", &p, "rustsocks.grant/1")?;
            }
            Limits::Set { target, rate, guaranteed, conns, for_how_long, manner } => {
                let rate = rate.as_deref().map(each_way).transpose()?;
                let wanted = Wanted { rate, guaranteed: guaranteed.as_deref().map(megabits).transpose()?, conns };
                match for_how_long {
                    Some(seconds) => self.lay_over(&target, &wanted, seconds, &manner)?,
                    None => return self.write_limit(&target, wanted, &manner),
                }
            }
            Limits::Reset { target, id } => {
                let mut p = json!({ "target": target, "idem": idem() });
                if let Some(id) = id {
                    p["id"] = id.into();
                }
                self.record("limits.reset", &p, "rustsocks.reset/1")?;
            }
            Limits::Unset { target, manner } => {
                let ops = json!([{ "op": "limit.del", "target": target }]);
                return self.change(store_of(&target), Change::Ops(ops), &manner);
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn listed_as(
        &mut self,
        op: &str,
        p: &Value,
        name: &str,
        columns: &[(&str, Kind)],
        schema: &str,
    ) -> Result<(), Failure> {
        let answer: Value = self.connection.call(op, p)?;
        let rows = answer[name].as_array().cloned().unwrap_or_default();
        self.output.rows(schema, Sheet::of_objects(columns, &rows))
    }

    fn lay_over(&mut self, target: &str, wanted: &Wanted, seconds: u64, manner: &Manner) -> Result<(), Failure> {
        if wanted.rate.is_none() && wanted.conns.is_none() {
            return Err(Failure::Usage("say --rate, --conns or both".to_owned()));
        }
        let until = from_now(seconds)?;
        let mut p = json!({ "target": target, "until": until.to_string(), "reason": manner.comment, "idem": idem() });
        match &wanted.rate {
            Some(Rate::Both(rate)) => p["bandwidth_limit_mbps"] = (*rate).into(),
            Some(Rate::Each(_)) => {
                let why = "--rate: for a while, both directions have one rate; without --for each may have its own";
                return Err(Failure::Usage(why.to_owned()));
            }
            None => {}
        }
        if let Some(conns) = wanted.conns {
            p["max_connections"] = conns.into();
        }
        if manner.dry_run {
            return self.output.record("rustsocks.change/1", &p);
        }
        self.record("limits.override", &p, "rustsocks.override/1")
    }

    fn write_limit(&mut self, target: &str, wanted: Wanted, manner: &Manner) -> Result<ExitCode, Failure> {
        let Wanted { rate, guaranteed, conns } = wanted;
        let rate = rate.map(|rate| json!(rate));
        let said =
            [("rate_mbps", rate), ("guaranteed_mbps", guaranteed.map(Value::from)), ("conns", conns.map(Value::from))];
        let limits: Map<String, Value> =
            said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        let ops = json!([{ "op": "limit.set", "target": target, "limits": limits }]);
        self.change(store_of(target), Change::Ops(ops), manner)
    }
}

fn from_now(seconds: u64) -> Result<Timestamp, Failure> {
    let until = Timestamp::now().checked_add(Duration::from_secs(seconds));
    until.map_err(|_| Failure::Usage("--for is longer than there is a date for".to_owned()))
}

/// A moment as somebody writes it whose clock shows `now`: of a time alone, when it comes next.
fn moment(text: &str, now: &Zoned) -> Result<Timestamp, Failure> {
    let local = |written: DateTime| now.time_zone().to_timestamp(written).ok();
    let next = |time: Time| {
        let today = local(now.date().to_datetime(time))?;
        if today > now.timestamp() { Some(today) } else { local(now.date().tomorrow().ok()?.to_datetime(time)) }
    };
    let is_time = text.contains(':') && !text.contains('-');
    let time = text.parse().ok().filter(|_| is_time).and_then(next);
    let moment = time.or_else(|| text.parse().ok()).or_else(|| local(text.parse().ok()?));
    let moment = moment.or_else(|| local(text.parse::<Date>().ok()?.at(0, 0, 0, 0)));
    let no_moment = || {
        Failure::Usage(format!(
            "{text:?} is no time; write 18:00, 2026-11-22, 2026-11-22T18:00 or 2026-11-22T18:00+01:00"
        ))
    };
    moment.ok_or_else(no_moment)
}

/// Which file says what this one may have.
fn store_of(target: &str) -> &'static str {
    if target.starts_with("user/") { "users" } else { "config" }
}

fn megabits(rate: &str) -> Result<f64, Failure> {
    megabits::read(rate).ok_or_else(|| Failure::Usage(format!("{rate:?} is no rate; write 512K, 2.5M or 10M/s")))
}

fn each_way(rate: &str) -> Result<Rate, Failure> {
    let no_rate = || Failure::Usage(format!("{rate:?} is no rate; write 512K, 10M/s, or 512K:4M for up and down"));
    megabits::each_way(rate).ok_or_else(no_rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_meant_where_the_operator_is() {
        let now: Zoned = "2026-11-22T17:30:00+01:00[Europe/Warsaw]".parse().expect("it is a moment");
        for (written, meant) in [
            ("18:00", "2026-11-22T17:00:00Z"),
            ("17:00", "2026-11-23T16:00:00Z"),
            ("2026-11-24", "2026-11-23T23:00:00Z"),
            ("2026-11-24T06:30", "2026-11-24T05:30:00Z"),
            ("2026-11-24T06:30:00Z", "2026-11-24T06:30:00Z"),
            ("2026-11-24T06:30:00-05:00", "2026-11-24T11:30:00Z"),
        ] {
            assert_eq!(
                moment(written, &now).ok().map(|moment| moment.to_string()).as_deref(),
                Some(meant),
                "{written}"
            );
        }
        for written in ["", "soon", "25:00", "2026-13-01"] {
            assert!(moment(written, &now).is_err(), "{written}");
        }
    }
}
