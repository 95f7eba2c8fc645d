//! Changes to the operator's files: what would change, the question, and the order with the generation that was shown.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::acl::remarks;
use super::ask::{asked, tell};
use super::{Desk, idem};
use crate::args::Manner;
use crate::failure::Failure;
use crate::output::raw;

/// The exit code for a text that could not be in force.
const INVALID: u8 = 6;

/// What is changed: edits, or a whole text.
#[derive(Debug)]
pub(super) enum Change {
    Ops(Value),
    /// With the generation on which it builds, if not the one in force.
    Text(String, Option<u64>),
}

/// What came of a draft.
enum Outcome {
    Applied(Value),
    /// It was only to be shown.
    Shown,
    Invalid,
}

impl Desk {
    /// Makes a change, after it has been shown and nobody has said no.
    pub(super) fn change(&mut self, store: &str, change: Change, manner: &Manner) -> Result<ExitCode, Failure> {
        let draft = self.drafted(store, change)?;
        let done = self.decided(store, &draft, manner);
        if !matches!(done, Ok(Outcome::Applied(_))) {
            self.discard(store, &draft);
        }
        match done? {
            Outcome::Applied(answer) => {
                self.output.record("rustsocks.applied/1", &answer)?;
                if let Some(number) = answer["confirm"]["gen"].as_u64() {
                    tell(&format!("it goes again unless somebody says: rustsocks-cli {store} confirm {number}"));
                }
                let waiting = answer["needs_restart"].as_array().into_iter().flatten();
                let waiting: Vec<String> = waiting.map(raw).collect();
                if !waiting.is_empty() {
                    tell(&format!("takes effect with: systemctl restart rustsocks ({})", waiting.join(", ")));
                }
                Ok(ExitCode::SUCCESS)
            }
            Outcome::Shown => Ok(ExitCode::SUCCESS),
            Outcome::Invalid => Ok(ExitCode::from(INVALID)),
        }
    }

    /// Keeps this generation, or the one that waits.
    pub(super) fn confirm(&mut self, store: &str, generation: Option<u64>) -> Result<(), Failure> {
        let waiting = match generation {
            Some(number) => Some(number),
            None => self.connection.call::<Value>("txn.get", &json!({ "store": store }))?["confirm"]["gen"].as_u64(),
        };
        let number = waiting.ok_or_else(|| Failure::Declined("nothing waits to be confirmed".to_owned()))?;
        self.record("txn.confirm", &json!({ "store": store, "gen": number, "idem": idem() }), "rustsocks.applied/1")
    }

    /// Brings a generation back, after what that changes has been shown and nobody has said no.
    pub(super) fn roll_back(&mut self, store: &str, back: &Value) -> Result<(), Failure> {
        let generation = back["to"].as_u64().unwrap_or_default();
        if !self.may_do_without_asking {
            let difference: Value = self.connection.call("txn.diff", &json!({ "store": store, "gen": generation }))?;
            tell(difference["text"].as_str().unwrap_or_default());
            asked(&format!("type {generation} to bring that generation back: "), &generation.to_string())?;
        }
        let mut order = back.clone();
        order["store"] = store.into();
        order["idem"] = idem().into();
        self.record("txn.rollback", &order, "rustsocks.applied/1")
    }

    /// One that is not discarded goes by itself after half an hour.
    fn discard(&mut self, store: &str, draft: &Value) {
        let which = json!({ "store": store, "draft": draft });
        let _it_goes_by_itself: Result<Value, Failure> = self.connection.call("txn.draft.discard", &which);
    }

    fn drafted(&mut self, store: &str, change: Change) -> Result<Value, Failure> {
        let (text, base, ops) = match change {
            Change::Text(text, base) => (Some(text), base, None),
            Change::Ops(ops) => (None, None, Some(ops)),
        };
        let begun = json!({ "store": store, "text": text, "base": base });
        let opened: Value = self.connection.call("txn.draft.open", &begun)?;
        let draft = opened["draft"].clone();
        if let Some(ops) = ops {
            let edit = json!({ "store": store, "draft": draft, "ops": ops });
            let edited: Result<Value, Failure> = self.connection.call("txn.draft.op", &edit);
            if let Err(failure) = edited {
                self.discard(store, &draft);
                return Err(failure);
            }
        }
        Ok(draft)
    }

    fn decided(&mut self, store: &str, draft: &Value, manner: &Manner) -> Result<Outcome, Failure> {
        let which = json!({ "store": store, "draft": draft });
        let difference: Value = self.connection.call("txn.diff", &which)?;
        let validation: Value = self.connection.call("txn.validate", &which)?;
        let is_good = validation["ok"] == Value::Bool(true);
        if manner.dry_run || !is_good {
            let mut answer = json!({ "ok": is_good, "items": difference["items"], "diag": validation["diag"] });
            if let Some(keys) = validation.get("needs_restart") {
                answer["needs_restart"] = keys.clone();
            }
            show(&difference, &validation);
            self.output.record("rustsocks.change/1", &answer)?;
            return Ok(if is_good { Outcome::Shown } else { Outcome::Invalid });
        }
        if !self.may_do_without_asking {
            show(&difference, &validation);
            asked("apply this? [y/N] ", "y")?;
        }
        let order = json!({
            "store": store, "draft": draft, "comment": manner.comment, "confirm_s": manner.confirm_within.unwrap_or(0),
        });
        self.put_in_force(order, &manner.of_file).map(Outcome::Applied)
    }
}

/// To whoever reads standard error: the lines that differ, and what there is to say.
fn show(difference: &Value, validation: &Value) {
    tell(difference["text"].as_str().unwrap_or_default());
    for remark in remarks(validation) {
        tell(&remark);
    }
}
