//! What a shell offers for a word that is not whole yet: names that the daemon knows.
//!
//! A daemon that is not there, says no or takes its time offers nothing, and nobody is told why.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

use clap::CommandFactory;
use clap_complete::Shell;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};
use serde_json::{Value, json};
use wire::admin::{Role, ViewOpened};

use crate::args::{Args, usual_socket};
use crate::connection::{Connection, Peer};
use crate::failure::Failure;
use crate::output::raw;
use crate::shown::visible;

/// The variable by which the script calls the program.
const CALLED_BY: &str = "RUSTSOCKS_CLI_COMPLETE";

/// Nobody waits longer behind a key.
const PATIENCE: Duration = Duration::from_millis(200);

/// As many as somebody may look through.
const MOST: usize = 200;

/// The script of a shell.
pub(crate) fn script(shell: Shell) -> Vec<u8> {
    let (mut script, name, shells) = (Vec::new(), "rustsocks-cli", Shells::builtins());
    let completer = shells.completer(&shell.to_string()).expect("every shell of the command line has a script");
    completer.write_registration(CALLED_BY, name, name, name, &mut script).expect("a vector takes everything");
    if shell == Shell::Zsh {
        // In a folder of functions, zsh reads it behind the first Tab, which is to be answered too.
        script.extend_from_slice(FIRST_OF_ZSH.as_bytes());
    }
    script
}

const FIRST_OF_ZSH: &str =
    "if [ \"$funcstack[1]\" = _rustsocks-cli ]; then _clap_dynamic_completer_rustsocks_cli \"$@\"; fi\n";

/// What the shell asks, if it is the one that calls.
pub(crate) fn answered() -> Option<ExitCode> {
    let here = env::current_dir().ok();
    let asked = CompleteEnv::with_factory(Args::command).var(CALLED_BY).try_complete(env::args_os(), here.as_deref());
    // A message would stand in the middle of what is being typed.
    (!matches!(asked, Ok(false))).then_some(ExitCode::SUCCESS)
}

/// A name, and what is said beside it.
type Offer = (String, String);

/// How names are found that begin so.
type Search = fn(&mut Connection, &str) -> Result<Vec<Offer>, Failure>;

pub(crate) fn users() -> ArgValueCompleter {
    by(|daemon, begun| named_users(daemon, begun, ""))
}

pub(crate) fn groups() -> ArgValueCompleter {
    by(|daemon, _| named_groups(daemon, ""))
}

/// Users and groups, as limits name them.
pub(crate) fn targets() -> ArgValueCompleter {
    by(|daemon, begun| {
        let mut targets = named_users(daemon, begun.strip_prefix("user/").unwrap_or_default(), "user/")?;
        targets.extend(named_groups(daemon, "group/")?);
        Ok(targets)
    })
}

/// Sessions that are in, the latest first.
pub(crate) fn sessions() -> ArgValueCompleter {
    by(|daemon, begun| {
        let rows = rows(daemon, "sessions", &begins("id", begun), ["id", "user", "dst"])?;
        Ok(rows.into_iter().map(|[id, user, dst]| (id, format!("{user} > {dst}"))).collect())
    })
}

/// Sources that are turned away.
pub(crate) fn sources() -> ArgValueCompleter {
    by(|daemon, _| {
        let rows = rows(daemon, "bans", "", ["src", "turned_away"])?;
        Ok(rows.into_iter().map(|[source, times]| (source, format!("{times} turned away"))).collect())
    })
}

/// Keys of the configuration.
pub(crate) fn keys() -> ArgValueCompleter {
    by(|daemon, _| {
        let answer: Value = daemon.call("config.effective", &json!({}))?;
        Ok(told(&answer["settings"], |setting| (raw(&setting["key"]), raw(&setting["value"]))))
    })
}

/// Generations of the rules.
pub(crate) fn generations_of_rules() -> ArgValueCompleter {
    by(|daemon, _| generations(daemon, "acl"))
}

/// Generations of the users file.
pub(crate) fn generations_of_users() -> ArgValueCompleter {
    by(|daemon, _| generations(daemon, "users"))
}

fn generations(daemon: &mut Connection, store: &str) -> Result<Vec<Offer>, Failure> {
    let answer: Value = daemon.call("txn.history", &json!({ "store": store }))?;
    Ok(told(&answer, |generation| (raw(&generation["gen"]), raw(&generation["comment"]))))
}

fn named_users(daemon: &mut Connection, begun: &str, before: &str) -> Result<Vec<Offer>, Failure> {
    let rows = rows(daemon, "users", &begins("name", begun), ["name", "state"])?;
    Ok(rows.into_iter().map(|[name, state]| (format!("{before}{name}"), state)).collect())
}

