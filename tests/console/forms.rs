//! Every command that only looks, in every form of output.

use std::process::{Command, Stdio};

use rig::rules::Rules;
use rig::target::tunnel;
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};
use serde_json::Value;

use crate::rules::OPEN;
use crate::{CONFIG, client, client_program, document, program, socket, wait_for_sessions};

const LOOKS: &[&str] = &[
    "status",
    "health",
    "top",
    "logs -n 5",
    "sessions list",
    "sessions stats",
    "users list",
    "users get alice",
    "users groups",
    "users top",
    "groups list",
    "limits show",
    "limits overrides",
    "config effective",
    "config history",
    "auth status",
    "auth bans",
    "history query",
    "history agg --by user",
    "acl rules",
    "acl hits",
    "acl history",
    "audit tail",
    "audit query",
    "ops",
];

#[test]
fn whatever_only_looks_answers_in_every_form() {
    let users = Users::crowd(["alice".to_owned()], b"a good password");
    let admin = CONFIG.replace("{socket}", "{dir}/admin.sock");
    let rules = Rules::of(&OPEN.replace("\"alice\"", "\"*\""));
    let config = [admin, users.settings(&["userpass", "none"]), rules.settings()].concat();
    let service = rig::service::Launch::of(program()).config(&config).start();
    let (_client, _far) = tunnel(service.addr());
    let socket = socket(&service);
    wait_for_sessions(&socket, 1);
    service.wait_for_history();
    let is_examined = || document(&socket, &["health"])["rows"].as_array().map(Vec::len) > Some(10);
    assert!(eventually(PATIENCE, is_examined));
    for look in LOOKS {
        for format in ["table", "plain", "csv", "tsv", "json", "ndjson"] {
            let arguments: Vec<&str> = look.split(' ').chain(["-o", format]).collect();
            let output = client(&socket, &arguments);
            assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
            let text = String::from_utf8(output.stdout).expect("output is text");
            let lines = || text.lines();
            match format {
                "json" => {
                    let document: Value =
                        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{look}: {error}: {text}"));
                    assert!(document["schema"].is_string() || !document.is_null(), "{look}: {text}");
                }
                "ndjson" => lines().for_each(|line| {
                    let _document: Value =
                        serde_json::from_str(line).unwrap_or_else(|error| panic!("{look}: {error}: {line}"));
                }),
                "csv" | "tsv" => {
                    // As many values in each line as the first has names; values with commas are quoted.
                    let separator = if format == "csv" { ',' } else { '\t' };
                    let names = lines().next().unwrap_or_default().split(separator).count();
                    let is_right = |line: &str| line.contains('"') || line.split(separator).count() == names;
                    assert!(lines().all(is_right), "{look} {format}: {text}");
                }
                _ => assert!(lines().all(|line| !line.chars().any(char::is_control)), "{look} {format}: {text}"),
            }
        }
    }
}

#[test]
fn whoever_has_seen_enough_makes_no_failure_of_any_command() {
    let service = crate::daemon();
    let socket = socket(&service);
    for look in ["ops", "status -o csv", "config effective --json", "health"] {
        let line = format!("{} --socket {} {look} | head -1", client_program().display(), socket.display());
        // Without this, a shell tells of the last command alone.
        let mut shell = Command::new("/bin/bash");
        shell.args(["-o", "pipefail", "-c", &line]).stdin(Stdio::null());
        let output = shell.output().expect("a shell");
        assert!(output.status.success() && output.stderr.is_empty(), "{look}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1, "{look}");
    }
}
