//! Lines that wait for a client to read them.
//!
//! Nothing is put in here that could wait elsewhere: a push is worked out only when everything before it has been read.

use std::time::{Duration, Instant};

use serde_json::json;
use wire::admin::{Answer, Code, MOST_REPLY, Message, Push, Refusal};

/// The word for news that are missing.
pub(super) const GAP: &str = "gap";

/// How long a client may leave an answer unread; then it is gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes that may wait to be taken before another answer is put to them.
const ROOM: usize = 1024 * 1024;

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
        self.bytes.len() < ROOM
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

    /// News that a line cannot hold become a gap of the same number: whoever hears of it looks anew.
    pub(super) fn push(&mut self, push: Push) {
        let (sub, seq, t) = (push.sub, push.seq, push.t);
        let mut line = Message::Push(push).line();
        if line.len() > MOST_REPLY {
            let gap = Push { sub, seq, ev: GAP.to_owned(), t, d: json!({ "lost": 1, "code": Code::TooLarge.word() }) };
            line = Message::Push(gap).line();
        }
        self.bytes.append(&mut line);
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_slice};

    use super::*;

    #[test]
    fn news_that_no_line_holds_are_a_gap_of_their_number() {
        let mut outbox = Outbox::default();
        let patch = |seq, length| Push {
            sub: 3,
            seq,
            ev: "patch".to_owned(),
            t: 1.5,
            d: json!({ "add": [["1", "x".repeat(length)]] }),
        };
        outbox.push(patch(7, MOST_REPLY));
        outbox.push(patch(8, 10));
        let lines: Vec<Value> = outbox
            .bytes()
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| from_slice(line).unwrap())
            .collect();
        assert_eq!(
            lines[0],
            json!({ "sub": 3, "seq": 7, "ev": "gap", "t": 1.5, "d": { "lost": 1, "code": "too_large" } })
        );
        assert_eq!((&lines[1]["seq"], &lines[1]["ev"]), (&json!(8), &json!("patch")));
    }
}
