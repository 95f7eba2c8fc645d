//! Processes that are killed at any moment while files are written: what is in force, the file and the generations agree afterwards,
//! every order is on record, and no password is anywhere.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;
use rig::admin::Conversation;
use rig::disk::Disk;
use rig::network;
use rig::place;
use rig::process::exists;
use rig::service::{Launch, Service};
use rig::signals::send;
use rig::target::tunnel;
use rig::users::Users;
use rig::wait::{PATIENCE, eventually, found};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{LOOPBACK, program, root, settings, start};

/// How often the worker is killed, and how often all of it; ten deaths of workers within a minute would be the service's end.
const WORKERS: u64 = 3;
const TREES: u64 = 5;

const RULES: &str = "# Who may go where.
[global]
default_policy = \"deny\" # firm

[[users]]
username = \"alice\"

  # this machine
  [[users.rules]]
  action = \"allow\"
  destinations = [\"127.0.0.0/8\"]
";

/// Rules that are a link to a file elsewhere, of somebody else's and for few to read; and a place for what a daemon keeps.
struct Estate {
    place: TempDir,
}

impl Estate {
    fn new() -> Self {
        let estate = Self { place: place::for_everybody() };
        fs::create_dir(estate.place.path().join("elsewhere")).expect("it is a fresh place");
        fs::create_dir(estate.state()).expect("it is a fresh place");
        place::open_to_everybody(&estate.state());
        fs::write(estate.file(), RULES).expect("it is a fresh place");
        fs::set_permissions(estate.file(), Permissions::from_mode(0o640)).expect("the file is ours");
        std::os::unix::fs::chown(estate.file(), Some(0), Some(4)).expect("root may give its files away");
        symlink("elsewhere/acl.toml", estate.link()).expect("it is a fresh place");
        estate
    }

    /// Another daemon, which finds what the one before has left.
    fn opens(&self) -> Service {
        let rules = format!("[acl]\nconfig_file = \"{}\"\n", self.link().display());
        let config = [LOOPBACK, &settings(), "[server]\nwatch_files = false\n", &rules].concat();
        let state = self.state();
        let state = state.to_str().expect("temporary directories have plain names");
        Launch::of(program()).config(&config).env("STATE_DIRECTORY", state).start()
    }

    fn file(&self) -> PathBuf {
        self.place.path().join("elsewhere/acl.toml")
    }

    fn link(&self) -> PathBuf {
        self.place.path().join("acl.toml")
    }

    fn state(&self) -> PathBuf {
        self.place.path().join("state")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).expect("the file is whole")
    }

    /// What is in force, the file and the latest generation are one text, and the file is whose it was.
    fn agrees(&self, operator: &mut Conversation) {
        let mut seen = Value::Null;
        let agree = || {
            let running = operator.ask("txn.get", json!({}));
            let latest = operator.ask("txn.history", json!({}))[0].clone();
            let generation = operator.ask("txn.generation", json!({ "gen": latest["gen"] }));
            let text = running["text"].as_str() == Some(&self.text());
            let is_one = text && generation["text"] == running["text"] && latest["sha"] == running["sha"];
            seen = json!({ "running": running, "latest": latest, "file": self.text() });
            is_one
        };
        assert!(eventually(PATIENCE, agree), "{seen:#}");
        let (file, link) = (fs::metadata(self.file()), fs::symlink_metadata(self.link()));
        let (file, link) = (file.expect("the file is there"), link.expect("the link is there"));
        assert_eq!((file.mode() & 0o777, file.uid(), file.gid(), link.is_symlink()), (0o640, 0, 4, true));
    }

    /// The next order leaves nothing over of one that was never finished.
    fn goes_on(&self, operator: &mut Conversation, number: u64) {
        operator.ask("txn.quick", one_more(number));
        assert!(self.text().contains(&format!("number {number}")), "{}", self.text());
        self.agrees(operator);
        let left: Vec<_> = fs::read_dir(self.place.path().join("elsewhere")).expect("it is there").flatten().collect();
        assert_eq!(left.len(), 1, "nothing half-written is left over: {left:?}");
        assert_eq!(operator.ask("audit.verify", json!({}))["ok"], true);
    }
}

/// One more rule, whose description tells it from all others.
fn one_more(number: u64) -> Value {
    let rule = json!({ "action": "allow", "destinations": ["127.0.0.1"], "description": format!("number {number}") });
    json!({ "ops": [{ "op": "rule.add", "owner": "users/alice", "rule": rule }], "comment": format!("number {number}") })
}

