//! What one listener asks of its clients: which backends, and in which order.

use std::sync::Arc;

use super::{Backend, Credentials, Failure};
use crate::state::session::facts::{AuthMethod, Proof};
use crate::state::session::ticket::Session;

/// The backends of one listener.
#[derive(Debug)]
pub(crate) struct Entrance {
    /// For clients that bring no credentials.
    nameless: Option<Arc<dyn Backend>>,
    /// For those that do, in order of preference.
    named: Vec<Arc<dyn Backend>>,
}

impl Entrance {
    pub(super) fn new(backends: Vec<Arc<dyn Backend>>) -> Self {
        let (named, nameless): (Vec<_>, Vec<_>) =
            backends.into_iter().partition(|backend| backend.method().wants_credentials());
        Self { nameless: nameless.into_iter().next(), named }
    }

    /// Whether nobody may in without a proof.
    pub(crate) fn asks_for_credentials(&self) -> bool {
        self.nameless.is_none()
    }

    /// Whether names and passwords are of any use.
    pub(crate) fn takes_credentials(&self) -> bool {
        !self.named.is_empty()
    }

    /// Whether whoever brings nothing is let in without a question.
    pub(crate) fn admits_anybody(&self) -> bool {
        self.nameless.as_ref().is_some_and(|backend| backend.method() == AuthMethod::None)
    }

    /// Who the client is. The first backend that knows the name decides.
    ///
    /// # Errors
    /// Why it is not let in, and which method says so.
    pub(crate) async fn identify(
        &self,
        session: &Session,
        credentials: Option<&Credentials>,
    ) -> Result<Proof, (Failure, AuthMethod)> {
        let asked = if credentials.is_some() { self.named.as_slice() } else { self.nameless.as_slice() };
        let mut refused = (Failure::UnknownUser, AuthMethod::None);
        for backend in asked {
            let method = backend.method();
            match backend.check(session, credentials).await {
                Ok(identity) => {
                    keep_for_rules(session, credentials);
                    return Ok(Proof { identity, method });
                }
                Err(failure) => refused = (failure, method),
            }
            if refused.0 != Failure::UnknownUser {
                break;
            }
        }
        Err(refused)
    }
}

/// Rules may want further PAM services asked about the client; without such rules nothing is kept.
fn keep_for_rules(session: &Session, credentials: Option<&Credentials>) {
    if session.snapshot.rules.set().services().next().is_some() {
        session.facts().credentials = credentials.cloned();
    }
}
