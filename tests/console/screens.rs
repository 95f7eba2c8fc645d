//! The console, with somebody in front of it.

use std::fs;

use nix::sys::signal::Signal;
use rig::place;
use rig::target::tunnel;
use rig::wire::End;

use crate::screen::Screen;
use crate::{daemon, daemon_at, document, id_of, socket, wait_for_sessions};

const USUAL: (u16, u16) = (100, 30);

#[test]
fn sessions_are_seen_filtered_and_ended_and_a_neighbour_survives() {
    let service = daemon();
    let (mut one, _one_far) = tunnel(service.addr());
    let (mut other, mut other_far) = tunnel(service.addr());
    wait_for_sessions(&socket(&service), 2);
    let mut screen = Screen::open(&socket(&service), USUAL, &[]);
    screen.wait_for("[1 Overview]");
    screen.type_in("2");
    screen.wait_for("Sessions 2/2");
    let source = one.local().to_string();
    screen.type_in(&format!("/id={}", id_of(&socket(&service), one.local())));
    screen.wait_for("[valid]");
    screen.type_in("\r");
    screen.wait_for("Sessions 1/2");
    screen.wait_for(&source);
    screen.type_in("K");
    screen.wait_for("End 1 session?");
    // Enter is no yes.
    screen.type_in("\r");
    screen.wait_for("End 1 session?");
    screen.type_in("y");
    screen.wait_for("ended 1");
    wait_for_sessions(&socket(&service), 1);
    assert_eq!(one.end(), End::Reset, "the session that was meant is over");
    other.send(b"still here");
    assert_eq!(other_far.receive_all(10), b"still here");
    screen.type_in("\x1b");
    screen.wait_for("Sessions 1/1");
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}

#[test]
fn all_that_the_filter_lets_in_are_marked_and_written_into_a_file() {
    let service = daemon();
    let _tunnels: Vec<_> = (0..3).map(|_| tunnel(service.addr())).collect();
    wait_for_sessions(&socket(&service), 3);
    let file = service.directory().join("sessions.csv");
    let mut screen = Screen::open(&socket(&service), USUAL, &[]);
    screen.wait_for("[1 Overview]");
    screen.type_in("2");
    screen.wait_for("Sessions 3/3");
    screen.type_in("*");
    screen.wait_for("3 marked");
    screen.type_in("E");
    screen.wait_for("sessions.ndjson");
    // Another file, lines instead of documents, and the button.
    screen.type_in(&format!("\x15{}\t \t\r", file.display()));
    screen.wait_for("3 rows are in");
    let text = fs::read_to_string(&file).expect("it is written");
    assert!(text.starts_with("id,user,groups,src,") && text.lines().count() == 4, "{text}");
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}

#[test]
fn the_console_outlives_the_daemon_and_finds_the_next_one() {
    let place = place::for_everybody();
    let socket = place.path().join("admin.sock");
    let first = daemon_at(&socket);
    let (_client, _far) = tunnel(first.addr());
    wait_for_sessions(&socket, 1);
    let mut screen = Screen::open(&socket, USUAL, &[]);
    screen.type_in("2");
    screen.wait_for("Sessions 1/1");
    drop(first);
    screen.wait_for("Disconnected");
    screen.wait_for("STALE");
    // What was known last is still there.
    assert!(screen.text().contains("Sessions 1/1"), "{}", screen.text());
    let _second = daemon_at(&socket);
    screen.wait_for("Sessions 0/0");
    screen.wait_until("no word of a disconnection", |text| !text.contains("Disconnected") && !text.contains("STALE"));
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}

#[test]
fn a_console_without_a_daemon_waits_for_one() {
    let place = place::for_everybody();
    let socket = place.path().join("admin.sock");
    let mut screen = Screen::open(&socket, (80, 24), &[]);
    screen.wait_for("Disconnected");
    screen.wait_for("admin.sock");
    let _service = daemon_at(&socket);
    screen.type_in("r");
    screen.wait_for("ADMIN");
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}

#[test]
fn the_terminal_is_given_back_after_every_signal() {
    let service = daemon();
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT] {
        let mut screen = Screen::open(&socket(&service), USUAL, &[]);
        screen.wait_for("[1 Overview]");
        screen.signal(signal);
        let status = screen.wait_for_end();
        assert!(status.code().is_some(), "{signal}: {status}");
    }
}

