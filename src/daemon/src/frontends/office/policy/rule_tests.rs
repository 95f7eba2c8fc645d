//! The saved tests of the rules: what they say, what comes of them, and how they are written beside the rules.
//!
//! Rules that fail one are not taken. Whoever wants them all the same has the test switched off, which the file then says.

use std::sync::Arc;

use ::policy::{Sheet, TestEdit};
use config::rule_tests::{self, Test};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wire::DocumentKind;

use super::bench::held;
use super::candidate::{Diagnosis, Validation};
use super::orders::{PutTests, Subject};
use super::papers::{self, each};
use super::store::Store;
use super::{Digest, candidate, summary};
use crate::frontends::office::acl::Book;
use crate::frontends::office::acl::saved::{self, Found};
use crate::frontends::office::record::{Done, Order};
use crate::frontends::office::{Caller, No, Office};

/// What messages call a text of tests that is in no file.
const NAME: &str = "acl.tests.toml";

/// Tests that were switched off for the sake of rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Aside {
    /// Their numbers, from 1.
    pub(super) tests: Vec<usize>,
    /// All tests as they were before, and as they have been since.
    pub(super) former: Arc<str>,
    pub(super) text: String,
}

impl Office {
    pub(super) fn tests_told(&self) -> Result<Value, No> {
        let (text, tests) = self.saved_tests()?;
        let told: Vec<Value> = tests.iter().zip(1..).map(|(test, number)| saved::json(number, test, None)).collect();
        Ok(json!({ "sha": Digest::of(&text), "text": &*text, "tests": told }))
    }

    /// What these rules, or those in force, say to every test.
    pub(super) fn tests_run(&self, subject: &Subject) -> Result<Value, No> {
        let (text, tests) = self.saved_tests()?;
        let snapshot = &self.world.regime().snapshot;
        let book = match subject {
            Subject { draft: None, text: None, r#gen: None, file: false } => Book::in_force(snapshot),
            subject => candidate(&self.text_of(Store::Acl, subject)?.0, snapshot)?.book,
        };
        let found: Vec<Found> = tests.iter().map(|test| Found::of(&book, test)).collect();
        let failed = tests.iter().zip(&found).filter(|(test, found)| test.enabled && found.fault.is_some()).count();
        let told = tests.iter().zip(&found).zip(1..);
        let told: Vec<Value> = told.map(|((test, found), number)| saved::json(number, test, Some(found))).collect();
        Ok(json!({ "sha": Digest::of(&text), "tests": told, "failed": failed }))
    }

    /// Writes other tests, which the rules in force have to pass.
    pub(super) fn put_tests(&self, caller: &Caller, put: &PutTests) -> Result<Value, No> {
        let _pen = held(&self.workshop.bench(Store::Acl).pen);
        let (former, _) = self.saved_tests()?;
        let is_by_number = |op: &Value| op["op"] != "test.add";
        if put.sha.is_none() && put.ops.iter().any(is_by_number) {
            return Err(No::Invalid("a test is meant by its number in a text: say with sha in which".to_owned()));
        }
        if put.sha.is_some_and(|sha| sha != Digest::of(&former)) {
            return Err(No::Conflict("the tests are others by now; look at them again".to_owned()));
        }
        let text = match (&put.text, put.ops.as_slice()) {
            (Some(text), []) => text.clone(),
            (None, ops @ [_, ..]) => edited(&former, ops)?,
            (Some(_), [_, ..]) | (None, []) => {
                return Err(No::Invalid("one of text and ops says what the tests are to be".to_owned()));
            }
        };
        let tests = read(&text)?;
        let failing = saved::failing(&Book::in_force(&self.world.regime().snapshot), &tests);
        if !failing.is_empty() {
            return Err(No::TestsFail(told(&failing)));
        }
        let done = self.write_tests(caller, (&former, &text), (&put.comment, put.idem.as_deref()))?;
        Ok(json!({ "sha": Digest::of(&text), "count": tests.len(), "audit": done.audit }))
    }

    /// What is to be said of the tests about rules that could be in force.
    pub(super) fn add_tests(&self, book: &Book, validation: &mut Validation) {
        let Ok((_, tests)) = self.saved_tests() else { return };
        if tests.is_empty() {
            return;
        }
        let failing = saved::failing(book, &tests);
        let off = tests.iter().filter(|test| !test.enabled).count();
        validation.tests = Some(json!({ "count": tests.len(), "failed": failing.len(), "off": off }));
        let said = failing.iter().map(|(number, test, fault)| {
            Diagnosis::of_test(*number, format!("the test {} fails: {fault}", saved::request(test)))
        });
        validation.diagnoses.splice(0..0, said);
    }

    /// The tests that a text fails and that somebody wants switched off for it, if there are any.
    ///
    /// # Errors
    /// There are some, and nobody has said that they may be switched off.
    pub(super) fn tests_in_the_way(&self, text: &str, wish: DespiteTests) -> Result<Option<Aside>, No> {
        let (former, tests) = self.saved_tests()?;
        if tests.is_empty() {
            return Ok(None);
        }
        let candidate = candidate(text, &self.world.regime().snapshot)?;
        let failing = saved::failing(&candidate.book, &tests);
        if failing.is_empty() {
            return Ok(None);
        }
        if wish == DespiteTests::Never {
            return Err(No::TestsFail(told(&failing)));
        }
        let tests: Vec<usize> = failing.iter().map(|(number, ..)| *number).collect();
        let off = |number| json!({ "op": "test.set", "test": number, "set": { "enabled": false } });
        let text = edited(&former, &tests.iter().map(off).collect::<Vec<_>>())?;
        Ok(Some(Aside { tests, former, text }))
    }

    /// Switches them off.
    pub(super) fn set_tests_aside(&self, caller: &Caller, aside: &Aside) -> Result<(), No> {
        self.write_tests(caller, (&aside.former, &aside.text), ("the rules that come fail them", None)).map(drop)
    }

    /// The rules for which tests were switched off have not come, or have gone again: those that the rules in force pass
    /// count again, also among others that were saved since.
    pub(super) fn bring_tests_back(&self, caller: &Caller, aside: &Aside, why: &str) {
        let deed = || {
            let (now, tests) = self.saved_tests()?;
            let text = switched_on(&now, &tests, aside, &Book::in_force(&self.world.regime().snapshot))?;
            self.write_tests(caller, (&now, &text), (why, None))
        };
        if let Err(no) = deed() {
            tracing::error!(reason = %no, tests = ?aside.tests, "tests of the rules are switched off and should not be");
        }
    }

    fn write_tests(
        &self,
        caller: &Caller,
        (former, text): (&str, &str),
        (comment, idem): (&str, Option<&str>),
    ) -> Result<Done<()>, No> {
        if former == text {
            return Ok(Done { outcome: (), audit: None });
        }
        let target = json!({ "store": "acl.tests", "base": Digest::of(former), "sha": Digest::of(text) });
        let comment = Some(comment).filter(|comment| !comment.is_empty());
        let changes = summary::of(&papers::differences_of_tests(former, text).unwrap_or_default());
        let order = Order { op: "acl.tests.put", target, changes, comment, idem };
        let deed = || {
            self.replaced(DocumentKind::RuleTests, Digest::of(former), text)?;
            let snapshot = &self.world.regime().snapshot;
            let is_there = snapshot.rules.tests().is_some_and(|tests| **tests == *text);
            is_there.then_some(()).ok_or_else(|| No::Conflict("other tests came meanwhile".to_owned()))
        };
        self.on_record(caller, &order, deed, |()| "the tests are written".to_owned())
    }

    /// Those beside the rules in force; none where there is no file of them.
    fn saved_tests(&self) -> Result<(Arc<str>, Vec<Test>), No> {
        let text = self.world.regime().snapshot.rules.tests().cloned();
        let text = text.ok_or(No::NothingWritten(Store::Acl))?;
        let tests = read(&text)?;
        Ok((text, tests))
    }
}

/// Whether rules may come that fail tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DespiteTests {
    Never,
    /// The tests are switched off.
    Wanted,
}

