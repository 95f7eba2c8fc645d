//! The services that ship and those that docs/pam-authentication.md shows, tried as they stand there.
//!
//! Only `/etc/rustsocks` is another directory, and a lock comes after two failures and is kept elsewhere.

use std::fs;
use std::path::Path;

use rig::service::Service;
use rig::socks5::{NO_AUTHENTICATION, greeting};
use rig::wire::Wire;

use crate::system::{Login, PASSWORD, PERMIT, System, accepts, log_in, log_in_from};

#[test]
fn the_shipped_service_lets_in_people_in_order() {
    let system = System::with(&shipped("pam.d/rustsocks"));
    let service = system.start("[timeouts]\nhandshake_secs = 60");
    assert!(accepts(&service, "alice"));
    for name in ["carol", "dave", "erin", "nobody-knows-me"] {
        assert!(!accepts(&service, name), "{name}");
    }
    assert_eq!(log_in(&service, b"frank", b"").0, Login::Refused);
    let (login, client) = log_in(&service, b"service-account", PASSWORD.as_bytes());
    assert_eq!((login, service.session_of(client).text("remark")), (Login::Refused, "PAM says auth_error"));
}

#[test]
fn the_shipped_list_of_addresses_holds() {
    let system = System::with(PERMIT);
    system.service("rustsocks-client", &moved(&shipped("pam.d/rustsocks-client")));
    let welcome = shipped("clients.access");
    assert!(welcome.contains("+|ALL|127.0.0.0/8 ::1\n"));
    system.write("clients.access", &welcome.replace("127.0.0.0/8", "127.0.0.1/32"));
    let auth = "client_method = \"pam.address\"";
    let service = system.launch(auth, "").env("RUSTSOCKS_AUTH_PAM_DEFAULT_USER", "nobody").start();
    let words = |source: &str| {
        let mut client = Wire::connect_from(source.parse().expect("an address"), service.addr());
        client.send(&greeting(&[NO_AUTHENTICATION]));
        client.finish();
        client.rest().0
    };
    assert_eq!(words("127.0.0.1"), [5, NO_AUTHENTICATION]);
    assert_eq!(words("127.0.0.2"), b"");
}

#[test]
fn a_lock_after_wrong_passwords() {
    let lines = example("A lock after five wrong passwords", "pam.d/rustsocks");
    assert_eq!(lines.matches("deny=5 unlock_time=600").count(), 3);
    let system = System::with(&lines.replace("deny=5", "deny=2 dir={dir}/tally"));
    let service = system.start("[timeouts]\nhandshake_secs = 60");
    assert!(accepts(&service, "alice"));
    assert_eq!(log_in(&service, b"alice", b"wrong").0, Login::Refused);
    assert!(accepts(&service, "alice"), "one failure is no lock, and a success forgets it");
    for _ in 0..2 {
        assert_eq!(log_in(&service, b"alice", b"wrong").0, Login::Refused);
    }
    assert!(!accepts(&service, "alice"), "locked");
}

#[test]
fn a_list_of_addresses() {
    let system = System::with(&example("A list of addresses", "pam.d/rustsocks-list"));
    system.write("hosts.allow", "127.0.0.77\n");
    let service = system.start("");
    assert_eq!(log_in_from(&service, "127.0.0.77", b"alice", b"any"), Login::Accepted);
    assert_eq!(log_in_from(&service, "127.0.0.78", b"alice", b"any"), Login::Refused);
}

#[test]
fn who_may_come_from_where() {
    let heading = "Networks, and who may come from where";
    let system = System::with(&example(heading, "pam.d/rustsocks-office"));
    let access = example(heading, "rustsocks/office.access");
    system.write("office.access", &access.replace("127.0.0.0/8", "127.0.0.77/32").replace("+|alice|", "+|dave|"));
    let service = system.start("[timeouts]\nhandshake_secs = 60");
    let log_in = |source: &str, name: &str| log_in_from(&service, source, name.as_bytes(), PASSWORD.as_bytes());
    assert_eq!(log_in("127.0.0.77", "alice"), Login::Accepted, "a member of proxyusers, from the network");
    assert_eq!(log_in("127.0.0.78", "alice"), Login::Refused, "not from elsewhere");
    assert_eq!(log_in("127.0.0.79", "grace"), Login::Refused, "not in the group");
    system.write("office.access", &access.replace("+|alice|", "+|grace|"));
    assert_eq!(log_in("127.0.0.80", "grace"), Login::Accepted, "named, from anywhere");
}

#[test]
fn a_script() {
    let system = System::with(&example("A script", "pam.d/rustsocks-script"));
    system.script("may-in", "#!/bin/sh\n[ \"$PAM_USER@$PAM_RHOST\" = alice@127.0.0.77 ]\n");
    let service = system.start("");
    assert_eq!(log_in_from(&service, "127.0.0.77", b"alice", b"any"), Login::Accepted);
    assert_eq!(log_in_from(&service, "127.0.0.78", b"alice", b"any"), Login::Refused);
    assert!(is_said_to_have_failed(&service));
}

fn is_said_to_have_failed(service: &Service) -> bool {
    service.event("PAM could not be asked").text("error").contains("System error")
}

fn shipped(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The text of a file that the page shows under this heading.
fn example(heading: &str, file: &str) -> String {
    let page = include_str!("../../docs/pam-authentication.md");
    let (_, chapter) = page.split_once(&format!("### {heading}\n")).unwrap_or_else(|| panic!("no chapter {heading}"));
    let chapter = chapter.split("\n### ").next().unwrap_or_default();
    let start = format!("```text\n# /etc/{file}\n");
    let (_, text) = chapter.split_once(&start).unwrap_or_else(|| panic!("no {file} under {heading}"));
    moved(text.split("```").next().unwrap_or_default())
}

fn moved(text: &str) -> String {
    text.replace("/etc/rustsocks/", "{dir}/")
}
