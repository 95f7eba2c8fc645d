//! The commands in the documents: all are shell, and what they ask of `rustsocks` it understands.

use std::process::{Command, Output};

use crate::markdown::{Document, blocks, code_spans, documents};
use crate::{program, read};

#[test]
fn every_block_of_commands_is_shell() {
    let mut seen = 0;
    for document in documents() {
        for block in blocks(&document.text).iter().filter(|block| block.language == "sh") {
            seen += 1;
            is_shell(&document, &block.text);
        }
    }
    assert!(seen > 40, "the documents have more blocks of commands than {seen}");
}

#[test]
fn every_call_of_the_program_is_understood() {
    let mut seen = 0;
    for document in documents() {
        for call in calls(&document) {
            seen += 1;
            let said = asked_for_help(&call);
            assert!(said.status.success(), "{}: {call}\n{said:?}", document.path);
        }
    }
    assert!(seen > 60, "the documents have more calls than {seen}");
}

/// Every row goes from a symptom to a cause and a command.
#[test]
fn every_symptom_has_a_command() {
    let path = "docs/troubleshooting.md".to_owned();
    let page = Document { text: read(&path), path };
    let rows = page.text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| symptom"));
    let mut seen = 0;
    for row in rows {
        seen += 1;
        let command = row.trim_end_matches(" |").replace("\\|", "\u{0}");
        let command =
            command.rsplit(" | ").next().and_then(|cell| cell.split('`').nth(1)).map(|cell| cell.replace('\u{0}', "|"));
        let command = command.unwrap_or_else(|| panic!("no command: {row}"));
        is_shell(&page, &command);
        let program = command.split_whitespace().next().unwrap_or_default();
        assert!(KNOWN.contains(&program), "what does {program} do? {row}");
    }
    assert!(seen > 40, "the page has more rows than {seen}");
}

/// What an administrator has, or has a package for.
const KNOWN: [&str; 26] = [
    "cat",
    "chmod",
    "curl",
    "df",
    "dmesg",
    "find",
    "getent",
    "grep",
    "install",
    "ip",
    "journalctl",
    "jq",
    "ldd",
    "ls",
    "mv",
    "nft",
    "pamtester",
    "rustsocks",
    "ss",
    "systemctl",
    "tcpdump",
    "top",
    "useradd",
    "apt",
    "sudo",
    "echo",
];

fn is_shell(document: &Document, text: &str) {
    let said = Command::new("bash").args(["-n", "-c", text]).output().expect("there is a bash");
    assert!(said.status.success(), "{}: {text}\n{said:?}", document.path);
}

/// Calls in blocks of commands, one a line, and between backticks.
fn calls(document: &Document) -> Vec<String> {
    let blocks = blocks(&document.text);
    let shell = blocks.iter().filter(|block| block.language == "sh").map(|block| block.text.replace("\\\n", " "));
    let lines: Vec<String> = shell.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let spans = code_spans(&document.text).into_iter().map(str::to_owned);
    lines.into_iter().chain(spans).filter_map(|line| call(&line)).collect()
}

/// `rustsocks` with its arguments, without what the shell does besides.
fn call(line: &str) -> Option<String> {
    let line = line.trim().trim_start_matches("sudo ");
    let is_call = line.starts_with("rustsocks ") && !line.contains("$(") && !line.contains('…');
    let end = line.find(['|', '>', '<', ';', '&']).unwrap_or(line.len());
    is_call.then(|| line[..end].trim().to_owned())
}

/// The shell takes the words apart, and the program looks at each of them before it explains itself.
fn asked_for_help(call: &str) -> Output {
    let script = format!(
        "set -f; rustsocks() {{ if [ \"$1\" = help ]; then \"$PROGRAM\" \"$@\"; else \"$PROGRAM\" \"$@\" --help; fi; }}; {call}"
    );
    Command::new("bash").args(["-c", &script]).env("PROGRAM", program()).output().expect("there is a bash")
}
