//! What shells offer behind a word that is not whole: commands, flags, and names that the daemon knows.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rig::target::tunnel;

use crate::walks::house;
use crate::{client, client_program, document, socket, wait_for_sessions};

#[test]
fn completions_are_there_for_the_usual_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let output = client(Path::new("/nonexistent"), &["completions", shell]);
        assert!(
            output.status.success() && String::from_utf8_lossy(&output.stdout).contains("rustsocks-cli"),
            "{shell}"
        );
    }
}

/// What bash offers behind these words, as it calls the function that the script names for the program.
fn offered_by_bash(words: &[&str]) -> String {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let script = directory.path().join("rustsocks-cli");
    let output = client(Path::new("/nonexistent"), &["completions", "bash"]);
    std::fs::write(&script, output.stdout).expect("a temporary directory can be written");
    let asks = "source \"$0\"; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); \
                of=$(complete -p rustsocks-cli | sed 's/.*-F \\([^ ]*\\).*/\\1/'); \
                \"$of\" rustsocks-cli \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"; \
                echo \"${COMPREPLY[*]}\"";
    let folder = client_program().parent().expect("a program lies in a directory").display().to_string();
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", asks]).arg(&script).arg("rustsocks-cli").args(words);
    let path = std::env::var("PATH").unwrap_or_default();
    let said = bash.env("PATH", format!("{folder}:{path}")).output().expect("bash is installed");
    assert_eq!(String::from_utf8_lossy(&said.stderr), "", "{words:?}");
    String::from_utf8_lossy(&said.stdout).trim().to_owned()
}

/// Below the first word too, with a flag before it, and of a flag that takes one of a few words.
#[test]
fn bash_completes_commands_flags_and_their_values() {
    for (words, offered) in [
        (["ac"].as_slice(), "acl"),
        (&["acl", "exp"], "explain"),
        (&["acl", "test", "r"], "run"),
        (&["log-level", "--fo"], "--for"),
        (&["--read-only", "sessions", "ki"], "kill"),
        (&["sessions", "list", "--act"], "--active"),
        (&["users", "top", "--by", "by"], "bytes"),
    ] {
        assert_eq!(offered_by_bash(words), offered, "{words:?}");
    }
}

#[test]
fn bash_completes_names_that_the_daemon_knows_and_nothing_where_there_is_none() {
    let (_users, _rules, service) = house();
    let socket = socket(&service);
    let (_client, _far) = tunnel(service.addr());
    wait_for_sessions(&socket, 1);
    let at = |socket: &Path, words: &[&str]| {
        let socket = socket.to_str().expect("temporary directories have plain names");
        offered_by_bash(&[&["--socket", socket], words].concat())
    };
    let id = document(&socket, &["sessions", "list"])["rows"][0]["id"].as_str().expect("an id").to_owned();
    for (words, offered) in [
        (["users", "get", "al"].as_slice(), "alice"),
        (&["acl", "explain", "al"], "alice"),
        (&["limits", "set", "user/al"], "user/alice"),
        (&["sessions", "kill", &id[..1]], id.as_str()),
        (&["config", "set", "limits.max_connections_per_u"], "limits.max_connections_per_user"),
        (&["acl", "rollback", "1"], "1"),
    ] {
        assert_eq!(at(&socket, words), offered, "{words:?}");
    }
    assert_eq!(at(Path::new("/nonexistent"), &["users", "get", "al"]), "");
    // One that takes a conversation and says nothing holds nobody up.
    let mute = service.directory().join("mute.sock");
    let _listens = std::os::unix::net::UnixListener::bind(&mute).expect("there is room for a socket");
    let began = Instant::now();
    assert_eq!(at(&mute, &["users", "get", "al"]), "");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}