impl DespiteTests {
    pub(super) fn of(is_wanted: bool) -> Self {
        if is_wanted { Self::Wanted } else { Self::Never }
    }
}

fn read(text: &str) -> Result<Vec<Test>, No> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    rule_tests::load(NAME, text).map_err(|problems| No::Faulty(Validation::refused(&problems).diagnoses))
}

/// What the tests are once those that were set aside count again, as far as these rules pass them: word for word what they
/// were before, unless others were saved since.
fn switched_on(now: &str, tests: &[Test], aside: &Aside, book: &Book) -> Result<String, No> {
    let off = read(&aside.text)?;
    let passes = |test: &Test| Found::of(book, test).fault.is_none();
    let set_aside = || aside.tests.iter().filter_map(|number| off.get(number.checked_sub(1)?));
    if now == aside.text && set_aside().all(passes) {
        return Ok(aside.former.to_string());
    }
    let on = |test: &Test| {
        let number = tests.iter().position(|known| known == test)? + 1;
        Some(json!({ "op": "test.set", "test": number, "set": { "enabled": null } }))
    };
    let ops: Vec<Value> = set_aside().filter(|test| passes(test)).filter_map(on).collect();
    if ops.is_empty() { Ok(now.to_owned()) } else { edited(now, &ops) }
}

/// A file without a test would be refused, so the last one takes the file's words with it.
fn edited(text: &str, ops: &[Value]) -> Result<String, No> {
    let mut sheet = Sheet::parse(text)?;
    each(ops, |edit: TestEdit| sheet.edit_tests(&edit))?;
    let has_tests = sheet.tables().keys().any(|table| table.starts_with("tests/"));
    Ok(if has_tests { sheet.text() } else { String::new() })
}

fn told(failing: &[(usize, &Test, String)]) -> Vec<(usize, String)> {
    failing.iter().map(|(number, test, fault)| (*number, format!("{}: {fault}", saved::request(test)))).collect()
}
