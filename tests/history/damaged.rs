//! A database that is damaged, gone, or not ours: it is set aside or left alone, and every session that comes has its row.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rig::admin::Conversation;
use rig::history::{History, Shelf};
use rig::service::Service;
use rig::wait::{PATIENCE, eventually};
use serde_json::{Value, json};

use crate::{echoing, launch, visited};

const ADMIN: &str = "[admin]\nsocket = \"{dir}/admin.sock\"\n";

#[test]
fn a_database_that_was_spoiled_while_nobody_wrote_is_set_aside_and_a_new_one_begun() {
    for (what, spoil) in
        [("garbage", garbage as fn(&History)), ("a head without a body", behead), ("garbage within", bury)]
    {
        let shelf = Shelf::new();
        fill(&shelf);
        spoil(&shelf.history());
        let service = launch(&shelf.settings()).start();
        let client = visited(&service, echoing());
        assert_eq!(shelf.history().row_of(client).text("status"), "closed", "{what}");
        let _ = service.event("the damaged database of the history is set aside");
        assert_eq!(asides(&shelf).len(), 1, "{what}: {:?}", asides(&shelf));
        assert_eq!(shelf.history().integrity(), "ok", "{what}");
    }
}

#[test]
fn a_database_that_is_spoiled_under_the_writer_is_replaced() {
    for (what, spoil) in [("cut to nothing", empty as fn(&History)), ("cut in the middle", behead), ("removed", remove)]
    {
        let shelf = Shelf::new();
        let service = launch(&[&shelf.settings(), ADMIN].concat()).start();
        let target = echoing();
        let _ = shelf.history().row_of(visited(&service, target));
        let worker = service.worker_pid();
        let mut conversation = greeted(&service);
        assert_eq!(asked(&mut conversation).len(), 1);
        spoil(&shelf.history());
        let is_written_again = || {
            let client = visited(&service, target);
            eventually(PATIENCE / 20, || has_row(&shelf.history(), client))
        };
        assert!(eventually(PATIENCE, is_written_again), "{what}: rows are written again");
        assert_eq!(service.worker_pid(), worker, "{what}: the worker goes on");
        assert_eq!(shelf.history().integrity(), "ok", "{what}");
        assert_eq!(asked(&mut conversation).len(), shelf.history().count(), "{what}: answers are from the new file");
    }
}

#[test]
fn a_daemon_that_was_asked_still_has_its_lock_on_the_database() {
    let shelf = Shelf::new();
    let service = launch(&[&shelf.settings(), ADMIN].concat()).start();
    let mut conversation = greeted(&service);
    for round in 1..=3 {
        let _ = shelf.history().row_of(visited(&service, echoing()));
        assert_eq!(asked(&mut conversation).len(), round);
        assert!(has_lock(service.worker_pid(), shelf.history().database()));
    }
}

/// Without it, whoever else closes the database takes himself for the last one and removes the log into which the daemon writes.
fn has_lock(process: u32, file: &Path) -> bool {
    let (process, inode) = (process.to_string(), fs::metadata(file).expect("the file is there").ino().to_string());
    let locks = fs::read_to_string("/proc/locks").expect("the kernel tells of locks");
    let is_it = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.contains(&"POSIX") && words.contains(&process.as_str()) && line.contains(&format!(":{inode} "))
    };
    locks.lines().any(is_it)
}

fn greeted(service: &Service) -> Conversation {
    let mut conversation = Conversation::begin(&service.directory().join("admin.sock"));
    conversation.greet();
    conversation
}

/// What the daemon itself says of the past.
fn asked(conversation: &mut Conversation) -> Vec<Value> {
    let answer = conversation.ask("history.query", json!({"limit": 1000}));
    answer["rows"].as_array().expect("rows").clone()
}

