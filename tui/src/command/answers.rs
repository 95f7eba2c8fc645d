//! Answers that need a little reading before they are shown.

use std::net::IpAddr;
use std::process::ExitCode;

use serde_json::{Map, Value, json};
use wire::admin::Refusal;

use super::ask::tell;
use super::{DENIED, Desk};
use crate::failure::Failure;
use crate::output::{Kind, Output, Sheet};

/// The columns of a rule.
const RULES: &[(&str, Kind)] = &[
    ("name", Kind::Text),
    ("action", Kind::Text),
    ("destinations", Kind::Text),
    ("ports", Kind::Text),
    ("description", Kind::Text),
    ("protocols", Kind::Text),
    ("sources", Kind::Text),
    ("time", Kind::Text),
    ("priority", Kind::Count),
    ("line", Kind::Count),
];

impl Desk {
    pub(super) fn explain(
        &mut self,
        user: &str,
        dest: &str,
        source: Option<IpAddr>,
        protocol: &str,
        (resolve, draft): (bool, Option<String>),
    ) -> Result<ExitCode, Failure> {
        let (host, port) = host_and_port(dest)?;
        let mut p = json!({ "user": user, "dest": host, "port": port, "protocol": protocol });
        if let Some(source) = source {
            p["source"] = json!(source);
        }
        if resolve {
            p["resolve"] = true.into();
        }
        if let Some(text) = draft {
            p["text"] = Value::from(text);
        }
        let answer: Value = self.connection.call("acl.explain", &p)?;
        self.output.record("rustsocks.decision/1", &answer)?;
        Ok(if answer["verdict"] == "allow" { ExitCode::SUCCESS } else { ExitCode::from(DENIED) })
    }

    pub(super) fn audit(&mut self, op: &str, p: &Value) -> Result<(), Failure> {
        let answer: Value = self.connection.call(op, p)?;
        let columns = [
            ("t", Kind::Time),
            ("who.user", Kind::Text),
            ("op", Kind::Text),
            ("phase", Kind::Text),
            ("target", Kind::Text),
            ("result", Kind::Text),
            ("comment", Kind::Text),
            ("changes", Kind::Text),
            ("role", Kind::Text),
            ("id", Kind::Text),
        ];
        let records = listed(&answer, "records");
        self.output.rows("rustsocks.audit/1", Sheet::of_objects(&columns, &records))
    }

    /// Whether the audit log is as it was written.
    pub(super) fn verify(&mut self) -> Result<ExitCode, Failure> {
        let verdict: Value = self.connection.call("audit.verify", &json!({}))?;
        self.output.record("rustsocks.audit/1", &verdict)?;
        Ok(if verdict["ok"] == Value::Bool(true) { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    pub(super) fn ops(&mut self) -> Result<(), Failure> {
        let answer: Value = self.connection.call("meta.ops", &json!({}))?;
        let columns = [("op", Kind::Text), ("role", Kind::Text), ("about", Kind::Text)];
        let ops = listed(&answer, "ops");
        self.output.rows("rustsocks.ops/1", Sheet::of_objects(&columns, &ops))
    }

    pub(super) fn rules(&mut self) -> Result<(), Failure> {
        let answer: Value = self.connection.call("acl.rules", &json!({}))?;
        self.output.rows("rustsocks.rules/1", Sheet::of_objects(RULES, &listed(&answer, "rules")))
    }

    pub(super) fn hits(&mut self) -> Result<(), Failure> {
        let answer: Value = self.connection.call("acl.hits", &json!({}))?;
        let columns = [
            ("name", Kind::Text),
            ("per_h", Kind::Count),
            ("hits", Kind::Count),
            ("live", Kind::Count),
            ("last", Kind::Time),
        ];
        self.output.rows("rustsocks.hits/1", Sheet::of_objects(&columns, &listed(&answer, "refs")))
    }

    /// The answer as it comes, each part on a line of its own; what belongs to a refusal stands before its words.
    pub(super) fn raw(&mut self, request: &str) -> Result<(), Failure> {
        let malformed = |what: &str| Failure::Usage(format!("{what}; write {{\"op\":\"status.get\",\"p\":{{}}}}"));
        let request: Value = serde_json::from_str(request).map_err(|error| malformed(&error.to_string()))?;
        let op = request["op"].as_str().ok_or_else(|| malformed("op is missing"))?;
        let p = request.get("p").cloned().unwrap_or_else(|| Value::Object(Map::new()));
        let mut parts = Vec::new();
        let answer = self.connection.call_in_parts(op, &p, |part| parts.push(part)).inspect_err(|failure| {
            if let Failure::Refused(Refusal { data: Some(data), .. }) = failure {
                tell(&data.to_string());
            }
        })?;
        parts.iter().chain([&answer]).try_for_each(Output::document)
    }
}

/// Both halves of a destination.
pub(super) fn host_and_port(dest: &str) -> Result<(&str, u16), Failure> {
    let no_port = || Failure::Usage(format!("{dest:?} is no destination; write ADDRESS:PORT or NAME:PORT"));
    let (host, port) = dest.rsplit_once(':').ok_or_else(no_port)?;
    let port: u16 = port.parse().map_err(|_| no_port())?;
    Ok((host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host), port))
}

/// A list, whether it is the answer or a property of it.
fn listed(answer: &Value, name: &str) -> Vec<Value> {
    answer.as_array().or_else(|| answer[name].as_array()).cloned().unwrap_or_default()
}
