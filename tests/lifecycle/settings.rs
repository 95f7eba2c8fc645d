//! Where a value comes from: the file, the environment above it, and a flag above both; in `check --show` and in what runs.

use std::fs;

use rig::port::Port;
use rig::target::{Target, echo};
use rig::visitor::visit;

use crate::{command, launch, ran};

#[test]
fn the_environment_outranks_the_file_and_a_flag_outranks_both() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let config = directory.path().join("rustsocks.toml");
    fs::write(&config, "[server]\nbind_port = 1111\nbacklog = 77\n[logging]\nlevel = \"warn\"\n").expect("written");
    let config = config.to_string_lossy();
    let mut check = command(&["check", "--show", "--config", &config, "--port", "3333"]);
    check.env("RUSTSOCKS_SERVER_BIND_PORT", "2222").env("RUSTSOCKS_LOGGING_LEVEL", "error");
    let shown = ran(&mut check);
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    for (value, origin) in [
        ("bind_port = 3333", "--port"),
        ("level = \"error\"", "RUSTSOCKS_LOGGING_LEVEL"),
        ("backlog = 77", &format!("{config}:3")),
        ("drain_secs = 30", "default"),
    ] {
        let line = shown.stdout.lines().find(|line| line.starts_with(value));
        assert!(line.is_some_and(|line| line.ends_with(origin)), "{value} from {origin}: {line:?}");
    }
}

#[test]
fn a_mistake_in_the_environment_is_shown_with_its_name() {
    for (name, value) in [("RUSTSOCKS_SERVER_BACKLOG", "many"), ("RUSTSOCKS_SERVER_BIND_PROT", "1")] {
        let refused = ran(command(&["check"]).env(name, value));
        assert_eq!(refused.code, Some(78), "{name}");
        assert!(refused.stderr.contains(name), "{name}: {}", refused.stderr);
    }
}

#[test]
fn what_runs_obeys_the_environment_and_the_flags() {
    let unused = Port::reserve(std::net::Ipv4Addr::LOCALHOST.into());
    // The rig passes the address and the port by flag.
    let launch = launch(&format!("[server]\nbind_address = \"127.0.0.1\"\nbind_port = {}\n", unused.addr().port()));
    let service = launch.env("RUSTSOCKS_SERVER_BIND_PORT", "1").env("RUSTSOCKS_LOGGING_LEVEL", "debug").start();
    let target = Target::listen().serve(echo);
    visit(service.addr(), target, b"by flag").expect("the flag's port is served");
    visit(unused.addr(), target, b"by file").expect_err("the file's port is not");
    drop(std::net::TcpStream::connect(service.addr()));
    let is_debug =
        |line: &rig::session_log::Line| line.text("level") == "DEBUG" && line.text("ending") == "client_left";
    assert!(service.log.session(is_debug, rig::wait::PATIENCE).is_some(), "the environment's level is obeyed");
}

/// What a worker is told must not be read again: the file may have changed since.
#[test]
fn a_later_worker_serves_by_the_configuration_of_the_start() {
    let service = launch("[commands]\nudp_associate = false\n").start();
    fs::write(service.directory().join("rustsocks.toml"), "this is no configuration").expect("the directory is ours");
    let worker = service.worker_pid();
    rig::signals::send(worker, nix::sys::signal::Signal::SIGKILL);
    let _ = service.successor_of(worker);
    visit(service.addr(), Target::listen().serve(echo), b"as before").expect("the guard's exception holds");
}
