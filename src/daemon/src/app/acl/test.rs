//! `rustsocks acl-test`: do the rules still do what they were written for?

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, ensure};
use config::rule_tests::Test;
use config::{Settings, rule_tests};

use super::super::args::Selection;
use super::super::commands::{EX_CONFIG, complain, print};
use super::super::configuration;
use super::super::delivery::Text;
use super::args;
use super::book;
use crate::frontends::office::acl::Book;
use crate::frontends::office::acl::saved::{self, Found};
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
    let results: Vec<(String, End)> = tests.iter().map(|test| run(&book, &path, test)).collect();
    let count = |end: &End| results.iter().filter(|(_, found)| found == end).count();
    let (failed, off) = (count(&End::Failed), count(&End::Off));
    let lines: String = results.iter().map(|(line, _)| line.as_str()).collect();
    let off = if off > 0 { format!(", {off} switched off") } else { String::new() };
    print(&format!("{lines}{} tests, {failed} failed{off}\n", tests.len()))?;
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
    let line = |(_, test, fault): (usize, &Test, String)| {
        format!("{}:{}: the test {} fails: {fault}", path.display(), test.line, saved::request(test))
    };
    let failed: Vec<String> = saved::failing(&book, &tests).into_iter().map(line).collect();
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

/// Its line, and what came of it.
fn run(book: &Book, path: &Path, test: &Test) -> (String, End) {
    let request = saved::request(test);
    match Found::of(book, test).fault {
        None if test.enabled => (format!("pass  {request}\n"), End::Passed),
        Some(fault) if test.enabled => {
            (format!("FAIL  {request}\n      {}:{}: {fault}\n", path.display(), test.line), End::Failed)
        }
        None => (format!("off   {request}\n"), End::Off),
        Some(fault) => (format!("off   {request}\n      {}:{}: {fault}\n", path.display(), test.line), End::Off),
    }
}

/// How a test ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Passed,
    Failed,
    /// It was run, and holds nothing up.
    Off,
}
