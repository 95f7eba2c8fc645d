//! Ways through the console: all of its screens, every kind of terminal, every way out of it, and those who may do little.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rig::place;
use rig::rules::Rules;
use rig::service::{Launch, Service};
use rig::target::tunnel;
use rig::users::Users;

use crate::rules::OPEN;
use crate::screen::Screen;
use crate::{CONFIG, client_program, daemon, program, socket, wait_for_sessions};

const USUAL: (u16, u16) = (100, 30);

/// The keys of the screens, and what is on their tabs.
const SCREENS: [(&str, &str); 10] = [
    ("2", "Sessions"),
    ("3", "History"),
    ("4", "ACL"),
    ("5", "Users"),
    ("6", "Limits"),
    ("7", "Auth"),
    ("8", "Logs"),
    ("9", "Config"),
    ("0", "Health"),
    ("1", "Overview"),
];

/// A daemon for which every screen has something, with groups of the system for its roles.
pub(crate) fn house() -> (Users, Rules, Service) {
    let users = Users::crowd(["alice".to_owned()], b"a good password");
    let everybody =
        "\n[[users]]\nusername = \"*\"\n\n[[users.rules]]\naction = \"allow\"\ndestinations = [\"127.0.0.0/8\"]\n";
    let policy = Rules::of(&[OPEN, everybody].concat());
    let roles = "admin_groups = [\"sys\"]\noperator_groups = [\"games\"]\nread_groups = [\"adm\"]\n[sessions]";
    let admin = CONFIG.replace("{socket}", "{dir}/admin.sock").replace("[sessions]", roles);
    let tables =
        [&admin, "[server]\nwatch_files = false\n", &users.settings(&["userpass", "none"]), &policy.settings()]
            .concat();
    let service = Launch::of(program()).config(&tables).start();
    (users, policy, service)
}

#[test]
fn all_ten_screens_are_reached_by_number_and_by_name() {
    let (_users, _rules, service) = house();
    let mut screen = Screen::open(&socket(&service), USUAL, &[]);
    screen.wait_for("[1 Overview]");
    for (key, name) in SCREENS {
        screen.type_in(key);
        screen.wait_for(&format!("[{key} {name}]"));
    }
    for (key, name) in SCREENS {
        // Where no action of the screen's own is called so.
        screen.type_in("1");
        screen.wait_for("[1 Overview]");
        screen.type_in(&format!(":{name}"));
        screen.wait_for("same as: rustsocks-cli");
        screen.type_in("\r");
        screen.wait_for(&format!("[{key} {name}]"));
    }
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}

#[test]
fn all_ten_screens_are_reached_by_their_tabs_with_a_mouse_and_their_parts_by_tab() {
    let (_users, _rules, service) = house();
    let mut screen = Screen::open(&socket(&service), USUAL, &[]);
    screen.wait_for("[1 Overview]");
    screen.type_in("M");
    screen.wait_for("the mouse is the console's");
    for (key, name) in SCREENS {
        screen.click(&format!("{key} {name}"));
        screen.wait_for(&format!("[{key} {name}]"));
    }
    // Screens of one part go on to the next screen, and the others to the next part.
    for (keys, shown) in [
        ("2\t", "[3 History]"),
        ("\x1b[Z", "[2 Sessions]"),
        ("4\t", "> What no rule decides"),
        ("\x1b[Z", "> Owners"),
        ("5\t", "> Groups"),
        ("6\t", "> For a while"),
        ("7\t", "> Turned away"),
        ("9\t", "> Files"),
        ("0\t", "> Incidents"),
    ] {
        screen.type_in(keys);
        screen.wait_for(shown);
    }
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}

#[test]
fn every_terminal_shows_what_it_can() {
    let (_users, _rules, service) = house();
    let socket = socket(&service);
    let is_plain = |text: &str| text.is_ascii() && text.contains("[1 Over");
    for (arguments, environment, is_ascii) in [
        (&["console"][..], &[("TERM", "xterm-256color")][..], false),
        (&["console", "--ascii"], &[("TERM", "xterm-256color")], true),
        (&["console", "--a11y"], &[("TERM", "xterm-256color")], true),
        (&["console"], &[("TERM", "linux")], true),
        (&["console"], &[("LC_ALL", "C")], true),
        (&["console", "--theme", "mono"], &[("NO_COLOR", "1")], false),
    ] {
        let mut screen = Screen::run(&socket, arguments, (80, 24), environment);
        screen.wait_for("[1 Over");
        screen.type_in("2");
        screen.wait_for("[2 Sess");
        assert!(!is_ascii || screen.text().is_ascii(), "{arguments:?} {environment:?}:\n{}", screen.text());
        screen.type_in("1");
        screen.wait_until("the overview", |text| is_plain(text) || !is_ascii && text.contains("[1 Over"));
        screen.type_in("q");
        assert!(screen.wait_for_end().success(), "{arguments:?} {environment:?}");
    }
}

#[test]
fn where_there_is_no_terminal_for_it_the_console_names_the_commands() {
    let (_users, _rules, service) = house();
    let socket = socket(&service);
    let mut screen = Screen::run(&socket, &["console"], USUAL, &[("TERM", "dumb")]);
    screen.wait_for("rustsocks-cli status");
    assert_eq!(screen.wait_for_end().code(), Some(2));
    for arguments in [&[][..], &["console"]] {
        let mut command = Command::new(client_program());
        command.arg("--socket").arg(&socket).args(arguments).stdin(Stdio::null());
        let output = command.output().expect("the client can be run");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.starts_with("rustsocks-cli: "), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }
}

