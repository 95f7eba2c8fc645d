//! An answer: as a handler gives it, and as a client gets it.

use std::fmt::Write;

use super::problem::title;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(super) status: u16,
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

/// What follows the head of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    Body,
    /// Nothing: the request was a HEAD.
    Nothing,
}

/// The fields of a handler's answer that reach the client.
const PASSED_ON: [&str; 6] = ["Content-Type", "Content-Security-Policy", "Date", "Allow", "Link", "Retry-After"];

impl Answer {
    pub(super) fn new(status: u16, kind: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, fields: vec![("Content-Type", kind.to_owned())], body: body.into() }
    }

    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// Reads a whole answer of the inner server; nothing unless it is one.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = [httparse::EMPTY_HEADER; 16];
        let mut response = httparse::Response::new(&mut fields);
        let Ok(httparse::Status::Complete(length)) = response.parse(bytes) else { return None };
        let field = |name: &str| {
            let found = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
            Some(String::from_utf8_lossy(found.value).into_owned())
        };
        let body = &bytes[length..];
        let is_whole = field("Content-Length")?.parse() == Ok(body.len());
        let fields = PASSED_ON.into_iter().filter_map(|name| Some((name, field(name)?))).collect();
        is_whole.then_some(Self { status: response.code?, fields, body: body.to_vec() })
    }

    /// The bytes for the client. Each connection has one answer, and nobody on the way may keep it.
    pub(super) fn encode(&self, rest: Rest) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, title(self.status));
        for (name, value) in &self.fields {
            let _never_fails = write!(head, "{name}: {value}\r\n");
        }
        let length = self.body.len();
        let _never_fails = write!(
            head,
            "Content-Length: {length}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
        );
        let mut bytes = head.into_bytes();
        if rest == Rest::Body {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_inner_server_says_of_itself_does_not_reach_the_client() {
        let inner = b"HTTP/1.1 503 Service Unavailable\r\nServer: tiny-http (Rust)\r\nDate: now\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nno";
        let answer = Answer::decode(inner).unwrap();
        let expected = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: a/b\r\nDate: now\r\nContent-Length: 2\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";
        assert_eq!(String::from_utf8(answer.encode(Rest::Nothing)).unwrap(), expected);
        assert_eq!(String::from_utf8(answer.encode(Rest::Body)).unwrap(), format!("{expected}no"));
    }

    #[test]
    fn half_an_answer_is_none() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno";
        for length in 0..whole.len() {
            assert_eq!(Answer::decode(&whole[..length]), None, "{length}");
        }
        assert_eq!(Answer::decode(b"HTTP/1.1 200 OK\r\n\r\nno"), None);
        assert!(Answer::decode(whole).is_some());
    }
}
