//! Words and numbers that the code promises to keep stable, looked up in the pages that explain them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::markdown::{code_spans, first_cells};
use crate::{read, root};

const SESSION: &str = "src/daemon/src/state/session";

#[test]
fn every_ending_is_explained() {
    check("docs/logging.md", &literals_of_arms(&format!("{SESSION}/ending.rs")), 17);
}

#[test]
fn every_test_that_is_named_is_there() {
    let page = read("docs/testing.md");
    let section = page.split("## Operators' programs\n").nth(1).and_then(|rest| rest.split("\n## ").next());
    let section = section.expect("the page has that section");
    for (letter, last) in [("T", 8), ("P", 9), ("E", 12)] {
        for number in 1..=last {
            assert!(section.contains(&format!("\n| {letter}{number} | ")), "{letter}{number} is not there");
        }
    }
    let files: Vec<PathBuf> =
        ["src", "tui/src", "tests"].iter().flat_map(|folder| rust_files(&root().join(folder))).collect();
    let sources: Vec<String> = files.iter().map(|file| fs::read_to_string(file).expect("it can be read")).collect();
    let is_name =
        |name: &&str| name.contains('_') && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let names: Vec<&str> = code_spans(section).into_iter().filter(is_name).collect();
    assert!(names.len() > 60, "{names:?}");
    let has = |name: &str| sources.iter().any(|text| text.contains(&format!("fn {name}(")));
    let missing: Vec<&str> = names.into_iter().filter(|name| !has(name)).collect();
    assert!(missing.is_empty(), "no such test: {missing:#?}");
}

#[test]
fn every_reason_is_explained_with_its_reply() {
    let reasons = arguments_of(&format!("{SESSION}/refusal.rs"), "of(\"");
    check("docs/logging.md", &reasons, 16);
    // Those that are refused before there is a request have the words of their method.
    let early = [
        "bad_credentials",
        "address_refused",
        "name_locked",
        "source_penalised",
        "credentials_missing",
        "auth_unavailable",
    ];
    let with_reply = reasons.into_iter().filter(|reason| !early.contains(&&**reason));
    check("docs/protocol.md", &with_reply.collect(), 14);
}

#[test]
fn every_field_of_the_session_line_is_explained() {
    let text = read(&format!("{SESSION}/ticket.rs"));
    let line = text.split("event!(").nth(1).and_then(|rest| rest.split(");").next()).expect("the line's macro");
    let fields = line.lines().filter_map(|line| line.trim().split_once(" = ")).map(|(field, _)| field.to_owned());
    check("docs/logging.md", &fields.collect(), 20);
}

#[test]
fn every_field_and_reason_of_a_failed_login_is_explained() {
    let text = read("src/daemon/src/frontends/socks/login.rs");
    let line = text.split("tracing::warn!(").nth(1).and_then(|rest| rest.split(");").next()).expect("the line's macro");
    let fields = line.lines().map(|line| line.trim().trim_end_matches(','));
    let fields = fields.map(|line| line.split_once(" = ").map_or(line, |(field, _)| field));
    let is_field = |line: &&str| !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    check("docs/logging.md", &fields.filter(is_field).map(str::to_owned).collect(), 6);
    check("docs/logging.md", &literals_of_arms("src/daemon/src/engine/auth/mod.rs"), 4);
    check("docs/logging.md", &literals_of_arms("src/daemon/src/state/penalties/tariff.rs"), 3);
}

#[test]
fn every_word_in_the_session_line_is_explained() {
    let page = read("docs/logging.md");
    let text = read(&format!("{SESSION}/ticket.rs"));
    let functions = ["fn dialect(", "fn command("].map(|start| text.split(start).nth(1).expect("the function"));
    let words = functions.into_iter().flat_map(|text| quoted(text.split("\n}").next().expect("a body")));
    let missing: Vec<_> = words.filter(|word| !page.contains(&format!("`{word}`"))).collect();
    assert!(missing.is_empty(), "not in docs/logging.md: {missing:?}");
}

#[test]
fn every_cause_of_a_dropped_datagram_is_explained() {
    check("docs/logging.md", &literals_of_arms("src/daemon/src/engine/relay/udp/drops.rs"), 9);
}

#[test]
fn every_word_about_pam_is_explained() {
    let denials = read("src/core/wire/src/from_pam.rs");
    let denials = denials.split("denials! {").nth(1).and_then(|rest| rest.split("\n}").next()).expect("the list");
    check("docs/pam-authentication.md", &quoted(denials).into_iter().collect(), 8);
    let causes = read("src/daemon/src/engine/auth/pam/trouble.rs");
    let causes = causes.split("const CAUSES").nth(1).and_then(|rest| rest.split(';').nth(1)).expect("the list");
    check("docs/pam-authentication.md", &quoted(causes).into_iter().collect(), 7);
}

