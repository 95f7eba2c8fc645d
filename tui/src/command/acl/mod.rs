//! Commands about rules: those in force, those that somebody would like to have, and the way between.

pub(crate) mod effect;
pub(crate) mod tests_of_rules;

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Map, Value, json};
use wire::admin::{ViewOpen, Window};

use super::Desk;
use super::ask::{asked, tell};
use super::edit::Edited;
use crate::args::{Acl, Terms, Tests};
use crate::failure::Failure;
use crate::output::{Kind, Output, Sheet, raw};

/// The exit code for a text that could not be in force.
pub(super) const INVALID: u8 = 6;

impl Desk {
    pub(super) fn acl(&mut self, acl: Acl) -> Result<ExitCode, Failure> {
        match acl {
            Acl::Explain { user, dest, source, protocol, resolve, draft } => {
                let draft = draft.as_deref().map(text_of).transpose()?;
                return self.explain(&user, &dest, source, &protocol, (resolve, draft));
            }
            Acl::Rules => self.rules()?,
            Acl::Hits => self.hits()?,
            Acl::Get { generation } => self.written(generation)?,
            Acl::Validate { file } => return self.validate(&json!({ "text": text_of(&file)? })),
            Acl::Diff { file } => self.difference(&json!({ "text": text_of(&file)? }))?,
            Acl::Whatif { file, hours, list } => {
                let question = json!({ "text": text_of(&file)?, "hours": hours });
                if list { self.affected(&question)? } else { self.what_if(&question)? }
            }
            Acl::Test { what } => return self.tests_of_rules(what.unwrap_or(Tests::Run { draft: None })),
            Acl::Edit(how) => return self.edit_rules(&how),
            Acl::Apply { file, base, how } => return self.apply_file(&text_of(&file)?, base, &how),
            Acl::Confirm { generation } => self.confirm("acl", generation)?,
            Acl::Rollback { generation, comment, despite_tests, run_time } => {
                let comment = comment.unwrap_or_default();
                self.roll_back(
                    "acl",
                    &json!({ "to": generation, "comment": comment, "despite_tests": despite_tests, "run_time": run_time }),
                )?;
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
            tell(verdict(&answer));
        } else {
            self.output.record("rustsocks.validation/1", &answer)?;
        }
        Ok(if is_ok(&answer) && failed(&answer) == 0 { ExitCode::SUCCESS } else { ExitCode::from(INVALID) })
    }

    pub(in crate::command) fn difference(&mut self, subject: &Value) -> Result<(), Failure> {
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

    /// The live sessions for which a text would decide otherwise.
    fn affected(&mut self, question: &Value) -> Result<(), Failure> {
        let answer: Value = self.connection.call("acl.whatif", question)?;
        let cols = ["id", "user", "src", "dst", "start", "down", "before", "rule_before", "after", "rule_after"];
        let cols = self.output.is_for_people().then(|| cols.map(str::to_owned).to_vec());
        let open = ViewOpen {
            of: "whatif".to_owned(),
            filter: None,
            sort: Vec::new(),
            cols: self.output.fields.clone().or(cols),
            win: Window::default(),
            every_ms: Some(60_000),
            hold: Some(true),
            digest: answer["digest"].as_str().map(str::to_owned),
        };
        let sheet = self.all_of(&open, usize::MAX)?;
        if answer["listed_all"] == Value::Bool(false) {
            tell("more sessions are affected than can be listed");
        }
        self.output.rows("rustsocks.affected/1", sheet)
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
        let how = self.despite_tests(&subject, how)?;
        let denied = self.shown_and_asked(&subject, &how)?;
        self.apply(subject, denied, &how)?;
        Ok(ExitCode::SUCCESS)
    }

    /// Says which saved tests the rules fail, and asks whether they may be switched off; without anybody to ask, the daemon refuses.
    fn despite_tests(&mut self, subject: &Value, how: &Terms) -> Result<Terms, Failure> {
        let how = how.clone();
        if how.despite_tests || self.may_do_without_asking {
            return Ok(how);
        }
        let validation: Value = self.connection.call("txn.validate", subject)?;
        if failed(&validation) == 0 {
            return Ok(how);
        }
        let failing = remarks(&validation).into_iter().filter(|remark| remark.contains("tests/"));
        tell(&failing.collect::<Vec<_>>().join("\n"));
        asked("type despite to switch these tests off and go on: ", "despite")?;
        Ok(Terms { despite_tests: true, ..how })
    }

    fn edit_rules(&mut self, how: &Terms) -> Result<ExitCode, Failure> {
        let mut take = |desk: &mut Self, text: String, base: u64| {
            let subject = json!({ "text": text, "base": base });
            let how = desk.despite_tests(&subject, how)?;
            let denied = desk.shown_and_asked(&subject, &how)?;
            desk.apply(subject, denied, &how)?;
            Ok(ExitCode::SUCCESS)
        };
        self.edit(Edited { store: "acl", is_dry: false, take: &mut take })
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
        order.insert("despite_tests".to_owned(), how.despite_tests.into());
        order.extend(how.comment.clone().map(|comment| ("comment".to_owned(), comment.into())));
        order.extend(denied.map(|denied| ("expect_denied".to_owned(), denied.into())));
        order.extend(how.confirm_within.map(|seconds| ("confirm_s".to_owned(), seconds.into())));
        let answer = self.put_in_force(Value::Object(order), &how.of_file)?;
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
            ("state", Kind::Text),
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

/// Saved tests that a text fails.
fn failed(validation: &Value) -> u64 {
    validation["tests"]["failed"].as_u64().unwrap_or(0)
}

fn verdict(validation: &Value) -> &'static str {
    match (is_ok(validation), failed(validation)) {
        (false, _) => "it could not be in force",
        (true, 0) => "it could be in force",
        (true, _) => "it could be in force if the saved tests that it fails were switched off: --despite-tests",
    }
}

pub(super) fn is_ok(validation: &Value) -> bool {
    validation["ok"] == Value::Bool(true)
}

/// What is to be said about a text, each with its place.
pub(crate) fn remarks(validation: &Value) -> Vec<String> {
    let found = validation["diag"].as_array().into_iter().flatten();
    found
        .map(|diagnosis| {
            let of = |name: &str| raw(&diagnosis[name]);
            let hint = diagnosis["hint"].as_str().map(|hint| format!("; {hint}")).unwrap_or_default();
            format!("{}: line {}: {}: {}{hint}", of("sev"), of("line"), of("path"), of("msg"))
        })
        .collect()
}
