//! Saved tests of the rules by commands and on the screen, and the sessions that a draft is about.

use std::fs;

use rig::target::tunnel;

use crate::rules::{OPEN, scene, text};
use crate::screen::Screen;
use crate::{client, document, id_of, socket, wait_for_sessions};

/// Rules by which nobody in particular may go anywhere on loopback.
const FOR_ALL: &str = "[global]\ndefault_policy = \"deny\"\n[[users]]\nusername = \"*\"\n  [[users.rules]]\n  action = \"allow\"\n  destinations = [\"127.0.0.0/8\"]\n";

#[test]
fn tests_are_saved_run_and_obeyed_by_commands() {
    let (rules, service, place) = scene();
    let socket = socket(&service);
    let run = |arguments: &[&str]| {
        let output = client(&socket, arguments);
        (
            output.status.code(),
            String::from_utf8(output.stdout).expect("text") + &String::from_utf8_lossy(&output.stderr),
        )
    };
    assert_eq!(run(&["acl", "test"]).0, Some(0), "there are none yet");
    let add = ["acl", "test", "add", "alice", "127.0.0.1:80", "allow", "--description", "this host"];
    assert_eq!(run(&add).0, Some(0));
    let (code, told) = run(&["acl", "test", "add", "alice", "192.0.2.1:80", "allow"]);
    assert!(code == Some(6) && told.contains("the saved test 2 fails"), "{told}");
    assert_eq!(run(&["acl", "test", "add", "alice", "192.0.2.1:80", "allow", "--off"]).0, Some(0));
    let tests = rules.path().with_extension("tests.toml");
    assert_eq!(run(&["acl", "test", "get"]), (Some(0), text(&tests)));
    let (code, told) = run(&["acl", "test", "-o", "plain"]);
    assert!(code == Some(0) && told.contains("1 pass alice") && told.contains("2 off alice"), "{told}");

    let file = place.path().join("new.toml");
    let file = file.to_str().expect("temporary directories have plain names");
    fs::write(file, OPEN.replace("127.0.0.0/8", "192.0.2.0/24")).expect("written");
    let (code, told) = run(&["acl", "test", "run", "--draft", file, "-o", "plain"]);
    assert!(code == Some(1) && told.contains("1 FAIL alice") && told.contains("2 off alice"), "{told}");
    let (code, told) = run(&["acl", "validate", file]);
    assert!(code == Some(6) && told.contains("--despite-tests"), "{told}");
    let (code, told) = run(&["acl", "apply", file, "--yes"]);
    assert!(code == Some(6) && told.contains("the saved test 1 fails"), "{told}");
    assert_eq!(text(&rules.path()), OPEN);
    // Whoever is at a terminal is asked.
    let mut screen = Screen::run(&socket, &["acl", "apply", file], (100, 60), &[]);
    screen.wait_for("type despite");
    screen.type_in("despite\r");
    screen.wait_for("type apply");
    screen.type_in("apply\r");
    assert!(screen.wait_for_end().success());
    assert_eq!((text(&rules.path()), text(&tests).matches("enabled = false").count()), (text(file.as_ref()), 2));
    assert_eq!(run(&["acl", "test", "on", "2"]).0, Some(0));
    let (code, told) = run(&["acl", "rollback", "1", "--yes"]);
    assert!(code == Some(6) && told.contains("the saved test 2 fails"), "{told}");
    assert_eq!(run(&["acl", "rollback", "1", "--yes", "--despite-tests"]).0, Some(0));
    for arguments in [&["acl", "test", "on", "1"][..], &["acl", "test", "del", "2"]] {
        assert_eq!(run(arguments).0, Some(0), "{arguments:?}");
    }
    fs::write(file, text(&tests) + "# ours\n").expect("written");
    assert_eq!(run(&["acl", "test", "put", file]).0, Some(0));
    assert!(text(&tests).ends_with("# ours\n"), "{}", text(&tests));
}

