//! Counts what a backend says of clients, and how long it takes; nothing else changes by it.

use std::sync::Arc;
use std::time::Instant;

use prometheus::{Histogram, HistogramVec, IntCounterVec};

use super::{Backend, Checked, Credentials, Failure};
use crate::state::metrics::{Metrics, STEP_SECONDS};
use crate::state::session::facts::{AuthMethod, Identity};
use crate::state::session::ticket::Session;

const ACCEPTED: &str = "accepted";

/// Nobody waited for the verdict any more.
const ABANDONED: &str = "abandoned";

/// Those that ask somebody; whoever needs no proof is not counted as a login.
const METHODS: [AuthMethod; 3] = [AuthMethod::UserPass, AuthMethod::PamAddress, AuthMethod::PamUsername];

/// The checks of all backends.
#[derive(Debug)]
pub(crate) struct Checks {
    results: IntCounterVec,
    seconds: HistogramVec,
}

/// Numbers that only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    /// Nobody could say.
    pub(crate) unchecked: u64,
}

/// A backend whose checks are counted.
#[derive(Debug)]
pub(super) struct Counted<B> {
    backend: B,
    checks: Arc<Checks>,
}

/// One check, counted when it is over or dropped.
struct Check<'a> {
    checks: &'a Checks,
    method: String,
    began: Instant,
    result: &'static str,
}

impl Checks {
    pub(crate) fn new(metrics: &Metrics) -> Arc<Self> {
        let checks = Self {
            results: metrics.counters(
                "rustsocks_auth_checks_total",
                "Checks of logins and addresses by method and by what came of them.",
                &["method", "result"],
            ),
            seconds: metrics.seconds_by(
                "rustsocks_auth_seconds",
                "From the question to the verdict of a check, waiting for a free thread or helper included.",
                "method",
                &STEP_SECONDS,
            ),
        };
        checks.begin_at_zero();
        Arc::new(checks)
    }

    /// Logins and addresses that were checked so far.
    pub(crate) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for method in METHODS.map(|method| method.to_string()) {
            let of = |result: &str| self.results.with_label_values(&[&*method, result]).get();
            totals.accepted += of(ACCEPTED);
            for failure in Failure::ALL {
                match failure {
                    Failure::Unavailable => totals.unchecked += of(failure.label()),
                    Failure::UnknownUser
                    | Failure::WrongPassword
                    | Failure::AccountUnusable
                    | Failure::AddressRefused => totals.refused += of(failure.label()),
                }
            }
        }
        totals
    }

    /// How long checks took that ask PAM.
    pub(crate) fn of_pam(&self) -> [Histogram; 2] {
        [AuthMethod::PamAddress, AuthMethod::PamUsername]
            .map(|method| self.seconds.with_label_values(&[&method.to_string()]))
    }

    fn begin_at_zero(&self) {
        for method in METHODS.map(|method| method.to_string()) {
            let _made = self.seconds.with_label_values(&[&method]);
            for result in Failure::ALL.map(Failure::label).into_iter().chain([ACCEPTED, ABANDONED]) {
                let _made = self.results.with_label_values(&[&*method, result]);
            }
        }
    }
}

impl<B> Counted<B> {
    pub(super) fn new(backend: B, checks: &Arc<Checks>) -> Self {
        Self { backend, checks: Arc::clone(checks) }
    }
}

impl<B: Backend> Backend for Counted<B> {
    fn method(&self) -> AuthMethod {
        self.backend.method()
    }

    fn check<'a>(&'a self, session: &'a Session, credentials: Option<&'a Credentials>) -> Checked<'a> {
        Box::pin(async move {
            let (method, began) = (self.method().to_string(), Instant::now());
            let check = Check { checks: &self.checks, method, began, result: ABANDONED };
            check.end(self.backend.check(session, credentials).await)
        })
    }
}

impl Check<'_> {
    fn end(mut self, verdict: Result<Identity, Failure>) -> Result<Identity, Failure> {
        self.result = verdict.as_ref().map_or_else(|failure| failure.label(), |_| ACCEPTED);
        self.checks.seconds.with_label_values(&[&self.method]).observe(self.began.elapsed().as_secs_f64());
        verdict
    }
}

impl Drop for Check<'_> {
    fn drop(&mut self) {
        self.checks.results.with_label_values(&[&*self.method, self.result]).inc();
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::state::session::roster::Roster;
    use crate::state::session::ticket::Ticket;
    use crate::state::snapshot::Snapshot;

    /// Says what it is told to say; without words it thinks for ever.
    #[derive(Debug)]
    struct Parrot(Option<Result<Identity, Failure>>);

    impl Backend for Parrot {
        fn method(&self) -> AuthMethod {
            AuthMethod::UserPass
        }

        fn check<'a>(&'a self, _: &'a Session, _: Option<&'a Credentials>) -> Checked<'a> {
            match self.0.clone() {
                Some(verdict) => Box::pin(async move { verdict }),
                None => Box::pin(pending()),
            }
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn each_check_is_counted_once_by_what_came_of_it() {
        let checks = Checks::new(&Metrics::default());
        let ticket = Ticket::for_tests(&Roster::new(1, Vec::new()), Arc::new(Snapshot::for_tests()));
        for (verdict, result) in [
            (Some(Ok(Identity::Anonymous)), ACCEPTED),
            (Some(Err(Failure::WrongPassword)), "wrong_password"),
            (Some(Err(Failure::Unavailable)), "unavailable"),
            (None, ABANDONED),
        ] {
            let backend = Counted::new(Parrot(verdict.clone()), &checks);
            tokio::select! {
                biased;
                said = backend.check(ticket.session(), None) => assert_eq!(Some(said), verdict),
                () = std::future::ready(()) => assert_eq!(verdict, None),
            }
            assert_eq!(checks.results.with_label_values(&["userpass", result]).get(), 1, "{result}");
        }
        assert_eq!(checks.seconds.with_label_values(&["userpass"]).get_sample_count(), 3);
    }
}
