//! What the routes answer: requests to operations, and what comes of these to answers.

use std::fmt::Write;
use std::time::Instant;

use config::tokens::Scope;
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use wire::Extent;

use super::answer::Answer;
use super::openapi;
use super::problem::{Problem, told, told_with};
use super::query::Query;
use super::routes::{ROUTES, Route};
use crate::frontends::office::{self, Caller, No, Office, Operation};
use crate::state::readiness::Reason;
use crate::state::vitals::board::State;

const JSON: &str = "application/json";

/// A request as handlers see it.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) route: &'static Route,
    /// What stands where the route's path has a name in braces, as it was written.
    pub(super) named: Option<String>,
    /// Behind the question mark.
    pub(super) query: String,
    pub(super) body: Vec<u8>,
    pub(super) caller: Caller,
}

/// Whether all is well.
#[derive(Debug, Serialize)]
struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
}

pub(super) type Handler = fn(&Office, &Asked) -> Answer;

pub(super) fn index(_: &Office, _: &Asked) -> Answer {
    let mut list = String::new();
    for route in &ROUTES {
        let _never_fails = writeln!(list, "{} {}: {}", route.method, route.path, route.description);
    }
    Answer::new(200, "text/plain; charset=utf-8", list)
}

pub(super) fn metrics(office: &Office, _: &Asked) -> Answer {
    office.vitals.note_fetch(Timestamp::now());
    Answer::new(200, "text/plain; version=0.0.4; charset=utf-8", office.metrics.exposition())
}

/// The check whose warnings count too: everybody is served, and what happened is not written down.
const HISTORY: &str = "history";

/// Who asks whether this process should be restarted must not hear of what a restart does not mend.
pub(super) fn health(office: &Office, _: &Asked) -> Answer {
    let mut reasons = reasons(office);
    for check in office.vitals.board.checks() {
        let is_of_matter = check.finding.state == State::Fail || check.finding.name == HISTORY;
        if is_of_matter && check.finding.state != State::Ok && !reasons.contains(&check.finding.name) {
            reasons.push(check.finding.name);
        }
    }
    let status = if reasons.is_empty() { "ok" } else { "degraded" };
    object(200, &Health { status, reasons: Some(reasons), version: Some(env!("CARGO_PKG_VERSION")) })
}

pub(super) fn live(_: &Office, _: &Asked) -> Answer {
    object(200, &Health { status: "live", reasons: None, version: None })
}

pub(super) fn ready(office: &Office, _: &Asked) -> Answer {
    let reasons = reasons(office);
    let (code, status) = if reasons.is_empty() { (200, "ready") } else { (503, "not_ready") };
    let answer = object(code, &Health { status, reasons: Some(reasons), version: None });
    if code == 503 { answer.with("Retry-After", "1") } else { answer }
}

pub(super) fn openapi(_: &Office, _: &Asked) -> Answer {
    object(200, &openapi::document())
}

