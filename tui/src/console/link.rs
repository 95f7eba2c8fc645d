//! The thread that keeps up the conversation: it reads what the daemon says, and begins anew whenever that ends.

use std::collections::BTreeMap;
use std::io::Read;
use std::iter::once;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use wire::admin::{Answer, Lines, MOST_REPLY, Message};

use super::event::Event;
use crate::connection::{Connection, Peer};
use crate::failure::Failure;

/// How long after the first failure, and after many.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);

/// The same where the daemon wants no conversation: that changes by somebody's hand, and each attempt is in its log.
const FIRST_REFUSED: Duration = Duration::from_secs(30);
const LONGEST_REFUSED: Duration = Duration::from_mins(5);

/// What to do instead of waiting.
#[derive(Debug)]
pub(crate) enum Wish {
    Now,
    /// At this socket.
    At(PathBuf),
}

/// Pushes that are passed on to somebody who looks elsewhere.
const MOST_BEHIND: usize = 500;

/// What is passed on of what the daemon says by itself: everything; little while the operator has the terminal for something else.
#[derive(Debug, Default)]
pub(crate) struct Gate(Mutex<Away>);

/// What came in the operator's absence.
#[derive(Debug, Default)]
struct Away {
    is_elsewhere: bool,
    passed: usize,
    has_lost: bool,
    /// Pushes that were let go of, by subscription.
    missed: BTreeMap<u64, u64>,
}

impl Gate {
    /// The operator looks elsewhere from now on.
    pub(crate) fn leave(&self) {
        *self.away() = Away { is_elsewhere: true, ..Away::default() };
    }

    /// The operator is back, and so many pushes of each subscription were let go of.
    pub(crate) fn come_back(&self) -> BTreeMap<u64, u64> {
        std::mem::take(&mut *self.away()).missed
    }

    fn passes(&self, sub: u64) -> bool {
        let mut away = self.away();
        if !away.is_elsewhere || away.passed < MOST_BEHIND {
            away.passed += usize::from(away.is_elsewhere);
            return true;
        }
        *away.missed.entry(sub).or_default() += 1;
        false
    }

    /// That there is no conversation is said once.
    fn passes_loss(&self) -> bool {
        let mut away = self.away();
        !away.is_elsewhere || !std::mem::replace(&mut away.has_lost, true)
    }

