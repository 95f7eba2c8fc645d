//! Around the screens of the console: the mouse, the way back, what an operator has written down, and a daemon that is gone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::sys::signal::Signal;
use rig::place;
use rig::target::tunnel;

use crate::screen::Screen;
use crate::{daemon, daemon_at, id_of, socket, wait_for_sessions};

const SIZE: (u16, u16) = (100, 30);

/// A directory with a file of preferences in it.
fn preferences(text: &str) -> tempfile::TempDir {
    let place = place::for_everybody();
    fs::create_dir(place.path().join("rustsocks")).expect("a directory can be made");
    fs::write(place.path().join("rustsocks/console.toml"), text).expect("a file can be written");
    place
}

fn in_words(path: &Path) -> &str {
    path.to_str().expect("temporary directories have plain names")
}

#[test]
fn a_mouse_goes_about_and_the_way_back_leads_to_the_row() {
    let service = daemon();
    let (one, _one_far) = tunnel(service.addr());
    let (other, _other_far) = tunnel(service.addr());
    wait_for_sessions(&socket(&service), 2);
    let addresses = [one.local(), other.local()];
    let [one, other] = addresses.map(|client| id_of(&socket(&service), client));
    let mut screen = Screen::open(&socket(&service), SIZE, &[]);
    screen.wait_for("[1 Overview]");
    assert!(!screen.hears_mouse(), "the mouse selects text, as everywhere");
    screen.type_in("M");
    screen.wait_for("the mouse is the console's");
    assert!(screen.hears_mouse());
    screen.click("2 Sessions");
    screen.wait_for("Sessions 2/2");
    // Ids are short here; who comes from where is said once.
    let rows = addresses.map(|client| format!("{client} "));
    screen.wait_for(&rows[0]);
    screen.click(&rows[1]);
    screen.wait_for(&format!("Session {other}"));
    screen.click(&rows[0]);
    screen.wait_for(&format!("Session {one}"));
    // The title of a column sorts by it.
    screen.click("AGE");
    screen.wait_for("AGEv");
    screen.type_in(&format!("/id={one}\r"));
    screen.wait_for("Sessions 1/2");
    screen.click("? help");
    screen.wait_for("search:");
    screen.type_in("\x1b");
    screen.wait_until("no help", |text| !text.contains("search:"));
    screen.type_in("3");
    screen.wait_for("[3 History]");
    screen.type_in("[");
    screen.wait_for("Sessions 1/2");
    screen.type_in("[");
    screen.wait_for("Sessions 2/2");
    screen.wait_for(&format!("Session {one}"));
    screen.type_in("[");
    screen.wait_for("[1 Overview]");
    screen.type_in("]]");
    screen.wait_for("Sessions 1/2");
    // Rows are looked for in all that there are.
    screen.type_in("\x1b");
    screen.wait_for("Sessions 2/2");
    screen.type_in(&format!("Fid={other}\r"));
    screen.wait_for(&format!("Session {other}"));
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}

#[test]
fn what_an_operator_has_written_down_is_so_and_the_terminal_comes_back_whole() {
    let service = daemon();
    let text = "theme = \"light\"\nmouse = true\n[keys]\nsessions = \"F2\"\n\
                [tables.sessions]\nsort = \"start\"\ncolumns = [\"dst\", \"id\"]\n";
    let place = preferences(text);
    let environment = [("XDG_CONFIG_HOME", in_words(place.path()))];
    let mut screen = Screen::open(&socket(&service), SIZE, &environment);
    screen.wait_for("[1 Overview]");
    assert!(screen.hears_mouse());
    screen.type_in("\x1bOQ");
    screen.wait_for("[2 Sessions]");
    screen
        .wait_until("two columns", |text| text.lines().any(|line| line.contains("DESTINATION") && line.contains("ID")));
    assert!(!screen.text().contains("SOURCE"), "{}", screen.text());
    // Suspended, the terminal is the shell's; afterwards everything is drawn at its new size.
    screen.type_in("\x1a");
    screen.wait_for_stop();
    screen.resize((80, 24));
    screen.signal(Signal::SIGCONT);
    screen.wait_for("[2 Sess]");
    assert!(screen.hears_mouse());
    screen.signal(Signal::SIGTERM);
    screen.wait_for_end();
    let wrong = preferences("[keys]\nsort = \"p\"\n");
    let environment = [("XDG_CONFIG_HOME", in_words(wrong.path()))];
    let mut screen = Screen::open(&socket(&service), SIZE, &environment);
    screen.wait_for("console.toml: keys: on Sessions p would be");
    assert_eq!(screen.wait_for_end().code(), Some(2));
}

#[test]
fn whoever_has_lost_the_daemon_reads_the_journal_and_goes_to_another_one() {
    let place = place::for_everybody();
    let program = |name: &str, text: &str| {
        let path = place.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a program can be written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("and run");
    };
    program("systemctl", "printf 'LoadState=loaded\\nActiveState=failed\\nSubState=failed\\nResult=watchdog\\n'");
    program("journalctl", "echo the last words of \"$2\"");
    let path = format!("{}:{}", in_words(place.path()), std::env::var("PATH").unwrap_or_default());
    let gone = place.path().join("gone.sock");
    let service = daemon();
    let (_client, _far) = tunnel(service.addr());
    wait_for_sessions(&socket(&service), 1);
    let mut screen = Screen::open(&gone, SIZE, &[("PATH", &path)]);
    screen.wait_for("Disconnected");
    screen.wait_for("rustsocks.service: failed (failed), result watchdog");
    screen.type_in("j");
    screen.wait_for("the last words of rustsocks.service");
    screen.type_in("q");
    screen.wait_for("Disconnected");
    screen.type_in(&format!("o\x15{}\t\r", in_words(&socket(&service))));
    screen.wait_for("ADMIN");
    screen.type_in("2");
    screen.wait_for("Sessions 1/1");
    // And back by the palette, to where nobody is yet.
    let _there = daemon_at(&gone);
    screen.type_in(&format!(":socket {}\r", in_words(&gone)));
    screen.wait_for("Sessions 0/0");
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}
