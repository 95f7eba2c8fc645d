//! What can be wrong with a request, and the one form in which the client is told (RFC 9457).

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
    HeadTooLarge,
    /// The handler failed.
    Failed,
    /// Too many connections are open, or too many from there.
    Crowded,
    /// No answer was to be had in time.
    Busy,
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

    pub(super) fn answer(self) -> Answer {
        let Meaning { status, code, detail } = self.meaning();
        let title = title(status);
        let body = format!(
            "{{\"type\":\"about:blank\",\"title\":\"{title}\",\"status\":{status},\"code\":\"{code}\",\"detail\":\"{detail}\"}}\n"
        );
        let answer = Answer::new(status, "application/problem+json", body);
        if let Self::Method(allowed) = self {
            return answer.with("Allow", allowed);
        }
        if status == 503 { answer.with("Retry-After", "1") } else { answer }
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
            Self::WrongHost => of(421, "wrong_host", "this host is not called so; metrics.allowed_hosts adds names"),
            Self::HeadTooLarge => of(431, "head_too_large", "a head has at most 16 KiB and 64 fields"),
            Self::Failed => of(500, "failed", "the log has the reason"),
            Self::Crowded => of(503, "crowded", "too many connections are open"),
            Self::Busy => of(503, "busy", "no answer was to be had in time"),
        }
    }
}

/// The words of a status code (RFC 9110 §15).
pub(super) fn title(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        421 => "Misdirected Request",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}