    fn away(&self) -> MutexGuard<'_, Away> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps up the conversation until nobody wants to hear of it.
pub(crate) fn keep_up(mut peer: Peer, events: Sender<Event>, wishes: Receiver<Wish>, gate: Arc<Gate>) {
    thread::spawn(move || {
        let (mut attempt, mut was_refused) = (0, false);
        loop {
            let (why, is_refused) = match Connection::open(&peer) {
                Ok(connection) => {
                    attempt = 0;
                    match listen(connection, &peer, &events, &gate) {
                        Some(why) => (why, false),
                        None => return,
                    }
                }
                Err(failure) => (failure.to_string(), failure.is_for_good()),
            };
            if was_refused != is_refused {
                attempt = 0;
            }
            was_refused = is_refused;
            let wait =
                if is_refused { wait(attempt, FIRST_REFUSED, LONGEST_REFUSED) } else { wait(attempt, FIRST, LONGEST) };
            attempt += 1;
            let retry_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            if gate.passes_loss() && events.send(Event::Lost { why, attempt, retry_ms, is_refused }).is_err() {
                return;
            }
            match wishes.recv_timeout(wait) {
                // Of several sockets the last one is meant.
                Ok(wish) => {
                    for wish in once(wish).chain(wishes.try_iter()) {
                        if let Wish::At(socket) = wish {
                            (peer.socket, attempt) = (socket, 0);
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    });
}

/// Passes on everything until the conversation ends, and says why it did; nothing if nobody listens.
fn listen(connection: Connection, peer: &Peer, events: &Sender<Event>, gate: &Gate) -> Option<String> {
    let (mut stream, welcome) = connection.into_stream();
    let writer = match prepared(&stream) {
        Ok(writer) => writer,
        Err(failure) => return Some(failure.to_string()),
    };
    events.send(Event::Connected(Box::new(welcome), writer, peer.socket.clone())).ok()?;
    let mut lines = Lines::new(MOST_REPLY);
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return Some("the daemon has closed the conversation".to_owned()),
            Ok(count) => lines.push(&chunk[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Some(error.to_string()),
        }
        loop {
            let line = match lines.next_line() {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(error) => return Some(error.to_string()),
            };
            match Message::read(&line) {
                Ok(message) => {
                    if let Some(event) = event(message).filter(|event| is_passed_on(event, gate)) {
                        events.send(event).ok()?;
                    }
                }
                Err(error) => return Some(error.to_string()),
            }
        }
    }
}

fn prepared(stream: &UnixStream) -> Result<UnixStream, Failure> {
    let failed = |error: std::io::Error| Failure::Conversation(error.to_string());
    stream.set_read_timeout(None).map_err(failed)?;
    stream.set_write_timeout(Some(Duration::from_secs(2))).map_err(failed)?;
    stream.try_clone().map_err(failed)
}

fn is_passed_on(event: &Event, gate: &Gate) -> bool {
    if let Event::Push(push) = event { gate.passes(push.sub) } else { true }
}

fn event(message: Message) -> Option<Event> {
    match message {
        Message::Push(push) => Some(Event::Push(push)),
        Message::Answer { id: Some(id), answer: Answer::Ok(ok) } => Some(Event::Answer(id, Ok(ok))),
        Message::Answer { id: Some(id), answer: Answer::Err(refusal) } => Some(Event::Answer(id, Err(refusal))),
        Message::Answer { id: Some(id), answer: Answer::Part(part) } => Some(Event::Part(id, part)),
        Message::Answer { id: None, .. } => None,
    }
}

/// Twice as long each time, and a little different for each of many consoles.
fn wait(attempt: u32, first: Duration, longest: Duration) -> Duration {
    let whole = first.saturating_mul(1 << attempt.min(10)).min(longest);
    let moment = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    whole.mul_f64(1.0 - 0.2 * f64::from(moment % 1000) / 1000.0)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixListener;
    use std::path::Path;
    use std::sync::mpsc::channel;

    use super::*;

    /// Greets whoever comes, and says nothing more.
    fn greet(socket: &Path) {
        let listener = UnixListener::bind(socket).expect("a directory of its own");
        let welcome = r#"{"id":ID,"ok":{"proto":1,"server":"0.1.0","epoch":"6f1c9a2e","node":"n","role":"read","max_role":"read","you":{"uid":0,"user":"root","login":null,"groups":[]},"caps":[],"limits":{"req":262144,"subs":16}}}"#;
        thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.expect("somebody came");
                let mut hello = String::new();
                BufReader::new(&stream).read_line(&mut hello).expect("a line");
                let hello: serde_json::Value = serde_json::from_str(&hello).expect("a request");
                writeln!(stream, "{}", welcome.replace("ID", &hello["id"].to_string())).expect("it is read");
                kept.push(stream);
            }
        });
    }

    #[test]
    fn of_several_sockets_that_are_wished_for_the_last_one_is_gone_to() {
        let directory = tempfile::tempdir().expect("a directory");
        let [nobody, first, last] = ["nobody", "first", "last"].map(|name| directory.path().join(name));
        greet(&first);
        greet(&last);
        let (events, happened) = channel();
        let (wishes, heard) = channel();
        for socket in [&first, &last] {
            wishes.send(Wish::At(socket.clone())).expect("it is heard later");
        }
        keep_up(Peer { socket: nobody, want: None, comment: "test" }, events, heard, Arc::default());
        let connected = happened.iter().find_map(|event| {
            let Event::Connected(_, _, socket) = event else { return None };
            Some(socket)
        });
        assert_eq!(connected, Some(last));
    }

    /// Wants nobody, and says so to whoever comes.
    #[test]
    fn whoever_is_refused_tries_seldom() {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("refuses");
        let listener = UnixListener::bind(&socket).expect("a directory of its own");
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("somebody came");
                let mut hello = String::new();
                BufReader::new(&stream).read_line(&mut hello).expect("a line");
                let hello: serde_json::Value = serde_json::from_str(&hello).expect("a request");
                let no = r#"{"id":ID,"err":{"code":"denied","msg":"nobody may","retry":false}}"#;
                writeln!(stream, "{}", no.replace("ID", &hello["id"].to_string())).expect("it is read");
            }
        });
        let (events, happened) = channel();
        let (wishes, heard) = channel();
        keep_up(Peer { socket, want: None, comment: "test" }, events, heard, Arc::default());
        let mut waits = Vec::new();
        for _ in 0..5 {
            let Ok(Event::Lost { why, retry_ms, is_refused, .. }) = happened.recv() else { panic!("it is refused") };
            assert!(is_refused && why.contains("nobody may"), "{why}");
            waits.push(retry_ms);
            // By key, it is tried at once.
            wishes.send(Wish::Now).expect("it listens");
        }
        assert!(waits[0] >= 24_000 && waits[1] >= 48_000 && waits[4] >= 240_000 && waits[4] <= 300_000, "{waits:?}");
    }

    #[test]
    fn whoever_is_elsewhere_misses_what_is_too_much_and_hears_once_that_nobody_is_there() {
        let gate = Gate::default();
        let passed = |gate: &Gate| (0..MOST_BEHIND + 7).filter(|n| gate.passes(u64::from(n % 2 == 0))).count();
        assert_eq!(passed(&gate), MOST_BEHIND + 7);
        gate.leave();
        assert_eq!(passed(&gate), MOST_BEHIND);
        assert_eq!([gate.passes_loss(), gate.passes_loss()], [true, false]);
        assert_eq!(gate.come_back(), BTreeMap::from([(0, 3), (1, 4)]));
        assert!(passed(&gate) == MOST_BEHIND + 7 && gate.passes_loss());
    }
}
