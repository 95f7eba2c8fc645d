//! Commands: their answers in every form, and what their exit codes say.

use std::io::Read;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;

use rig::target::tunnel;
use rig::udp::{Association, address, datagrams, next};
use rig::wait::{PATIENCE, eventually};
use serde_json::{Value, json};

use crate::{client, client_program, daemon, document, id_of, socket, wait_for_sessions};

#[test]
fn the_examples_of_the_plan_work_as_they_are_written() {
    let service = daemon();
    let (_client, _far) = tunnel(service.addr());
    let socket = socket(&service);
    wait_for_sessions(&socket, 1);
    service.wait_for_history();
    for example in
        ["sessions list --active", "sessions list --user alice --last 24h", "sessions stats", "users top --by-sessions"]
    {
        let output = client(&socket, &example.split(' ').collect::<Vec<_>>());
        assert!(output.status.success(), "{example}: {output:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{example}: {output:?}");
    }
}

#[test]
fn sessions_of_the_past_are_sorted_as_wanted_and_cut_aloud() {
    let service = daemon();
    let socket = socket(&service);
    for bytes in [1, 3, 2] {
        let (mut client_end, mut far) = tunnel(service.addr());
        client_end.send(&vec![0; bytes]);
        let _heard = far.receive_all(bytes);
    }
    service.wait_for_history();
    let list = |more: &[&str]| {
        let asked = ["sessions", "list", "--last", "1h", "--fields", "bytes_sent", "-o", "csv", "--no-header"];
        let output = client(&socket, &[&asked, more].concat());
        let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text"));
        (output.status.code(), out, err)
    };
    let sorted = || list(&["--sort", "-bytes"]) == (Some(0), "3\n2\n1\n".to_owned(), String::new());
    assert!(eventually(PATIENCE, sorted), "{:?}", list(&["--sort", "-bytes"]));
    let (code, out, err) = list(&["--sort", "bytes", "--limit", "2"]);
    assert_eq!((code, out.as_str()), (Some(0), "1\n2\n"));
    assert!(err.contains("more than these 2"), "{err}");
    assert_eq!(list(&["--sort", "rate"]).0, Some(2));
}

/// The words are those of the HTTP API.
#[test]
fn statistics_have_today_by_protocol_user_destination_and_decision() {
    let service = daemon();
    let (mut client_end, mut far) = tunnel(service.addr());
    client_end.send(b"hello");
    let _: [u8; 5] = far.receive();
    let association = Association::open(service.addr());
    let peer = datagrams(Ipv4Addr::LOCALHOST.into());
    association.send(address(&peer), b"datagram");
    let _ = next(&peer);
    let socket = socket(&service);
    let stats = || document(&socket, &["sessions", "stats"]);
    assert!(eventually(PATIENCE, || stats()["total_bytes_sent"] == 13), "{}", stats());
    let stats = stats();
    assert_eq!((&stats["schema"], &stats["active_sessions"]), (&json!("rustsocks.stats/1"), &json!(2)), "{stats}");
    assert_eq!(stats["tcp"], json!({ "bytes_sent": 5, "bytes_received": 0 }));
    assert_eq!(stats["udp"], json!({ "bytes_sent": 8, "bytes_received": 0 }));
    assert_eq!(stats["top_users"], json!([{ "user": "anonymous", "sessions": 2, "bytes": 13 }]));
    let loopback = Ipv4Addr::LOCALHOST.to_string();
    assert_eq!(stats["top_destinations"], json!([{ "destination": loopback, "ip": loopback, "connections": 1 }]));
    // Of an association each datagram is judged, and none of them is a request.
    assert_eq!(stats["acl_stats"], json!({ "allowed": 1, "blocked": 0 }));
    let text = |arguments: &[&str]| {
        let output = client(&socket, &[&["sessions", "stats"], arguments].concat());
        String::from_utf8(output.stdout).expect("output is text")
    };
    let plain = text(&["--plain"]);
    for line in ["udp.bytes_sent 8", "acl_stats.allowed 1", "anonymous 2 13", "127.0.0.1 1"] {
        assert!(plain.lines().any(|found| found == line), "{line}: {plain}");
    }
    assert_eq!(text(&["-o", "csv", "--fields", "tcp.bytes_sent"]), "name,value\ntcp.bytes_sent,5\n");
}

