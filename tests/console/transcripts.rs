//! Conversations that are kept in files, beside this one: each is what the real client asks and what the real daemon answers.
//!
//! The first line of a file is the command, with its exit code and what it prints; the others are what was said, in order.
//! The client is given the daemon's lines as they stand there. The daemon may say other numbers and texts in the same places.
//! `RUSTSOCKS_BLESS=1` writes the files anew.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use rig::rules::Rules;
use rig::service::{Launch, Service};
use rig::target::tunnel;
use rig::users::Users;
use rig::wait::{PATIENCE, eventually};
use rig::wire::Wire;
use serde_json::{Value, json};

use crate::meddler::{Meddler, Who};
use crate::{CONFIG, client, client_program, program, socket, wait_for_sessions};

/// Commands whose answers do not depend on what the machine does meanwhile, by the name of their file.
const COMMANDS: &[(&str, &[&str])] = &[
    ("status", &["status", "--json"]),
    ("ops", &["ops", "-o", "plain"]),
    ("sessions", &["sessions", "list", "--fields", "user,dst,state", "-o", "csv"]),
    ("sessions_misread", &["sessions", "list", "--filter", "usr=alice"]),
    ("session_unknown", &["sessions", "get", "ffffff"]),
    ("kill_counted", &["sessions", "kill", "--filter", "user=anonymous", "--dry-run", "--json"]),
    ("kill_conflict", &["sessions", "kill", "--filter", "user=anonymous", "--expect", "3", "--yes"]),
    ("kill_denied", &["--read-only", "sessions", "kill", "1", "--yes"]),
    ("explain", &["acl", "explain", "alice", "192.0.2.1:443", "--json"]),
    ("users", &["users", "list", "-o", "tsv"]),
    ("disable", &["users", "disable", "alice", "--yes", "--comment", "a test"]),
    ("limits", &["limits", "show", "-o", "tsv"]),
    ("reload", &["reload", "--json"]),
    ("audit", &["audit", "verify"]),
    ("health", &["health", "-o", "json"]),
    ("unknown", &["raw", "{\"op\":\"no.such\"}"]),
];

/// One file.
struct Transcript {
    run: Vec<String>,
    exit: i32,
    printed: String,
    said: Vec<(Who, Value)>,
}

struct Scene {
    service: Service,
    _files: (Users, Rules),
    _session: (Wire, Wire),
}

impl Scene {
    fn opens() -> Self {
        let users = Users::crowd(["alice".to_owned(), "eve".to_owned()], b"a good password");
        let rules = Rules::of(
            "[global]\ndefault_policy = \"deny\"\n[[users]]\nusername = \"*\"\n\
             [[users.rules]]\naction = \"allow\"\ndestinations = [\"127.0.0.0/8\", \"192.0.2.0/24\"]\n",
        );
        let admin = CONFIG.replace("{socket}", "{dir}/admin.sock") + "[server]\nwatch_files = false\n";
        let config = [&admin, &users.settings(&["userpass", "none"]), &rules.settings()].map(String::as_str).concat();
        let service = Launch::of(program()).config(&config).start();
        let session = tunnel(service.addr());
        wait_for_sessions(&socket(&service), 1);
        // Until it has looked once, there are no checks.
        let is_examined = || {
            let health = client(&socket(&service), &["health", "--json"]);
            health.stdout.len() > 1_000
        };
        assert!(eventually(PATIENCE, is_examined), "it looks each second");
        Self { service, _files: (users, rules), _session: session }
    }
}

