//! A service that cannot start says why, and exits with the code for it.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use crate::toy::Toy;

fn refused(arguments: &[&str], code: i32, words: &str) {
    let (status, log) = Toy::start(arguments).end();
    assert_eq!(status, Some(code), "{arguments:?}:\n{log}");
    assert!(log.contains(words), "{arguments:?}:\n{log}");
}

#[test]
fn a_taken_address_is_named_with_a_way_to_find_who_has_it() {
    let other = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = other.local_addr().expect("an address");
    let words = format!("cannot listen on {address}: somebody else does; `ss -ltnp 'sport = :{}'`", address.port());
    refused(&[&format!("tcp={address}"), "threads=2"], 69, &words);
}

#[test]
fn a_second_service_on_the_same_address_is_refused() {
    let (_first, address) = Toy::serving(&["threads=2"]);
    refused(&[&format!("tcp={address}"), "threads=2"], 69, "somebody else does");
}

#[test]
fn a_taken_path_and_a_foreign_address_are_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socks");
    let _other = UnixListener::bind(&path).expect("bound");
    refused(&[&format!("unix={}", path.display())], 69, "somebody else does; `ss -lxp");
    refused(&["tcp=192.0.2.1:1080"], 78, "no interface of this host has that address");
}

#[test]
fn no_worker_is_started_if_one_of_the_listeners_cannot_be_had() {
    let (status, log) = Toy::start(&["tcp=127.0.0.1:0", "tcp=192.0.2.1:1080"]).end();
    assert_eq!(status, Some(78));
    assert!(!log.contains("worker started"), "{log}");
}

#[test]
fn a_worker_that_refuses_to_start_is_quoted() {
    refused(&["behaviour=refuse"], 78, "the worker refuses to start: line 3: no such key");
}

#[test]
fn a_worker_that_ends_before_it_is_ready_ends_the_service() {
    refused(&["behaviour=exit"], 70, "the worker ended before it was ready (exit status: 3)");
}

#[test]
fn a_worker_that_is_not_ready_in_time_is_killed() {
    refused(&["behaviour=dawdle", "start_limit_ms=300"], 70, "the worker was not ready within 300ms and was killed");
}

#[test]
fn a_program_that_does_not_exist_is_named() {
    refused(&["launcher=/no/such/rustsocks"], 71, "cannot start the launcher /no/such/rustsocks");
    let words = "the worker refuses to start: cannot start /no/such/rustsocks: No such file or directory";
    refused(&["program=/no/such/rustsocks"], 78, words);
}

#[test]
fn a_worker_gets_all_listeners_even_if_they_do_not_fit_into_the_line_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socks");
    refused(&[&format!("unix={}", path.display()), "threads=800", "behaviour=refuse"], 78, "line 3: no such key");
}