#[test]
fn what_is_typed_to_end_the_pager_does_not_end_the_console() {
    let service = daemon();
    // What ends a picture is what the terminal of the test draws after.
    let pager = [("PAGER", r"printf 'in the pager\033[0m'; exec sleep 600")];
    for key in ["\x03", "\x1c"] {
        let mut screen = Screen::open(&socket(&service), USUAL, &pager);
        screen.wait_for("[1 Overview]");
        screen.type_in("8");
        screen.wait_for("serving");
        screen.type_in("o");
        screen.wait_for("in the pager");
        screen.type_in(key);
        screen.wait_for("the pager failed");
        screen.type_in("q");
        assert!(screen.wait_for_end().success());
    }
}

#[test]
fn every_screen_has_its_key_and_its_place_in_the_row() {
    let service = daemon();
    let mut screen = Screen::open(&socket(&service), USUAL, &[]);
    screen.wait_for("[1 Overview]");
    for (key, tab) in [
        ("2", "[2 Sessions]"),
        ("3", "[3 History]"),
        ("4", "[4 ACL]"),
        ("0", "[0 Health]"),
        ("8", "[8 Logs]"),
        ("\t", "[9 Config]"),
    ] {
        screen.type_in(key);
        screen.wait_for(tab);
    }
    screen.type_in("?");
    screen.wait_for("search:");
    // Terminals know no difference between Alt and an Escape that something follows at once.
    screen.type_in("\x1b");
    screen.wait_until("no help", |text| !text.contains("search:"));
    screen.type_in(":sess");
    screen.wait_for("same as: rustsocks-cli sessions list");
    screen.type_in("\r");
    screen.wait_for("[2 Sessions]");
    // Ctrl-C twice leaves, and says so the first time.
    screen.type_in("\x03");
    screen.wait_for("Ctrl-C again");
    screen.type_in("\x03");
    assert!(screen.wait_for_end().success());
}

#[test]
fn it_fits_small_terminals_and_follows_their_size() {
    let service = daemon();
    let mut screen = Screen::open(&socket(&service), (60, 16), &[("NO_COLOR", "1"), ("LC_ALL", "C")]);
    screen.wait_for("[1 Overview]");
    assert!(screen.text().is_ascii(), "{}", screen.text());
    screen.resize((20, 5));
    screen.wait_for("q quits");
    assert_eq!(screen.text().trim(), "needs 60x..; q quits");
    screen.resize((132, 43));
    screen.wait_for("[1 Overview]");
    screen.wait_for("+- Traffic");
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}

#[test]
fn what_the_console_shows_is_what_the_commands_say() {
    let service = daemon();
    let (_client, _far) = tunnel(service.addr());
    wait_for_sessions(&socket(&service), 1);
    let listed = document(&socket(&service), &["sessions", "list"]);
    let target = listed["rows"][0]["dst"].as_str().expect("a session has a destination").to_owned();
    let mut screen = Screen::open(&socket(&service), (132, 43), &[]);
    screen.type_in("2");
    screen.wait_for("Sessions 1/1");
    screen.type_in("\r");
    screen.wait_for("live.dialect");
    assert!(screen.text().contains(&target), "{}", screen.text());
    screen.type_in("q");
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}

#[test]
fn the_log_is_seen_as_it_is_written_narrowed_and_kept_in_a_file() {
    let service = daemon();
    let place = place::for_everybody();
    let mut screen = Screen::open(&socket(&service), USUAL, &[]);
    screen.wait_for("[1 Overview]");
    screen.wait_for("Top users");
    screen.type_in("8");
    screen.wait_for("Daemon log  info+");
    screen.wait_for("FOLLOW");
    // An order is written into the log, and seen at once.
    screen.type_in("V\t\t\t\tlog");
    screen.wait_for("goes back by itself");
    screen.wait_for("OVERRIDE 1");
    screen.wait_for("ordered by an operator");
    screen.type_in("&session closed\r");
    screen.wait_for("matching \"session closed\"");
    drop(tunnel(service.addr()));
    screen.wait_for("INFO  session: session closed");
    let file = place.path().join("log");
    screen.type_in(&format!("E\x15{}\r\r", file.display()));
    screen.wait_for("bytes are in");
    let kept = fs::read_to_string(file).expect("it can be read");
    assert!(kept.contains("session: session closed") && kept.contains("ending="), "{kept}");
    screen.type_in("0");
    screen.wait_for("What it means");
    screen.wait_for("descriptors");
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}
