//! The configuration, key by key and as a text.

use std::process::ExitCode;

use serde_json::{Value, json};
use wire::admin::Code;

use super::Desk;
use super::acl::text_of;
use super::ask::tell;
use super::change::Change;
use super::edit::Edited;
use crate::args::{Config, Manner};
use crate::failure::Failure;
use crate::output::{Kind, Output, Sheet, raw};

const STORE: &str = "config";

const FILES: &[(&str, Kind)] = &[
    ("component", Kind::Text),
    ("state", Kind::Text),
    ("gen", Kind::Count),
    ("sha", Kind::Text),
    ("file_sha", Kind::Text),
    ("mtime", Kind::Time),
    ("since", Kind::Time),
    ("changes", Kind::Text),
    ("needs_restart", Kind::Text),
    ("file", Kind::Text),
];

/// What a person is told of each file.
const FOR_PEOPLE: [&str; 5] = ["component", "state", "gen", "mtime", "file"];

impl Desk {
    pub(super) fn config(&mut self, command: Config) -> Result<ExitCode, Failure> {
        match command {
            Config::Get => self.configuration()?,
            Config::Files => self.files()?,
            Config::Diff { store } => self.file_difference(&store)?,
            Config::Effective { changed } => self.effective(changed)?,
            Config::Set { key, value, manner } => {
                let value = serde_json::from_str(&value).unwrap_or(Value::String(value));
                return self.change(STORE, Change::Ops(json!([{ "op": "set", "key": key, "value": value }])), &manner);
            }
            Config::Unset { key, manner } => {
                return self.change(STORE, Change::Ops(json!([{ "op": "unset", "key": key }])), &manner);
            }
            Config::Compare { file } => {
                let p = json!({ "store": STORE, "text": text_of(&file)? });
                self.difference(&p)?;
            }
            Config::Apply { file, base, manner } => {
                return self.change(STORE, Change::Text(text_of(&file)?, base), &manner);
            }
            Config::Edit { manner } => return self.edit_configuration(&manner),
            Config::History => {
                let answer: Value = self.connection.call("txn.history", &json!({ "store": STORE }))?;
                let columns = [
                    ("gen", Kind::Count),
                    ("t", Kind::Time),
                    ("by", Kind::Text),
                    ("source", Kind::Text),
                    ("comment", Kind::Text),
                ];
                let rows = answer.as_array().cloned().unwrap_or_default();
                self.output.rows("rustsocks.generations/1", Sheet::of_objects(&columns, &rows))?;
            }
            Config::Rollback { to, comment } => self.roll_back(STORE, &json!({ "to": to, "comment": comment }))?,
            Config::Confirm { generation } => self.confirm(STORE, generation)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The text to the byte, for people and for pipes.
    fn configuration(&mut self) -> Result<(), Failure> {
        let running: Value = self.connection.call("txn.get", &json!({ "store": STORE }))?;
        if !self.output.is_for_people() {
            return self.output.record("rustsocks.configuration/1", &running);
        }
        Output::text(running["text"].as_str().unwrap_or_default())
    }

    fn edit_configuration(&mut self, manner: &Manner) -> Result<ExitCode, Failure> {
        let mut take =
            |desk: &mut Self, text: String, base: u64| desk.change(STORE, Change::Text(text, Some(base)), manner);
        self.edit(Edited { store: STORE, is_dry: manner.dry_run, take: &mut take })
    }

    /// Each file, and whether it says what is in force.
    fn files(&mut self) -> Result<(), Failure> {
        let answer: Value = self.connection.call("config.drift", &json!({}))?;
        let components = answer["components"].as_array().cloned().unwrap_or_default();
        self.for_people("rustsocks.files/1", Sheet::of_objects(FILES, &components), &FOR_PEOPLE)?;
        if !self.output.is_for_people() || self.output.fields.is_some() {
            return Ok(());
        }
        components.iter().flat_map(faults).try_for_each(|fault| Output::line(&fault))
    }

    /// How the file differs from what is in force; nothing if it does not.
    fn file_difference(&mut self, store: &str) -> Result<(), Failure> {
        let answer: Result<Value, Failure> = self.connection.call("txn.diff", &json!({ "store": store, "file": true }));
        match answer {
            Err(Failure::Refused(refusal)) if refusal.code == Code::NotFound => {
                tell(&refusal.msg);
                Ok(())
            }
            Ok(difference) if !self.output.is_for_people() => self.output.record("rustsocks.difference/1", &difference),
            difference => Output::text(difference?["text"].as_str().unwrap_or_default()),
        }
    }
}

/// What is wrong with a file, with its place, a line each.
pub(crate) fn faults(component: &Value) -> Vec<String> {
    let problems = component["problems"].as_array().into_iter().flatten();
    let line = |problem: &Value| {
        let place = ["file", "line", "column"].map(|name| raw(&problem[name]));
        let place: Vec<String> = place.into_iter().filter(|part| !part.is_empty()).collect();
        format!("{}: {} {}", raw(&component["component"]), place.join(":"), raw(&problem["message"]))
    };
    problems.map(line).collect()
}
