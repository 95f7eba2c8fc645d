//! Commands about rules: those in force, those that somebody would like to have, and the way between.

mod edit;
pub(crate) mod effect;

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::ask::{asked, tell};
use super::{Desk, idem};
use crate::args::{Acl, Terms};
use crate::failure::Failure;
use crate::output::{Kind, Output, Sheet, raw};

/// The exit code for a text that could not be in force.
const INVALID: u8 = 6;

impl Desk {
    pub(super) fn acl(&mut self, acl: Acl) -> Result<ExitCode, Failure> {
        match acl {
            Acl::Explain { user, dest, source, protocol, draft } => {
                let draft = draft.as_deref().map(text_of).transpose()?;
                return self.explain(&user, &dest, source, &protocol, draft);
            }
            Acl::Rules => self.rules()?,
            Acl::Hits => self.hits()?,
            Acl::Get { generation } => self.written(generation)?,
            Acl::Validate { file } => return self.validate(&json!({ "text": text_of(&file)? })),
            Acl::Diff { file } => self.difference(&json!({ "text": text_of(&file)? }))?,
            Acl::Whatif { file, hours } => self.what_if(&json!({ "text": text_of(&file)?, "hours": hours }))?,
            Acl::Edit(how) => return self.edit(&how),
            Acl::Apply { file, base, how } => return self.apply_file(&text_of(&file)?, base, &how),
            Acl::Confirm { generation } => self.confirm("acl", generation)?,
            Acl::Rollback { generation, comment } => {
                self.roll_back("acl", generation, &comment.unwrap_or_default())?;
            }
            Acl::History => self.generations()?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// A rule file to the byte, for people and for pipes.
    fn written(&mut self, generation: Option<u64>) -> Result<(), Failure> {
        let answer: Value = match generation {
            Some(number) => self.connection.call("txn.generation", &json!({ "gen": number }))?,
            None => self.connection.call("txn.get", &json!({}))?,
        };
        if !self.output.is_for_people() {
            return self.output.record("rustsocks.policy/1", &answer);
        }
        Output::text(answer["text"].as_str().unwrap_or_default())
    }

    fn validate(&mut self, subject: &Value) -> Result<ExitCode, Failure> {
        let answer: Value = self.connection.call("txn.validate", subject)?;
        let columns = [
            ("sev", Kind::Text),
            ("line", Kind::Count),
            ("col", Kind::Count),
            ("path", Kind::Text),
            ("msg", Kind::Text),
        ];
        if self.output.is_for_people() {
            let found = answer["diag"].as_array().cloned().unwrap_or_default();
            self.output.rows("rustsocks.validation/1", Sheet::of_objects(&columns, &found))?;
            tell(if is_ok(&answer) { "it could be in force" } else { "it could not be in force" });
        } else {
            self.output.record("rustsocks.validation/1", &answer)?;
        }
        Ok(if is_ok(&answer) { ExitCode::SUCCESS } else { ExitCode::from(INVALID) })
    }

    fn difference(&mut self, subject: &Value) -> Result<(), Failure> {
        let answer: Value = self.connection.call("txn.diff", subject)?;
        if !self.output.is_for_people() {
            return self.output.record("rustsocks.difference/1", &answer);
        }
        Output::text(answer["text"].as_str().unwrap_or_default())
    }

    fn what_if(&mut self, question: &Value) -> Result<(), Failure> {
        let answer: Value = self.connection.call("acl.whatif", question)?;
        if !self.output.is_for_people() {
            return self.output.record("rustsocks.whatif/1", &answer);
        }
        effect::lines(&answer).iter().try_for_each(|line| Output::line(line))
    }

    fn apply_file(&mut self, text: &str, base: Option<u64>, how: &Terms) -> Result<ExitCode, Failure> {
        let validation: Value = self.connection.call("txn.validate", &json!({ "text": text }))?;
        if !is_ok(&validation) {
            tell(&remarks(&validation).join("\n"));
            return Ok(ExitCode::from(INVALID));
        }
        let running: Value = self.connection.call("txn.get", &json!({}))?;
        let base = base.or(running["gen"].as_u64()).unwrap_or_default();
        let subject = json!({ "text": text, "base": base });
        let denied = self.shown_and_asked(&subject, how)?;
        self.apply(subject, denied, how)?;
        Ok(ExitCode::SUCCESS)
    }

    /// Shows what would change and asks; returns how many live sessions would be denied, as they were shown.
    fn shown_and_asked(&mut self, subject: &Value, how: &Terms) -> Result<Option<u64>, Failure> {
        if self.may_do_without_asking {
            return Ok(how.expect_denied);
        }
        self.show_change(subject)?;
        let effect: Value = self.connection.call("acl.whatif", subject)?;
        tell(&effect::lines(&effect).join("\n"));
        asked("type apply to put it in force: ", "apply")?;
        Ok(how.expect_denied.or(effect["live"]["now_denied"].as_u64()))
    }

    fn show_change(&mut self, subject: &Value) -> Result<(), Failure> {
        let difference: Value = self.connection.call("txn.diff", subject)?;
        tell(difference["text"].as_str().unwrap_or_default());
        Ok(())
    }

    fn apply(&mut self, subject: Value, denied: Option<u64>, how: &Terms) -> Result<(), Failure> {
        let mut order = if let Value::Object(order) = subject { order } else { Map::new() };
        let existing = if how.end_denied { "end_denied" } else { "keep" };
        order.insert("existing".to_owned(), existing.into());
        order.insert("idem".to_owned(), idem().into());
        order.extend(how.comment.clone().map(|comment| ("comment".to_owned(), comment.into())));
        order.extend(denied.map(|denied| ("expect_denied".to_owned(), denied.into())));
        if let Some(within) = &how.confirm_within {
            order.insert("confirm_s".to_owned(), seconds(within)?.into());
        }
        let answer: Value = self.connection.call("txn.apply", &order)?;
        if let Some(number) = answer["confirm"]["gen"].as_u64() {
            tell(&format!("it goes again unless somebody says: rustsocks-cli acl confirm {number}"));
        }
        self.output.record("rustsocks.applied/1", &answer)
    }

    fn generations(&mut self) -> Result<(), Failure> {
        let answer: Value = self.connection.call("txn.history", &json!({}))?;
        let columns = [
            ("gen", Kind::Count),
            ("t", Kind::Time),
            ("by", Kind::Text),
            ("source", Kind::Text),
            ("comment", Kind::Text),
            ("sha", Kind::Text),
        ];
        let generations = answer.as_array().cloned().unwrap_or_default();
        self.output.rows("rustsocks.generations/1", Sheet::of_objects(&columns, &generations))
    }
}

/// What a file says; `-` is standard input.
pub(super) fn text_of(file: &Path) -> Result<String, Failure> {
    let unreadable = |error: io::Error| Failure::Usage(format!("cannot read {}: {error}", file.display()));
    if file == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map_err(unreadable)?;
        return Ok(text);
    }
    fs::read_to_string(file).map_err(unreadable)
}

/// Whole seconds of a duration, at least one.
fn seconds(text: &str) -> Result<u64, Failure> {
    let no_duration = || Failure::Usage(format!("{text:?} is no time to confirm within; write 120s or 5m"));
    let duration: SignedDuration = text.parse().map_err(|_| no_duration())?;
    u64::try_from(duration.as_secs()).ok().filter(|seconds| *seconds > 0).ok_or_else(no_duration)
}

fn is_ok(validation: &Value) -> bool {
    validation["ok"] == Value::Bool(true)
}

/// What is to be said about a text, each with its place.
fn remarks(validation: &Value) -> Vec<String> {
    let found = validation["diag"].as_array().into_iter().flatten();
    found
        .map(|diagnosis| {
            let of = |name: &str| raw(&diagnosis[name]);
            let hint = diagnosis["hint"].as_str().map(|hint| format!("; {hint}")).unwrap_or_default();
            format!("{}: line {}: {}: {}{hint}", of("sev"), of("line"), of("path"), of("msg"))
        })
        .collect()
}