#[test]
fn a_test_is_saved_on_the_screen_and_whom_a_draft_is_about_is_listed() {
    let (rules, service, place) = scene();
    let socket = socket(&service);
    fs::write(rules.path(), FOR_ALL).expect("it is ours");
    assert!(client(&socket, &["reload", "acl"]).status.success());
    let (wire, _far) = tunnel(service.addr());
    wait_for_sessions(&socket, 1);
    let id = id_of(&socket, wire.local());
    let state = place.path().to_str().expect("temporary directories have plain names");
    let mut screen =
        Screen::open(&socket, (110, 40), &[("XDG_STATE_HOME", state), ("SSH_CONNECTION", "127.0.0.1 1 127.0.0.1 22")]);
    screen.wait_for("[1 Overview]");
    screen.type_in("4");
    screen.wait_for("is in force");
    screen.type_in("t");
    screen.wait_for("What would the rules say?");
    screen.type_in("bob\t\t127.0.0.1\t80\t\t\t\r");
    screen.wait_for("ALLOW by users/*#1");
    screen.type_in("s");
    screen.wait_for("A test of the rules");
    screen.type_in("this host\t\t\t\t\t\t\t\t\t\r");
    screen.wait_for("pass  bob  127.0.0.1:80");
    assert!(text(&rules.path().with_extension("tests.toml")).contains("description = \"this host\""));
    screen.type_in("\x1b");
    // The only rule goes.
    screen.wait_for("is in force");
    screen.type_in("j\t");
    screen.wait_for("> Rules of users/*");
    screen.type_in("d");
    screen.wait_for("1 changes, valid");
    screen.type_in("w");
    screen.wait_for("from where you are: 1 of 1 denied");
    screen.type_in("\r");
    screen.wait_for("decides otherwise 1/1");
    screen.wait_until("the session is there, and it is the operator's own", |text| {
        text.contains(&id) && text.contains("you")
    });
    screen.type_in("\r");
    screen.wait_for("Sessions 1/1");
    screen.wait_for(&format!("filter: id={id}"));
    screen.type_in("\x1b4");
    screen.wait_for("The draft against what is in force");
    screen.type_in("\x1b");
    screen.wait_for("1 changes, valid");
    screen.type_in("A");
    screen.wait_for("Apply the draft?");
    screen.wait_for("tests off");
    screen.type_in("\t\t\t\t\tapply");
    screen.wait_for("saved tests fail");
    screen.type_in("\x1b[Z \tapply");
    screen.wait_for("CONFIRM");
    screen.type_in("U");
    screen.wait_for("Take it back now?");
    screen.type_in("y");
    screen.wait_for("what was before is in force again");
    assert_eq!(text(&rules.path()), FOR_ALL);
    let listed = document(&socket, &["acl", "test"]);
    assert_eq!((&listed["rows"][0]["result"], &listed["rows"][0]["user"]), (&"pass".into(), &"bob".into()), "{listed}");
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}

#[test]
fn two_consoles_of_one_user_keep_their_drafts_apart() {
    let (_rules, service, place) = scene();
    let state = place.path().to_str().expect("temporary directories have plain names");
    let socket = socket(&service);
    let kept = |name: &str| place.path().join("rustsocks").join(name);
    let [ours, other] = [kept("console-draft-acl.toml"), kept("console-draft-acl-2.toml")];
    let open = || {
        let mut screen = Screen::open(&socket, (100, 40), &[("XDG_STATE_HOME", state)]);
        screen.wait_for("[1 Overview]");
        screen.type_in("4");
        screen.wait_for("is in force");
        screen
    };
    let mut first = open();
    first.wait_for("alice");
    first.type_in("j\td");
    first.wait_for("1 changes, valid");
    // The second is asked about the draft that the daemon has of the same user, and begins another one.
    let mut second = open();
    second.wait_for("Go on with your draft?");
    second.type_in("n");
    second.wait_for("nothing was done");
    second.wait_for("alice");
    second.type_in("j\td");
    second.wait_for("2 editors: you, ");
    second.wait_for("1 changes, valid");
    assert!(ours.exists() && other.exists(), "{:?}", fs::read_dir(place.path().join("rustsocks")));
    second.type_in("X");
    second.wait_for("Discard the draft?");
    second.type_in("y");
    second.wait_for("the draft is gone");
    assert!(ours.exists() && !other.exists(), "{:?}", fs::read_dir(place.path().join("rustsocks")));
}