pub(super) fn documentation(_: &Office, _: &Asked) -> Answer {
    Answer::new(200, "text/html; charset=utf-8", openapi::page())
        .with("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
}

pub(super) fn statistics(office: &Office, asked: &Asked) -> Answer {
    answered(office, asked, |_| Ok(Operation::Statistics))
}

/// Of today from memory, of any other time from the history.
pub(super) fn statistics_of(office: &Office, asked: &Asked) -> Answer {
    answered(office, asked, |query| {
        if query.is_empty() {
            return Ok(Operation::Statistics);
        }
        Ok(Operation::PastStatistics(Box::new(query.filter(Timestamp::now())?)))
    })
}

pub(super) fn sums(office: &Office, asked: &Asked) -> Answer {
    answered(office, asked, |query| {
        Ok(Operation::Sums(Box::new(query.filter(Timestamp::now())?), query.by()?, query.limit()?))
    })
}

pub(super) fn active(office: &Office, asked: &Asked) -> Answer {
    answered(office, asked, |query| Ok(Operation::Active(query.sought()?)))
}

pub(super) fn history(office: &Office, asked: &Asked) -> Answer {
    answered(office, asked, |query| Ok(Operation::History(Box::new(query.filter(Timestamp::now())?), query.limit()?)))
}

pub(super) fn of_user(office: &Office, asked: &Asked) -> Answer {
    answered(office, asked, |query| {
        let mut filter = query.filter(Timestamp::now())?;
        filter.user = Some(asked.name()?);
        Ok(Operation::History(Box::new(filter), query.limit()?))
    })
}

pub(super) fn session(office: &Office, asked: &Asked) -> Answer {
    answered(office, asked, |_| Ok(Operation::Session(asked.id()?)))
}

pub(super) fn end_session(office: &Office, asked: &Asked) -> Answer {
    answered(office, asked, |_| Ok(Operation::EndSession(asked.id()?)))
}

pub(super) fn rules(office: &Office, asked: &Asked) -> Answer {
    answered(office, asked, |query| {
        let (after, limit) = query.stretch()?;
        Ok(Operation::Rules { after, limit })
    })
}

pub(super) fn test_request(office: &Office, asked: &Asked) -> Answer {
    answered(office, asked, |_| Ok(Operation::TestRequest(asked.order()?)))
}

pub(super) fn reload(office: &Office, asked: &Asked) -> Answer {
    answered(office, asked, |_| Ok(Operation::Reload(Extent::Everything)))
}

pub(super) fn reload_rules(office: &Office, asked: &Asked) -> Answer {
    answered(office, asked, |_| Ok(Operation::Reload(Extent::Rules)))
}

pub(super) fn last_reload(office: &Office, asked: &Asked) -> Answer {
    answered(office, asked, |_| Ok(Operation::LastReload))
}

pub(super) fn quotas(office: &Office, asked: &Asked) -> Answer {
    answered(office, asked, |query| {
        let sought = query.sought()?;
        Ok(Operation::Quotas(sought.user, sought.limit))
    })
}

pub(super) fn concessions(office: &Office, asked: &Asked) -> Answer {
    answered(office, asked, |_| Ok(Operation::Concessions))
}

pub(super) fn grant(office: &Office, asked: &Asked) -> Answer {
    answered(office, asked, |_| Ok(Operation::Grant(asked.order()?)))
}

pub(super) fn lay_over(office: &Office, asked: &Asked) -> Answer {
    answered(office, asked, |_| Ok(Operation::Override(asked.order()?)))
}

pub(super) fn reset(office: &Office, asked: &Asked) -> Answer {
    answered(office, asked, |_| Ok(Operation::Reset(asked.order()?)))
}

impl Asked {
    /// What its body says.
    fn order<T: DeserializeOwned>(&self) -> Result<T, No> {
        serde_json::from_slice(&self.body).map_err(|error| No::Invalid(error.to_string()))
    }

    fn id(&self) -> Result<Uuid, No> {
        let id = self.name()?;
        // Other spellings of the same would be other paths to whoever stands between.
        let read = Uuid::try_parse(&id).ok().filter(|read| read.to_string() == id.to_ascii_lowercase());
        read.ok_or_else(|| No::Invalid("the path has no id of a session in it".to_owned()))
    }

    fn name(&self) -> Result<String, No> {
        let name = self.named.as_deref().unwrap_or_default();
        let name = percent_decode_str(name).decode_utf8();
        name.map(String::from).map_err(|_| No::Invalid("the path has bytes that are no UTF-8".to_owned()))
    }

    /// Where the next page is.
    fn next(&self, query: &Query, after: impl std::fmt::Display) -> String {
        let named = self.name().unwrap_or_default();
        let named = utf8_percent_encode(&named, NON_ALPHANUMERIC).to_string();
        let path = self.route.path_with(&named);
        format!("<{path}?{}>; rel=\"next\"", query.behind(after))
    }
}

fn answered(office: &Office, asked: &Asked, operation: impl FnOnce(&Query) -> Result<Operation, No>) -> Answer {
    let performed = Query::read(&asked.query, asked.route.parameters)
        .and_then(|query| Ok((operation(&query)?, query)))
        .and_then(|(operation, query)| Ok((office.perform(&asked.caller, operation)?, query)));
    match performed {
        Ok((answer, query)) => {
            let body = object(200, &answer);
            match last_of(&answer, &query) {
                Some(last) => body.with("Link", asked.next(&query, last)),
                None => body,
            }
        }
        Err(no) => refused(&no),
    }
}

/// What the next page begins behind, if this one is full.
fn last_of(answer: &office::Answer, query: &Query) -> Option<String> {
    let (length, last) = match answer {
        office::Answer::Active(sessions) => (sessions.len(), sessions.last().map(|last| last.row.session_id)),
        office::Answer::Past(rows) => (rows.len(), rows.last().map(|last| last.session_id)),
        office::Answer::Statistics(_)
        | office::Answer::Sums(_)
        | office::Answer::Aggregate(_)
        | office::Answer::Session(_)
        | office::Answer::PastSession(_)
        | office::Answer::Ended { .. }
        | office::Answer::Several(_)
        | office::Answer::Forgiven { .. }
        | office::Answer::Rules(_)
        | office::Answer::Tested(_)
        | office::Answer::Quotas(_)
        | office::Answer::Concessions(_)
        | office::Answer::Conceded(_)
        | office::Answer::Voided(_)
        | office::Answer::Heard(_)
        | office::Answer::Reloaded(_)
        | office::Answer::Rehearsed(_)
        | office::Answer::Policy(_) => return None,
    };
    let is_full = query.limit().is_ok_and(|limit| u32::try_from(length) == Ok(limit));
    last.filter(|_| is_full).map(|last| last.to_string())
}

fn refused(no: &No) -> Answer {
    match no {
        No::Forbidden(Scope::Read | Scope::Operate | Scope::Admin) => told(403, "scope", &no.to_string()),
        No::NotThere => told(404, "no_session", &no.to_string()),
        No::Invalid(detail) | No::Misfit { why: detail, .. } => told(400, "invalid", detail),
        No::Faulty(diagnoses) => told_with(422, "faulty", &no.to_string(), ("diag", diagnoses)),
        No::NothingWritten(_) | No::DraftGone(_) | No::GenerationGone(_) | No::SaysTheSame(_) => {
            told(404, "no_rules", &no.to_string())
        }
        No::TestsFail(_) => told(422, "tests_fail", &no.to_string()),
        No::Conflict(detail) => told(409, "conflict", detail),
        No::FileDrift(_) => told(409, "file_drift", &no.to_string()),
        No::Unwritable(_) => told(409, "unwritable", &no.to_string()),
        No::Unresolved(_) => told(422, "unresolved", &no.to_string()),
        No::NothingKept => told(404, "no_history", &no.to_string()),
        No::TooLate | No::Withdrawn => told(503, "too_late", &no.to_string()).with("Retry-After", "5"),
        No::TooMuch(_) => told(422, "too_much", &no.to_string()),
        No::TooOften => told(429, "too_many", &no.to_string()).with("Retry-After", "60"),
        No::NotKept => told(503, "not_kept", &no.to_string()).with("Retry-After", "5"),
        No::Unreadable => told(503, "unreadable", &no.to_string()).with("Retry-After", "5"),
        No::NotReloaded(reload) => told_with(422, "not_reloaded", &no.to_string(), ("reload", reload)),
        No::StillReloading => told(503, "still_reloading", &no.to_string()).with("Retry-After", "5"),
        No::NobodyReloads => told(503, "nobody_reloads", &no.to_string()).with("Retry-After", "5"),
        No::NeverReloaded => told(404, "no_reload", &no.to_string()),
        No::OtherNumber { .. } => told(409, "other_number", &no.to_string()),
        No::Unrecorded => told(503, "unrecorded", &no.to_string()).with("Retry-After", "5"),
    }
}

fn object(status: u16, value: &impl Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(mut body) => {
            body.push(b'\n');
            Answer::new(status, JSON, body)
        }
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written");
            Problem::Failed.answer()
        }
    }
}

fn reasons(office: &Office) -> Vec<&'static str> {
    office.readiness.reasons(Instant::now()).into_iter().map(Reason::label).collect()
}
