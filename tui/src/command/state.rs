//! How the daemon is: numbers, checks, and who has the most.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use super::Desk;
use crate::args::{Ranking, Top};
use crate::failure::Failure;
use crate::output::{Kind, Output, Sheet, raw};

const CHECKS: &[(&str, Kind)] = &[
    ("name", Kind::Text),
    ("state", Kind::Text),
    ("measured", Kind::Text),
    ("limit", Kind::Text),
    ("key", Kind::Text),
    ("since", Kind::Time),
    ("effect", Kind::Text),
    ("hint", Kind::Text),
];

const INCIDENTS: &[(&str, Kind)] =
    &[("t", Kind::Time), ("name", Kind::Text), ("state", Kind::Text), ("dur_s", Kind::Seconds), ("text", Kind::Text)];

/// What a person is told of a check that is well.
const FOR_PEOPLE: [&str; 5] = ["name", "state", "measured", "limit", "since"];

const TOTALS: [(&str, Kind); 4] =
    [("name", Kind::Text), ("sessions", Kind::Count), ("rate", Kind::Rate), ("bytes", Kind::Bytes)];
const DENIALS: [(&str, Kind); 4] =
    [("user", Kind::Text), ("destination", Kind::Text), ("rule", Kind::Text), ("denied", Kind::Count)];

const USERS: &[(&str, Kind)] = &[("user", Kind::Text), ("sessions", Kind::Count), ("bytes", Kind::Bytes)];
const DESTINATIONS: &[(&str, Kind)] = &[("destination", Kind::Text), ("connections", Kind::Count)];

/// Between two looks.
const AGAIN: Duration = Duration::from_secs(2);

impl Desk {
    /// The numbers, and what to look at.
    pub(super) fn status(&mut self) -> Result<(), Failure> {
        let mut status: Value = self.connection.call("status.get", &json!({}))?;
        if !self.output.is_for_people() || self.output.fields.is_some() {
            return self.output.record("rustsocks.status/1", &status);
        }
        let attention = status["attention"].take();
        if let Some(status) = status.as_object_mut() {
            status.retain(|_, value| !value.is_null() && *value != json!([]));
        }
        self.output.record("rustsocks.status/1", &status)?;
        attention.as_array().into_iter().flatten().try_for_each(|item| Output::line(&looked_at(item)))
    }

    /// What happens now and what happened today: for people with units, and users and destinations as tables of their own.
    pub(super) fn statistics(&mut self) -> Result<(), Failure> {
        const SCHEMA: &str = "rustsocks.stats/1";
        let mut stats: Value = self.connection.call("sessions.stats", &json!({}))?;
        if !self.output.is_for_people() || self.output.fields.is_some() {
            return self.output.record(SCHEMA, &stats);
        }
        let users = rows_of(&mut stats, "top_users");
        let destinations = rows_of(&mut stats, "top_destinations");
        let numbers = Sheet::of_record(&stats).with_units();
        Output { has_header: false, fields: None, ..self.output }.rows(SCHEMA, numbers)?;
        for (columns, rows) in [(USERS, users), (DESTINATIONS, destinations)] {
            if !rows.is_empty() {
                self.output.rows(SCHEMA, Sheet::of_objects(columns, &rows))?;
            }
        }
        Ok(())
    }

    /// Checks as rows; what is not well is the exit code.
    pub(super) fn health(&mut self) -> Result<ExitCode, Failure> {
        let health: Value = self.connection.call("health.get", &json!({}))?;
        let checks = health["checks"].as_array().cloned().unwrap_or_default();
        let bad: Vec<&Value> =
            checks.iter().filter(|check| check["state"] == "warn" || check["state"] == "fail").collect();
        let is_short = self.output.is_for_people() && self.output.fields.is_none();
        let shown = if is_short {
            Sheet::of_objects(CHECKS, &checks).only(&FOR_PEOPLE.map(str::to_owned))?
        } else {
            Sheet::of_objects(CHECKS, &checks)
        };
        self.output.rows("rustsocks.health/1", shown)?;
        if is_short {
            for check in bad {
                Output::line(&format!("{}: {}; {}", raw(&check["name"]), raw(&check["effect"]), raw(&check["hint"])))?;
            }
        }
        Ok(if health["ok"] == Value::Bool(true) { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    /// What was not well, a row for each.
    pub(super) fn incidents(&mut self, most: usize) -> Result<(), Failure> {
        let answer: Value = self.connection.call("incidents.list", &json!({ "n": most }))?;
        let incidents = answer["incidents"].as_array().cloned().unwrap_or_default();
        self.output.rows("rustsocks.incidents/1", Sheet::of_objects(INCIDENTS, &incidents))
    }

    /// Who or what has the most, once or again and again.
    pub(super) fn ranking(&mut self, top: &Top) -> Result<(), Failure> {
        let (by, columns) = match top.by {
            Ranking::User => ("user", TOTALS),
            Ranking::Dst => ("dst", TOTALS),
            Ranking::Denied => ("denied", DENIALS),
        };
        let p = json!({ "by": by, "key": top.key.word(), "n": top.limit });
        loop {
            let answer: Value = self.connection.call("top.get", &p)?;
            let rows = answer["rows"].as_array().into_iter().flatten();
            let rows = rows.filter_map(|row| row.as_array().cloned()).collect();
            let columns = columns.map(|(name, kind)| (name.to_owned(), kind)).to_vec();
            self.output.rows("rustsocks.top/1", Sheet { columns, rows })?;
            if !top.watch {
                return Ok(());
            }
            sleep(AGAIN);
        }
    }
}

/// A list of the answer, which the answer then has no more.
fn rows_of(answer: &mut Value, name: &str) -> Vec<Value> {
    match answer.as_object_mut().and_then(|answer| answer.remove(name)) {
        Some(Value::Array(rows)) => rows,
        Some(_) | None => Vec::new(),
    }
}

/// `!! reload: failed at …`, as the console has it.
fn looked_at(item: &Value) -> String {
    let mark = match item["sev"].as_str() {
        Some("crit") => "!!",
        Some("warn") => "! ",
        Some(_) | None => ". ",
    };
    format!("{mark} {}", raw(&item["text"]))
}
