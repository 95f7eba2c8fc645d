//! `rustsocks acl-validate`: are the rules right, and do they make sense together?

use std::process::ExitCode;

use acl::{Concern, Report};
use jiff::Timestamp;
use serde_json::{Value, json};

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
    if !validate.json {
        name_remarks(&book, &report, if validate.strict { "error" } else { "warning" });
    }
    let is_valid = report.remarks.is_empty() || !validate.strict;
    if validate.json {
        print(&format!("{:#}\n", object(&book, &report, is_valid)))?;
    } else {
        print(&summary(&book, &report, is_valid))?;
    }
    Ok(is_valid)
}

fn name_remarks(book: &Book, report: &Report, word: &str) {
    for remark in &report.remarks {
        complain(&format!("{word}: {}:{}: {remark}", book.name(), remark.line));
    }
    if !report.is_complete {
        complain("warning: too many rules are alike to compare each with each");
    }
}

fn object(book: &Book, report: &Report, is_valid: bool) -> Value {
    let rules = book.rules.set();
    let policy = rules.policy();
    let remarks = report.remarks.iter().map(|remark| {
        let (other, other_line) = remark.other.as_ref().map_or((None, None), |(name, line)| (Some(name), Some(line)));
        json!({ "rule": remark.about, "line": remark.line, "other": other, "other_line": other_line, "text": remark.to_string() })
    });
    json!({
        "valid": is_valid,
        "file": book.name(),
        "users": policy.users.len(),
        "groups": policy.groups.len(),
        "rules": policy.rule_count(),
        "conflicting": report.count(Concern::Conflicting),
        "shadowed": report.count(Concern::Shadowed),
        "duplicate": report.count(Concern::Duplicate),
        "unreachable": report.count(Concern::Unreachable),
        "remarks": remarks.collect::<Vec<_>>(),
        "complete": report.is_complete,
        "memory": rules.memory(),
    })
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