#[test]
fn a_table_is_the_same_in_every_form() {
    let service = daemon();
    let (client_end, _far) = tunnel(service.addr());
    let socket = socket(&service);
    wait_for_sessions(&socket, 1);
    let source = client_end.local().to_string();
    let document = document(&socket, &["sessions", "list", "--fields", "user,src"]);
    assert_eq!(document["schema"], "rustsocks.sessions/1");
    assert_eq!(document["rows"][0]["src"], source);
    let row = |format: &str| {
        let output = client(&socket, &["sessions", "list", "--fields", "user,src", "-o", format]);
        String::from_utf8(output.stdout).expect("output is text")
    };
    assert_eq!(row("csv"), format!("user,src\nanonymous,{source}\n"));
    assert_eq!(row("tsv"), format!("user\tsrc\nanonymous\t{source}\n"));
    assert_eq!(row("plain"), format!("USER SRC\nanonymous {source}\n"));
    assert_eq!(row("table"), format!("USER       SRC\nanonymous  {source}\n"));
    assert_eq!(row("ndjson"), format!("{{\"src\":\"{source}\",\"user\":\"anonymous\"}}\n"));
}

#[test]
fn a_record_has_the_wanted_properties_in_their_order_and_its_times_are_times() {
    let service = daemon();
    let (client_end, _far) = tunnel(service.addr());
    let socket = socket(&service);
    wait_for_sessions(&socket, 1);
    let id = id_of(&socket, client_end.local());
    let get = |arguments: &[&str]| {
        let output = client(&socket, &[&["sessions", "get", &id], arguments].concat());
        (output.status.code(), String::from_utf8(output.stdout).expect("output is text"))
    };
    let (_, text) = get(&["--fields", "user,classes.1.name,id", "-o", "csv"]);
    assert_eq!(text, format!("name,value\nuser,anonymous\nclasses.1.name,global\nid,{id}\n"));
    let (_, text) = get(&["--fields", "user,live.status", "--json"]);
    let wanted = json!({ "schema": "rustsocks.session/1", "user": "anonymous", "live.status": "active" });
    assert_eq!(serde_json::from_str::<Value>(&text).expect("one document"), wanted);
    for form in ["table", "json"] {
        assert_eq!(get(&["--fields", "user,nonsense", "-o", form]), (Some(2), String::new()));
    }
    let whole = document(&socket, &["sessions", "get", &id]);
    assert_eq!(whole["start"], whole["live"]["start_time"], "{whole}");
    // Of a first look, too.
    let has_rates = || document(&socket, &["status"])["up_rate"].is_number();
    assert!(eventually(PATIENCE, has_rates), "{}", document(&socket, &["status"]));
    let status = document(&socket, &["status"]);
    assert!(status["t"].as_str().is_some_and(|time| time.ends_with('Z')), "{status}");
}

#[test]
fn sessions_are_ended_by_a_filter_and_the_number_is_kept() {
    let service = daemon();
    let (one, _one_far) = tunnel(service.addr());
    let (_two, _two_far) = tunnel(service.addr());
    let socket = socket(&service);
    wait_for_sessions(&socket, 2);
    let kill = |arguments: &[&str]| client(&socket, &[&["sessions", "kill"], arguments].concat());
    // Nobody can be asked, and nobody said yes.
    let unasked = kill(&["--filter", "user=anonymous"]);
    assert_eq!(unasked.status.code(), Some(2), "{unasked:?}");
    let dry = kill(&["--filter", "user=anonymous", "--dry-run"]);
    assert!(dry.status.success(), "{dry:?}");
    let listed = String::from_utf8_lossy(&dry.stdout);
    assert!(listed.lines().count() == 3 && listed.contains("\nsessions 2, users 1, destinations"), "{listed}");
    let other_number = kill(&["--filter", "user=anonymous", "--expect", "3", "--yes"]);
    assert_eq!(other_number.status.code(), Some(5), "{other_number:?}");
    wait_for_sessions(&socket, 2);
    let filter = format!("id={}", id_of(&socket, one.local()));
    let killed = kill(&["--filter", &filter, "--expect", "1", "--reason", "a test", "--yes"]);
    assert!(killed.status.success(), "{killed:?}");
    wait_for_sessions(&socket, 1);
    let audit = document(&socket, &["audit", "tail"]);
    let records = audit["rows"].as_array().expect("records");
    assert!(records.iter().any(|record| record["op"] == "sessions.kill"), "{audit}");
}