#[test]
fn every_column_and_status_of_the_history_is_explained() {
    let schema = read("migrations/0001_sessions.sql");
    let table = schema.split("CREATE TABLE sessions (\n").nth(1).and_then(|rest| rest.split("\n)").next());
    let columns = table.expect("the table").lines().filter_map(|line| line.split_whitespace().next());
    check("docs/history.md", &columns.map(str::to_owned).collect(), 30);
    check("docs/history.md", &literals_of_arms("src/core/history/src/status.rs"), 5);
}

#[test]
fn every_property_with_a_unit_is_explained() {
    let source = read("src/core/wire/src/admin/units.rs");
    let named = quoted(source.split("];").next().unwrap_or_default());
    assert!(named.len() > 20, "{named:?}");
    let page = read("docs/admin-protocol.md");
    let missing: Vec<_> = named.iter().filter(|word| !page.contains(&format!("`{word}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_metric_is_explained_and_no_other() {
    let sources = rust_files(&root().join("src/daemon/src"));
    let literals = sources.iter().flat_map(|file| {
        let text = fs::read_to_string(file).expect("the sources can be read");
        quoted(text.split("#[cfg(test)]").next().unwrap_or_default())
    });
    let names: BTreeSet<String> = literals.filter(|literal| is_metric(literal)).collect();
    check("docs/monitoring.md", &names, 30);
    let page = read("docs/monitoring.md");
    let rows = first_cells(&page).into_iter().map(|cell| cell.trim_matches('`')).filter(|cell| is_metric(cell));
    let invented: Vec<_> = rows.filter(|row| !names.contains(*row)).collect();
    assert!(invented.is_empty(), "docs/monitoring.md invents {invented:?}");
}

#[test]
fn every_reason_to_be_unready_is_explained() {
    check("docs/monitoring.md", &literals_of_arms("src/daemon/src/state/readiness.rs"), 2);
}

#[test]
fn every_alert_says_what_to_do() {
    let rules = read("deploy/prometheus/rules.yml");
    let alerts = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let page = read("docs/monitoring.md");
    let silent: Vec<_> = alerts.filter(|alert| !page.contains(&format!("\n### {alert}\n"))).collect();
    assert!(silent.is_empty(), "no heading in docs/monitoring.md: {silent:?}");
}

#[test]
fn every_exit_code_is_explained() {
    let text = read("src/monitor/src/outcome.rs");
    let arms = text.lines().filter_map(|line| line.trim().split_once("=> ")).map(|(_, code)| code);
    let codes: BTreeSet<String> = arms.map(|code| code.trim_end_matches(',').to_owned()).filter(is_number).collect();
    check("docs/operations.md", &codes, 7);
}

/// A threat is met by what a test proves, and tests are renamed.
#[test]
fn every_test_that_the_threat_model_names_exists() {
    let page = read("docs/threat-model.md");
    let rows = page.lines().filter_map(|line| line.strip_suffix(" |")?.rsplit_once(" | "));
    let spans = rows.flat_map(|(_, last)| last.split('`').skip(1).step_by(2));
    let named: BTreeSet<&str> =
        spans.filter(|span| span.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')).collect();
    assert!(named.len() > 30, "the page names more tests than {named:?}");
    let sources = sources(&root().join("src")) + &sources(&root().join("tests"));
    let missing: Vec<_> = named.iter().filter(|name| !sources.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "no such test: {missing:?}");
}

/// The text of every source below this folder.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("the folder can be read").flatten().map(|entry| entry.path());
    entries
        .map(|path| match path.extension() {
            _ if path.is_dir() => sources(&path),
            Some(kind) if kind == "rs" => read(&path.to_string_lossy()),
            _ => String::new(),
        })
        .collect()
}

/// Every word is the first cell of a row of a table in the page.
fn check(page: &str, words: &BTreeSet<String>, at_least: usize) {
    assert!(words.len() >= at_least, "the sources have more words than {words:?}");
    let text = read(page);
    let cells: BTreeSet<&str> = first_cells(&text).into_iter().map(|cell| cell.trim_matches('`')).collect();
    let missing: Vec<_> = words.iter().filter(|word| !cells.contains(word.as_str())).collect();
    assert!(missing.is_empty(), "no row in {page}: {missing:?}");
}

/// The strings that `match` arms of this file evaluate to.
fn literals_of_arms(path: &str) -> BTreeSet<String> {
    arguments_of(path, "=> \"")
}

/// What follows `before` in this file, up to the next quotation mark; tests do not count.
fn arguments_of(path: &str, before: &str) -> BTreeSet<String> {
    let text = read(path);
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.split(before).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

fn quoted(text: &str) -> Vec<String> {
    text.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

fn is_metric(word: &str) -> bool {
    let is_name = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_name && (word.starts_with("rustsocks_") || word.starts_with("process_"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder can be read").map(|entry| entry.expect("an entry").path());
    let files = entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

#[expect(clippy::ptr_arg, reason = "it filters strings")]
fn is_number(word: &String) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}
