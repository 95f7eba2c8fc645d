//! One line each: requests, answers, pushes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use super::refusal::{Code, Refusal};
use super::strict::{REPEATED, Strict};

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    /// The client's own number for it, unlike that of any other request without an answer yet.
    pub id: u64,
    /// The operation, for instance `sessions.kill`.
    pub op: String,
    /// Its parameters.
    pub p: Map<String, Value>,
}

/// What the daemon says.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// To a request; without a number if the request's own could not be read.
    Answer {
        /// The request's.
        id: Option<u64>,
        /// What came of it.
        answer: Answer,
    },
    /// To nobody's question.
    Push(Push),
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// More follows.
    Part(Value),
    /// It was done.
    Ok(Value),
    /// It was not.
    Err(Refusal),
}

/// News of a subscription.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Push {
    /// The subscription's number.
    pub sub: u64,
    /// Counts the pushes of this subscription from 1, without holes.
    pub seq: u64,
    /// What it is about, for instance `patch`, or `gap` where something was lost.
    pub ev: String,
    /// When it was said, in seconds since 1970.
    pub t: f64,
    /// The news.
    pub d: Value,
}

/// A line that is no request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadRequest {
    /// Whoever sends this does not speak the language; nothing behind it is read.
    #[error("a request is one line of UTF-8 without NUL")]
    NotText,
    /// The same.
    #[error("{0}")]
    Repeated(String),
    #[error("this is no JSON: {0}")]
    Syntax(String),
    /// With its number, if it has one.
    #[error("a request is {{\"id\":NUMBER,\"op\":\"NAME\",\"p\":{{…}}}}: {what}")]
    Form {
        /// The request's number.
        id: Option<u64>,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// A line of the daemon's that this build cannot read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the daemon says something that is no message: {0}")]
pub struct BadMessage(String);

impl Request {
    /// Reads a line without its end.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(line: &[u8]) -> Result<Self, BadRequest> {
        let text = str::from_utf8(line).ok().filter(|text| !text.contains('\0')).ok_or(BadRequest::NotText)?;
        let Strict(value) = serde_json::from_str(text).map_err(|error| syntax(&error))?;
        let Value::Object(mut fields) = value else {
            return Err(BadRequest::Form { id: None, what: "it is no object" });
        };
        let id = fields.get("id").and_then(Value::as_u64);
        let wrong = |what| BadRequest::Form { id, what };
        let p = match fields.remove("p") {
            Some(Value::Object(p)) => p,
            None | Some(Value::Null) => Map::new(),
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                return Err(wrong("p is no object"));
            }
        };
        let Some(Value::String(op)) = fields.remove("op") else { return Err(wrong("op is no text")) };
        Ok(Self { id: id.ok_or(wrong("id is no number from 0 on"))?, op, p })
    }

    /// The line, with its end.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        line_of(self)
    }
}

impl BadRequest {
    /// Whether nothing more is read from whoever sent this.
    #[must_use]
    pub fn is_the_end(&self) -> bool {
        match self {
            Self::NotText | Self::Repeated(_) => true,
            Self::Syntax(_) | Self::Form { .. } => false,
        }
    }

    /// The request's number, if it could be read.
    #[must_use]
    pub fn id(&self) -> Option<u64> {
        match self {
            Self::Form { id, .. } => *id,
            Self::NotText | Self::Repeated(_) | Self::Syntax(_) => None,
        }
    }

    /// The answer to it.
    #[must_use]
    pub fn answer(&self) -> Message {
        Message::Answer { id: self.id(), answer: Answer::Err(Refusal::new(Code::BadRequest, self.to_string())) }
    }
}

impl Message {
    /// Reads a line without its end.
    ///
    /// # Errors
    /// It is neither an answer nor a push.
    pub fn read(line: &[u8]) -> Result<Self, BadMessage> {
        let read: Read = serde_json::from_slice(line).map_err(|error| BadMessage(error.to_string()))?;
        let Read { id, part, ok, err, sub, seq, ev, t, d } = read;
        let answer = match (part, ok, err) {
            (Some(part), None, None) => Some(Answer::Part(part)),
            (None, Some(ok), None) => Some(Answer::Ok(ok)),
            (None, None, Some(err)) => Some(Answer::Err(err)),
            _ => None,
        };
        match (answer, sub, ev) {
            (Some(answer), None, _) => Ok(Self::Answer { id, answer }),
            (None, Some(sub), Some(ev)) => Ok(Self::Push(Push { sub, seq, ev, t, d })),
            (Some(_) | None, _, _) => Err(BadMessage("neither an answer nor a push".to_owned())),
        }
    }

    /// The line, with its end.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        match self {
            Self::Push(push) => line_of(push),
            Self::Answer { id, answer } => {
                let said = Said { id: *id, part: None, ok: None, err: None };
                line_of(&match answer {
                    Answer::Part(part) => Said { part: Some(part), ..said },
                    Answer::Ok(ok) => Said { ok: Some(ok), ..said },
                    Answer::Err(err) => Said { err: Some(err), ..said },
                })
            }
        }
    }
}