#[test]
fn a_reload_says_what_came_of_it() {
    let service = daemon();
    let socket = socket(&service);
    let good = client(&socket, &["reload"]);
    assert!(good.status.success(), "{good:?}");
    service.rewrite("[server]\nbind_prt = 1\n");
    let bad = client(&socket, &["reload"]);
    assert_eq!(bad.status.code(), Some(6), "{bad:?}");
    let said = String::from_utf8_lossy(&bad.stdout);
    assert!(said.contains("configuration        FAILED\n! configuration: "), "{said}");
    let bad = client(&socket, &["reload", "--json"]);
    let told: Value = serde_json::from_slice(&bad.stdout).expect("one document");
    assert_eq!((bad.status.code(), &told["success"]), (Some(6), &json!(false)), "{told}");
}

#[test]
fn a_reload_is_of_what_it_is_told_and_waits_as_it_is_told() {
    let service = daemon();
    let socket = socket(&service);
    let told = document(&socket, &["reload", "config"]);
    assert_eq!((&told["extent"], &told["success"]), (&json!("everything"), &json!(true)), "{told}");
    let code = |arguments: &[&str]| client(&socket, arguments).status.code();
    assert_eq!(code(&["reload", "wait", "--timeout", "10ms"]), Some(7));
    assert_eq!(code(&["reload", "wait", "--timeout", "soon"]), Some(2));
    assert_eq!(code(&["reload", "wait", "--dry-run"]), Some(2));
    assert_eq!(code(&["reload", "acl", "--timeout", "20s"]), Some(2));
    let logs = client(&socket, &["reload", "logs"]);
    assert_eq!(logs.status.code(), Some(2), "{logs:?}");
    assert!(String::from_utf8_lossy(&logs.stderr).contains("SIGHUP"), "{logs:?}");
}

#[test]
fn what_fails_says_how_by_its_code() {
    let service = daemon();
    let socket = socket(&service);
    let code = |arguments: &[&str]| client(&socket, arguments).status.code();
    assert_eq!(code(&["sessions", "list", "--filter", "usr=alice"]), Some(2));
    assert_eq!(code(&["nonsense"]), Some(2));
    assert_eq!(code(&["raw", "{\"op\":\"no.such\"}"]), Some(2));
    assert_eq!(code(&["sessions", "get", "ffffff"]), Some(1));
    assert_eq!(code(&["--read-only", "sessions", "kill", "1", "--yes"]), Some(4));
    assert_eq!(code(&["acl", "explain", "alice", "192.0.2.1:443"]), Some(0));
    assert_eq!(code(&["acl", "explain", "alice", "169.254.169.254:80"]), Some(10));
    assert_eq!(code(&["audit", "verify"]), Some(0));
    let nobody = client(Path::new("/nonexistent/admin.sock"), &["status"]);
    assert_eq!(nobody.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("is it running"), "{nobody:?}");
}

