//! What a client of an HTTP proxy says and hears (RFC 9110 §9.3.6).

use crate::wire::Wire;

/// The head of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    /// All lines, the status line included.
    pub text: String,
}

/// A CONNECT request with further header lines.
#[must_use]
pub fn connect(authority: &str, headers: &[&str]) -> Vec<u8> {
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    for header in headers {
        request += header;
        request += "\r\n";
    }
    request += "\r\n";
    request.into_bytes()
}

impl Wire {
    /// The head of the next answer, and not one byte more.
    #[must_use]
    pub fn http_head(&mut self) -> Head {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.receive::<1>());
        }
        let text = String::from_utf8(head).expect("a head is text");
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        Head { status: status.unwrap_or_else(|| panic!("no status in {text:?}")), text }
    }
}