/// Some time that differs from kill to kill, and goes through all that an order takes.
fn moment(kill: u64) -> Duration {
    Duration::from_micros(kill.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48)
}

/// Each text is one of those that were ordered, whole.
fn is_whole(text: &str, numbers: impl Iterator<Item = u64>) {
    let added = text.strip_prefix(RULES.trim_end());
    let added = added.unwrap_or_else(|| panic!("what was there stays as it is: {text}"));
    let lines = |start: &str| added.lines().filter(|line| line.trim_start().starts_with(start)).count();
    assert_eq!([lines("[[users.rules]]"), lines("destinations = ")], [lines("description = "); 2], "{text}");
    let known: Vec<String> = numbers.map(|number| format!("\"number {number}\"")).collect();
    let described = added.lines().filter_map(|line| line.trim().strip_prefix("description = "));
    described.for_each(|line| assert!(known.iter().any(|known| known == line), "{line}: {text}"));
}

#[test]
fn a_worker_that_dies_while_rules_are_written_leaves_one_text_in_force_on_disk_and_on_record() {
    let estate = Estate::new();
    let service = estate.opens();
    for kill in 0..WORKERS {
        let mut operator = root(&service);
        estate.agrees(&mut operator);
        operator.send("txn.quick", &one_more(kill));
        sleep(moment(kill));
        let worker = service.worker_pid();
        send(worker, Signal::SIGKILL);
        let _next = service.successor_of(worker);
        let mut operator = root(&service);
        estate.agrees(&mut operator);
        is_whole(&estate.text(), 0..=kill);
    }
    estate.goes_on(&mut root(&service), WORKERS);
}

#[test]
fn a_daemon_that_dies_while_rules_are_written_leaves_one_text_in_force_on_disk_and_on_record() {
    let estate = Estate::new();
    for kill in 0..TREES {
        let mut service = estate.opens();
        let mut operator = root(&service);
        estate.agrees(&mut operator);
        operator.send("txn.quick", &one_more(kill));
        sleep(moment(kill + WORKERS));
        let worker = service.worker_pid();
        send(service.process.pid(), Signal::SIGKILL);
        assert!(service.process.exit_within(PATIENCE).is_some() && eventually(PATIENCE, || !exists(worker)));
        is_whole(&estate.text(), 0..=kill);
    }
    let service = estate.opens();
    let mut operator = root(&service);
    estate.agrees(&mut operator);
    estate.goes_on(&mut operator, TREES);
}

#[test]
fn what_nobody_has_confirmed_goes_again_although_all_of_the_daemon_died() {
    let estate = Estate::new();
    let mut service = estate.opens();
    let mut order = one_more(0);
    order["confirm_s"] = json!(8);
    assert_eq!(root(&service).ask("txn.quick", order)["gen"], 2);
    assert_ne!(estate.text(), RULES);
    let worker = service.worker_pid();
    send(service.process.pid(), Signal::SIGKILL);
    assert!(service.process.exit_within(PATIENCE).is_some() && eventually(PATIENCE, || !exists(worker)));
    let service = estate.opens();
    assert!(eventually(PATIENCE, || estate.text() == RULES), "nobody has confirmed: {}", estate.text());
    estate.agrees(&mut root(&service));
}

#[test]
fn an_order_that_was_begun_and_not_finished_is_on_record_as_such() {
    let service = start("");
    let worker = service.worker_pid();
    let mut operator = root(&service);
    // The order needs the monitor, which does nothing now.
    send(service.process.pid(), Signal::SIGSTOP);
    operator.send("reload.run", &json!({}));
    let log = service.directory().join("audit.jsonl");
    let of_order = || {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let records = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a record is whole"));
        records.filter(|record| record["op"] == "reload.run").collect::<Vec<_>>()
    };
    let intent = found(PATIENCE, || of_order().into_iter().next()).expect("it is on the disk before it is done");
    assert_eq!((&intent["phase"], &intent["op"]), (&json!("intent"), &json!("reload.run")));
    send(worker, Signal::SIGKILL);
    send(service.process.pid(), Signal::SIGCONT);
    let _next = service.successor_of(worker);
    let mut operator = root(&service);
    operator.ask("auth.unban", json!({ "src": "192.0.2.7" }));
    assert_eq!(of_order(), std::slice::from_ref(&intent), "and nobody claims that it was done");
    assert_eq!(operator.ask("audit.verify", json!({}))["ok"], true);
    let last = operator.ask("audit.tail", json!({ "n": 1 }))["records"][0].clone();
    assert!(last["phase"] == "done" && last["seq"].as_u64() > intent["seq"].as_u64(), "the chain goes on: {last}");
}

