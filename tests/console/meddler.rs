//! A socket between an operator's program and the real daemon, on which lines can be read, kept back, changed and cut.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rig::wait::{PATIENCE, eventually};
use serde_json::{Value, json};
use tempfile::TempDir;

/// For one conversation after the other, or several at once.
pub(crate) struct Meddler {
    place: TempDir,
    affairs: Arc<Mutex<Affairs>>,
}

/// Who said a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Client,
    Daemon,
}

/// What becomes of one line of the daemon's, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mischief {
    /// Half of the next line comes, and then the end.
    Cut,
    /// A line longer than any may be comes before the next one.
    Huge,
    /// Something that is no message comes before the next one.
    Babble,
    /// Instead of the next patch it is said that patches were lost.
    Gap,
    /// The next request for this is answered with `busy`, and the daemon never hears of it.
    Busy(&'static str),
    /// The next request for this reaches the daemon, and the conversation ends before its answer.
    CutBeforeAnswer(&'static str),
    /// The answer to the next request for this is kept back until [`Meddler::release`].
    Late(&'static str),
}

/// What is true of all lines from some time on.
#[derive(Debug, Default)]
struct Affairs {
    said: Vec<(Who, Value)>,
    mischief: VecDeque<Mischief>,
    /// Nothing of the daemon's comes through.
    is_stalled: bool,
    /// The daemon says that it is another run of itself.
    epoch: Option<&'static str>,
    /// Each line has fields, and between them come events, that nobody knows yet.
    is_later: bool,
    /// Lines that are kept back.
    late: Vec<(UnixStream, String)>,
    /// Requests whose answers are waited for to do something with them, by number.
    marked: Vec<(Value, Mischief)>,
}

impl Meddler {
    pub(crate) fn on(daemon: &Path) -> Self {
        let place = rig::place::for_everybody();
        let affairs: Arc<Mutex<Affairs>> = Arc::default();
        let listener = UnixListener::bind(place.path().join("admin.sock")).expect("a directory can hold a socket");
        let (daemon, shared) = (daemon.to_owned(), Arc::clone(&affairs));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(there) = UnixStream::connect(&daemon) else { continue };
                let stream = |stream: &UnixStream| stream.try_clone().expect("there are descriptors");
                let (from, to, back) = (stream(&client), stream(&there), stream(&client));
                let affairs = Arc::clone(&shared);
                thread::spawn(move || pass_requests(from, to, back, &affairs));
                let affairs = Arc::clone(&shared);
                thread::spawn(move || pass_answers(there, client, &affairs));
            }
        });
        Self { place, affairs }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.place.path().join("admin.sock")
    }

    /// From the next line on that it can be done to.
    pub(crate) fn does(&self, mischief: Mischief) {
        self.affairs().mischief.push_back(mischief);
    }

    /// Returns once everything has been done that was to be.
    pub(crate) fn has_done_it(&self) {
        let is_done = || {
            let affairs = self.affairs();
            affairs.mischief.is_empty() && affairs.marked.is_empty()
        };
        assert!(eventually(PATIENCE, is_done), "{:?} is still to be done", self.affairs().mischief);
    }

    pub(crate) fn stalls(&self, is_stalled: bool) {
        self.affairs().is_stalled = is_stalled;
    }

    pub(crate) fn claims_to_be(&self, epoch: &'static str) {
        self.affairs().epoch = Some(epoch);
    }

    /// Speaks as a later version might.
    pub(crate) fn is_later(&self) {
        self.affairs().is_later = true;
    }

    /// Lets through what was kept back; says how many lines that were.
    pub(crate) fn release(&self) -> usize {
        let late = std::mem::take(&mut self.affairs().late);
        let count = late.len();
        for (mut to, line) in late {
            to.write_all(line.as_bytes()).expect("the client is there");
        }
        count
    }

    /// Everything that was said so far, as it was said.
    pub(crate) fn said(&self) -> Vec<(Who, Value)> {
        self.affairs().said.clone()
    }

    /// The parameters of every request for this.
    pub(crate) fn asked(&self, op: &str) -> Vec<Value> {
        let said = self.said();
        let asked = said.iter().filter(|(who, line)| *who == Who::Client && line["op"] == op);
        asked.map(|(_, line)| line["p"].clone()).collect()
    }

    fn affairs(&self) -> MutexGuard<'_, Affairs> {
        lock(&self.affairs)
    }
}