/// An answer as it stands in a line.
#[derive(Serialize)]
struct Said<'a> {
    id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    err: Option<&'a Refusal>,
}

/// Everything that can stand in a line of the daemon's.
#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    id: Option<u64>,
    #[serde(default, deserialize_with = "there")]
    part: Option<Value>,
    #[serde(default, deserialize_with = "there")]
    ok: Option<Value>,
    #[serde(default)]
    err: Option<Refusal>,
    #[serde(default)]
    sub: Option<u64>,
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    ev: Option<String>,
    #[serde(default)]
    t: f64,
    #[serde(default)]
    d: Value,
}

/// A `null` that is written is there too.
fn there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn syntax(error: &serde_json::Error) -> BadRequest {
    let text = error.to_string();
    if text.starts_with(REPEATED) { BadRequest::Repeated(text) } else { BadRequest::Syntax(text) }
}

fn line_of(message: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).expect("messages have no keys but text, and nothing that fails");
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn refused(line: &[u8]) -> String {
        Request::read(line).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_request_is_read_whatever_else_stands_in_it() {
        let read = Request::read(br#"{"id":7,"op":"status.get","later":[1],"p":{"a":1}}"#);
        let p = Map::from_iter([("a".to_owned(), json!(1))]);
        assert_eq!(read, Ok(Request { id: 7, op: "status.get".to_owned(), p }));
        for line in [&br#"{"id":1,"op":"x"}"#[..], br#"{"id":1,"op":"x","p":null}"#] {
            assert_eq!(Request::read(line).map(|request| request.p), Ok(Map::new()));
        }
    }

    #[test]
    fn what_is_no_request_is_refused_with_words() {
        for (line, words, is_the_end) in [
            (&b"\xff"[..], "UTF-8", true),
            (b"{\"id\":1,\"op\":\"a\0b\"}", "NUL", true),
            (br#"{"id":1,"id":2,"op":"x"}"#, "a key stands twice: id", true),
            (br#"{"id":1,"op":"x","p":{"a":[{"b":1,"b":2}]}}"#, "a key stands twice: b", true),
            (b"hello", "no JSON", false),
            (b"", "no JSON", false),
            (b"[]", "no object", false),
            (br#"{"op":"x"}"#, "id is no number", false),
            (br#"{"id":-1,"op":"x"}"#, "id is no number", false),
            (br#"{"id":1}"#, "op is no text", false),
            (br#"{"id":1,"op":"x","p":[]}"#, "p is no object", false),
        ] {
            assert!(refused(line).contains(words), "{}: {}", String::from_utf8_lossy(line), refused(line));
            assert_eq!(Request::read(line).map_err(|error| error.is_the_end()), Err(is_the_end));
        }
    }

    #[test]
    fn a_line_of_a_thousand_brackets_is_no_request() {
        assert!(refused(&b"[".repeat(1_000)).contains("no JSON"));
    }

    #[test]
    fn an_answer_to_a_request_without_a_number_has_none() {
        assert!(BadRequest::NotText.answer().line().starts_with(b"{\"id\":null,\"err\":{\"code\":\"bad_request\""));
        let id = BadRequest::Form { id: Some(3), what: "x" }.answer();
        assert_eq!(Message::read(&id.line()), Ok(id));
    }

    proptest! {
        #[test]
        fn a_request_is_read_as_it_was_written(id in any::<u64>(), op in "[^\0]*", key in "[^\0]*", text in "[^\0]*", number in any::<i64>()) {
            let p = Map::from_iter([(key, json!([text, number, null, true]))]);
            let request = Request { id, op, p };
            let line = request.line();
            let (end, rest) = line.split_last().expect("a line has an end");
            prop_assert_eq!((*end, rest.contains(&b'\n')), (b'\n', false));
            // A NUL that JSON escapes is none in the line.
            prop_assert_eq!(Request::read(rest), Ok(request));
        }

        #[test]
        fn a_message_is_read_as_it_was_written(id in any::<Option<u64>>(), text in ".*", seq in any::<u64>(), kind in 0..4u8) {
            let answer = |answer| Message::Answer { id, answer };
            let message = match kind {
                0 => answer(Answer::Ok(json!({ "a": text }))),
                1 => answer(Answer::Part(Value::Null)),
                2 => answer(Answer::Err(Refusal::new(Code::Busy, text).with(json!([1])).for_now())),
                _ => Message::Push(Push { sub: 1, seq, ev: text, t: 1.5, d: json!({ "n": [seq] }) }),
            };
            prop_assert_eq!(Message::read(&message.line()), Ok(message));
        }

        #[test]
        fn any_bytes_are_read_or_refused(line in prop::collection::vec(any::<u8>(), 0..200)) {
            let _answered = Request::read(&line).map_err(|bad| bad.answer());
            let _read = Message::read(&line);
        }
    }
}
