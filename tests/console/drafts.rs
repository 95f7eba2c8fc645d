//! Rules are changed in the console: by a form, by an editor, beside others who change them too, and back.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;
use rig::place;
use rig::rules::Rules;
use rig::service::Launch;
use rig::signals::send;

use crate::rules::{OPEN, editor, scene, scene_with, text};
use crate::screen::Screen;
use crate::{CONFIG, client, program, socket};

const SIZE: (u16, u16) = (100, 40);

/// The rules of alice, with the keys on them.
const ALICE: &str = "4";

fn at_rules(screen: &mut Screen) {
    screen.wait_for("[1 Overview]");
    screen.type_in(ALICE);
    screen.wait_for("generation 1 is in force");
    screen.type_in("j\t");
    screen.wait_for("> Rules of users/alice");
}

#[test]
fn a_rule_is_changed_tried_applied_and_goes_again_unless_somebody_confirms() {
    let (rules, service, place) = scene();
    let state = place.path().to_str().expect("temporary directories have plain names");
    let mut screen = Screen::open(&socket(&service), SIZE, &[("XDG_STATE_HOME", state)]);
    at_rules(&mut screen);
    screen.type_in("e");
    screen.wait_for("destinations = [\"127.0.0.0/8\"]");
    // A destination that cannot be is told by the daemon, on the rules, and taken back.
    screen.type_in("\t\t\x15not/a/net\t\t\t\t\r");
    screen.wait_for("NOT VALID");
    screen.type_in("A");
    screen.wait_for("could not be in force");
    screen.type_in("u");
    screen.wait_for("0 changes, valid");
    screen.type_in("e");
    screen.wait_for("into the draft");
    screen.type_in("\t\t\x15127.0.0.9\t\t\t\t\r");
    screen.wait_for("1 changes, valid");
    screen.type_in("t");
    screen.wait_for("What would the rules say?");
    screen.type_in("\t\t127.0.0.1\t80\t\t\t\r");
    screen.wait_for("in force, generation 1: ALLOW by users/alice#1");
    screen.wait_for("draft: DENY by the default");
    screen.type_in("\x1b");
    screen.wait_for("1 changes, valid");
    screen.type_in("A");
    screen.wait_for("Apply the draft?");
    // With a rollback by itself, in an hour.
    screen.type_in("\t \t\x153600\t\t");
    screen.wait_for("--confirm-within 3600s");
    assert_eq!(text(&rules.path()), OPEN, "nothing counts yet");
    screen.type_in("apply");
    screen.wait_for("CONFIRM 3");
    let now = text(&rules.path());
    assert!(now.contains("127.0.0.9") && now.contains("# this machine") && now.contains("# firm"), "{now}");
    screen.type_in("Y");
    screen.wait_for("generation 2 stays");
    // And once more, without anybody to confirm it.
    screen.wait_for("generation 2 is in force");
    screen.type_in("d");
    screen.wait_for("1 changes");
    screen.type_in("A");
    screen.wait_for("Apply the draft?");
    screen.type_in("\t \t\x151\t\tapply");
    screen.wait_for("generation 4 is in force");
    assert_eq!(text(&rules.path()), now, "nobody confirmed, and it is as before, to the byte");
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}

