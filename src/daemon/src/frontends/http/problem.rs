//! What can be wrong with a request, and the one form in which the client is told (RFC 9457).

use std::collections::BTreeMap;

use config::tokens::Scope;
use serde::Serialize;

use super::answer::Answer;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Problem {
    NotHttp,
    Version,
    BareLineEnd,
    FoldedLine,
    TargetForm,
    FieldTwice,
    ContentLength,
    TransferEncoding,
    NoHost,
    Expectation,
    /// Bytes follow the request: a second request, or a body that nobody announced.
    MoreThanOne,
    NoRoute,
    /// The methods that the route has.
    Method(&'static str),
    /// The head did not come in time.
    SlowHead,
    SlowBody,
    BodyTooLarge,
    WrongHost,
    /// The token is missing or opens nothing.
    Unknown,
    /// The token does not open this.
    Forbidden(Scope),
    /// The operator has made no tokens, and nobody may do this without one.
    NoTokens,
    /// A web page asks whose origin is not among those that may.
    WrongOrigin,
    NotJson,
    /// Too many came; the next one may come after so many seconds.
    TooMany(u64),
    HeadTooLarge,
    /// The handler failed.
    Failed,
    /// Too many connections are open, or too many from there.
    Crowded,
    /// No answer was to be had in time.
    Busy,
}

/// The members that RFC 9457 knows, and a code that stays the same.
#[derive(Debug, Serialize)]
struct Told<'t> {
    #[serde(rename = "type")]
    kind: &'t str,
    title: &'t str,
    status: u16,
    code: &'t str,
    detail: &'t str,
}

#[derive(Debug, Serialize)]
struct ToldWith<'t, T> {
    #[serde(flatten)]
    told: Told<'t>,
    #[serde(flatten)]
    more: BTreeMap<&'t str, T>,
}

/// What one problem means everywhere.
struct Meaning {
    status: u16,
    code: &'static str,
    detail: &'static str,
}

impl Problem {
    pub(super) fn status(self) -> u16 {
        self.meaning().status
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "few problems have a field of their own")]
    pub(super) fn answer(self) -> Answer {
        let Meaning { status, code, detail } = self.meaning();
        let answer = told(status, code, detail);
        match self {
            Self::Method(allowed) => answer.with("Allow", allowed),
            Self::Unknown => answer.with("WWW-Authenticate", "Bearer"),
            Self::TooMany(seconds) => answer.with("Retry-After", seconds.to_string()),
            Self::Crowded | Self::Busy => answer.with("Retry-After", "1"),
            _ => answer,
        }
    }

    fn meaning(self) -> Meaning {
        let of = |status, code, detail| Meaning { status, code, detail };
        match self {
            Self::NotHttp => of(400, "not_http", "this is no HTTP/1.1 request"),
            Self::Version => of(400, "version", "only HTTP/1.0 and HTTP/1.1 are spoken here"),
            Self::BareLineEnd => of(400, "bare_line_end", "lines end with CR and LF"),
            Self::FoldedLine => of(400, "folded_line", "a field has one line"),
            Self::TargetForm => of(400, "target_form", "the target is a path that begins with a slash"),
            Self::FieldTwice => of(400, "field_twice", "Host, Content-Length and Expect may stand there once"),
            Self::ContentLength => of(400, "content_length", "Content-Length is a number"),
            Self::TransferEncoding => of(400, "transfer_encoding", "a body comes with Content-Length"),
            Self::NoHost => of(400, "no_host", "HTTP/1.1 has a Host"),
            Self::Expectation => of(400, "expectation", "only 100-continue can be expected"),
            Self::MoreThanOne => of(400, "more_than_one", "a connection has one request, and nothing after it"),
            Self::NoRoute => of(404, "no_route", "there is nothing; GET / lists what there is"),
            Self::Method(_) => of(405, "method", "the route has other methods"),
            Self::SlowHead => of(408, "slow_head", "the head did not come within 5 s"),
            Self::SlowBody => of(408, "slow_body", "the body did not come within 10 s"),
            Self::BodyTooLarge => of(413, "body_too_large", "a body has at most 1 MiB"),
            Self::Unknown => of(401, "no_token", "this takes Authorization: Bearer and a token of the tokens file"),
            Self::Forbidden(Scope::Read) => of(403, "scope", "this takes a token with the scope read"),
            Self::Forbidden(Scope::Operate) => of(403, "scope", "this takes a token with the scope operate"),
            Self::Forbidden(Scope::Admin) => of(403, "scope", "this takes a token with the scope admin"),
            Self::NoTokens => of(403, "no_tokens_file", "nobody may do this while api.tokens_file is not set"),
            Self::WrongOrigin => {
                of(403, "wrong_origin", "web pages from there may not ask; api.cors_origins adds them")
            }
            Self::NotJson => of(415, "not_json", "a body comes with Content-Type: application/json"),
            Self::TooMany(_) => of(429, "too_many", "too many requests; Retry-After says when the next one may come"),
            Self::WrongHost => of(421, "wrong_host", "this host is not called so; allowed_hosts adds names"),
            Self::HeadTooLarge => of(431, "head_too_large", "a head has at most 16 KiB and 64 fields"),
            Self::Failed => of(500, "failed", "the log has the reason"),
            Self::Crowded => of(503, "crowded", "too many connections are open"),
            Self::Busy => of(503, "busy", "no answer was to be had in time"),
        }
    }
}

/// The form in which every problem is told.
pub(super) fn told(status: u16, code: &str, detail: &str) -> Answer {
    written(status, &Told { kind: "about:blank", title: title(status), status, code, detail })
}

/// The same with a member of its own (RFC 9457 §3.2).
pub(super) fn told_with(status: u16, code: &str, detail: &str, (name, value): (&str, &impl Serialize)) -> Answer {
    let told = Told { kind: "about:blank", title: title(status), status, code, detail };
    written(status, &ToldWith { told, more: BTreeMap::from([(name, value)]) })
}

fn written(status: u16, told: &impl Serialize) -> Answer {
    let mut body = serde_json::to_vec(told).expect("texts and numbers can be written");
    body.push(b'\n');
    Answer::new(status, "application/problem+json", body)
}

/// The words of a status code (RFC 9110 §15).
pub(super) fn title(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}