#[test]
fn whoever_stops_reading_makes_no_failure_of_it() {
    let service = daemon();
    let mut child = Command::new(client_program())
        .arg("--socket")
        .arg(socket(&service))
        .args(["ops", "-o", "ndjson"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the client can be run");
    drop(child.stdout.take());
    let mut complaint = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut complaint).expect("words");
    assert!(child.wait().expect("it is a child of ours").success(), "{complaint}");
    assert_eq!(complaint, "");
}

#[test]
fn comings_and_goings_are_told_as_they_happen() {
    let service = daemon();
    let mut child = Command::new(client_program())
        .arg("--socket")
        .arg(socket(&service))
        .args(["sessions", "watch"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the client can be run");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().expect("a pipe")));
    let mut next = || -> Value {
        let line = lines.next().expect("a line").expect("text");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"))
    };
    let (client_end, far) = tunnel(service.addr());
    let came = next();
    assert!(came["event"] == "came" || came["event"] == "in", "{came}");
    assert_eq!(came["src"], client_end.local().to_string());
    drop((client_end, far));
    let went = next();
    assert_eq!((&went["event"], &went["id"]), (&Value::from("went"), &came["id"]));
    child.kill().expect("the client is there");
    child.wait().expect("it is a child of ours");
}

#[test]
fn what_goes_on_without_an_end_is_a_table_for_programs_too() {
    let service = daemon();
    let (client_end, _far) = tunnel(service.addr());
    let socket = socket(&service);
    wait_for_sessions(&socket, 1);
    let first_two = |arguments: &[&str]| {
        let mut command = Command::new(client_program());
        let mut child =
            command.arg("--socket").arg(&socket).args(arguments).stdout(Stdio::piped()).spawn().expect("a client");
        let lines = std::io::BufReader::new(child.stdout.take().expect("it is a pipe"));
        let lines: Vec<String> = std::io::BufRead::lines(lines).take(2).collect::<Result<_, _>>().expect("they come");
        child.kill().expect("the client is there");
        child.wait().expect("it is a child of ours");
        lines
    };
    let sessions = first_two(&["sessions", "watch", "-o", "csv", "--fields", "event,src"]);
    assert_eq!(sessions, ["event,src".to_owned(), format!("in,{}", client_end.local())]);
    let log = first_two(&["logs", "--follow", "-o", "tsv", "--fields", "level,target"]);
    assert!(log[0] == "level\ttarget" && log[1].contains("\tdaemon"), "{log:?}");
    let documents = first_two(&["logs", "--follow", "--json", "--fields", "target,fields.nothing,level"]);
    let keys =
        |line: &String| serde_json::from_str::<Value>(line).map(|told| told.as_object().map(serde_json::Map::len));
    assert!(documents.iter().all(|line| keys(line).is_ok_and(|keys| keys == Some(3))), "{documents:?}");
    assert!(documents[0].contains("\"fields.nothing\":null"), "what this line has not: {documents:?}");
}

#[test]
fn whoever_follows_the_log_gets_as_many_lines_of_before_as_were_wanted() {
    // One answer of the daemon has a thousand.
    const LINES: usize = 1_050;
    let service = daemon();
    let socket = socket(&service);
    (0..LINES).for_each(|_| drop(tunnel(service.addr())));
    let closed = || document(&socket, &["logs", "--target", "session", "-n", "5000"])["rows"].clone();
    assert!(eventually(PATIENCE, || closed().as_array().map_or(0, Vec::len) >= LINES));
    let first = closed()[0]["n"].clone();
    let mut follower = Command::new(client_program());
    follower.arg("--socket").arg(&socket).args(["logs", "--follow", "--target", "session", "-n", "5000"]);
    let mut follower = follower.stdout(Stdio::piped()).spawn().expect("the client can be run");
    let lines = std::io::BufReader::new(follower.stdout.take().expect("it is a pipe"));
    let lines: Vec<String> = std::io::BufRead::lines(lines).take(LINES).collect::<Result<_, _>>().expect("they come");
    let read: Value = serde_json::from_str(&lines[0]).expect("a document");
    assert_eq!((lines.len(), &read["n"]), (LINES, &first));
    follower.kill().expect("the client is there");
    follower.wait().expect("it is a child of ours");
}

#[test]
fn the_page_about_the_commands_has_every_one_and_every_flag() {
    let page = include_str!("../../docs/rustsocks-cli.md");
    let mut missing = Vec::new();
    let mut queue = vec![Vec::<String>::new()];
    while let Some(command) = queue.pop() {
        let help = help(&command);
        let (flags, commands) = (flags(&help), commands(&help));
        missing.extend(
            flags
                .into_iter()
                .filter(|flag| !page.contains(&format!("`{flag}")))
                .map(|flag| format!("{command:?} {flag}")),
        );
        if commands.is_empty() && !page.contains(&format!("| `{}` |", usage(&help))) {
            missing.push(usage(&help));
        }
        queue.extend(commands.into_iter().map(|name| [command.clone(), vec![name]].concat()));
    }
    assert!(missing.is_empty(), "not in docs/rustsocks-cli.md: {missing:?}");
}

#[test]
fn what_contradicts_itself_is_refused_with_what_to_say() {
    let service = daemon();
    let socket = socket(&service);
    for (words, said) in [
        (["--json", "status", "--plain"].as_slice(), "one is enough"),
        (&["-o", "csv", "status", "--json"], "one is enough"),
        (&["reload", "wait", "20s"], "reload wait --timeout 20s"),
        (&["reload", "acl", "users"], "one reload has one name"),
        (&["acl", "edit"], "editing takes a terminal"),
        (&["config", "edit"], "editing takes a terminal"),
        (
            &["limits", "set", "user/alice", "--conns", "2", "--for", "1h", "--confirm-within", "5m"],
            "cannot be used with",
        ),
        (&["limits", "set", "user/alice", "--conns", "2", "--for", "1h", "--run-time"], "cannot be used with"),
        (&["limits", "set", "user/alice", "--conns", "2", "--for", "0s"], "'--for <DURATION>': it is no duration"),
        (&["limits", "show", "user/alice", "--filter", "sessions>1"], "cannot be used with"),
        (&["log-level", "session=debug", "--for", "2d"], "'--for <DURATION>': 24h is the longest"),
        (&["log-level", "session", "--for", "5m"], "say TARGET=LEVEL"),
        (&["config", "set", "limits.max_connections", "9", "--confirm-within", "25h"], "24h is the longest"),
    ] {
        let output = client(&socket, words);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && error.contains(said), "{words:?}: {output:?}");
    }
}

/// What is said by a variable was not typed, and need not be.
#[test]
fn a_usage_line_asks_for_no_socket() {
    let mut command = Command::new(client_program());
    let output =
        command.args(["users", "get"]).env("RUSTSOCKS_ADMIN", "/nowhere").output().expect("the client can be run");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("Usage: rustsocks-cli users get <NAME>") && !error.contains("--socket"), "{error}");
    let status = Command::new(client_program()).arg("status").env("RUSTSOCKS_ADMIN", "/nowhere").output();
    let error = status.expect("the client can be run").stderr;
    assert!(String::from_utf8_lossy(&error).contains("/nowhere"), "it counts all the same");
}

fn help(command: &[String]) -> String {
    let output = Command::new(client_program()).args(command).arg("--help").output().expect("the client can be run");
    String::from_utf8(output.stdout).expect("help is text")
}

/// The command with its arguments, as a page has it: `rustsocks-cli users get NAME`.
fn usage(help: &str) -> String {
    let line = help.lines().find_map(|line| line.strip_prefix("Usage: ")).expect("help has one");
    let words = line.split(' ').filter(|word| *word != "[OPTIONS]").map(|word| word.replace(['<', '>'], ""));
    words.collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// The names below "Commands:".
fn commands(help: &str) -> Vec<String> {
    let section = help.split("Commands:\n").nth(1).unwrap_or_default();
    let lines = section.lines().take_while(|line| line.starts_with("  "));
    let names = lines.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

fn flags(help: &str) -> Vec<String> {
    let words = help.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    words.filter(|word| word.len() > 3 && word.starts_with("--")).map(str::to_owned).collect()
}

#[test]
fn the_log_is_read_followed_and_made_louder_for_a_while() {
    let service = daemon();
    let socket = socket(&service);
    let louder = client(&socket, &["log-level", "session=debug", "--for", "15m", "--reason", "a test"]);
    assert!(louder.status.success(), "{louder:?}");
    assert_eq!(document(&socket, &["status"])["levels"][0]["target"], "session");
    let logs = document(&socket, &["logs", "--level", "info", "--target", "audit"]);
    let orders: Vec<&Value> =
        logs["rows"].as_array().expect("lines").iter().map(|line| &line["fields"]["op"]).collect();
    assert_eq!(orders, ["logs.level"], "{logs}");
    let plain = client(&socket, &["logs", "--target", "audit", "--plain"]);
    let plain = String::from_utf8(plain.stdout).expect("output is text");
    assert!(plain.contains("INFO  audit: ordered by an operator") && plain.contains("comment=\"a test\""), "{plain}");
    let back = client(&socket, &["log-level", "session"]);
    assert!(back.status.success(), "{back:?}");
    assert_eq!(document(&socket, &["status"])["levels"], serde_json::json!([]));
    for slip in [["log-level", "session=loud"], ["log-level", "moon=info"]] {
        assert_eq!(client(&socket, &slip).status.code(), Some(2), "{slip:?}");
    }
    let mut follower = Command::new(client_program());
    follower.arg("--socket").arg(&socket).args(["logs", "--follow", "--target", "session", "-n", "0"]);
    let mut follower = follower.stdout(Stdio::piped()).spawn().expect("the client can be run");
    let mut lines = std::io::BufReader::new(follower.stdout.take().expect("it is a pipe"));
    let is_there = || {
        let present = document(&socket, &["status"])["clients"].as_u64();
        present > Some(1)
    };
    assert!(eventually(PATIENCE, is_there));
    // Until it has subscribed, lines may pass it by.
    let mut line = String::new();
    std::thread::scope(|scope| {
        let (told, is_told) = std::sync::mpsc::channel();
        scope.spawn(move || {
            while is_told.recv_timeout(std::time::Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
                drop(tunnel(service.addr()));
            }
        });
        let read = std::io::BufRead::read_line(&mut lines, &mut line);
        told.send(()).expect("somebody waits");
        assert!(read.expect("the client goes on") > 0);
    });
    let line: Value = serde_json::from_str(&line).expect("a document");
    assert_eq!((&line["target"], &line["msg"]), (&Value::from("session"), &Value::from("session closed")));
    follower.kill().expect("it runs");
    let _its_end = follower.wait().expect("it has ended");
}

#[test]
fn the_state_is_told_check_by_check_and_who_has_the_most() {
    let service = daemon();
    let (_client, _far) = tunnel(service.addr());
    let socket = socket(&service);
    wait_for_sessions(&socket, 1);
    let is_examined = || document(&socket, &["health"])["rows"].as_array().map(Vec::len) > Some(10);
    assert!(eventually(PATIENCE, is_examined));
    let health = client(&socket, &["health"]);
    assert!(health.status.success(), "{health:?}");
    let top = document(&socket, &["top", "--key", "sessions"]);
    assert_eq!((&top["rows"][0]["name"], &top["rows"][0]["sessions"]), (&Value::from("anonymous"), &Value::from(1)));
    assert_eq!(document(&socket, &["top", "--by", "denied"])["rows"], serde_json::json!([]));
    let status = client(&socket, &["status"]);
    let status = String::from_utf8(status.stdout).expect("output is text");
    let memory = status.lines().find(|line| line.starts_with("rss "));
    assert!(status.contains("fd_limit") && memory.is_some_and(|line| line.ends_with(['M', 'G'])), "{status}");
}

#[test]
fn the_configuration_is_a_text_for_people_and_a_document_for_programs() {
    let service = daemon();
    let socket = socket(&service);
    let text = client(&socket, &["config", "get"]).stdout;
    let whole = document(&socket, &["config", "get"]);
    assert_eq!(whole["schema"], "rustsocks.configuration/1");
    assert_eq!(whole["text"], *String::from_utf8(text).expect("output is text"));
    let file = service.directory().join("other.toml");
    std::fs::write(&file, "[dns]\nattempts = 3\n").expect("root may");
    let difference = document(&socket, &["config", "compare", &file.display().to_string()]);
    assert_eq!(difference["schema"], "rustsocks.difference/1");
    assert!(difference["text"].as_str().is_some_and(|text| text.contains("\n+attempts = 3")), "{difference}");
}

#[test]
fn a_slip_is_told_in_words_of_the_command_line() {
    let service = daemon();
    let socket = socket(&service);
    for (arguments, said) in [
        (&["auth", "unban", "alice"][..], "<ADDRESS>"),
        (&["acl", "explain", "alice", "192.0.2.1:443", "--source", "here"], "--source <ADDRESS>"),
        (&["history", "get", "7"], "<ID>"),
        (&["history", "query", "--from", "soon"], "\"soon\" is no time"),
        (&["limits", "set", "user/alice", "--for", "1h"], "say --rate"),
        (&["config", "unset", "limits.backlog", "--yes"], "rustsocks-cli: there is no limits"),
    ] {
        let slip = client(&socket, arguments);
        let words = String::from_utf8_lossy(&slip.stderr);
        assert!(slip.status.code() == Some(2) && words.contains(said), "{arguments:?}: {words}");
    }
    // As a list of them has it.
    assert!(client(&socket, &["auth", "unban", "2001:db8::/64"]).status.success());
}

#[test]
fn a_broken_chain_of_the_audit_log_is_an_exit_code() {
    let service = daemon();
    let socket = socket(&service);
    for source in ["192.0.2.7", "192.0.2.8"] {
        assert!(client(&socket, &["auth", "unban", source, "--yes"]).status.success());
    }
    let verdict = client(&socket, &["audit", "verify"]);
    assert!(verdict.status.success(), "{verdict:?}");
    let log = service.directory().join("audit.jsonl");
    let text = std::fs::read_to_string(&log).expect("the log is there");
    std::fs::write(&log, text.replacen("192.0.2.7", "192.0.2.9", 1)).expect("root may");
    let verdict = client(&socket, &["-o", "json", "audit", "verify"]);
    let told: Value = serde_json::from_slice(&verdict.stdout).expect("a document");
    assert_eq!((verdict.status.code(), &told["ok"]), (Some(1), &json!(false)), "{verdict:?}");
}
