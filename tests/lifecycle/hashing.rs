//! `rustsocks hash-password`: from a pipe and from a terminal, where nobody sees what is typed.

use std::io::{Read, Write};
use std::process::{Child, Stdio};

use rig::place::write_secret;
use rig::terminal::Terminal;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;

use crate::{command, launch};

#[test]
fn a_hash_from_a_pipe_lets_its_user_in() {
    assert_lets_in(b"correct horse", &hashed(b"correct horse\n").1);
    assert_lets_in(b"no line break", &hashed(b"no line break").1);
    assert_lets_in(b"from windows", &hashed(b"from windows\r\nand another line\n").1);
    assert_lets_in(&[0xfe; 255], &hashed(&[0xfe; 255]).1);
}

#[test]
fn the_same_password_never_has_the_same_hash() {
    assert_ne!(hashed(b"wonderland\n").1, hashed(b"wonderland\n").1);
}

#[test]
fn a_password_that_no_client_could_send_is_refused() {
    for password in [&b""[..], b"\n", &[b'x'; 256]] {
        assert_eq!(hashed(password), (Some(1), String::new()), "{} bytes", password.len());
    }
}

#[test]
fn a_terminal_does_not_show_what_is_typed_and_echoes_again_afterwards() {
    let (mut terminal, mut program) = Terminal::run(command(&["hash-password"]));
    terminal.wait_for("Password: ");
    assert!(eventually(PATIENCE, || !terminal.echoes()), "echo is off while a password is typed");
    terminal.type_in("looking glass\n");
    terminal.wait_for("Again: ");
    terminal.type_in("looking glass\n");
    let hash = output(&mut program);
    assert!(program.wait().expect("it ends").success());
    assert!(!terminal.screen().contains("looking"), "{:?} is on the screen", terminal.screen());
    assert!(terminal.echoes(), "echo is on again");
    assert_lets_in(b"looking glass", &hash);
}

#[test]
fn a_slip_at_a_terminal_is_noticed() {
    let (mut terminal, mut program) = Terminal::run(command(&["hash-password"]));
    terminal.wait_for("Password: ");
    terminal.type_in("looking glass\n");
    terminal.wait_for("Again: ");
    terminal.type_in("looking gloss\n");
    assert_eq!((program.wait().expect("it ends").code(), output(&mut program)), (Some(1), String::new()));
    terminal.wait_for("rustsocks: the two passwords differ");
    assert!(terminal.echoes(), "echo is on again");
}

/// The exit code, and what was printed.
fn hashed(input: &[u8]) -> (Option<i32>, String) {
    let mut command = command(&["hash-password"]);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut program = child.expect("the program can be started");
    program.stdin.take().expect("it is a pipe").write_all(input).expect("the program reads");
    let printed = output(&mut program);
    (program.wait().expect("it ends").code(), printed)
}

fn output(program: &mut Child) -> String {
    let mut text = String::new();
    program.stdout.take().expect("it is a pipe").read_to_string(&mut text).expect("the program writes UTF-8");
    text
}

fn assert_lets_in(password: &[u8], hash: &str) {
    let launch = launch("[auth]\nsocks_method = \"userpass\"\nusers_file = \"{dir}/users.toml\"\n");
    let users = format!("[[users]]\nname = \"alice\"\npassword_hash = \"{}\"\n", hash.trim_end());
    write_secret(&launch.directory().join("users.toml"), &users);
    let service = launch.start();
    assert_eq!(Wire::connect(service.addr()).log_in(b"alice", password), [1, 0], "{}", password.escape_ascii());
    assert_eq!(Wire::connect(service.addr()).log_in(b"alice", b"another")[1], 1);
}
