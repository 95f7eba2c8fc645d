//! What the documents point to exists.

use std::path::Path;

use crate::markdown::{Document, anchors, code_spans, documents, links, prose};
use crate::{read, root};

/// Where the paths that documents name begin: the root, or the daemon's sources.
const BASES: [&str; 2] = ["", "src/daemon/src"];

/// The repository's own folders.
const FOLDERS: [&str; 10] =
    ["src/", "docs/", "tests/", "config/", "deploy/", "scripts/", "benches/", "fuzz/", ".ci/", ".github/"];

#[test]
fn every_link_leads_somewhere() {
    let broken: Vec<_> = documents().iter().flat_map(broken_links).collect();
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

#[test]
fn every_path_that_a_document_names_exists() {
    let missing: Vec<_> = documents().iter().flat_map(missing_paths).collect();
    assert!(missing.is_empty(), "no such file or folder:\n{}", missing.join("\n"));
}

/// A document that is changed by hand: a sentence that changes should be one line of a diff.
#[test]
fn every_document_ends_its_lines_with_its_sentences() {
    let by_hand = documents().into_iter().filter(|document| !document.text.contains("do not edit."));
    let broken: Vec<_> = by_hand.flat_map(|document| run_on_lines(&document)).collect();
    assert!(broken.is_empty(), "more than one sentence on a line:\n{}", broken.join("\n"));
}

fn broken_links(document: &Document) -> Vec<String> {
    let text = prose(&document.text);
    let own = links(&text).into_iter().filter(|link| !link.contains("://"));
    own.filter(|link| !leads_somewhere(document, link)).map(|link| format!("{}: {link}", document.path)).collect()
}

fn leads_somewhere(document: &Document, link: &str) -> bool {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let folder = document.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let target = if path.is_empty() { root().join(&document.path) } else { root().join(folder).join(path) };
    let Ok(target) = target.canonicalize() else { return false };
    anchor.is_empty() || anchors(&read(&target.to_string_lossy())).iter().any(|found| found == anchor)
}

fn missing_paths(document: &Document) -> Vec<String> {
    let text = prose(&document.text);
    let paths = code_spans(&text).into_iter().filter(|span| is_path(span));
    let missing = paths.filter(|path| !BASES.iter().any(|base| root().join(base).join(path).exists()));
    missing.map(|path| format!("{}: {path}", document.path)).collect()
}

fn is_path(span: &str) -> bool {
    let is_ours = FOLDERS.iter().any(|folder| span.starts_with(folder));
    !span.contains(' ')
        && (is_ours || (span.contains('/') && Path::new(span).extension().is_some_and(|kind| kind == "rs")))
}

/// Lines hold one sentence each, except in tables.
fn run_on_lines(document: &Document) -> Vec<String> {
    let text = prose(&document.text);
    let lines = text.lines().filter(|line| !line.starts_with('|') && ends_inside(line));
    lines.map(|line| format!("{}: {line}", document.path)).collect()
}

/// Whether a full stop is followed by a capital.
fn ends_inside(line: &str) -> bool {
    let text = line.trim_start().trim_start_matches(|char: char| char.is_ascii_digit()).trim_start_matches(". ");
    text.split(". ").skip(1).any(|rest| rest.starts_with(char::is_uppercase))
}
