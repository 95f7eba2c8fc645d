//! The configuration, key by key and as a text.

use std::fs;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::acl::text_of;
use super::ask::tell;
use super::change::Change;
use super::{Desk, idem};
use crate::args::{Config, Manner};
use crate::editor;
use crate::failure::Failure;
use crate::output::{Kind, Output, Sheet};

const STORE: &str = "config";

impl Desk {
    pub(super) fn config(&mut self, command: Config) -> Result<ExitCode, Failure> {
        match command {
            Config::Get => Output::text(&self.configuration()?)?,
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
                let difference: Value = self.connection.call("txn.diff", &p)?;
                Output::text(difference["text"].as_str().unwrap_or_default())?;
            }
            Config::Apply { file, manner } => return self.change(STORE, Change::Text(text_of(&file)?), &manner),
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
            Config::Rollback { to, comment } => {
                let p = json!({ "store": STORE, "to": to, "comment": comment, "idem": idem() });
                self.record("txn.rollback", &p, "rustsocks.applied/1")?;
            }
            Config::Confirm => {
                let running: Value = self.connection.call("txn.get", &json!({ "store": STORE }))?;
                let p = json!({ "store": STORE, "gen": running["gen"], "idem": idem() });
                self.record("txn.confirm", &p, "rustsocks.applied/1")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn configuration(&mut self) -> Result<String, Failure> {
        let running: Value = self.connection.call("txn.get", &json!({ "store": STORE }))?;
        Ok(running["text"].as_str().unwrap_or_default().to_owned())
    }

    /// A text that is not applied is kept and named, so that nothing that was written is lost.
    fn edit_configuration(&mut self, manner: &Manner) -> Result<ExitCode, Failure> {
        let before = self.configuration()?;
        let place = editor::kept(&format!("config-{}.toml", std::process::id()), &before)?;
        editor::edit(&place)?;
        let after = fs::read_to_string(&place)?;
        if after == before {
            fs::remove_file(&place)?;
            return Err(Failure::Declined("nothing was changed".to_owned()));
        }
        let done = self.change(STORE, Change::Text(after), manner);
        if done.as_ref().is_ok_and(|code| *code == ExitCode::SUCCESS) && !manner.dry_run {
            fs::remove_file(&place)?;
        } else {
            tell(&format!("what was written is in {}", place.display()));
        }
        done
    }
}
