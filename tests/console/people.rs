//! Users, groups, limits and the configuration by commands: every example against the real daemon, and what its exit code says.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rig::service::{Launch, Service};
use rig::users::Users;

use crate::screen::Screen;
use crate::{CONFIG, client, client_program, document, program, socket};

fn scene() -> (Users, Service) {
    scene_with("")
}

fn scene_with(more: &str) -> (Users, Service) {
    let users = Users::crowd(["alice".to_owned(), "eve".to_owned()], b"a good password");
    let admin = CONFIG.replace("{socket}", "{dir}/admin.sock");
    let config = [&admin, "[server]\nwatch_files = false\n", &users.settings(&["userpass"]), more].concat();
    (users, Launch::of(program()).config(&config).start())
}

fn with_input(socket: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(client_program());
    command.arg("--socket").arg(socket).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the client can be run");
    child.stdin.take().expect("it is a pipe").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

fn code(socket: &Path, arguments: &[&str]) -> Option<i32> {
    client(socket, arguments).status.code()
}

fn logs_in(service: &Service, user: &str, password: &str) -> bool {
    rig::wire::Wire::connect(service.addr()).log_in(user.as_bytes(), password.as_bytes()) == [1, 0]
}

#[test]
fn users_are_added_changed_and_removed() {
    let (users, service) = scene();
    let socket = socket(&service);
    let made = document(&socket, &["users", "add", "carol", "--group", "staff", "--generate"]);
    let secret = made["secret"].as_str().expect("it is told once");
    assert!(logs_in(&service, "carol", secret));
    let given = with_input(&socket, &["users", "passwd", "alice", "--stdin"], "another password\n");
    assert!(given.status.success(), "{given:?}");
    assert!(logs_in(&service, "alice", "another password") && !logs_in(&service, "alice", "a good password"));
    let short = with_input(&socket, &["users", "passwd", "alice", "--stdin"], "short\n");
    assert_eq!(short.status.code(), Some(2), "{short:?}");
    assert_eq!(code(&socket, &["users", "passwd", "alice"]), Some(2), "nobody can be asked");
    assert_eq!(code(&socket, &["users", "disable", "eve"]), Some(2), "nobody said yes");
    let before = users.text();
    let dry = client(&socket, &["users", "disable", "eve", "--dry-run"]);
    assert!(dry.status.success() && String::from_utf8_lossy(&dry.stderr).contains("+enabled = false"), "{dry:?}");
    assert_eq!(users.text(), before);
    assert_eq!(code(&socket, &["users", "disable", "eve", "--end-sessions", "--yes"]), Some(0));
    assert_eq!(document(&socket, &["users", "get", "eve"])["state"], "disabled");
    assert_eq!(code(&socket, &["groups", "add", "night", "alice", "eve", "--yes"]), Some(0));
    assert_eq!(code(&socket, &["groups", "rename", "night", "late", "--yes"]), Some(0));
    assert_eq!(code(&socket, &["groups", "del", "late", "eve", "--yes"]), Some(0));
    let groups = document(&socket, &["users", "groups"]);
    assert_eq!(groups["rows"][0]["members"], serde_json::json!(["alice"]), "{groups}");
    let listed = document(&socket, &["users", "list", "--group", "late"]);
    assert_eq!((listed["rows"].as_array().map(Vec::len), &listed["rows"][0]["name"]), (Some(1), &"alice".into()));
    let enabled = client(&socket, &["users", "enable", "eve", "--yes", "--confirm-within", "1h"]);
    assert!(String::from_utf8_lossy(&enabled.stderr).contains("rustsocks-cli users confirm"), "{enabled:?}");
    assert_eq!(code(&socket, &["users", "confirm"]), Some(0));
    assert_eq!(code(&socket, &["users", "confirm"]), Some(1), "nothing waits");
    assert_eq!(code(&socket, &["users", "rollback", "1"]), Some(2), "nobody said yes");
    assert_eq!(code(&socket, &["users", "del", "eve", "--yes"]), Some(0));
    assert_eq!(code(&socket, &["users", "get", "eve"]), Some(1));
    assert_eq!(code(&socket, &["--read-only", "users", "del", "alice", "--yes"]), Some(4));
}

#[test]
fn limits_hold_for_a_while_or_are_written() {
    let (users, service) = scene();
    let socket = socket(&service);
    assert_eq!(code(&socket, &["limits", "set", "user/alice", "--rate", "512K", "--for", "1h"]), Some(0));
    let overrides = document(&socket, &["limits", "overrides"]);
    assert_eq!(overrides["rows"][0]["bandwidth_limit_mbps"], 4.194_304, "{overrides}");
    assert_eq!(code(&socket, &["limits", "reset", "user/alice"]), Some(0));
    assert_eq!(document(&socket, &["limits", "overrides"])["rows"], serde_json::json!([]));
    assert_eq!(code(&socket, &["limits", "set", "user/alice", "--conns", "5", "--yes"]), Some(0));
    assert!(users.text().contains("max_connections = 5"), "{}", users.text());
    assert_eq!(code(&socket, &["limits", "unset", "user/alice", "--yes"]), Some(0));
    assert!(!users.text().contains("max_connections"), "{}", users.text());
    assert_eq!(code(&socket, &["limits", "set", "group/staff", "--rate", "20M", "--yes"]), Some(0));
    assert_eq!(code(&socket, &["limits", "set", "global", "--rate", "fast", "--yes"]), Some(2));
    let long = ["limits", "set", "user/alice", "--conns", "5", "--for", "90000000h"];
    assert_eq!(code(&socket, &long), Some(2), "there is no such date");
    let shown = document(&socket, &["limits", "show"]);
    assert_eq!(shown["rows"][0]["name"], "global", "{shown}");
}

#[test]
fn more_of_a_quota_is_granted_for_a_while() {
    let (_users, service) = scene_with("[[limits.quotas]]\nname = \"daily\"\nperiod = \"day\"\ngigabytes = 1\n");
    let socket = socket(&service);
    let quotas = document(&socket, &["limits", "quotas"]);
    assert_eq!(quotas["rows"], serde_json::json!([]), "nobody has carried anything");
    let why = ["--until", "2100-11-22T18:00:00Z", "--reason", "a large download"];
    let granted = document(&socket, &[&["limits", "grant", "user/alice", "2G"], why.as_slice()].concat());
    assert_eq!((&granted["bytes"], &granted["until"]), (&(2_u64 << 30).into(), &"2100-11-22T18:00:00Z".into()));
    let held = document(&socket, &["limits", "overrides"]);
    assert_eq!(
        (&held["rows"][0]["bytes"], &held["rows"][0]["reason"]),
        (&granted["bytes"], &"a large download".into())
    );
    assert_eq!(code(&socket, &["limits", "grant", "user/alice", "much", "--for", "1h"]), Some(2));
    assert_eq!(code(&socket, &["limits", "grant", "user/alice", "2G", "--until", "soon"]), Some(2));
    assert_eq!(code(&socket, &["limits", "grant", "user/alice", "2G"]), Some(2), "until when?");
    assert_eq!(code(&socket, &["--read-only", "limits", "grant", "user/alice", "2G", "--for", "1h"]), Some(4));
}

#[test]
fn the_configuration_is_set_compared_edited_and_brought_back() {
    let (_users, service) = scene();
    let socket = socket(&service);
    let text = || String::from_utf8(client(&socket, &["config", "get"]).stdout).expect("it is text");
    let before = text();
    let set = ["config", "set", "limits.max_connections_per_user", "50", "--yes"];
    assert_eq!(code(&socket, &set), Some(0));
    assert!(text().contains("max_connections_per_user = 50"), "{}", text());
    let restart = client(&socket, &["config", "set", "server.worker_threads", "1", "--yes"]);
    assert!(restart.status.success(), "{restart:?}");
    assert!(String::from_utf8_lossy(&restart.stderr).contains("server.worker_threads"), "{restart:?}");
    assert_eq!(code(&socket, &["config", "set", "limits.max_conections", "1", "--yes"]), Some(6));
    assert_eq!(code(&socket, &["config", "unset", "limits.no_such", "--yes"]), Some(2));
    let compared = with_input(&socket, &["config", "compare", "-"], &before);
    assert!(String::from_utf8_lossy(&compared.stdout).contains("-worker_threads = 1"), "{compared:?}");
    let mut edit = Command::new(client_program());
    edit.arg("--socket").arg(&socket).args(["config", "edit", "--yes"]).stdin(Stdio::null());
    edit.env("VISUAL", "true").env("XDG_STATE_HOME", service.directory());
    assert_eq!(edit.status().expect("the client can be run").code(), Some(0), "nothing has changed");
    edit.env("VISUAL", "false");
    let failed = edit.output().expect("the client can be run");
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(failed.status.code() == Some(1) && said.contains("your text is in"), "{said}");
    assert!(said.contains("the editor failed"), "{said}");
    edit.env("VISUAL", "sed -i s/50/60/").env("XDG_STATE_HOME", service.directory());
    let edited = edit.output().expect("the client can be run");
    assert!(edited.status.success() && text().contains("max_connections_per_user = 60"), "{edited:?}");
    assert_eq!(code(&socket, &["config", "rollback", "1"]), Some(2), "nobody said yes");
    assert_eq!(code(&socket, &["config", "rollback", "1", "--yes"]), Some(0));
    assert_eq!(text(), before);
    assert_eq!(document(&socket, &["config", "history"])["rows"][0]["source"], "rollback");
    let applied =
        with_input(&socket, &["config", "apply", "-", "--yes", "--confirm-within", "1h"], &format!("{before}# new\n"));
    assert!(applied.status.success(), "{applied:?}");
    assert_eq!(code(&socket, &["config", "confirm"]), Some(0));
    assert_eq!(code(&socket, &["config", "confirm"]), Some(1), "nothing waits");
    let other = with_input(&socket, &["config", "apply", "-", "--base", "1", "--yes"], &before);
    assert_eq!(other.status.code(), Some(5), "somebody else's generation is not overwritten: {other:?}");
}

#[test]
fn an_administrator_adds_a_user_disables_a_leaver_and_slows_one_down_in_the_console() {
    const CANARY: &str = "canary-4f81-secret";
    let (users, service) = scene();
    let socket = socket(&service);
    let mut screen = Screen::open(&socket, (100, 30), &[]);
    screen.wait_for("[1 Overview]");
    screen.type_in("5");
    screen.wait_for("Users 2/2");
    screen.type_in("a");
    screen.wait_for("Add a user");
    screen.type_in(&format!("carol\tstaff\t\t{CANARY}\t{CANARY}"));
    screen.wait_for("rustsocks-cli users add carol --group staff");
    screen.type_in("\t\t\r");
    screen.wait_for("carol was added");
    assert!(!screen.text().contains(CANARY), "{}", screen.text());
    assert!(logs_in(&service, "carol", CANARY));
    screen.type_in("/name=eve");
    screen.wait_for("[valid]");
    screen.type_in("\r");
    screen.wait_for("Users 1/3");
    screen.type_in("x");
    screen.wait_for("Disable eve");
    screen.type_in("\teve");
    screen.wait_for("disabled");
    assert!(users.text().contains("enabled = false"), "{}", users.text());
    assert!(!logs_in(&service, "eve", "a good password"));
    screen.type_in("6");
    screen.wait_for("> Limits");
    screen.type_in("o");
    screen.wait_for("Another limit for a while");
    screen.type_in("user/alice\t512K\t\t\tthe release\t\r");
    screen.wait_for("user/alice: done");
    screen.wait_for("the release");
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
    let written = document(&socket, &["audit", "tail"]).to_string();
    assert!(!written.contains(CANARY) && written.contains("users.add"), "{written}");
}

#[test]
fn the_form_of_a_user_has_what_the_file_says_and_takes_out_what_is_emptied() {
    let (users, service) = scene();
    let socket = socket(&service);
    assert_eq!(code(&socket, &["limits", "set", "user/eve", "--rate", "512K", "--conns", "4", "--yes"]), Some(0));
    // Where nothing is beside the table, what holds is asked first.
    for (size, press, said) in
        [((80, 24), "\t\t", "[4 "), ((100, 30), "\t\t\x7f\x7f\x7f\x7f", "without bandwidth_limit")]
    {
        let mut screen = Screen::open(&socket, size, &[]);
        screen.wait_for("[1 Over");
        screen.type_in("5");
        screen.wait_for("Users 2/2");
        screen.type_in("/name=eve\r");
        screen.wait_for("Users 1/2");
        screen.type_in("e");
        screen.wait_for("[512K");
        screen.type_in(press);
        screen.wait_for(said);
        screen.type_in("\t\t\r");
        screen.wait_for(if size.0 == 80 { "nothing was changed" } else { "of the users is in force" });
        screen.type_in("q");
        assert!(screen.wait_for_end().success());
    }
    let text = users.text();
    assert!(!text.contains("bandwidth_limit_mbps") && text.contains("max_connections = 4"), "{text}");
}
