//! `rustsocks acl-test`: do the rules still do what they were written for?

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use acl::Action;
use anyhow::Context;
use config::rule_tests;
use jiff::Timestamp;

use super::super::args::Selection;
use super::super::commands::{EX_CONFIG, complain, print};
use super::args;
use super::book::Book;
use super::trial::{Outcome, Trial};

/// A test failed.
const FAILED: u8 = 1;

pub(in crate::app) fn test(selection: &Selection, test: &args::Test) -> ExitCode {
    match tested(selection, test) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(EX_CONFIG)
        }
    }
}

fn tested(selection: &Selection, wanted: &args::Test) -> anyhow::Result<bool> {
    let book = Book::open(selection)?;
    let beside = || book.path.as_deref().map(beside).context("there is no rule file, so --tests must name the tests");
    let path = wanted.tests.clone().map_or_else(beside, Ok)?;
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read the tests {}", path.display()))?;
    let tests = rule_tests::load(&path.to_string_lossy(), &text)?;
    let results: Vec<(String, bool)> = tests.iter().map(|test| run(&book, &path, test)).collect();
    let failed = results.iter().filter(|(_, passed)| !passed).count();
    let lines: String = results.into_iter().map(|(line, _)| line).collect();
    print(&format!("{lines}{} tests, {failed} failed\n", tests.len()))?;
    Ok(failed == 0)
}

/// `acl.toml` is tested by `acl.tests.toml`.
fn beside(rules: &Path) -> PathBuf {
    rules.with_extension("tests.toml")
}

/// Its line, and whether it passed.
fn run(book: &Book, path: &Path, test: &rule_tests::Test) -> (String, bool) {
    let at = test.time.and_then(|time| Timestamp::from_second(time).ok()).unwrap_or_else(Timestamp::now);
    let trial = Trial {
        user: test.user.as_deref(),
        groups: &test.groups,
        destination: &test.destination,
        addresses: &test.addresses,
        port: test.port,
        command: test.command,
        source: test.source,
        method: test.auth_method,
        services: &test.pam_services,
        at,
    };
    let outcome = trial.run(book);
    let request = format!(
        "{} {}:{} {}",
        test.user.as_deref().unwrap_or("anonymous"),
        test.destination,
        test.port,
        verdict(test.expect)
    );
    let request = if test.description.is_empty() { request } else { format!("{request} \"{}\"", test.description) };
    match fault(book, test, &outcome) {
        None => (format!("pass  {request}\n"), true),
        Some(fault) => (format!("FAIL  {request}\n      {}:{}: {fault}\n", path.display(), test.line), false),
    }
}

/// What is not as expected.
fn fault(book: &Book, test: &rule_tests::Test, outcome: &Outcome) -> Option<String> {
    let rules = book.rules.set();
    let found = if outcome.is_allowed { Action::Allow } else { Action::Block };
    let label = outcome.decision.rule().map(|rule| rules.label(rule));
    let by = label.as_deref().unwrap_or("no rule");
    if found != test.expect {
        return Some(format!("the rules say {}, by {by}", verdict(found)));
    }
    let expected = test.rule.as_deref()?;
    let description = outcome.decision.rule().map(|rule| &*rules.rule(rule).description);
    let is_expected = label.as_deref() == Some(expected) || description == Some(expected);
    (!is_expected).then(|| format!("{by} decides it, and not {expected:?}"))
}

fn verdict(action: Action) -> &'static str {
    match action {
        Action::Allow => "allow",
        Action::Block => "deny",
    }
}
