//! Starts that are refused: with the exit code of sysexits(3head), and words for whoever has to act.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process;

use rig::network;
use rig::service::Launch;

use crate::{launch, program, run};

const UNAVAILABLE: i32 = 69;
const NO_PERMISSION: i32 = 77;
const CONFIGURATION: i32 = 78;

#[test]
fn a_taken_port_is_refused_with_a_way_to_find_out_who_has_it() {
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there are free ports");
    let address = other.local_addr().expect("it is bound");
    let launch = launch(&format!("[[listen]]\naddress = \"{address}\"\n"));
    let port = format!("ss -ltnp 'sport = :{}'", address.port());
    assert_refused(launch, UNAVAILABLE, &[&address.to_string(), "somebody else does", &port]);
}

#[test]
fn a_port_below_1024_is_refused_to_a_user_without_privileges() {
    network::alone(|| {
        let launch = launch("[[listen]]\naddress = \"127.0.0.1:1023\"\n").as_user(100_000 + process::id());
        assert_refused(
            launch,
            NO_PERMISSION,
            &["127.0.0.1:1023", "ports below 1024 need root or CAP_NET_BIND_SERVICE"],
        );
    });
}

#[test]
fn an_address_of_another_host_is_refused() {
    let config = "[server]\ni_understand_open_proxy = true\n[[listen]]\naddress = \"192.0.2.1:1080\"\n";
    assert_refused(launch(config), CONFIGURATION, &["192.0.2.1:1080", "no interface of this host has that address"]);
}

#[test]
fn a_unix_socket_that_somebody_answers_is_refused_and_left_alone() {
    let launch = launch("[[listen]]\naddress = \"unix:{dir}/socks\"\n");
    let path = launch.directory().join("socks");
    let _other = UnixListener::bind(&path).expect("a temporary directory can hold a socket");
    assert_refused(launch, UNAVAILABLE, &[&path.to_string_lossy(), "somebody else does"]);
}

#[test]
fn a_file_in_the_way_of_a_unix_socket_is_refused_and_kept() {
    let elsewhere = tempfile::tempdir().expect("a temporary directory can be made");
    let path = elsewhere.path().join("socks");
    fs::write(&path, "precious").expect("a temporary directory can be written");
    let config = format!("[[listen]]\naddress = \"unix:{}\"\n", path.display());
    assert_refused(launch(&config), CONFIGURATION, &[&path.to_string_lossy(), "not a socket"]);
    assert_eq!(fs::read_to_string(&path).expect("the file is there"), "precious");
}

#[test]
fn mistakes_are_shown_all_at_once_each_with_its_place() {
    let text = "[server]\nbind_prot = 1080\nbacklog = 0\n\n[limits]\nmax_connections = \"many\"\n\n[sevrer]\nx = 1\n";
    let launch = Launch::of(program()).config(text);
    let file = launch.directory().join("rustsocks.toml");
    let at = |place: &str| format!("{}:{place}", file.display());
    let expected =
        [at("2:1: server.bind_prot: unknown key; did you mean \"bind_port\"?"), at("3:11: "), at("6:19: "), at("8:")];
    assert_refused(launch, CONFIGURATION, &expected.each_ref().map(String::as_str));
}

#[test]
fn a_configuration_that_cannot_be_read_is_refused() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let (missing, binary) = (directory.path().join("missing.toml"), directory.path().join("binary.toml"));
    fs::write(&binary, b"bind = \xff\xfe").expect("a temporary directory can be written");
    for (path, words) in [
        (missing.as_path(), "No such file"),
        (directory.path(), "directory"),
        (binary.as_path(), "not UTF-8 at byte 7"),
        (Path::new("/dev/null/x"), "Not a directory"),
    ] {
        let place = path.to_str().expect("a plain name");
        for arguments in [&["--config", place][..], &["check", "--config", place]] {
            let ran = run(arguments);
            assert_eq!(ran.code, Some(CONFIGURATION), "{arguments:?}");
            assert!(ran.stderr.contains(place) && ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_log_that_cannot_be_opened_is_refused() {
    let launch = launch("").log_at(Path::new("/nowhere/at/all/log"));
    assert_refused(launch, CONFIGURATION, &["/nowhere/at/all/log", "No such file"]);
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused() {
    for arguments in [&["--no-such-flag"][..], &["--port", "65536"], &["--bind", "localhost"], &["no-such-command"]] {
        let ran = run(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}");
        assert!(ran.stderr.contains(arguments[0]) && ran.stderr.contains("--help"), "{arguments:?}: {}", ran.stderr);
    }
}

fn assert_refused(launch: Launch, code: i32, expected: &[&str]) {
    let refusal = launch.refused().expect("it must not start");
    assert_eq!(refusal.code, Some(code), "{}", refusal.words);
    for words in expected {
        assert!(refusal.words.contains(words), "{words:?} should be in:\n{}", refusal.words);
    }
}
