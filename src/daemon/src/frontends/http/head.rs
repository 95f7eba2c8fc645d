//! The head of a request: whole, in one form only, or refused.
//!
//! Whatever two readers could understand differently is refused, so that nobody behind this reads another request than it does.

use std::{fmt, str};

use zeroize::Zeroizing;

use super::problem::Problem;

/// The longest head, request line and the empty line included.
pub(super) const MOST_BYTES: usize = 16 * 1024;

/// The longest body.
pub(super) const MOST_BODY: usize = 1024 * 1024;

/// More fields than any client sends.
const MOST_FIELDS: usize = 64;

/// A request without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: String,
    /// What stands before a question mark.
    pub(super) path: String,
    /// With its question mark, or nothing.
    pub(super) query: String,
    /// `None` only in HTTP/1.0, which browsers do not speak.
    pub(super) host: Option<String>,
    /// Bytes that follow the head.
    pub(super) body: usize,
    /// The client waits for a word before it sends the body (RFC 9110 §10.1.1).
    pub(super) expects_continue: bool,
    /// Whose web page asks, if a browser does (RFC 6454 §7).
    pub(super) origin: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) token: Option<Shown>,
}

/// What stands behind `Authorization: Bearer` (RFC 6750 §2.1); empty for another scheme, which opens nothing.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Shown(Zeroizing<String>);

/// What has come of a head.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    NeedMore,
    /// So many bytes are the head.
    Whole(usize),
}

/// Says how far the head has come, and what is wrong with its lines as soon as it is; the first `known` bytes were looked at before.
pub(super) fn progress(bytes: &[u8], known: usize) -> Result<Progress, Problem> {
    for at in known..bytes.len().min(MOST_BYTES) {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        match bytes[at] {
            first if at == 0 && !first.is_ascii_uppercase() => return Err(Problem::NotHttp),
            b'\n' if before != Some(b'\r') => return Err(Problem::BareLineEnd),
            b'\n' if bytes[..at].ends_with(b"\r\n\r") => return Ok(Progress::Whole(at + 1)),
            byte if before == Some(b'\r') && byte != b'\n' => return Err(Problem::BareLineEnd),
            // RFC 9112 §5.2: a line that continues the one before.
            b' ' | b'\t' if before == Some(b'\n') => return Err(Problem::FoldedLine),
            _ => {}
        }
    }
    if bytes.len() >= MOST_BYTES { Err(Problem::HeadTooLarge) } else { Ok(Progress::NeedMore) }
}

/// Reads a whole head.
pub(super) fn parse(bytes: &[u8]) -> Result<Head, Problem> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) if length == bytes.len() => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Problem::HeadTooLarge),
        Err(httparse::Error::Version) => return Err(Problem::Version),
        Ok(_) | Err(_) => return Err(Problem::NotHttp),
    }
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version) else {
        return Err(Problem::NotHttp);
    };
    let fields = Fields(request.headers);
    let (path, query) = origin_form(target)?;
    if fields.has("transfer-encoding") {
        return Err(Problem::TransferEncoding);
    }
    Ok(Head {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        host: fields.host(minor)?,
        body: fields.body()?,
        expects_continue: fields.expects_continue()?,
        origin: fields.one("origin")?.map(str::to_owned),
        content_type: fields.one("content-type")?.map(str::to_owned),
        token: fields.one("authorization")?.map(Shown::of),
    })
}

/// RFC 9112 §3.2.1; the other forms are for proxies.
fn origin_form(target: &str) -> Result<(&str, &str), Problem> {
    // A fragment is never sent, and a backslash is a slash to some.
    let is_plain = target.bytes().all(|byte| byte.is_ascii_graphic() && !b"#\\\"<>".contains(&byte));
    if !target.starts_with('/') || !is_plain {
        return Err(Problem::TargetForm);
    }
    Ok(target.split_at(target.find('?').unwrap_or(target.len())))
}

impl Shown {
    fn of(field: &str) -> Self {
        let token = field.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        Self(Zeroizing::new(token.map_or_else(String::new, |(_, token)| token.trim().to_owned())))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown(…)")
    }
}

