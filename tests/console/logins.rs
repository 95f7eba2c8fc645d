//! Logins, settings, the history and the audit log by commands and on the console's screens.

use std::io::Write;
use std::process::{Command, Stdio};

use rig::service::{Launch, Service};
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;
use serde_json::json;

use crate::screen::Screen;
use crate::{CONFIG, client, client_program, document, program, socket};

/// It must be nowhere that anybody could read.
const CANARY: &str = "canary-5d20c4";

/// Alice may in, and whoever guesses once is turned away.
fn strict(users: &Users) -> Service {
    let penalties = "[penalties]\nexempt = []\nauthfail_secs = 3600\nmax_secs = 3600\nfailure_delay_ms = 0\n";
    let config = CONFIG.replace("{socket}", "{dir}/admin.sock");
    Launch::of(program()).config(&[&config, penalties, &users.settings(&["userpass"])].concat()).start()
}

fn tried(service: &Service, user: &str, password: &str) -> (Option<i32>, String) {
    let mut command = Command::new(client_program());
    command.arg("--socket").arg(socket(service)).args(["auth", "test", user, "--stdin", "--json"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the client can be run");
    writeln!(child.stdin.take().expect("it is piped"), "{password}").expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8(output.stdout).expect("output is text"))
}

#[test]
fn logins_are_tried_told_and_forgiven_by_commands() {
    let users = Users::of(&[("alice", CANARY.as_bytes())]);
    let service = strict(&users);
    let socket = socket(&service);
    for (user, password, code) in [("alice", CANARY, 0), ("alice", "wrong", 10), ("eve", CANARY, 10)] {
        let (exit, said) = tried(&service, user, password);
        assert_eq!(exit, Some(code), "{user}: {said}");
        assert!(!said.contains(CANARY), "{said}");
    }
    assert_eq!(Wire::connect(service.addr()).log_in(b"alice", CANARY.as_bytes())[1], 0, "nobody pays for a try");
    assert_ne!(Wire::connect(service.addr()).log_in(b"alice", b"wrong")[1], 0);
    let bans = || document(&socket, &["auth", "bans"])["rows"].clone();
    assert!(eventually(PATIENCE, || bans()[0]["src"] == "127.0.0.1"), "{}", bans());
    assert_eq!(document(&socket, &["auth", "unban", "127.0.0.1"])["forgiven"], true);
    assert_eq!(bans(), json!([]));
    assert_eq!(document(&socket, &["auth", "status"])["users"]["count"], 1);
    let records = document(&socket, &["audit", "query", "op=auth.test phase=done"])["rows"].clone();
    assert_eq!(records.as_array().map(Vec::len), Some(3), "{records}");
    let records = document(&socket, &["audit", "tail", "-n", "100"]);
    assert!(!records.to_string().contains(CANARY), "a password is written down");
    let settings = document(&socket, &["config", "effective", "--changed"])["rows"].clone();
    let of = |key: &str| settings.as_array().into_iter().flatten().find(|row| row["key"] == key).cloned();
    assert_eq!(of("penalties.max_secs").map(|row| row["value"].clone()), Some(json!("3600")), "{settings}");
    assert_eq!(of("udp.max_peers"), None, "nobody wrote it");
}

#[test]
fn a_bundle_has_what_helps_and_no_address() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let service = strict(&users);
    let file = service.directory().join("bundle.tar");
    let bundle = ["support", "bundle", file.to_str().expect("a plain name")];
    let done = client(&socket(&service), &bundle);
    assert!(done.status.success(), "{done:?}");
    let unpacked = |file: &str| {
        let output = Command::new("tar").args(["-xOf", bundle[2], &format!("rustsocks-support/{file}.json")]).output();
        let text = String::from_utf8(output.expect("every system has tar").stdout).expect("it is text");
        serde_json::from_str::<serde_json::Value>(&text).unwrap_or_else(|error| panic!("{file}: {error}: {text}"))
    };
    assert_eq!(unpacked("logins")["users"]["count"], 1);
    let settings = unpacked("settings").to_string();
    assert!(settings.contains("server.bind_port") && !settings.contains("127.0.0.1"), "{settings}");
    let again = client(&socket(&service), &bundle);
    assert_eq!(again.status.code(), Some(1), "nothing is written over: {again:?}");
}

