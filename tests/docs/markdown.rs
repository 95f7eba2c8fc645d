//! As much of Markdown as these tests ask for: fenced blocks, links, table rows.

use std::fs;
use std::path::Path;

use crate::{read, root};

/// One document of the repository.
#[derive(Debug)]
pub(crate) struct Document {
    /// Its path from the root of the repository.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A fenced block.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) language: String,
    pub(crate) text: String,
    /// The heading that it stands under.
    pub(crate) heading: String,
}

/// Every document for people, in the root and in `docs`.
pub(crate) fn documents() -> Vec<Document> {
    let paths: Vec<String> = ["", "docs/"].into_iter().flat_map(documents_in).collect();
    assert!(paths.len() > 5, "there are more documents than {paths:?}");
    paths.into_iter().map(|path| Document { text: read(&path), path }).collect()
}

fn documents_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).expect("the folder can be read").flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter(|name| Path::new(name).extension().is_some_and(|kind| kind == "md"))
        .map(|name| format!("{folder}{name}"))
        .collect()
}

/// The fenced blocks of a document, in order.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let (mut blocks, mut open, mut heading) = (Vec::new(), None::<Block>, String::new());
    for line in text.lines() {
        match (line.strip_prefix("```"), open.as_mut()) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(language), None) => {
                open = Some(Block { language: language.to_owned(), text: String::new(), heading: heading.clone() });
            }
            (None, Some(block)) => block.text.extend([line, "\n"]),
            (None, None) => heading = title(line).map_or(heading, str::to_owned),
        }
    }
    assert!(open.is_none(), "a block has no end: {open:?}");
    blocks
}

/// The text without its fenced blocks.
pub(crate) fn prose(text: &str) -> String {
    let outside = text.split("```").step_by(2);
    outside.collect::<Vec<_>>().join("\n")
}

/// Where the links of a document lead.
pub(crate) fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

/// What stands between backticks.
pub(crate) fn code_spans(text: &str) -> Vec<&str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

/// The first cell of every row of every table.
pub(crate) fn first_cells(text: &str) -> Vec<&str> {
    let rows = text.lines().filter_map(|line| line.strip_prefix('|'));
    rows.filter_map(|row| row.split('|').next()).map(str::trim).collect()
}

/// The anchors that headings make.
pub(crate) fn anchors(text: &str) -> Vec<String> {
    prose(text).lines().filter_map(title).map(anchor).collect()
}

fn title(line: &str) -> Option<&str> {
    let title = line.trim_start_matches('#');
    (title.len() < line.len()).then(|| title.trim())
}

/// GitHub's: lower case, hyphens for spaces, and of the rest only letters, digits, hyphens and underscores.
fn anchor(title: &str) -> String {
    let kept = title.to_lowercase().replace(' ', "-");
    kept.chars().filter(|char| char.is_alphanumeric() || "-_".contains(*char)).collect()
}
