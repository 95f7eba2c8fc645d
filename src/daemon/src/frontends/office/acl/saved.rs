//! Saved tests of rules, run by the function that traffic asks.

use ::acl::{Action, Word};
use config::rule_tests::Test;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Book;
use super::trial::{Outcome, Trial};
use crate::state::session::facts::ANONYMOUS;

/// What came of one test.
#[derive(Debug)]
pub(crate) struct Found {
    /// What the rules say.
    pub(crate) got: Action,
    /// The rule that says so, as `users/alice#2`; nothing when no rule fits.
    pub(crate) by: Option<String>,
    /// What is not as expected.
    pub(crate) fault: Option<String>,
}

impl Found {
    /// Asks these rules what a test asks.
    pub(crate) fn of(book: &Book, test: &Test) -> Self {
        let outcome = outcome(book, test);
        let got = if outcome.is_allowed { Action::Allow } else { Action::Block };
        let by = outcome.decision.rule().map(|rule| book.rules.set().label(rule));
        let fault = fault(book, test, &outcome, (got, by.as_deref()));
        Self { got, by, fault }
    }
}

/// The enabled ones that these rules fail, each with its number from 1 and why.
pub(crate) fn failing<'t>(book: &Book, tests: &'t [Test]) -> Vec<(usize, &'t Test, String)> {
    let numbered = tests.iter().zip(1..).filter(|(test, _)| test.enabled);
    numbered.filter_map(|(test, number)| Some((number, test, Found::of(book, test).fault?))).collect()
}

/// Who wants to go where, what is expected of it, and why.
pub(crate) fn request(test: &Test) -> String {
    let request = format!(
        "{} {}:{} {}",
        test.user.as_deref().unwrap_or(ANONYMOUS),
        test.destination,
        test.port,
        verdict(test.expect)
    );
    if test.description.is_empty() { request } else { format!("{request} \"{}\"", test.description) }
}

/// A test as it is told, with what came of it if it was run.
pub(crate) fn json(number: usize, test: &Test, found: Option<&Found>) -> Value {
    let mut told = json!({
        "test": number, "line": test.line, "enabled": test.enabled, "description": test.description,
        "user": test.user, "groups": test.groups, "destination": test.destination.to_string(),
        "addresses": test.addresses, "port": test.port, "command": test.command.as_str(),
        "protocol": test.command.protocol().as_str(), "source": test.source,
        "auth_method": test.auth_method.map(Word::as_str),
        "time": test.time.and_then(|time| Timestamp::from_second(time).ok()).map(|time| time.to_string()),
        "pam_services": test.pam_services, "expect": verdict(test.expect), "rule": test.rule,
    });
    if let Some(found) = found {
        told["got"] = verdict(found.got).into();
        told["by"] = json!(found.by);
        told["pass"] = found.fault.is_none().into();
        told["fault"] = json!(found.fault);
    }
    told
}

/// The word of tests for what becomes of a request.
pub(crate) fn verdict(action: Action) -> &'static str {
    match action {
        Action::Allow => "allow",
        Action::Block => "deny",
    }
}

fn outcome(book: &Book, test: &Test) -> Outcome {
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

fn fault(book: &Book, test: &Test, outcome: &Outcome, (got, label): (Action, Option<&str>)) -> Option<String> {
    let by = label.unwrap_or("no rule");
    if got != test.expect {
        return Some(format!("the rules say {}, by {by}", verdict(got)));
    }
    let expected = test.rule.as_deref()?;
    let description = outcome.decision.rule().map(|rule| &*book.rules.set().rule(rule).description);
    let is_expected = label == Some(expected) || description == Some(expected);
    (!is_expected).then(|| format!("{by} decides it, and not {expected:?}"))
}
