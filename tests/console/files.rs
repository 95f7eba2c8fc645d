//! The operator's files from outside: what they say, what a reload would do, and another configuration by an editor.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rig::service::Service;
use serde_json::Value;

use crate::screen::Screen;
use crate::{client, document, socket};

const UNWATCHED: &str = "[server]\nwatch_files = false\n";

fn scene() -> Service {
    let config = crate::CONFIG.replace("{socket}", "{dir}/admin.sock");
    rig::service::Launch::of(crate::program()).config(&format!("{config}{UNWATCHED}")).start()
}

/// Adds these lines to the configuration file, and takes those away that were added before.
fn append(service: &Service, lines: &str) {
    let config = crate::CONFIG.replace("{socket}", "{dir}/admin.sock");
    service.rewrite(&[&config, UNWATCHED, lines].concat());
}

fn file(told: &Value, name: &str) -> Value {
    let mut rows = told["rows"].as_array().into_iter().flatten();
    rows.find(|row| row["component"] == name).cloned().unwrap_or_else(|| panic!("{name} is not in {told}"))
}

#[test]
fn a_script_asks_what_a_reload_would_do_and_what_differs() {
    let service = scene();
    let socket = socket(&service);
    let run = |arguments: &[&str]| {
        let output = client(&socket, arguments);
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    assert_eq!(file(&document(&socket, &["config", "files"]), "configuration")["state"], "same");
    assert_eq!(run(&["config", "diff"]), (Some(0), String::new()));
    append(&service, "[limits]\nmax_connections_per_user = 7\n");
    let (code, told) = run(&["reload", "--dry-run"]);
    assert!(code == Some(0) && told.contains("limits.max_connections_per_user"), "{told}");
    assert!(run(&["config", "diff"]).1.contains("+max_connections_per_user = 7"));
    append(&service, "[limits]\nmax_connections_per_user = \"many\"\n");
    let (code, told) = run(&["reload", "--dry-run"]);
    assert!(code == Some(6) && told.contains("WOULD FAIL"), "{told}");
    assert_eq!(file(&document(&socket, &["config", "files"]), "configuration")["state"], "invalid");
    assert_eq!(document(&socket, &["status"])["badges"], serde_json::json!(["drift"]));
    assert_eq!(run(&["--read-only", "reload", "--dry-run"]).0, Some(4));
    assert!(document(&socket, &["incidents"])["rows"].is_array());
}

/// An editor that runs `sed` with this script.
fn editor(place: &Path, script: &str) -> String {
    let path = place.join("editor");
    fs::write(&path, format!("#!/bin/sh\nexec sed -i -e '{script}' \"$1\"\n")).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("ours");
    path.to_str().expect("temporary directories have plain names").to_owned()
}

#[test]
fn the_configuration_is_edited_until_it_is_right_on_the_command_line_and_in_the_console() {
    let service = scene();
    let (socket, place) = (socket(&service), tempfile::tempdir().expect("a directory"));
    let state = place.path().to_str().expect("temporary directories have plain names");
    let in_force = || String::from_utf8(client(&socket, &["config", "get"]).stdout).expect("text");
    // The first pass breaks it, the second mends it.
    let editor =
        editor(place.path(), "s/watch_files = false/watch_files = no/;t;s/watch_files = no/watch_files = true/");
    let environment = [("VISUAL", editor.as_str()), ("XDG_STATE_HOME", state)];
    let mut screen = Screen::run(&socket, &["config", "edit"], (100, 60), &environment);
    screen.wait_for("(e)dit again");
    screen.type_in("e\r");
    screen.wait_for("apply this?");
    screen.type_in("n\r");
    screen.wait_for("your text is in");
    assert_eq!(screen.wait_for_end().code(), Some(1));
    assert!(in_force().contains("watch_files = false"), "{}", in_force());

    let mut screen = Screen::open(&socket, (100, 30), &environment);
    screen.wait_for("[1 Overview]");
    screen.type_in("9");
    screen.wait_for("Effective configuration");
    screen.type_in("e");
    screen.wait_for("NOT be in force");
    screen.type_in("q");
    screen.wait_for("DRAFT, NOT VALID");
    screen.type_in("e");
    screen.wait_for("DRAFT: D shows it");
    screen.type_in("A");
    screen.wait_for("Apply the configuration?");
    screen.type_in("\t\t\tapply");
    screen.wait_for("generation 2 is in force");
    assert!(in_force().contains("watch_files = true"), "{}", in_force());
    assert!(!place.path().join("rustsocks/console-draft-config.toml").exists(), "it is no draft any more");
    screen.type_in("H");
    screen.wait_for("> Generations 2");
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}