fn named_groups(daemon: &mut Connection, before: &str) -> Result<Vec<Offer>, Failure> {
    let answer: Value = daemon.call("groups.list", &json!({}))?;
    let said = |group: &Value| format!("{} members", group["members"].as_array().map_or(0, Vec::len));
    Ok(told(&answer["groups"], |group| (format!("{before}{}", raw(&group["name"])), said(group))))
}

/// The filter of names that begin so.
fn begins(name: &str, begun: &str) -> String {
    if begun.is_empty() { String::new() } else { format!("{name}~{}", filter::quoted(&format!("{begun}*"))) }
}

/// These columns of the first rows of a view.
fn rows<const N: usize>(
    daemon: &mut Connection,
    view: &str,
    filter: &str,
    columns: [&str; N],
) -> Result<Vec<[String; N]>, Failure> {
    let win = json!({ "off": 0, "len": MOST });
    let open = json!({ "of": view, "filter": filter, "cols": columns.as_slice(), "win": win, "every_ms": 60_000 });
    let opened: ViewOpened = daemon.call("view.open", &open)?;
    let places = columns.map(|name| opened.cols.iter().position(|column| column.name == name));
    let cell =
        |row: &[Value], place: Option<usize>| place.and_then(|place| row.get(place)).map(raw).unwrap_or_default();
    Ok(opened.rows.iter().map(|row| places.map(|place| cell(row, place))).collect())
}

fn told(list: &Value, offer: impl Fn(&Value) -> Offer) -> Vec<Offer> {
    list.as_array().into_iter().flatten().map(offer).collect()
}

/// Asks the daemon when the shell does.
fn by(search: Search) -> ArgValueCompleter {
    ArgValueCompleter::new(move |begun: &OsStr| {
        let Some(begun) = begun.to_str().filter(|begun| begun.is_empty() || is_harmless(begun)) else {
            return Vec::new();
        };
        let found = in_time(search, begun.to_owned());
        let fitting = found.into_iter().filter(|(name, _)| name.starts_with(begun) && is_harmless(name));
        fitting.map(|(name, beside)| CompletionCandidate::new(name).help(help(&beside))).collect()
    })
}

fn help(beside: &str) -> Option<clap::builder::StyledStr> {
    Some(visible(beside).into_owned()).filter(|beside| !beside.is_empty()).map(Into::into)
}

/// What is found before somebody notices that it was looked for.
fn in_time(search: Search, begun: String) -> Vec<Offer> {
    let peer = Peer { socket: socket(env::args_os().skip(1)).into(), want: Some(Role::Read), comment: "completion" };
    let (finds, found) = mpsc::channel();
    thread::spawn(move || {
        let offers = Connection::open(&peer).and_then(|mut daemon| search(&mut daemon, &begun));
        finds.send(offers.unwrap_or_default())
    });
    found.recv_timeout(PATIENCE).unwrap_or_default()
}

/// The socket of the command line that is being written.
fn socket(words: impl Iterator<Item = OsString>) -> OsString {
    let words: Vec<String> = words.filter_map(|word| word.into_string().ok()).collect();
    let behind = |place: usize| words.get(place + 1).cloned();
    let said = words.iter().enumerate().find_map(|(place, word)| match word.as_str() {
        "-s" | "--socket" => behind(place),
        word => word.strip_prefix("--socket=").map(str::to_owned),
    });
    said.map_or_else(|| usual_socket().into(), OsString::from)
}

/// Shells take other letters for something else, and whoever fails to log in chooses a name that is known here.
fn is_harmless(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_alphanumeric() || "._-@+/:,%".contains(letter);
    name.chars().all(is_plain) && !name.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_does_anything_in_a_shell() {
        for name in ["alice", "jürgen.müller@corp", "user/ci-runner", "2001:db8::7", "8f31a0"] {
            assert!(is_harmless(name), "{name}");
        }
        for name in ["$(reboot)", "a;b", "-rf", "two words", "a\u{1b}[2J", "*", "`id`", "a'b", "a\\b"] {
            assert!(!is_harmless(name), "{name}");
        }
    }

    #[test]
    fn the_socket_is_that_of_the_words() {
        let of = |words: &[&str]| socket(words.iter().map(OsString::from));
        assert_eq!(of(&["--", "rustsocks-cli", "-s", "/one", "users"]), "/one");
        assert_eq!(of(&["--", "rustsocks-cli", "users", "get", "--socket=/two"]), "/two");
    }
}
