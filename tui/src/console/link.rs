//! The thread that keeps up the conversation: it reads what the daemon says, and begins anew whenever that ends.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, SystemTime};

use wire::admin::{Answer, Lines, MOST_REPLY, Message};

use super::event::Event;
use crate::connection::{Connection, Peer};
use crate::failure::Failure;

/// How long after the first failure, and after many.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);

/// What to do instead of waiting.
#[derive(Debug)]
pub(crate) enum Wish {
    Now,
    /// At this socket.
    At(PathBuf),
}

/// Keeps up the conversation until nobody wants to hear of it.
pub(crate) fn keep_up(mut peer: Peer, events: Sender<Event>, wishes: Receiver<Wish>) {
    thread::spawn(move || {
        let mut attempt = 0;
        loop {
            let why = match Connection::open(&peer) {
                Ok(connection) => {
                    attempt = 0;
                    match listen(connection, &events) {
                        Some(why) => why,
                        None => return,
                    }
                }
                Err(failure) => failure.to_string(),
            };
            let wait = wait(attempt);
            attempt += 1;
            let retry_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            if events.send(Event::Lost { why, attempt, retry_ms }).is_err() {
                return;
            }
            match wishes.recv_timeout(wait) {
                Ok(Wish::At(socket)) => (peer.socket, attempt) = (socket, 0),
                Ok(Wish::Now) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    });
}

/// Passes on everything until the conversation ends, and says why it did; nothing if nobody listens.
fn listen(connection: Connection, events: &Sender<Event>) -> Option<String> {
    let (mut stream, welcome) = connection.into_stream();
    let writer = match prepared(&stream) {
        Ok(writer) => writer,
        Err(failure) => return Some(failure.to_string()),
    };
    events.send(Event::Connected(Box::new(welcome), writer)).ok()?;
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
                    if let Some(event) = event(message) {
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
fn wait(attempt: u32) -> Duration {
    let whole = FIRST.saturating_mul(1 << attempt.min(10)).min(LONGEST);
    let moment = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    whole.mul_f64(1.0 - 0.2 * f64::from(moment % 1000) / 1000.0)
}