#[test]
fn on_a_full_disk_nothing_is_changed_and_everything_is_shown() {
    network::alone(|| {
        let disk = Disk::of_kib(64);
        let log = disk.path().join("audit.jsonl");
        let service = start(&format!("audit_log = \"{}\"\n", log.display()));
        let (client, _far) = tunnel(service.addr());
        let mut operator = root(&service);
        let id = crate::id_of(&mut operator, &client);
        disk.fill();
        let order = json!({ "ids": [id], "idem": "full" });
        assert_eq!(operator.refused("sessions.kill", order.clone()).0, "audit_failed");
        assert_eq!(crate::id_of(&mut operator, &client), id, "it is still in");
        for op in ["status", "health.get", "acl.rules", "config.effective", "reload.history"] {
            operator.ask(op, json!({}));
        }
        disk.empty();
        let order = json!({ "ids": [id] });
        let killed = || operator.answer_to("sessions.kill", order.clone())["ok"]["killed"] == 1;
        assert!(eventually(PATIENCE, killed), "there is room again");
        assert_eq!(operator.ask("audit.verify", json!({}))["ok"], true);
        drop(service);
    });
}

#[test]
fn a_password_is_in_no_file_of_the_daemons_and_in_nothing_that_it_says() {
    const CANARY: &str = "canary-71c0-secret";
    let users = Users::crowd(["alice".to_owned()], b"a good password");
    let config =
        [&users.settings(&["userpass"]), "[sessions]\nenabled = true\n", "[logging]\nlevel = \"trace\"\n"].concat();
    let service = start(&config);
    let mut operator = root(&service);
    let mut said = Vec::new();
    for (op, p) in [
        ("users.add", json!({ "name": "bob", "secret": CANARY, "idem": "one" })),
        ("users.add", json!({ "name": "bob", "secret": CANARY })),
        ("users.passwd", json!({ "name": "alice", "secret": CANARY, "comment": "new" })),
        ("users.passwd", json!({ "name": "nobody", "secret": CANARY })),
        ("users.passwd", json!({ "name": "alice", "secret": [CANARY] })),
        ("users.passwd", json!({ "name": { "secret": CANARY }, "secret": CANARY })),
        ("auth.test", json!({ "user": "alice", "secret": CANARY })),
        ("auth.test", json!({ "user": "alice", "secret": format!("{CANARY} not") })),
        ("auth.test", json!({ "user": "alice", "secret": { "is": CANARY } })),
        ("meta.outcome", json!({ "idem": "one" })),
        ("audit.tail", json!({ "n": 100 })),
        ("logs.get", json!({ "n": 1000 })),
        ("auth.sub", json!({})),
        ("txn.history", json!({ "store": "users" })),
    ] {
        said.push((op, operator.answer_to(op, p)));
    }
    for password in [CANARY.as_bytes(), b"canary-71c0-wrong"] {
        let _answer = rig::wire::Wire::connect(service.addr()).log_in(b"alice", password);
    }
    // Whatever is to be written of it is written with what comes later.
    operator.ask("reload.run", json!({}));
    let (log, directory) = (service.directory().join("log"), service.directory().to_owned());
    let is_written = || fs::read_to_string(&log).is_ok_and(|text| text.contains("reload.run"));
    assert!(eventually(PATIENCE, is_written), "it is logged");
    for (op, answer) in said {
        let answer = answer.to_string();
        assert!(!answer.contains("canary-71c0"), "{op} says {answer}");
    }
    let files = files(&directory);
    assert!(files.len() > 4, "{files:?}");
    for file in files.iter().chain([&users.path()]) {
        let bytes = fs::read(file).expect("root may read it");
        let has = bytes.windows(11).any(|window| window == b"canary-71c0");
        assert!(!has, "it is in {}", file.display());
    }
}

/// Every file below; sockets and pipes have nothing to read.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("it is there").map(|entry| entry.expect("it can be read").path());
    entries.fold(Vec::new(), |mut found, path| {
        let kind = fs::symlink_metadata(&path).expect("it is there");
        if kind.is_dir() {
            found.extend(files(&path));
        } else if kind.is_file() {
            found.push(path);
        }
        found
    })
}