#[test]
fn what_is_kept_is_what_the_client_asks_and_understands() {
    if std::env::var_os("RUSTSOCKS_BLESS").is_some() {
        bless();
    }
    for (name, command) in COMMANDS {
        let Transcript { run, exit, printed, said } = kept(name);
        assert_eq!(run, *command, "{name}");
        for is_later in [false, true] {
            let place = rig::place::for_everybody();
            let listener = UnixListener::bind(place.path().join("admin.sock")).expect("a directory can hold a socket");
            let lines = said.clone();
            let daemon = thread::spawn(move || play(&listener, &lines, is_later));
            let output = client(&place.path().join("admin.sock"), command);
            assert_eq!(output.status.code(), Some(exit), "{name}: {output:?}");
            assert_eq!(String::from_utf8_lossy(&output.stdout), printed, "{name}");
            let asked = daemon.join().expect("what the client asks is what is kept");
            let kept: Vec<Value> =
                said.iter().filter(|(who, _)| *who == Who::Client).map(|(_, line)| line.clone()).collect();
            assert_eq!(
                asked.iter().map(constant).collect::<Vec<_>>(),
                kept.iter().map(constant).collect::<Vec<_>>(),
                "{name}"
            );
        }
    }
}

#[test]
fn what_is_kept_is_what_the_daemon_answers() {
    let scene = Scene::opens();
    for (name, _) in COMMANDS {
        let stream = UnixStream::connect(socket(&scene.service)).expect("the daemon listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket has timeouts");
        let mut to = stream.try_clone().expect("there are descriptors");
        let mut from = BufReader::new(stream).lines();
        for (who, line) in kept(name).said {
            match who {
                Who::Client => {
                    // The daemon does not mind what it does not know yet.
                    let mut line = line;
                    line["later"] = json!([1]);
                    if let Some(idem) = line["p"].get_mut("idem") {
                        *idem = json!(name);
                    }
                    to.write_all(format!("{line}\n").as_bytes()).expect("the daemon listens");
                }
                Who::Daemon => {
                    let heard = from.next().expect("the daemon goes on").expect("text");
                    let heard: Value = serde_json::from_str(&heard).expect("a document");
                    let mut differences = Vec::new();
                    compare("", &line, &heard, &mut differences);
                    assert!(differences.is_empty(), "{name}: {differences:#?}\nkept: {line}\nsaid: {heard}");
                }
            }
        }
    }
}

/// Is the daemon: reads as many lines as are kept and says what is kept; returns what was read.
fn play(listener: &UnixListener, said: &[(Who, Value)], is_later: bool) -> Vec<Value> {
    let (stream, _) = listener.accept().expect("somebody comes");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket has timeouts");
    let mut to = stream.try_clone().expect("there are descriptors");
    let mut from = BufReader::new(stream).lines();
    let mut asked = Vec::new();
    for (who, line) in said {
        match who {
            Who::Client => {
                let line = from.next().expect("the client goes on").expect("text");
                asked.push(serde_json::from_str(&line).expect("a document"));
            }
            Who::Daemon => {
                let news = if is_later { "{\"sub\":77,\"seq\":1,\"ev\":\"aurora\",\"t\":1.0,\"d\":{}}\n" } else { "" };
                let mut line = line.clone();
                if is_later {
                    line["later"] = json!({ "than": "now" });
                }
                to.write_all(format!("{news}{line}\n").as_bytes()).expect("the client listens");
            }
        }
    }
    asked
}

/// A request without what differs each time.
fn constant(request: &Value) -> Value {
    let mut request = request.clone();
    if let Some(p) = request["p"].as_object_mut() {
        for key in ["idem", "client"] {
            if let Some(value) = p.get_mut(key) {
                *value = json!("…");
            }
        }
    }
    request
}

/// Whatever is kept is there, and of the same kind; codes of refusals are the same.
fn compare(place: &str, kept: &Value, heard: &Value, differences: &mut Vec<String>) {
    match (kept, heard) {
        (Value::Object(kept), Value::Object(heard)) => {
            for (key, value) in kept {
                match heard.get(key) {
                    Some(heard) => compare(&format!("{place}/{key}"), value, heard, differences),
                    None => differences.push(format!("{place}/{key} is missing")),
                }
            }
        }
        (Value::Array(kept), Value::Array(heard)) => {
            if let (Some(kept), Some(heard)) = (kept.first(), heard.first()) {
                compare(&format!("{place}/0"), kept, heard, differences);
            }
        }
        (Value::String(kept), Value::String(heard)) if place.ends_with("/code") && kept != heard => {
            differences.push(format!("{place} is {heard}, not {kept}"));
        }
        // What is not known at one time may be at another.
        (Value::Null, _) | (_, Value::Null) => {}
        (kept, heard) => {
            if std::mem::discriminant(kept) != std::mem::discriminant(heard) {
                differences.push(format!("{place} is {heard}, not {kept}"));
            }
        }
    }
}