#[test]
fn a_reload_is_waited_for_by_a_script() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let service = strict(&users);
    let socket = socket(&service);
    let none = client(&socket, &["reload", "wait", "--timeout", "0"]);
    assert_eq!(none.status.code(), Some(7), "{none:?}");
    let forever = client(&socket, &["reload", "wait", "--timeout", &u64::MAX.to_string()]);
    assert_eq!(forever.status.code(), Some(2), "{forever:?}");
    let done = document(&socket, &["reload"]);
    let before = done["generation"].as_u64().expect("a number") - 1;
    let waited = document(&socket, &["reload", "wait", "--since", &before.to_string()]);
    assert_eq!((&waited["generation"], &waited["success"]), (&done["generation"], &json!(true)));
}

#[test]
fn the_history_is_asked_in_numbers_and_taken_away() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let service = strict(&users);
    let socket = socket(&service);
    assert_ne!(Wire::connect(service.addr()).log_in(b"alice", b"wrong")[1], 0);
    let refused = "status=rejected and claimed~al* and start>-1h";
    let rows = || document(&socket, &["history", "query", refused])["rows"].clone();
    assert!(eventually(PATIENCE, || rows().as_array().map(Vec::len) == Some(1)), "{}", rows());
    let groups = document(&socket, &["history", "agg", refused, "--by", "status"]);
    assert_eq!((&groups["rows"][0]["of"], &groups["rows"][0]["sessions"]), (&json!("rejected"), &json!(1)));
    let exported = client(&socket, &["history", "export", refused, "-o", "csv", "--fields", "status,source_ip"]);
    assert_eq!(String::from_utf8_lossy(&exported.stdout), "status,source_ip\nrejected,127.0.0.1\n");
    let claimed = client(&socket, &["history", "export", refused, "--fields", "user,claimed"]);
    assert_eq!(String::from_utf8_lossy(&claimed.stdout), "{\"claimed\":\"alice\",\"user\":null}\n");
    let seen = client(&socket, &["history", "query", refused, "-o", "plain"]);
    assert!(String::from_utf8_lossy(&seen.stdout).contains("Z (alice) - - rejected bad_credentials 0 0"), "{seen:?}");
    let slip = client(&socket, &["history", "query", "usr=alice"]);
    assert_eq!(slip.status.code(), Some(2), "{slip:?}");
}

#[test]
fn an_operator_finds_out_on_the_console_why_a_login_fails() {
    let users = Users::of(&[("alice", CANARY.as_bytes())]);
    let service = strict(&users);
    let mut screen = Screen::open(&socket(&service), (100, 30), &[]);
    screen.wait_for("[1 Overview]");
    screen.type_in("7");
    screen.wait_for("users file 1");
    assert_ne!(Wire::connect(service.addr()).log_in(b"alice", b"wrong")[1], 0);
    screen.wait_for("wrong_password");
    screen.type_in("t");
    screen.wait_for("Try a login");
    screen.type_in(&format!("alice\t{CANARY}\t\t\r"));
    screen.wait_for("ok by userpass");
    assert!(!screen.text().contains(CANARY), "{}", screen.text());
    screen.type_in("\x1b");
    screen.wait_for("users file 1");
    screen.type_in("u");
    screen.wait_for("Let 127.0.0.1 come again?");
    screen.type_in("y");
    screen.wait_for("127.0.0.1 may come again");
    screen.type_in("9");
    screen.wait_for("no reload since the worker started");
    screen.type_in("R");
    screen.wait_for("Reload?");
    screen.type_in("\treload");
    screen.wait_for("reload 2 is done");
    // The screen asks once, so it has to be there by then.
    let is_kept = || document(&socket(&service), &["history", "query", "status=rejected"])["rows"] != json!([]);
    assert!(eventually(PATIENCE, is_kept), "the refused login is in no history");
    screen.type_in("3");
    screen.wait_for("rejected 1");
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}
