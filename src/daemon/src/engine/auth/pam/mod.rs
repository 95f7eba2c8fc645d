//! PAM, by way of the helpers: what `pam.username` and `pam.address` share.
//!
//! Nothing here links libpam. A question goes to a process of its own, which may hang or die; the worker goes on.

mod address;
pub(crate) mod helpers;
mod line;
mod trouble;
mod username;

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use wire::{Denial, PamAnswer, PamVerdict, Proof, ToPam};

pub(super) use self::address::PamAddress;
use self::helpers::Helpers;
use self::trouble::{Tally, Trouble};
pub(super) use self::username::PamUsername;
use super::{Failure, urgency};
use crate::engine::sys::pool::{Order, Pool};
use crate::state::metrics::Metrics;
use crate::state::session::facts::Origin;
use crate::state::session::ticket::Session;

/// The longest that modules can make a refused client wait, whatever they ask for: a handshake has a deadline too.
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// How PAM is asked.
#[derive(Debug)]
pub(crate) struct Options {
    /// The services that the helpers were started with, in that order.
    pub(crate) services: Vec<String>,
    /// Where their files are looked for.
    pub(crate) directories: Vec<PathBuf>,
    /// `PAM_USER` where a client has only an address.
    pub(crate) default_user: String,
    /// `PAM_RUSER`.
    pub(crate) remote_user: String,
    /// Questions at once: as many as there are helpers.
    pub(crate) helpers: usize,
    /// Questions that may wait for their turn; each is a handshake.
    pub(crate) waiting: usize,
}

/// What the PAM backends of all listeners share.
#[derive(Debug)]
pub(crate) struct Pam {
    services: Vec<String>,
    directories: Vec<PathBuf>,
    default_user: String,
    remote_user: String,
    helpers: Arc<Helpers>,
    /// How many of them there should be.
    count: usize,
    /// Each of these threads waits for the answer of one helper.
    waiters: Pool,
    tally: Tally,
}

/// How the helpers are.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) helpers: usize,
    /// Those that have nothing to do.
    pub(crate) free: usize,
    /// Questions that wait for one.
    pub(crate) waiting: usize,
    /// Questions without a verdict, by cause.
    pub(crate) troubles: Vec<(&'static str, u64)>,
}

/// The file of a service (pam.d(5)).
#[derive(Debug)]
pub(crate) struct ServiceFile {
    pub(crate) path: PathBuf,
    pub(crate) changed: SystemTime,
}

impl ServiceFile {
    fn at(path: PathBuf) -> Option<Self> {
        let found = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        Some(Self { path, changed: found.modified().ok()? })
    }
}

/// The number of a service, which is all that a helper is told.
#[derive(Debug, Clone)]
pub(super) struct Service {
    name: String,
    number: Option<u16>,
}

impl Pam {
    /// # Errors
    /// No thread can be started.
    pub(crate) fn new(options: Options, helpers: Arc<Helpers>) -> io::Result<Self> {
        let Options { services, directories, default_user, remote_user, helpers: count, waiting } = options;
        let waiters = Pool::start("pam", count, waiting, Order::NewestFirst)?;
        let tally = Tally::default();
        Ok(Self { services, directories, default_user, remote_user, helpers, count, waiters, tally })
    }

    /// What went wrong since the start, by cause; nothing if nothing did.
    pub(crate) fn troubles(&self) -> Option<String> {
        let counts = self.tally.snapshot().into_iter().filter(|(_, count)| *count > 0);
        let words = counts.fold(String::new(), |mut words, (cause, count)| {
            let comma = if words.is_empty() { "" } else { ", " };
            write!(words, "{comma}{cause} {count}").expect("writing to a string cannot fail");
            words
        });
        (!words.is_empty()).then_some(words)
    }

    /// How the helpers are; nothing if there are none because nobody asks PAM.
    pub(crate) fn condition(&self) -> Option<Condition> {
        let condition = || Condition {
            helpers: self.count,
            free: self.helpers.free_ones(),
            waiting: self.waiters.waiting(),
            troubles: self.tally.snapshot().into_iter().filter(|(_, count)| *count > 0).collect(),
        };
        (self.count > 0).then(condition)
    }