fn bless() {
    let scene = Scene::opens();
    for (name, command) in COMMANDS {
        let meddler = Meddler::on(&socket(&scene.service));
        let Output { status, stdout, .. } = client(&meddler.socket(), command);
        // Its last line may still be on its way to us.
        thread::sleep(Duration::from_millis(50));
        let exit = status.code().expect("it exits");
        let printed = String::from_utf8(stdout).expect("it prints text");
        let first = json!({ "run": command, "exit": exit, "prints": printed });
        let mut text = format!("{first}\n");
        for (who, line) in meddler.said() {
            let line = if who == Who::Client { constant(&line) } else { line };
            let who = if who == Who::Client { "client" } else { "daemon" };
            text.extend([json!({ who: line }).to_string(), "\n".to_owned()]);
        }
        fs::write(path(name), text).expect("a file can be kept");
    }
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/console/transcripts/{name}.ndjson"))
}

fn kept(name: &str) -> Transcript {
    let text = fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a document"));
    let first = lines.next().expect("a command");
    let run = first["run"].as_array().expect("words").iter().map(|word| word.as_str().expect("a word").to_owned());
    let said = |line: Value| match (line.get("client"), line.get("daemon")) {
        (Some(line), None) => (Who::Client, line.clone()),
        (None, Some(line)) => (Who::Daemon, line.clone()),
        _ => panic!("nobody says {line}"),
    };
    Transcript {
        run: run.collect(),
        exit: i32::try_from(first["exit"].as_i64().expect("a number")).expect("a small one"),
        printed: first["prints"].as_str().expect("a text").to_owned(),
        said: lines.map(said).collect(),
    }
}

/// What a client prints must not depend on where it is.
#[test]
fn what_strangers_call_themselves_is_never_printed_as_it_is() {
    const HOSTILE: &str = "e\u{1b}[2J\u{9b}31m\u{202e}v\u{200b}e\u{7}\r";
    let Transcript { said, .. } = kept("sessions");
    for format in ["table", "plain", "csv", "tsv", "json", "ndjson"] {
        let place = rig::place::for_everybody();
        let listener = UnixListener::bind(place.path().join("admin.sock")).expect("a directory can hold a socket");
        let lines: Vec<(Who, Value)> = said.iter().map(|(who, line)| (*who, poisoned(line, HOSTILE))).collect();
        let daemon = thread::spawn(move || play(&listener, &lines, false));
        let mut command = Command::new(client_program());
        command.arg("--socket").arg(place.path().join("admin.sock"));
        command.args(["sessions", "list", "--fields", "user,dst,state", "-o", format]).stdin(Stdio::null());
        let output = command.output().expect("the client can be run");
        assert!(output.status.success(), "{format}: {output:?}");
        let printed = String::from_utf8(output.stdout).expect("it prints text");
        let hidden = |letter: &char| {
            (letter.is_control() && *letter != '\n' && *letter != '\t')
                || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}')
        };
        let found: Vec<char> = printed.chars().filter(hidden).collect();
        assert!(found.is_empty(), "{format} prints {found:?}");
        assert!(printed.contains('v'), "{format}: {printed}");
        let _asked = daemon.join().expect("it asks what is kept");
    }
}

/// The user has another name.
fn poisoned(line: &Value, name: &str) -> Value {
    match line {
        Value::String(text) if text == "anonymous" => json!(name),
        Value::Array(items) => items.iter().map(|item| poisoned(item, name)).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), poisoned(value, name))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => line.clone(),
    }
}
