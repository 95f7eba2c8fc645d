//! `rustsocks acl-test`: do the rules still do what they were written for?

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use acl::Action;
use anyhow::{Context, ensure};
use config::{Settings, rule_tests};
use jiff::Timestamp;

use super::super::args::Selection;
use super::super::commands::{EX_CONFIG, complain, print};
use super::super::configuration;
use super::super::delivery::Text;
use super::args;
use super::book;
use crate::frontends::office::acl::Book;
use crate::frontends::office::acl::trial::{Outcome, Trial};
use crate::state::rules::Rules;
use crate::state::users::Users;

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
    let book = book::open(selection)?;
    let beside = || {
        book.path
            .as_deref()
            .map(configuration::tests_beside)
            .context("there is no rule file, so --tests must name the tests")
    };
    let path = wanted.tests.clone().map_or_else(beside, Ok)?;
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read the tests {}", path.display()))?;
    let tests = rule_tests::load(&path.to_string_lossy(), &text)?;
    let results: Vec<(String, bool)> = tests.iter().map(|test| run(&book, &path, test)).collect();
    let failed = results.iter().filter(|(_, passed)| !passed).count();
    let lines: String = results.into_iter().map(|(line, _)| line).collect();
    print(&format!("{lines}{} tests, {failed} failed\n", tests.len()))?;
    Ok(failed == 0)
}

/// Whether the rules pass the tests beside them, if there are any.
///
/// # Errors
/// Every problem of the text, or every test that fails, each with its place.
pub(in crate::app) fn verify(
    settings: &Settings,
    rules: &Arc<Rules>,
    users: &Arc<Users>,
    tests: Option<&Text>,
) -> anyhow::Result<()> {
    let (Some(path), Some(Text { text, .. })) = (configuration::needed_rules(settings), tests) else { return Ok(()) };
    if text.is_empty() {
        return Ok(());
    }
    let (book, path) = (book::of(settings, rules, users)?, configuration::tests_beside(path));
    let tests = rule_tests::load(&path.to_string_lossy(), text)?;
    let failed = tests.iter().filter_map(|test| {
        let fault = fault(&book, test, &outcome(&book, test))?;
        Some(format!("{}:{}: the test {} fails: {fault}", path.display(), test.line, request(test)))
    });
    let failed: Vec<String> = failed.collect();
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

/// Its line, and whether it passed.
fn run(book: &Book, path: &Path, test: &rule_tests::Test) -> (String, bool) {
    let request = request(test);
    match fault(book, test, &outcome(book, test)) {
        None => (format!("pass  {request}\n"), true),
        Some(fault) => (format!("FAIL  {request}\n      {}:{}: {fault}\n", path.display(), test.line), false),
    }
}

fn outcome(book: &Book, test: &rule_tests::Test) -> Outcome {
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
    trial.run(book)
}

/// Who wants to go where, what is expected of it, and why.
fn request(test: &rule_tests::Test) -> String {
    let request = format!(
        "{} {}:{} {}",
        test.user.as_deref().unwrap_or("anonymous"),
        test.destination,
        test.port,
        verdict(test.expect)
    );
    if test.description.is_empty() { request } else { format!("{request} \"{}\"", test.description) }
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