#[test]
fn a_console_that_was_put_aside_in_a_shell_comes_back_in_the_size_of_the_day() {
    let service = daemon();
    let shell = Path::new("/bin/bash");
    let arguments = ["--norc", "--noprofile", "-i"];
    let mut screen = Screen::of(shell, &arguments, USUAL, &[("PS1", "ready> ")]);
    screen.wait_for("ready>");
    let (client, socket) = (client_program().display(), socket(&service));
    screen.type_in(&format!("clear; {client} --socket {}\r", socket.display()));
    screen.wait_for("[1 Overview]");
    screen.type_in("\x1a");
    screen.wait_for("Stopped");
    // It is the shell's terminal meanwhile.
    screen.type_in("echo $((6 * 7))-is-it\r");
    screen.wait_for("42-is-it");
    screen.resize((132, 43));
    screen.type_in("fg\r");
    screen.wait_until("the console in its new size", |text| {
        text.contains("[1 Overview]") && text.lines().any(|line| line.trim_end().chars().count() > 110)
    });
    screen.type_in("2");
    screen.wait_for("[2 Sessions]");
    screen.type_in("q");
    screen.wait_until("the shell", |text| text.trim_end().ends_with("ready>"));
    screen.type_in("exit\r");
    assert!(screen.wait_for_end().success());
}

#[test]
fn a_console_whose_terminal_is_gone_is_gone_too() {
    let service = daemon();
    let mut screen = Screen::open(&socket(&service), USUAL, &[]);
    screen.wait_for("[1 Overview]");
    let status = screen.hang_up();
    assert!(status.code().is_some(), "it ends by itself: {status}");
}

/// A console of somebody who is in this group alone, and is no user of the system.
fn somebodys(service: &Service, groups: &str) -> (tempfile::TempDir, Screen) {
    // The program may lie where that user cannot go.
    let place = place::for_everybody();
    let copy = place.path().join("rustsocks-cli");
    assert!(Command::new("cp").arg(client_program()).arg(&copy).status().expect("cp is installed").success());
    let socket = socket(service);
    std::fs::set_permissions(&socket, Permissions::from_mode(0o666)).expect("the socket is ours");
    let user = ["--reuid=4321", "--regid=4321", groups, "--inh-caps=-all", "--bounding-set=-all"];
    let [copy, socket] = [&copy, &socket].map(|path| path.to_str().expect("temporary directories have plain names"));
    let arguments = [&user[..], &[copy, "--socket", socket]].concat();
    let state = place.path().to_str().expect("temporary directories have plain names");
    let screen = Screen::of(Path::new("setpriv"), &arguments, USUAL, &[("XDG_STATE_HOME", state), ("HOME", state)]);
    (place, screen)
}

#[test]
fn whoever_may_only_look_is_told_so_wherever_he_would_change_something() {
    let (_users, _rules, service) = house();
    let (_client, _far) = tunnel(service.addr());
    wait_for_sessions(&socket(&service), 1);
    // adm, who may look.
    let (_place, mut screen) = somebodys(&service, "--groups=4");
    screen.wait_for("RO");
    for (keys, shown, key) in [
        ("2", "Sessions 1/1", "K"),
        ("4", "generation 1 is in force", "e"),
        ("5", "alice", "a"),
        ("6", "> Limits", "o"),
        ("7", "[7 Auth]", "t"),
        ("8", "your role is read; the log takes operate", "V"),
        ("0", "[0 Health]", "B"),
        ("9", "server.bind_port", "R"),
    ] {
        screen.type_in(keys);
        screen.wait_for(shown);
        screen.type_in("\x0c");
        screen.type_in(key);
        screen.wait_for("your role is read");
        // What it says stays for a while, so that it can be read; a new screen begins without it.
        screen.type_in("1");
        screen.wait_for("[1 Overview]");
        screen.wait_until("no message", |text| !text.contains("your role is read"));
    }
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}

#[test]
fn whoever_operates_ends_sessions_and_writes_no_rules() {
    let (_users, _rules, service) = house();
    let (mut client, _far) = tunnel(service.addr());
    wait_for_sessions(&socket(&service), 1);
    // adm, who may look, and games, who operate.
    let (_place, mut screen) = somebodys(&service, "--groups=4,60");
    screen.wait_for("OPER");
    screen.type_in("4");
    screen.wait_for("generation 1 is in force");
    screen.type_in("j\te");
    screen.wait_for("your role is operate");
    screen.type_in("2");
    screen.wait_for("Sessions 1/1");
    screen.type_in("K");
    screen.wait_for("End 1 session?");
    screen.type_in("y");
    screen.wait_for("ended 1");
    assert_eq!(client.end(), rig::wire::End::Reset);
    screen.type_in("q");
    assert!(screen.wait_for_end().success());
}

#[test]
fn whoever_may_do_nothing_is_told_why() {
    let (_users, _rules, service) = house();
    let (_place, mut screen) = somebodys(&service, "--clear-groups");
    screen.wait_for("Refused");
    screen.wait_for("is in no group that may do anything here");
    screen.wait_for("usermod -aG GROUP USER");
    screen.type_in("q");
    let ended = screen.wait_for_end();
    assert!(ended.code().is_some(), "{ended}");
}
