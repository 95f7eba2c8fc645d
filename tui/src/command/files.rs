//! The configuration, key by key and as a text.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::Desk;
use super::acl::text_of;
use super::ask::tell;
use super::change::Change;
use crate::args::{Config, Manner};
use crate::editor::{self, EDITOR, FILE};
use crate::failure::Failure;
use crate::output::{Kind, Output, Sheet};

const STORE: &str = "config";

impl Desk {
    pub(super) fn config(&mut self, command: Config) -> Result<ExitCode, Failure> {
        match command {
            Config::Get => Output::text(&self.configuration()?.1)?,
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

    fn configuration(&mut self) -> Result<(u64, String), Failure> {
        let running: Value = self.connection.call("txn.get", &json!({ "store": STORE }))?;
        Ok((running["gen"].as_u64().unwrap_or_default(), running["text"].as_str().unwrap_or_default().to_owned()))
    }

    /// A text that is not applied is kept and named, so that nothing that was written is lost.
    fn edit_configuration(&mut self, manner: &Manner) -> Result<ExitCode, Failure> {
        let (base, before) = self.configuration()?;
        let place =
            editor::kept(&format!("config-{}.toml", std::process::id()), &before).map_err(Failure::here(FILE))?;
        let done = self.edited_configuration(&place, (base, &before), manner);
        if place.exists() {
            tell(&format!("what was written is in {}", place.display()));
        }
        done
    }

    fn edited_configuration(
        &mut self,
        place: &Path,
        (base, before): (u64, &str),
        manner: &Manner,
    ) -> Result<ExitCode, Failure> {
        editor::edit(place).map_err(Failure::here(EDITOR))?;
        let after = fs::read_to_string(place).map_err(Failure::here(FILE))?;
        if after == before {
            fs::remove_file(place).map_err(Failure::here(FILE))?;
            tell("nothing has changed");
            return Ok(ExitCode::SUCCESS);
        }
        let done = self.change(STORE, Change::Text(after, Some(base)), manner)?;
        if done == ExitCode::SUCCESS && !manner.dry_run {
            fs::remove_file(place).map_err(Failure::here(FILE))?;
        }
        Ok(done)
    }
}
