//! Rules as operators change them: by commands and by their editor, with every comment kept and nothing lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rig::rules::Rules;
use rig::service::{Launch, Service};
use serde_json::Value;
use tempfile::TempDir;

use crate::screen::Screen;
use crate::{CONFIG, client, document, program, socket};

/// Everybody may go anywhere on loopback, and there are comments.
pub(crate) const OPEN: &str = r#"# Who may go where.
[global]
default_policy = "deny" # firm

[[users]]
username = "alice"

  # this machine
  [[users.rules]]
  action = "allow"
  destinations = ["127.0.0.0/8"]
"#;

/// A daemon with these rules, which nobody but the socket reloads, and a place for what operators keep.
pub(crate) fn scene() -> (Rules, Service, TempDir) {
    scene_with("")
}

/// The same with more keys of `[server]`.
pub(crate) fn scene_with(keys: &str) -> (Rules, Service, TempDir) {
    let rules = Rules::of(OPEN);
    let config = CONFIG.replace("{socket}", "{dir}/admin.sock");
    let config = [&config, "[server]\nwatch_files = false\n", keys, &rules.settings()].concat();
    let service = Launch::of(program()).config(&config).start();
    (rules, service, tempfile::tempdir().expect("a temporary directory can be made"))
}

pub(crate) fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("it can be read")
}

/// A program that edits its file by this script of sed.
pub(crate) fn editor(place: &TempDir, script: &str) -> String {
    let path = place.path().join("editor");
    fs::write(&path, format!("#!/bin/sh\nexec sed -i '{script}' \"$1\"\n")).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    path.display().to_string()
}

fn kept(place: &TempDir) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(place.path().join("rustsocks")) else { return Vec::new() };
    entries.map(|entry| entry.expect("a directory can be read").path()).collect()
}

#[test]
fn a_file_is_judged_applied_confirmed_and_taken_back() {
    let (rules, service, place) = scene();
    let socket = socket(&service);
    let run = |arguments: &[&str]| {
        let output = client(&socket, arguments);
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    assert_eq!(run(&["acl", "get"]), (Some(0), OPEN.to_owned()));
    let file = place.path().join("new.toml");
    let file = file.to_str().expect("temporary directories have plain names");
    fs::write(file, OPEN.replace("allow", "permit")).expect("written");
    let (code, told) = run(&["acl", "validate", file]);
    assert!(code == Some(6) && told.contains("users"), "{told}");
    assert_eq!(run(&["acl", "apply", file, "--yes"]).0, Some(6));
    fs::write(file, OPEN.replace("127.0.0.0/8", "127.0.0.1")).expect("written");
    assert_eq!(run(&["acl", "validate", file]).0, Some(0));
    assert!(run(&["acl", "diff", file]).1.contains("+  destinations = [\"127.0.0.1\"]"));
    assert!(run(&["acl", "whatif", file]).1.contains("0 live sessions judged"));
    assert_eq!(run(&["acl", "explain", "alice", "127.0.0.2:80"]).0, Some(0));
    assert_eq!(run(&["acl", "explain", "alice", "127.0.0.2:80", "--draft", file]).0, Some(10));
    assert_eq!(run(&["acl", "apply", file]).0, Some(2), "nobody can be asked");
    assert_eq!(run(&["acl", "apply", file, "--yes", "--base", "7"]).0, Some(5));
    assert_eq!(run(&["acl", "confirm"]).0, Some(1), "nothing waits");
    let applied = document(&socket, &["acl", "apply", file, "--yes", "--confirm-within", "1h", "--comment", "tighter"]);
    assert_eq!((&applied["gen"], &applied["confirm"]["back_to"]), (&2.into(), &1.into()), "{applied}");
    assert_eq!(text(&rules.path()), text(Path::new(file)));
    assert_eq!(run(&["acl", "confirm"]).0, Some(0));
    assert_eq!(run(&["acl", "rollback", "1", "--yes"]).0, Some(0));
    assert_eq!(text(&rules.path()), OPEN);
    let history = document(&socket, &["acl", "history"]);
    let told: Vec<_> = history["rows"].as_array().into_iter().flatten().map(|row| row["comment"].clone()).collect();
    assert!(told.contains(&Value::from("tighter")) && told.len() == 3, "{history}");
    assert_eq!(run(&["acl", "get", "--gen", "2"]).1, text(Path::new(file)));
}

#[test]
fn an_editor_changes_the_rules_once_they_are_valid_and_wanted() {
    let (rules, service, place) = scene();
    let state = place.path().to_str().expect("temporary directories have plain names");
    let socket = socket(&service);
    let edit = |script: &str| {
        let editor = editor(&place, script);
        let environment = [("VISUAL", editor.as_str()), ("XDG_STATE_HOME", state)];
        Screen::run(&socket, &["acl", "edit", "--comment", "by hand"], (100, 60), &environment)
    };
    // The first pass breaks it, the second finds what is wrong written on top, and mends it.
    let mut screen = edit("/^#! error/{s/^/# saw: /;h};s/allow/permit/;t;s/permit/allow/;s/127.0.0.0/127.0.0.2/");
    screen.wait_for("(e)dit again");
    assert_eq!(text(&rules.path()), OPEN);
    let lying = kept(&place);
    assert!(lying.len() == 1 && text(&lying[0]).contains("permit"), "{lying:?}");
    let mode = fs::metadata(&lying[0]).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else may read it");
    screen.type_in("e\r");
    screen.wait_for("type apply");
    assert!(screen.text().contains("now denied"), "{}", screen.text());
    screen.type_in("apply\r");
    assert!(screen.wait_for_end().success());
    let now = text(&rules.path());
    assert!(now.contains("127.0.0.2/8") && now.contains("# this machine") && now.contains("# saw: #! error"), "{now}");
    assert_eq!(kept(&place), Vec::<PathBuf>::new(), "it is in force, and kept by the daemon");

    // What is given up stays where it is said to be.
    let mut screen = edit("s/allow/block/");
    screen.wait_for("type apply");
    screen.type_in("no\r");
    screen.wait_for("your text is in");
    assert_eq!(screen.wait_for_end().code(), Some(1));
    let lying = kept(&place);
    assert!(lying.len() == 1 && text(&lying[0]).contains("block"), "{lying:?}");
    assert_eq!(text(&rules.path()), now);
    // Also if the same rules are edited once more.
    let mut screen = edit("s/allow/permit/");
    screen.wait_for("(e)dit again");
    assert_eq!(kept(&place).len(), 2);
    assert!(text(&lying[0]).contains("block"), "{}", text(&lying[0]));
    screen.type_in("a\r");
    assert_eq!(screen.wait_for_end().code(), Some(6));
    assert_eq!(kept(&place), lying);
}

#[test]
fn a_file_of_600_kib_is_applied_over_the_socket() {
    let (rules, service, place) = scene();
    let socket = socket(&service);
    let rule = |number: u32| {
        let (high, low) = (number / 250, number % 250);
        format!(
            "\n[[users.rules]]\naction = \"block\"\ndescription = \"not here, as was decided once more for all\"\ndestinations = [\"10.{high}.{low}.0/24\"]\n"
        )
    };
    let large = (0..5_000).fold(OPEN.to_owned(), |text, number| text + &rule(number));
    assert!(large.len() > 600 * 1024, "{}", large.len());
    let file = place.path().join("large.toml");
    fs::write(&file, &large).expect("written");
    let applied = client(&socket, &["acl", "apply", file.to_str().expect("a path"), "--yes"]);
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    assert_eq!(text(&rules.path()), large);
}