#[test]
fn two_who_write_are_merged_and_a_file_that_was_edited_by_hand_is_not_overwritten() {
    let (rules, service, place) = scene();
    let state = place.path().to_str().expect("temporary directories have plain names");
    let socket = socket(&service);
    let mut screen = Screen::open(&socket, SIZE, &[("XDG_STATE_HOME", state)]);
    at_rules(&mut screen);
    screen.type_in("e");
    screen.wait_for("into the draft");
    screen.type_in("\tmine\t\t\t\t\t\r");
    screen.wait_for("1 changes, valid");
    // Somebody edits the file, and has it read.
    rules.rewrite(&OPEN.replace("127.0.0.0/8", "127.0.0.0/9").replace("# firm", "# very firm"));
    send(service.process.pid(), Signal::SIGHUP);
    screen.wait_for("CONFLICT");
    screen.type_in("A");
    screen.wait_for("m merges");
    screen.type_in("m");
    screen.wait_for("kept:");
    screen.type_in("A");
    screen.wait_for("draft of generation 2: 1 changes, valid");
    // Somebody else applies other rules from a shell.
    let other = place.path().join("other.toml");
    fs::write(&other, text(&rules.path()).replace("\"allow\"", "\"block\"")).expect("written");
    let other = other.to_str().expect("temporary directories have plain names");
    assert!(client(&socket, &["acl", "apply", other, "--yes"]).status.success());
    screen.wait_for("CONFLICT");
    screen.type_in("m");
    screen.wait_for("kept:");
    screen.type_in("A");
    screen.wait_for("draft of generation 3: 1 changes, valid");
    screen.type_in("A");
    screen.wait_for("Apply the draft?");
    screen.type_in("\t\t\t\tapply");
    screen.wait_for("generation 4 is in force");
    let now = text(&rules.path());
    for part in ["description = \"mine\"", "127.0.0.0/9", "# very firm", "\"block\"", "# this machine"] {
        assert!(now.contains(part), "{part}: {now}");
    }
    // A broken file by hand changes nothing, and is not written over.
    rules.rewrite("[[users");
    screen.type_in("d");
    screen.wait_for("1 changes");
    screen.type_in("A");
    screen.wait_for("Apply the draft?");
    screen.type_in("\t\t\t\tapply");
    screen.wait_for("! ");
    screen.wait_until("the form says why", |text| text.contains("Apply the draft?") && !text.contains("working"));
    assert_eq!(text(&rules.path()), "[[users");
    screen.type_in("\x1b");
    screen.wait_until("no form", |text| !text.contains("Apply the draft?"));
    screen.type_in("q");
    screen.wait_for("Leave with a draft?");
    screen.type_in("y");
    assert!(screen.wait_for_end().success());
}

#[test]
fn a_draft_outlives_the_daemon() {
    let place = place::for_everybody();
    let state = place.path().to_str().expect("temporary directories have plain names");
    let (rules, socket) = (Rules::of(OPEN), place.path().join("admin.sock"));
    let path = socket.to_str().expect("temporary directories have plain names");
    let start = || Launch::of(program()).config(&(CONFIG.replace("{socket}", path) + &rules.settings())).start();
    let first = start();
    let mut screen = Screen::open(&socket, SIZE, &[("XDG_STATE_HOME", state)]);
    at_rules(&mut screen);
    screen.type_in("e");
    screen.wait_for("into the draft");
    screen.type_in("\tkept\t\t\t\t\t\r");
    screen.wait_for("1 changes, valid");
    drop(first);
    screen.wait_for("Disconnected");
    let _second = start();
    screen.wait_for("your draft goes on");
    screen.wait_for("1 changes, valid");
    screen.type_in("D");
    screen.wait_for("description = \"kept\"");
    screen.type_in("q");
    screen.wait_for("Leave with a draft?");
    screen.type_in("y");
    assert!(screen.wait_for_end().success());
}

#[test]
fn an_editor_gets_the_terminal_and_whatever_it_leaves_is_not_lost() {
    let (rules, service, place) = scene();
    let state = place.path().to_str().expect("temporary directories have plain names");
    let editor = editor(&place, "s/allow/permit/;t;s/permit/allow/;s/127.0.0.0/127.0.0.2/");
    let environment = [("VISUAL", editor.as_str()), ("XDG_STATE_HOME", state)];
    let mut screen = Screen::open(&socket(&service), SIZE, &environment);
    at_rules(&mut screen);
    screen.type_in("T");
    screen.wait_for("NOT VALID");
    let kept = place.path().join("rustsocks/console-draft-acl.toml");
    assert_eq!(fs::metadata(&kept).expect("it is kept").permissions().mode() & 0o777, 0o600);
    assert!(text(&kept).contains("permit"));
    // Whoever opens the next console is asked.
    screen.signal(Signal::SIGTERM);
    screen.wait_for_end();
    let mut screen = Screen::open(&socket(&service), SIZE, &environment);
    screen.wait_for("[1 Overview]");
    screen.type_in(ALICE);
    screen.wait_for("Go on with your draft?");
    screen.type_in("y");
    screen.wait_for("NOT VALID");
    screen.type_in("T");
    screen.wait_for("1 changes, valid");
    screen.type_in("A");
    screen.wait_for("Apply the draft?");
    screen.type_in("\t\t\t\tapply");
    screen.wait_for("generation 2 is in force");
    assert!(text(&rules.path()).contains("127.0.0.2/8"));
    assert!(!kept.exists(), "it is no draft any more");
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}