#[test]
fn a_newer_schema_is_left_alone_and_rows_wait_in_the_spool() {
    let shelf = Shelf::new();
    fill(&shelf);
    shelf.history().open().pragma_update(None, "user_version", 99).expect("the file is ours");
    let service = launch(&shelf.settings()).start();
    let client = visited(&service, echoing());
    let said = service.event_with("cannot use the history's database");
    let known = migrations();
    let words = format!("its schema has version 99, and this program knows {known}");
    assert!(said.contains(&words), "{said}");
    assert!(eventually(PATIENCE, || !shelf.history().segments().is_empty()), "the row waits in the spool");
    assert!(!has_row(&shelf.history(), client));
    // The newer program would have read the spool; here the file becomes an older one again.
    shelf.history().open().pragma_update(None, "user_version", known).expect("the file is ours");
    assert_eq!(shelf.history().row_of(client).text("status"), "closed");
    assert!(asides(&shelf).is_empty());
}

/// Each is a file, and makes a version.
fn migrations() -> i64 {
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).expect("they are there");
    i64::try_from(files.count()).expect("they are few")
}

#[test]
fn another_programs_database_is_left_alone() {
    let shelf = Shelf::of_another_program();
    let before = fs::read(shelf.history().database()).expect("the file is there");
    let service = launch(&shelf.settings()).start();
    let _ = visited(&service, echoing());
    let said = service.event_with("cannot use the history's database");
    assert!(said.contains("it belongs to another program"), "{said}");
    assert_eq!(fs::read(shelf.history().database()).expect("the file is there"), before);
}

#[test]
fn a_torn_spool_is_read_up_to_where_it_is_torn() {
    let shelf = Shelf::new();
    let service = launch(&shelf.settings()).start();
    let target = echoing();
    let _ = shelf.history().row_of(visited(&service, target));
    // What the next process will find: a segment of which the last frame is not whole.
    let shelf = shelf.history().while_locked(|| {
        for _ in 0..10 {
            let _ = visited(&service, target);
        }
        shelf.copied()
    });
    drop(service);
    let history = shelf.history();
    let path = history.segments().pop().expect("there is a segment");
    let length = fs::metadata(&path).expect("it is there").len();
    let file = fs::OpenOptions::new().write(true).open(&path).expect("the file is ours");
    file.set_len(length - 5).expect("a file can be cut");
    let service = launch(&shelf.settings()).start();
    let client = visited(&service, target);
    assert_eq!(history.row_of(client).text("status"), "closed");
    let _ = service.event_with("the end of a spool segment of the history is torn");
    // Twelve, unless what is torn is the opening of the last one.
    assert!((11..=12).contains(&history.count()), "{} rows", history.count());
    assert!(!history.segments().contains(&path), "the torn segment is gone");
}

/// A daemon was here, and closed well.
fn fill(shelf: &Shelf) {
    let service = launch(&shelf.settings()).start();
    let target = echoing();
    for _ in 0..50 {
        let _ = visited(&service, target);
    }
    shelf.history().wait_for(50, PATIENCE);
    stop(service);
}

fn stop(service: Service) {
    drop(service);
}

fn garbage(history: &History) {
    fs::write(history.database(), "not a database at all ".repeat(1_000)).expect("the file is ours");
}

/// Keeps the first page, which has the schema.
fn behead(history: &History) {
    let file = fs::OpenOptions::new().write(true).open(history.database()).expect("the file is ours");
    file.set_len(4_096).expect("a file can be cut");
}

fn bury(history: &History) {
    let mut bytes = fs::read(history.database()).expect("the file is ours");
    bytes[4_096..].fill(0x2a);
    fs::write(history.database(), bytes).expect("the file is ours");
}

fn empty(history: &History) {
    fs::OpenOptions::new().write(true).truncate(true).open(history.database()).expect("the file is ours");
}

fn remove(history: &History) {
    fs::remove_file(history.database()).expect("the file is there");
}

fn has_row(history: &History, client: SocketAddr) -> bool {
    history.rows().iter().any(|row| row.client() == Some(client) && row.text("status") == "closed")
}

fn asides(shelf: &Shelf) -> Vec<PathBuf> {
    let entries = fs::read_dir(shelf.path()).expect("the directory is ours").flatten().map(|entry| entry.path());
    let is_aside = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("sessions.db.damaged-") && !name.ends_with("-wal")
    };
    entries.filter(is_aside).collect()
}
