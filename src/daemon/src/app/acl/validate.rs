//! `rustsocks acl-validate`: are the rules right, and do they make sense together?

use std::process::ExitCode;

use acl::{Concern, Report};
use jiff::Timestamp;

use super::super::args::Selection;
use super::super::commands::{EX_CONFIG, complain, print};
use super::args::Validate;
use super::book;
use crate::frontends::office::acl::Book;

pub(in crate::app) fn validate(selection: &Selection, validate: &Validate) -> ExitCode {
    match validated(selection, validate) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(EX_CONFIG),
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(EX_CONFIG)
        }
    }
}

fn validated(selection: &Selection, validate: &Validate) -> anyhow::Result<bool> {
    let book = book::open(selection)?;
    let report = book.rules.set().lint(Timestamp::now().as_second());
    let word = if validate.strict { "error" } else { "warning" };
    for remark in &report.remarks {
        complain(&format!("{word}: {}:{}: {remark}", book.name(), remark.line));
    }
    if !report.is_complete {
        complain("warning: too many rules are alike to compare each with each");
    }
    let is_valid = report.remarks.is_empty() || !validate.strict;
    print(&summary(&book, &report, is_valid))?;
    Ok(is_valid)
}

fn summary(book: &Book, report: &Report, is_valid: bool) -> String {
    let rules = book.rules.set();
    let policy = rules.policy();
    let verdict = if is_valid { "✅ Config valid" } else { "❌ Config not valid (--strict)" };
    let counts = [
        ("Users", policy.users.len()),
        ("Groups", policy.groups.len()),
        ("Total rules", policy.rule_count()),
        ("Conflicting rules", report.count(Concern::Conflicting)),
        ("Shadowed rules", report.count(Concern::Shadowed)),
        ("Duplicate rules", report.count(Concern::Duplicate)),
        ("Unreachable rules", report.count(Concern::Unreachable)),
        ("Warnings", report.remarks.len()),
        ("Memory, KiB", rules.memory().div_ceil(1024)),
    ];
    let lines = counts.iter().map(|(name, count)| format!("{name}: {count}\n"));
    format!("{verdict}\n{}", lines.collect::<String>())
}