#[test]
fn a_text_that_is_not_gone_on_with_is_found_in_a_file_of_its_own() {
    let (_rules, service, place) = scene();
    let state = place.path().to_str().expect("temporary directories have plain names");
    let files = place.path().join("rustsocks");
    fs::create_dir(&files).expect("it is a fresh place");
    fs::write(files.join("console-draft-acl.toml"), "#! base 1\n# mine\n").expect("written");
    let mut screen = Screen::open(&socket(&service), SIZE, &[("XDG_STATE_HOME", state)]);
    screen.wait_for("[1 Overview]");
    screen.type_in(ALICE);
    screen.wait_for("Go on with your draft?");
    screen.type_in("n");
    screen.wait_until("no question", |text| !text.contains("Go on with your draft?"));
    // The rules may come later than the drafts.
    screen.wait_for("alice");
    screen.type_in("j\t");
    screen.wait_for("> Rules of users/alice");
    screen.type_in("d");
    screen.wait_for("1 changes");
    let aside = fs::read_dir(&files).expect("it is there").map(|entry| entry.expect("it can be read").path());
    let aside: Vec<_> = aside.filter(|path| text(path) == "#! base 1\n# mine\n").collect();
    assert!(aside.len() == 1 && !aside[0].ends_with("console-draft-acl.toml"), "{aside:?}");
    assert_eq!(fs::metadata(&aside[0]).expect("it is kept").permissions().mode() & 0o777, 0o600);
    screen.type_in("q");
    screen.wait_for("Leave with a draft?");
    screen.type_in("y");
    assert!(screen.wait_for_end().success());
}

#[test]
fn a_draft_stays_with_its_daemon_when_the_console_goes_to_another() {
    let (_rules, service, place) = scene();
    let (_other_rules, other, _other_place) = scene();
    let state = place.path().to_str().expect("temporary directories have plain names");
    let mut screen = Screen::open(&socket(&service), SIZE, &[("XDG_STATE_HOME", state)]);
    at_rules(&mut screen);
    screen.type_in("d");
    screen.wait_for("1 changes");
    screen.type_in(&format!(":socket {}\r", socket(&other).display()));
    screen.wait_until("no draft", |text| text.contains("generation 1 is in force") && !text.contains("DRAFT"));
    assert!(!client(&socket(&other), &["raw", r#"{"op":"txn.drafts","p":{"store":"acl"}}"#]).stdout.contains(&b'#'));
    // A draft of its own goes into a place of its own.
    screen.type_in("j\t");
    screen.wait_for("> Rules of users/alice");
    screen.type_in("d");
    screen.wait_for("1 changes");
    for (number, service) in [("", &service), ("-2", &other)] {
        let kept = text(&place.path().join(format!("rustsocks/console-draft-acl{number}.toml")));
        let first = kept.lines().next().expect("a line").to_owned();
        assert_eq!(first, format!("#! base 1 at {}", socket(service).display()));
    }
    // The next console at the first one is asked about that of the first.
    screen.signal(Signal::SIGTERM);
    screen.wait_for_end();
    let mut screen = Screen::open(&socket(&other), SIZE, &[("XDG_STATE_HOME", state)]);
    screen.wait_for("[1 Overview]");
    screen.type_in(ALICE);
    screen.wait_for("Go on with your draft?");
    screen.type_in("y");
    screen.wait_for("1 changes");
    screen.signal(Signal::SIGTERM);
    screen.wait_for_end();
}

#[test]
fn a_draft_goes_on_when_the_worker_hangs_or_is_killed_and_when_another_program_takes_its_place() {
    let (_rules, service, place) = scene_with("watchdog_secs = 5\n");
    let state = place.path().to_str().expect("temporary directories have plain names");
    let mut screen = Screen::open(&socket(&service), SIZE, &[("XDG_STATE_HOME", state)]);
    at_rules(&mut screen);
    screen.type_in("d");
    screen.wait_for("1 changes");
    for signal in [Signal::SIGSTOP, Signal::SIGKILL, Signal::SIGUSR2] {
        screen.wait_until("nothing said", |text| !text.contains("your draft goes on"));
        let worker = service.worker_pid();
        // The worker hangs or dies of the first ones, and the monitor begins another by the last.
        let whom = if signal == Signal::SIGUSR2 { service.process.pid() } else { worker };
        send(whom, signal);
        let _next = service.successor_of(worker);
        screen.wait_for("your draft goes on");
        screen.wait_for("1 changes, valid");
    }
    screen.type_in("A");
    screen.wait_for("Apply the draft?");
    screen.type_in("\t\t\t\tapply");
    screen.wait_for("generation 2 is in force");
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}
