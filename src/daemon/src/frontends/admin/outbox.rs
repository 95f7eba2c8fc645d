//! Lines that wait for a client to read them.
//!
//! Nothing is put in here that could wait elsewhere: a push is worked out only when everything before it has been read.

use std::time::{Duration, Instant};

use wire::admin::{Answer, Code, MOST_REPLY, Message, Refusal};

/// How long a client may leave an answer unread; then it is gone.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    /// When the client last took something, or the answer came that it has not taken; nothing while no answer waits.
    waits_since: Option<Instant>,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether another answer may be put in.
    pub(super) fn has_room(&self) -> bool {
        self.bytes.len() < MOST_REPLY
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn answer(&mut self, id: Option<u64>, answer: Answer, now: Instant) {
        let mut line = Message::Answer { id, answer }.line();
        if line.len() > MOST_REPLY {
            let refusal = Refusal::new(Code::TooLarge, "the answer is longer than a line may be; ask for less");
            line = Message::Answer { id, answer: Answer::Err(refusal) }.line();
        }
        self.bytes.append(&mut line);
        self.waits_since.get_or_insert(now);
    }

    pub(super) fn push(&mut self, message: &Message) {
        let mut line = message.line();
        if line.len() <= MOST_REPLY {
            self.bytes.append(&mut line);
        }
    }

    /// The client has taken so many bytes.
    pub(super) fn took(&mut self, count: usize, now: Instant) {
        self.bytes.drain(..count);
        self.waits_since = self.waits_since.filter(|_| !self.bytes.is_empty()).map(|_| now);
    }

    /// When the client is given up, if it takes nothing.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waits_since.map(|since| since + PATIENCE)
    }
}
