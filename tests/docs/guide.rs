//! The guide to rules, against the commands that read rules.

use std::fs;

use crate::markdown::{Block, Document, blocks, documents, first_cells};
use crate::{read, root, rustsocks};

const GUIDE: &str = "docs/acl-guide.md";

#[test]
fn every_rule_file_in_the_documents_is_accepted() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let file = directory.path().join("file.toml");
    let (file_name, company) = (file.to_string_lossy(), root().join("config/examples/company.acl.toml"));
    let all = documents().into_iter().flat_map(|document| {
        let own = blocks(&document.text).into_iter().filter(|block| is_rule_file(&document, block));
        own.collect::<Vec<_>>()
    });
    let mut seen = 0;
    for block in all {
        seen += 1;
        fs::write(&file, &block.text).expect("the file can be written");
        let mut command = if block.text.contains("[[tests]]") {
            rustsocks(&["acl-test", "--config", &company.to_string_lossy(), "--tests", &file_name])
        } else {
            rustsocks(&["acl-validate", "--strict", "--config", &file_name])
        };
        let said = command.output().expect("the program runs");
        assert!(said.status.success(), "under {:?}: {said:?}", block.heading);
    }
    assert!(seen > 10, "the guide has more rule files than {seen}");
}

#[test]
fn the_guide_and_the_file_that_ships_have_every_key_of_a_rule() {
    let keys = keys("acl-validate", "acl.toml", "[[users]]\nusername = \"a\"\n[[users.rules]]\n");
    assert!(keys.len() >= 15, "{keys:?}");
    let (guide, shipped) = (read(GUIDE), read("config/acl.toml"));
    for key in keys {
        assert!(has_row(&guide, &key), "no row for {key} in {GUIDE}");
        assert!(shipped.lines().any(|line| line.starts_with(&format!("#   {key} = "))), "no {key} in config/acl.toml");
    }
}

#[test]
fn the_guide_has_every_key_of_a_test() {
    let guide = read(GUIDE);
    for key in keys("acl-test", "acl.tests.toml", "[[tests]]\n") {
        assert!(has_row(&guide, &key), "no row for {key} in {GUIDE}");
    }
}

/// With everything uncommented, the file that ships is still a rule file.
#[test]
fn the_examples_of_the_shipped_rules_can_be_uncommented() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let is_example = |line: &str| line.starts_with("# [[") || line.starts_with("#   ") || is_key(line);
    let shipped = read("config/acl.toml");
    let lines: Vec<&str> = shipped.lines().map(|line| if is_example(line) { &line[2..] } else { line }).collect();
    fs::write(directory.path().join("acl.toml"), lines.join("\n")).expect("the file can be written");
    let mut validate = rustsocks(&["acl-validate", "--strict", "--config", "acl.toml"]);
    let said = validate.current_dir(directory.path()).output().expect("the program runs");
    assert!(said.status.success(), "{said:?}");
    assert!(String::from_utf8_lossy(&said.stdout).contains("Total rules: 2\n"), "{said:?}");
}

/// Blocks of the guide that are no excerpts of the main configuration, and those of other pages that begin as rule files do.
pub(crate) fn is_rule_file(document: &Document, block: &Block) -> bool {
    let is_of_guide = document.path == GUIDE && block.language == "toml" && !block.text.contains("[acl]");
    is_of_guide || block.text.starts_with("[global]")
}

fn is_key(line: &str) -> bool {
    let key = line.strip_prefix("# ").and_then(|bare| bare.split_once(" = "));
    key.is_some_and(|(key, _)| key.bytes().all(|byte| byte.is_ascii_lowercase()))
}

fn has_row(page: &str, key: &str) -> bool {
    first_cells(page).iter().any(|cell| cell.split(", ").any(|word| word == format!("`{key}`")))
}

/// The keys of a table, as the program lists them when it meets one that it does not know.
fn keys(command: &str, file: &str, table: &str) -> Vec<String> {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    fs::write(directory.path().join("acl.toml"), "").expect("the file can be written");
    fs::write(directory.path().join(file), format!("{table}qqqq = 1\n")).expect("the file can be written");
    let mut command = rustsocks(&[command, "--config", "acl.toml"]);
    let said = command.current_dir(directory.path()).output().expect("the program runs");
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    let list = said.lines().find_map(|line| line.split_once("unknown key; known are "));
    let (_, list) = list.unwrap_or_else(|| panic!("no list of keys in {said}"));
    list.split(", ").map(str::to_owned).collect()
}
