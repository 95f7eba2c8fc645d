//! The client's side of a conversation, over any two ends of a stream that block.

use std::collections::VecDeque;
use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use thiserror::Error;
use zeroize::Zeroizing;

use super::MOST_REPLY;
use super::hello::{Hello, Welcome};
use super::lines::{LineTooLong, Lines};
use super::message::{Answer, BadMessage, Message, Push, Request};
use super::refusal::Refusal;

/// Pushes that may come while an answer is waited for.
pub const MOST_WAITING_PUSHES: usize = 4_096;

/// A conversation with a daemon.
#[derive(Debug)]
pub struct Client<R, W> {
    from: R,
    to: W,
    lines: Lines,
    last: u64,
    waiting: VecDeque<Push>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum CallError {
    /// The stream has failed; after `WouldBlock` and `TimedOut` nothing is lost, and reading may go on.
    #[error("the conversation with the daemon broke off")]
    Stream(#[from] io::Error),
    #[error("the daemon has closed the conversation")]
    Closed,
    #[error("the daemon sends {0}")]
    Long(#[from] LineTooLong),
    #[error(transparent)]
    Message(#[from] BadMessage),
    #[error("the daemon answers something that this client does not understand")]
    Form(#[source] serde_json::Error),
    #[error("the daemon pushes faster than it answers")]
    Flood,
    /// The daemon has answered, with a no.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl<R: Read, W: Write> Client<R, W> {
    /// Reads from the one and writes to the other.
    pub fn new(from: R, to: W) -> Self {
        Self { from, to, lines: Lines::new(MOST_REPLY), last: 0, waiting: VecDeque::new() }
    }

    /// Begins the conversation.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn hello(&mut self, hello: &Hello) -> Result<Welcome, CallError> {
        self.call("hello", hello)
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn call<P: Serialize, T: DeserializeOwned>(&mut self, op: &str, p: &P) -> Result<T, CallError> {
        self.call_in_parts(op, p, |_part| Ok(()))
    }

    /// The same for what is answered in parts, each of which `taken` is given.
    ///
    /// # Errors
    /// See [`CallError`]; the first of `taken`'s own ends it too.
    pub fn call_in_parts<P: Serialize, T: DeserializeOwned>(
        &mut self,
        op: &str,
        p: &P,
        mut taken: impl FnMut(Value) -> Result<(), CallError>,
    ) -> Result<T, CallError> {
        let asked = self.send(op, p)?;
        loop {
            match self.read_message()? {
                // An answer without a number ends the conversation, whichever request it was about.
                Message::Answer { id, answer } if id.is_none_or(|id| id == asked) => match answer {
                    Answer::Part(part) => taken(part)?,
                    Answer::Ok(ok) => return serde_json::from_value(ok).map_err(CallError::Form),
                    Answer::Err(refusal) => return Err(refusal.into()),
                },
                // One that nobody waits for any more.
                Message::Answer { .. } => {}
                Message::Push(_) if self.waiting.len() >= MOST_WAITING_PUSHES => return Err(CallError::Flood),
                Message::Push(push) => self.waiting.push_back(push),
            }
        }
    }

    /// Asks without waiting. Returns the number that the answer will have.
    ///
    /// # Errors
    /// The stream's, and parameters that are no object.
    pub fn send<P: Serialize>(&mut self, op: &str, p: &P) -> Result<u64, CallError> {
        self.last += 1;
        let p = match serde_json::to_value(p).map_err(CallError::Form)? {
            Value::Object(p) => p,
            Value::Null => Map::new(),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return Err(CallError::Form(serde::de::Error::custom("parameters are an object")));
            }
        };
        // It may bear a password.
        let line = Zeroizing::new(Request { id: self.last, op: op.to_owned(), p }.line());
        self.to.write_all(&line)?;
        self.to.flush()?;
        Ok(self.last)
    }

    /// The next of whatever the daemon says; pushes that came while an answer was waited for are first.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn next_message(&mut self) -> Result<Message, CallError> {
        match self.waiting.pop_front() {
            Some(push) => Ok(Message::Push(push)),
            None => self.read_message(),
        }
    }

    /// The next push; answers that come before it are nobody's.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn next_push(&mut self) -> Result<Push, CallError> {
        loop {
            if let Message::Push(push) = self.next_message()? {
                return Ok(push);
            }
        }
    }

    fn read_message(&mut self) -> Result<Message, CallError> {
        let mut chunk = [0; 16 * 1024];
        loop {
            if let Some(line) = self.lines.next_line()? {
                return Ok(Message::read(&line)?);
            }
            match self.from.read(&mut chunk) {
                Ok(0) => return Err(CallError::Closed),
                Ok(count) => self.lines.push(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::admin::Code;

    /// Gives its pieces one by one, and has nothing now between them.
    struct Pieces(VecDeque<&'static [u8]>);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.pop_front() {
                None => Ok(0),
                Some([]) => Err(io::ErrorKind::WouldBlock.into()),
                Some(mut piece) => piece.read(buffer),
            }
        }
    }

    fn client(pieces: &[&'static [u8]]) -> Client<Pieces, Vec<u8>> {
        Client::new(Pieces(pieces.iter().copied().collect()), Vec::new())
    }

    #[test]
    fn pushes_that_come_before_the_answer_are_kept() {
        let mut client = client(&[
            b"{\"sub\":1,\"seq\":1,\"ev\":\"status\",\"t\":1,\"d\":{}}\n{\"id\":1,\"part\":7}\n{\"id\"",
            b":1,\"ok\":{\"n\":3}}\n{\"sub\":1,\"seq\":2,\"ev\":\"later\"}\n",
        ]);
        let mut parts = Vec::new();
        let answer: Value = client
            .call_in_parts("x.y", &json!({}), |part| {
                parts.push(part);
                Ok(())
            })
            .expect("an answer");
        assert_eq!((answer, parts), (json!({ "n": 3 }), vec![json!(7)]));
        assert_eq!(client.to, b"{\"id\":1,\"op\":\"x.y\",\"p\":{}}\n");
        let pushes: Vec<_> = (0..2).map(|_| client.next_push().expect("a push").seq).collect();
        assert_eq!(pushes, [1, 2]);
        assert!(matches!(client.next_push(), Err(CallError::Closed)));
    }

    #[test]
    fn reading_goes_on_where_it_had_to_wait() {
        let mut client = client(&[b"{\"sub\":1,\"seq\":1,", b"", b"\"ev\":\"x\"}\n"]);
        assert!(
            matches!(client.next_message(), Err(CallError::Stream(error)) if error.kind() == io::ErrorKind::WouldBlock)
        );
        assert!(matches!(client.next_message(), Ok(Message::Push(push)) if push.ev == "x"));
    }

    #[test]
    fn a_refusal_is_an_error_with_its_code() {
        let mut client = client(&[b"{\"id\":1,\"err\":{\"code\":\"denied\",\"msg\":\"no\"}}\n"]);
        let answer = client.call::<_, Value>("x", &Value::Null);
        assert!(matches!(answer, Err(CallError::Refused(refusal)) if refusal.code == Code::Denied));
    }
}