    /// Each service and the file that it has now, if it has one: without it, the service "other" is asked.
    pub(crate) fn services(&self) -> impl Iterator<Item = (&str, Option<ServiceFile>)> {
        let file = |name: &str| self.directories.iter().find_map(|directory| ServiceFile::at(directory.join(name)));
        self.services.iter().map(move |name| (name.as_str(), file(name)))
    }

    /// Lets each scrape see what went wrong.
    pub(crate) fn follow(self: &Arc<Self>, metrics: &Metrics) {
        let pam = Arc::clone(self);
        metrics.totals(
            "rustsocks_pam_troubles_total",
            "Questions to PAM that had no verdict, by cause.",
            "cause",
            move || pam.tally.snapshot(),
        );
    }

    /// A service by its name; one that the helpers were not started with is never asked.
    pub(super) fn service(&self, name: &str) -> Service {
        let number = self.services.iter().position(|known| known == name).and_then(|at| u16::try_from(at).ok());
        Service { name: name.to_owned(), number }
    }

    /// Whether `service` lets the client in, and the groups of the user.
    async fn ask(
        &self,
        session: &Session,
        service: &Service,
        user: &str,
        proof: Proof,
    ) -> Result<Vec<String>, Failure> {
        let asked = Instant::now();
        match self.answer(session, service, user, proof).await {
            Ok(PamAnswer { verdict, delay, said, .. }) => {
                log_what_was_said(session, service, &said);
                match verdict {
                    PamVerdict::Accepted { groups } => Ok(groups),
                    PamVerdict::Denied(denial) => {
                        session.facts().remark = Some(format!("PAM says {}", denial.label()).into());
                        // Counted from the question, so that it hides how long the modules took.
                        tokio::time::sleep_until(asked + delay.min(LONGEST_DELAY)).await;
                        Err(failure(denial))
                    }
                    PamVerdict::Failed { error } => Err(self.unavailable(session, service, &Trouble::Failed(error))),
                }
            }
            Err(trouble) => Err(self.unavailable(session, service, &trouble)),
        }
    }

    async fn answer(
        &self,
        session: &Session,
        service: &Service,
        user: &str,
        proof: Proof,
    ) -> Result<PamAnswer, Trouble> {
        let question = ToPam {
            id: self.helpers.next_id(),
            service: service.number.ok_or(Trouble::UnknownService)?,
            user: user.to_owned(),
            remote_user: self.remote_user.clone(),
            remote_host: remote_host(session.origin()),
            proof,
        };
        let helpers = Arc::clone(&self.helpers);
        self.waiters.run(urgency(session), move || helpers.ask(&question)).await.unwrap_or(Err(Trouble::Busy))
    }

    fn unavailable(&self, session: &Session, service: &Service, trouble: &Trouble) -> Failure {
        let (cause, total) = (trouble.cause(), self.tally.count(trouble));
        tracing::warn!(session = %session.id, service = service.name, cause, error = %trouble, total, "PAM could not be asked");
        Failure::Unavailable
    }
}

/// Only what the configuration asked for with `verbose` arrives here.
fn log_what_was_said(session: &Session, service: &Service, said: &[String]) {
    for text in said {
        let text = text.trim_end().escape_debug();
        tracing::info!(session = %session.id, service = service.name, %text, "a PAM module says");
    }
}

fn remote_host(origin: Origin) -> Option<String> {
    match origin {
        Origin::Address(address) => Some(address.ip().to_string()),
        Origin::Local => None,
    }
}

fn failure(denial: Denial) -> Failure {
    match denial {
        Denial::Authentication => Failure::WrongPassword,
        Denial::UserUnknown => Failure::UnknownUser,
        Denial::MaxTries
        | Denial::AccountExpired
        | Denial::PasswordExpired
        | Denial::PermissionDenied
        | Denial::UserChanged
        | Denial::Prompt => Failure::AccountUnusable,
    }
}
