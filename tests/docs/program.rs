//! The command line and the configurations in the documents, against the program itself.

use std::fs;
use std::path::Path;

use rig::certificates::Certificates;

use crate::guide::is_rule_file;
use crate::markdown::{Block, blocks, documents};
use crate::{read, rustsocks};

#[test]
fn every_flag_and_command_of_the_help_is_in_the_cli_page() {
    let page = read("docs/cli.md");
    let help = help(&[]);
    let commands = commands(&help);
    assert!(commands.contains(&"check".to_owned()), "{help}");
    let mut words: Vec<String> = flags(&help);
    for command in &commands {
        words.push(format!("rustsocks {command}"));
        words.extend(flags(&self::help(&[command])));
    }
    let missing: Vec<_> = words.iter().filter(|word| !page.contains(&format!("`{word}"))).collect();
    assert!(missing.is_empty(), "not in docs/cli.md: {missing:?}");
}

#[test]
fn the_cli_page_names_no_flag_that_the_help_does_not() {
    let all: String = commands(&help(&[])).iter().map(|command| help(&[command])).chain([help(&[])]).collect();
    let page = read("docs/cli.md");
    let named = page.split(|char: char| !char.is_ascii_alphabetic() && char != '-').filter(|word| is_flag(word));
    let invented: Vec<_> = named.filter(|word| !all.contains(word)).collect();
    assert!(invented.is_empty(), "docs/cli.md invents {invented:?}");
}

#[test]
fn every_configuration_in_the_documents_is_accepted() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let users = directory.path().join("users.toml");
    let certificates = Certificates::issue();
    let all = documents().into_iter().flat_map(|document| {
        let mut own = blocks(&document.text);
        own.retain(|block| is_configuration(block) && !is_rule_file(&document, block));
        own.into_iter().map(move |block| (document.path.clone(), block))
    });
    let mut seen = 0;
    for (path, block) in all {
        seen += 1;
        let is_users = block.text.starts_with("[[users]]");
        rig::place::write_secret(&users, if is_users { &block.text } else { USERS });
        let is_tokens = block.text.starts_with("[[tokens]]");
        let tokens = directory.path().join("tokens.toml");
        rig::place::write_secret(&tokens, if is_tokens { &block.text } else { TOKENS });
        let text = match (is_users, is_tokens) {
            (true, _) => "[auth]\nsocks_method = \"userpass\"\n",
            (_, true) => "[api]\nenabled = true\n",
            _ => &block.text,
        };
        let said = complaint(directory.path(), &certificates, text);
        assert_eq!(said, None, "{path}, under {:?}:\n{}", block.heading, block.text);
    }
    assert!(seen > 5, "the documents have more configurations than {seen}");
}

/// Some user, for configurations that need a users file.
const USERS: &str = "[[users]]\nname = \"alice\"\npassword_hash = \"$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$bWFueWJ5dGVzb2ZoYXNobWFueWJ5dGVz\"\n";

/// Some token, for configurations that need a tokens file.
const TOKENS: &str = "[[tokens]]\nname = \"a\"\nscope = \"read\"\nhash = \"blake2b:0f6b3d4c8e2a91775f0d3c4b2a1908f7e6d5c4b3a291807f6e5d4c3b2a190807\"\n";

/// A block that is marked as an excerpt is none, nor is the output of `check --show`, which names an origin on each line.
fn is_configuration(block: &Block) -> bool {
    block.language == "toml" && !block.text.contains("# default")
}

/// What `check` has against a configuration whose users file is the one in this directory.
fn complaint(directory: &Path, certificates: &Certificates, text: &str) -> Option<String> {
    fs::write(directory.join("rustsocks.toml"), text).expect("the file can be written");
    let mut check = rustsocks(&["check", "--config", "rustsocks.toml"]);
    check.current_dir(directory).env("RUSTSOCKS_AUTH_USERS_FILE", "users.toml");
    check.env("RUSTSOCKS_API_TOKENS_FILE", "tokens.toml");
    check.env("RUSTSOCKS_API_TLS_CERT", certificates.chain()).env("RUSTSOCKS_API_TLS_KEY", certificates.key());
    // The services that ship are not installed here.
    check.env("RUSTSOCKS_AUTH_PAM_CONFIG_DIR", crate::root().join("config/pam.d"));
    if text.contains("[acl]") {
        fs::write(directory.join("acl.toml"), "[global]\n").expect("the file can be written");
        check.env("RUSTSOCKS_ACL_CONFIG_FILE", "acl.toml");
    }
    let said = check.output().expect("the program runs");
    (!said.status.success()).then(|| String::from_utf8_lossy(&said.stderr).into_owned())
}

fn help(command: &[&str]) -> String {
    let said = rustsocks(command).arg("--help").output().expect("the program runs");
    assert!(said.status.success(), "{command:?} --help: {said:?}");
    String::from_utf8(said.stdout).expect("help is text")
}

/// The commands in a help text, but for `help`, which clap adds.
fn commands(help: &str) -> Vec<String> {
    let list = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
    let first = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = first.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The long and short flags in a help text.
fn flags(help: &str) -> Vec<String> {
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let words = lines.flat_map(|line| line.split([' ', ',']).take_while(|word| !word.starts_with('<')));
    words.filter(|word| is_flag(word)).map(str::to_owned).collect()
}

fn is_flag(word: &str) -> bool {
    let name = word.trim_start_matches('-');
    matches!((word.len() - name.len(), name.len()), (1, 1) | (2, 2..))
}