fn lock(affairs: &Mutex<Affairs>) -> MutexGuard<'_, Affairs> {
    affairs.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pass_requests(from: UnixStream, mut to: UnixStream, mut back: UnixStream, affairs: &Mutex<Affairs>) {
    for line in BufReader::new(from).lines().map_while(Result::ok) {
        let request: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let meant = |mischief: &Mischief| match mischief {
            Mischief::Busy(op) | Mischief::CutBeforeAnswer(op) | Mischief::Late(op) => request["op"] == *op,
            Mischief::Cut | Mischief::Huge | Mischief::Babble | Mischief::Gap => false,
        };
        let mischief = {
            let mut affairs = lock(affairs);
            affairs.said.push((Who::Client, request.clone()));
            let place = affairs.mischief.iter().position(meant);
            place.and_then(|place| affairs.mischief.remove(place))
        };
        match mischief {
            Some(Mischief::Busy(_)) => {
                let refusal = json!({ "code": "busy", "msg": "too much is going on", "retry": true });
                let line = json!({ "id": request["id"], "err": refusal }).to_string() + "\n";
                if back.write_all(line.as_bytes()).is_err() {
                    break;
                }
                continue;
            }
            Some(mischief) => lock(affairs).marked.push((request["id"].clone(), mischief)),
            None => {}
        }
        if to.write_all((line + "\n").as_bytes()).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Both));
}

fn pass_answers(from: UnixStream, mut to: UnixStream, affairs: &Mutex<Affairs>) {
    for line in BufReader::new(from).lines().map_while(Result::ok) {
        while lock(affairs).is_stalled {
            thread::sleep(std::time::Duration::from_millis(5));
        }
        let mut message: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let Some(text) = meddled(&mut message, &to, affairs) else { break };
        if to.write_all(text.as_bytes()).is_err() {
            break;
        }
    }
    // Whoever has something to say to nobody is told so.
    drop(to.shutdown(Shutdown::Both));
}

/// What the client is told instead of this; nothing if it hears nothing any more.
fn meddled(message: &mut Value, to: &UnixStream, affairs: &Mutex<Affairs>) -> Option<String> {
    let mut affairs = lock(affairs);
    affairs.said.push((Who::Daemon, message.clone()));
    if let (Some(epoch), Some(told)) = (affairs.epoch, message.get_mut("ok").and_then(|ok| ok.get_mut("epoch"))) {
        *told = json!(epoch);
    }
    let marked = affairs.marked.iter().position(|(id, _)| message.get("id") == Some(id));
    match marked.map(|place| affairs.marked.remove(place).1) {
        Some(Mischief::CutBeforeAnswer(_)) => return None,
        Some(Mischief::Late(_)) => {
            affairs.late.push((to.try_clone().expect("there are descriptors"), format!("{message}\n")));
            return Some(String::new());
        }
        Some(_) | None => {}
    }
    let is_patch = message["ev"] == "patch";
    let is_due = |mischief: &Mischief| match mischief {
        Mischief::Cut | Mischief::Huge | Mischief::Babble => true,
        Mischief::Gap => is_patch,
        Mischief::Busy(_) | Mischief::CutBeforeAnswer(_) | Mischief::Late(_) => false,
    };
    let due = affairs.mischief.iter().position(is_due).and_then(|place| affairs.mischief.remove(place));
    match due {
        Some(Mischief::Cut) => {
            let text = message.to_string();
            let mut to = to;
            // It may have left a moment ago.
            drop(to.write_all(&text.as_bytes()[..text.len() / 2]));
            return None;
        }
        Some(Mischief::Huge) => return Some(format!("{{\"sub\":1,\"ev\":\"{}\"}}\n{message}\n", "x".repeat(5 << 20))),
        Some(Mischief::Babble) => return Some(format!("so what\n{message}\n")),
        Some(Mischief::Gap) => (message["ev"], message["d"]) = (json!("gap"), json!({ "lost": 3 })),
        Some(Mischief::Busy(_) | Mischief::CutBeforeAnswer(_) | Mischief::Late(_)) | None => {}
    }
    if affairs.is_later {
        grow(message);
        let event = json!({ "sub": 1, "seq": 0, "ev": "aurora", "t": 0.0, "d": { "colour": "green" } });
        let push = json!({ "sub": 999, "seq": 1, "ev": "patch", "t": 0.0, "d": { "later": [1, 2] } });
        return Some(format!("{event}\n{push}\n{message}\n"));
    }
    Some(format!("{message}\n"))
}

/// A message and what it carries have a field more than anybody knows, and so has each thing in its lists.
///
/// Other objects may be maps, in which everything is something.
fn grow(message: &mut Value) {
    for carried in ["ok", "part", "d", "err"] {
        let Some(Value::Object(fields)) = message.get_mut(carried) else { continue };
        let things = fields.values_mut().filter_map(Value::as_array_mut).flatten().filter_map(Value::as_object_mut);
        things.for_each(|thing| drop(thing.insert("later".to_owned(), json!({ "than": ["now"] }))));
        fields.insert("later".to_owned(), json!({ "than": ["now"] }));
    }
    message["later"] = json!(["than", "now"]);
}
