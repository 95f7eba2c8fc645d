//! Who may ask for what: tokens, the origins of web pages, and how fast.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use config::tokens::Scope;
use jiff::Timestamp;

use super::answer::Answer;
use super::crowd::Source;
use super::head::Head;
use super::pace::Pace;
use super::problem::Problem;
use super::routes::{Needs, Route};
use crate::frontends::office::Caller;
use crate::state::tokens::Tokens;

/// Whoever shows no token where none is wanted.
const ANYBODY: &str = "anybody";

/// What the API asks of a request.
#[derive(Debug)]
pub(crate) struct Access {
    tokens: Arc<ArcSwap<Tokens>>,
    origins: Vec<String>,
    sources: Pace<Source>,
    holders: Pace<String>,
}

/// What the operator says of it.
#[derive(Debug)]
pub(crate) struct Terms {
    /// Web pages that may ask, as browsers name them.
    pub(crate) origins: Vec<String>,
    /// Requests a second.
    pub(crate) token_rate: u32,
    pub(crate) source_rate: u32,
}

impl Access {
    pub(crate) fn new(tokens: Arc<ArcSwap<Tokens>>, terms: Terms) -> Self {
        let Terms { origins, token_rate, source_rate } = terms;
        Self { tokens, origins, sources: Pace::new(source_rate), holders: Pace::new(token_rate) }
    }

    /// Lets one more request of a source come, if it is not too fast.
    pub(super) fn take(&self, source: Source) -> Result<(), Problem> {
        self.sources.take(source, Instant::now()).map_err(too_many)
    }

    /// The web page that asks, if one does that may: one of the operator's, or one of our own.
    pub(super) fn page(&self, head: &Head) -> Result<Option<String>, Problem> {
        let Some(origin) = &head.origin else { return Ok(None) };
        let own = head.host.as_ref().map(|host| [format!("http://{host}"), format!("https://{host}")]);
        let may = self.origins.contains(origin) || own.is_some_and(|own| own.contains(origin));
        if may { Ok(Some(origin.clone())) } else { Err(Problem::WrongOrigin) }
    }

    /// Who asks, if he may ask for this.
    pub(super) fn admit(&self, route: &Route, head: &Head) -> Result<Caller, Problem> {
        let tokens = self.tokens.load();
        let caller = match (&head.token, route.needs) {
            (None, Needs::Nothing) => return Ok(anybody()),
            (None, Needs::Token(Scope::Read)) if !tokens.are_wanted() => return Ok(anybody()),
            (None | Some(_), Needs::Token(_)) if !tokens.are_wanted() => return Err(Problem::NoTokens),
            (None, Needs::Token(_)) => return Err(Problem::Unknown),
            (Some(shown), Needs::Nothing | Needs::Token(_)) => {
                let (name, scope) = tokens.find(shown.bytes(), Timestamp::now()).ok_or(Problem::Unknown)?;
                Caller::holder(name, scope)
            }
        };
        self.holders.take(caller.name.clone(), Instant::now()).map_err(too_many)?;
        match route.needs {
            Needs::Token(scope) if caller.scope < scope => Err(Problem::Forbidden(scope)),
            Needs::Token(_) | Needs::Nothing => Ok(caller),
        }
    }
}

/// Reading is open to whoever gets here; more is not.
pub(super) fn anybody() -> Caller {
    Caller::holder(ANYBODY, Scope::Read)
}

/// What a browser asks before it lets a page ask (CORS): the page may, and how.
pub(super) fn preflight(methods: &'static str) -> Answer {
    Answer { status: 204, fields: Vec::new(), body: Vec::new() }
        .with("Access-Control-Allow-Methods", methods)
        .with("Access-Control-Allow-Headers", "Authorization, Content-Type")
        .with("Access-Control-Max-Age", "600")
}

/// The page may read the answer.
pub(super) fn readable(answer: Answer, page: Option<String>) -> Answer {
    match page {
        Some(page) => answer
            .with("Access-Control-Allow-Origin", page)
            .with("Access-Control-Expose-Headers", "Link, Retry-After")
            .with("Vary", "Origin"),
        None => answer,
    }
}

fn too_many(wait: Duration) -> Problem {
    Problem::TooMany(wait.as_secs() + 1)
}
