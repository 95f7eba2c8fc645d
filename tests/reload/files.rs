//! Files that change are reloaded without a signal, each change once.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use rig::service::Service;
use rig::users::Users;
use rig::wire::Wire;

use crate::{of, start, words};

/// Longer than two looks of the daemon and a reload.
const A_WHILE: Duration = Duration::from_secs(4);

#[test]
fn every_way_to_replace_the_file_is_one_reload_of_what_it_says_then() {
    let service = start("");
    let config = service.config();
    let aside = |name: &str, text: &str| {
        let path = service.directory().join(name);
        fs::write(&path, of(&["[limits]\nmax_connections = 12\n", text].concat())).expect("the directory is ours");
        path
    };

    service.rewrite(&of("[limits]\nmax_connections = 11\n"));
    assert_one_reload(&service, "written over", "limits.max_connections");

    fs::rename(aside("new", ""), &config).expect("the directory is ours");
    assert_one_reload(&service, "renamed into place", "limits.max_connections");

    for (name, text) in [("first", "[commands]\nbind = true\n"), ("second", "[commands]\nbind = false\n")] {
        let link = service.directory().join("link");
        symlink(aside(name, text), &link).expect("the directory is ours");
        fs::rename(link, &config).expect("the directory is ours");
        assert_one_reload(&service, "another link", "commands.bind");
    }
}

#[test]
fn a_file_that_is_written_bit_by_bit_is_read_when_it_is_whole() {
    let service = start("");
    let text = of("[limits]\nmax_connections = 13\n# and so on\n");
    let mut file = fs::File::create(service.config()).expect("the file is ours");
    // Long enough to be seen empty twice.
    std::thread::sleep(A_WHILE);
    for part in text.as_bytes().chunks(8) {
        file.write_all(part).expect("the disk has room");
        std::thread::sleep(Duration::from_millis(300));
    }
    assert_one_reload(&service, "bit by bit", "limits.max_connections");
}

#[test]
fn the_users_file_is_watched_too_and_a_mistake_in_it_is_said_once() {
    let users = Users::of(&[("alice", b"wonderland")]);
    let service = start(&users.settings(&["userpass"]));
    users.replace_by(&[("bob", b"builder")]);
    let line = service.next_reload(0);
    assert_eq!((words(&line), line.text("trigger")), (("same", "applied"), "file"));
    assert_eq!(Wire::connect(service.addr()).log_in(b"bob", b"builder")[1], 0);

    rig::place::write_secret(&users.path(), "[[users]]\nname = \"bob\"\n");
    assert_eq!(words(&service.next_reload(1)), ("same", "failed"));
    std::thread::sleep(A_WHILE);
    assert_eq!(service.reloads().len(), 2);
    assert_eq!(Wire::connect(service.addr()).log_in(b"bob", b"builder")[1], 0);
}

#[test]
fn what_a_signal_has_loaded_is_not_loaded_again() {
    let service = start("");
    service.rewrite(&of("[limits]\nmax_connections = 14\n"));
    assert_eq!(words(&service.reload()).0, "applied");
    let file = fs::File::options().append(true).open(service.config()).expect("it is there");
    file.set_modified(SystemTime::now()).expect("the file is ours");
    std::thread::sleep(A_WHILE);
    assert_eq!(service.reloads().len(), 1, "{:?}", service.reloads());
}

#[test]
fn watching_can_be_switched_off() {
    let service = start("");
    service.rewrite(&of("[server]\nwatch_files = false\n"));
    assert_one_reload(&service, "the last one", "server.watch_files");
    service.rewrite(&of("[server]\nwatch_files = false\n[commands]\nbind = true\n"));
    std::thread::sleep(A_WHILE);
    assert_eq!(service.reloads().len(), 1);
    assert_eq!(service.reload().text("changes"), "commands.bind");
}

/// One reload came by itself with these changes, and no further one.
fn assert_one_reload(service: &Service, what: &str, changes: &str) {
    let before = service.reloads().iter().filter(|line| line.text("configuration") == "applied").count();
    let line = service.next_reload(before);
    assert_eq!((line.text("changes"), line.text("trigger")), (changes, "file"), "{what}: {line:?}");
    std::thread::sleep(A_WHILE);
    assert_eq!(service.reloads().len(), before + 1, "{what}: {:?}", service.reloads());
}