struct Fields<'h>(&'h [httparse::Header<'h>]);

impl<'h> Fields<'h> {
    fn all(&self, name: &'static str) -> impl Iterator<Item = &'h [u8]> {
        self.0.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    fn has(&self, name: &'static str) -> bool {
        self.all(name).next().is_some()
    }

    /// Its one value as text.
    fn one(&self, name: &'static str) -> Result<Option<&'h str>, Problem> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => str::from_utf8(value).map(Some).map_err(|_| Problem::NotHttp),
            (Some(_), Some(_)) => Err(Problem::FieldTwice),
        }
    }

    fn host(&self, minor: u8) -> Result<Option<String>, Problem> {
        let host = self.one("host")?;
        if host.is_none() && minor > 0 {
            return Err(Problem::NoHost);
        }
        Ok(host.map(str::to_owned))
    }

    /// Digits and nothing else: a sign, a list or a space is read differently by different readers.
    fn body(&self) -> Result<usize, Problem> {
        let Some(length) = self.one("content-length")? else { return Ok(0) };
        if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Problem::ContentLength);
        }
        match length.parse() {
            Ok(length) if length <= MOST_BODY => Ok(length),
            _ => Err(Problem::BodyTooLarge),
        }
    }

    fn expects_continue(&self) -> Result<bool, Problem> {
        match self.one("expect")? {
            None => Ok(false),
            Some(word) if word.eq_ignore_ascii_case("100-continue") => Ok(true),
            Some(_) => Err(Problem::Expectation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Head, Problem> {
        match progress(text.as_bytes(), 0)? {
            Progress::Whole(length) => parse(&text.as_bytes()[..length]),
            Progress::NeedMore => panic!("more is needed after {text:?}"),
        }
    }

    /// A GET with further lines.
    fn get(lines: &str) -> Result<Head, Problem> {
        read(&format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n"))
    }

    #[test]
    fn what_a_client_says_is_taken_apart() {
        let head =
            read("POST /a/b?c=d&e HTTP/1.1\r\nhost: Proxy:9090\r\nContent-Length: 12\r\nExpect: 100-Continue\r\n\r\n");
        let expected = Head {
            method: "POST".to_owned(),
            path: "/a/b".to_owned(),
            query: "?c=d&e".to_owned(),
            host: Some("Proxy:9090".to_owned()),
            body: 12,
            expects_continue: true,
            origin: None,
            content_type: None,
            token: None,
        };
        assert_eq!(head, Ok(expected));
        let old = read("GET / HTTP/1.0\r\n\r\n").unwrap();
        assert_eq!((old.host, old.body, old.query.as_str()), (None, 0, ""));
    }

    #[test]
    fn a_head_is_whole_at_its_first_empty_line_and_not_before() {
        let text = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET";
        for length in 0..text.len() - 3 {
            for known in 0..=length {
                assert_eq!(progress(&text[..length], known), Ok(Progress::NeedMore), "{length} {known}");
                assert_eq!(progress(text, known), Ok(Progress::Whole(text.len() - 3)), "{known}");
            }
        }
    }

    #[test]
    fn every_form_that_could_be_read_in_two_ways_is_refused() {
        for (lines, problem) in [
            ("Transfer-Encoding: chunked\r\n", Problem::TransferEncoding),
            ("transfer-encoding: identity\r\n", Problem::TransferEncoding),
            ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Problem::TransferEncoding),
            ("Content-Length: 5\r\nContent-Length: 5\r\n", Problem::FieldTwice),
            ("Content-Length: 5\r\nContent-Length: 6\r\n", Problem::FieldTwice),
            ("Content-Length: 5, 5\r\n", Problem::ContentLength),
            ("Content-Length: +5\r\n", Problem::ContentLength),
            ("Content-Length: -5\r\n", Problem::ContentLength),
            ("Content-Length: 0x5\r\n", Problem::ContentLength),
            ("Content-Length:\r\n", Problem::ContentLength),
            ("Content-Length: 100000000000000\r\n", Problem::BodyTooLarge),
            ("Content-Length: 99999999999999999999999999\r\n", Problem::BodyTooLarge),
            ("Host: b\r\n", Problem::FieldTwice),
            ("X: a\r\n b\r\n", Problem::FoldedLine),
            ("X: a\r\n\tb\r\n", Problem::FoldedLine),
            ("X: a\nY: b\r\n", Problem::BareLineEnd),
            ("X: a\rY: b\r\n", Problem::BareLineEnd),
            ("X : a\r\n", Problem::NotHttp),
            ("X\r\n", Problem::NotHttp),
            ("X: a\0b\r\n", Problem::NotHttp),
            ("Content-Length\u{a0}: 5\r\n", Problem::NotHttp),
            ("Expect: 200-ok\r\n", Problem::Expectation),
        ] {
            assert_eq!(get(lines), Err(problem), "{lines:?}");
        }
    }

    #[test]
    fn only_one_form_of_request_line_is_taken() {
        for (line, problem) in [
            ("GET http://a/ HTTP/1.1", Problem::TargetForm),
            ("GET a HTTP/1.1", Problem::TargetForm),
            ("OPTIONS * HTTP/1.1", Problem::TargetForm),
            ("CONNECT a:80 HTTP/1.1", Problem::TargetForm),
            ("GET /a#b HTTP/1.1", Problem::TargetForm),
            ("GET /a\\b HTTP/1.1", Problem::TargetForm),
            ("GET  / HTTP/1.1", Problem::NotHttp),
            ("GET /  HTTP/1.1", Problem::Version),
            ("GET / a HTTP/1.1", Problem::Version),
            ("GET /", Problem::NotHttp),
            ("GET / HTTP/2.0", Problem::Version),
            ("GET / HTTP/1.2", Problem::Version),
            ("get / HTTP/1.1", Problem::NotHttp),
            (" GET / HTTP/1.1", Problem::NotHttp),
            ("\r\nGET / HTTP/1.1", Problem::NotHttp),
        ] {
            assert_eq!(read(&format!("{line}\r\nHost: a\r\n\r\n")), Err(problem), "{line:?}");
        }
        assert_eq!(read("GET / HTTP/1.1\r\n\r\n"), Err(Problem::NoHost));
        assert_eq!(read("GET / HTTP/1.1\nHost: a\n\n"), Err(Problem::BareLineEnd));
    }

    #[test]
    fn a_head_without_an_end_is_refused_at_its_bound() {
        let line = format!("GET /{} HTTP/1.1\r\n", "a".repeat(MOST_BYTES));
        assert_eq!(progress(line.as_bytes(), 0), Err(Problem::HeadTooLarge));
        assert_eq!(progress(&line.as_bytes()[..MOST_BYTES - 1], 0), Ok(Progress::NeedMore));
        assert_eq!(get(&"X: a\r\n".repeat(MOST_FIELDS)), Err(Problem::HeadTooLarge));
    }
}
