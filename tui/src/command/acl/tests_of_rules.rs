//! The saved tests of the rules: run, shown and changed.

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::super::answers::host_and_port;
use super::super::{Desk, idem};
use super::text_of;
use crate::args::{NewTest, Tests};
use crate::failure::Failure;
use crate::output::{Kind, Output, Sheet};

/// The exit code where a test fails.
const FAILED: u8 = 1;

impl Desk {
    pub(super) fn tests_of_rules(&mut self, what: Tests) -> Result<ExitCode, Failure> {
        match what {
            Tests::Run { draft } => {
                let text = draft.as_deref().map(text_of).transpose()?;
                return self.run_tests(&text.map_or_else(|| json!({}), |text| json!({ "text": text })));
            }
            Tests::Get => {
                let answer: Value = self.connection.call("acl.tests.get", &json!({}))?;
                if self.output.is_for_people() {
                    Output::text(answer["text"].as_str().unwrap_or_default())?;
                } else {
                    self.output.record("rustsocks.tests/1", &answer)?;
                }
            }
            Tests::Put { file } => self.put_tests(&json!({ "text": text_of(&file)? }))?,
            Tests::Add(test) => self.change_tests(&json!({ "op": "test.add", "test": entry(test)? }))?,
            Tests::Del { number } => self.change_tests(&json!({ "op": "test.del", "test": number }))?,
            Tests::On { number } => self.switch_test(number, &Value::Null)?,
            Tests::Off { number } => self.switch_test(number, &json!(false))?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn run_tests(&mut self, subject: &Value) -> Result<ExitCode, Failure> {
        let answer: Value = self.connection.call("acl.tests.run", subject)?;
        let columns = [
            ("test", Kind::Count),
            ("result", Kind::Text),
            ("user", Kind::Text),
            ("destination", Kind::Text),
            ("port", Kind::Count),
            ("expect", Kind::Text),
            ("got", Kind::Text),
            ("by", Kind::Text),
            ("description", Kind::Text),
            ("fault", Kind::Text),
        ];
        let mut tests = answer["tests"].as_array().cloned().unwrap_or_default();
        for test in &mut tests {
            test["result"] = word(test).into();
        }
        self.output.rows("rustsocks.tests/1", Sheet::of_objects(&columns, &tests))?;
        Ok(if answer["failed"] == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
    }

    /// A test counts where nothing is written.
    fn switch_test(&mut self, number: usize, enabled: &Value) -> Result<(), Failure> {
        self.change_tests(&json!({ "op": "test.set", "test": number, "set": { "enabled": enabled } }))
    }

    /// What is meant by a number is what has it now.
    fn change_tests(&mut self, op: &Value) -> Result<(), Failure> {
        let answer: Value = self.connection.call("acl.tests.get", &json!({}))?;
        self.put_tests(&json!({ "ops": [op], "sha": answer["sha"] }))
    }

    fn put_tests(&mut self, change: &Value) -> Result<(), Failure> {
        let mut order = change.clone();
        order["idem"] = idem().into();
        self.record("acl.tests.put", &order, "rustsocks.applied/1")
    }
}

/// How a test ended.
pub(crate) fn word(test: &Value) -> &'static str {
    match (test["enabled"] == false, test["pass"] == true) {
        (true, _) => "off",
        (false, true) => "pass",
        (false, false) => "FAIL",
    }
}

/// The keys that were given, as they stand in the file.
fn entry(test: NewTest) -> Result<Value, Failure> {
    let NewTest { user, dest, expect, description, source, protocol, address, rule, off } = test;
    let (host, port) = host_and_port(&dest)?;
    let mut entry = Map::new();
    let mut write = |key: &str, value: Option<Value>| entry.extend(value.map(|value| (key.to_owned(), value)));
    write("enabled", off.then_some(Value::Bool(false)));
    write("description", description.map(Value::from));
    write("user", (user != "anonymous").then(|| user.into()));
    write("source", source.map(|source| json!(source)));
    write("destination", Some(host.into()));
    write("addresses", (!address.is_empty()).then(|| json!(address)));
    write("port", Some(port.into()));
    write("protocol", (protocol != "tcp").then(|| protocol.into()));
    write("expect", Some(expect.into()));
    write("rule", rule.map(Value::from));
    Ok(entry.into())
}
