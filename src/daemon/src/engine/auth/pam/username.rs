//! `pam.username`: a name and a password, judged by the modules of a PAM service.

use std::sync::Arc;

use wire::{Proof, Secret};

use super::{Pam, Service};
use crate::engine::auth::{Backend, Checked, Credentials, Failure};
use crate::state::session::facts::{AuthMethod, Identity, User};
use crate::state::session::ticket::Session;

#[derive(Debug)]
pub(in crate::engine::auth) struct PamUsername {
    pam: Arc<Pam>,
    service: Service,
}

impl PamUsername {
    pub(in crate::engine::auth) fn new(pam: &Arc<Pam>, service: &str) -> Self {
        Self { pam: Arc::clone(pam), service: pam.service(service) }
    }

    async fn judge(&self, session: &Session, credentials: &Credentials) -> Result<Identity, Failure> {
        let name = name(&credentials.user).ok_or(Failure::UnknownUser)?;
        let password = text(credentials.password.as_bytes()).ok_or(Failure::WrongPassword)?;
        let proof = Proof::Password(Secret::new(password));
        let groups = self.pam.ask(session, &self.service, name, proof).await?;
        tracing::debug!(session = %session.id, user = %name, ?groups, "PAM let the user in");
        let groups = groups.into_iter().map(Arc::from).collect();
        Ok(Identity::User(User { name: name.into(), groups }))
    }
}

impl Backend for PamUsername {
    fn method(&self) -> AuthMethod {
        AuthMethod::PamUsername
    }

    fn check<'a>(&'a self, session: &'a Session, credentials: Option<&'a Credentials>) -> Checked<'a> {
        Box::pin(async move { self.judge(session, credentials.ok_or(Failure::UnknownUser)?).await })
    }
}

/// A name that modules can be given: they put it into paths, commands and the system's log.
fn name(bytes: &[u8]) -> Option<&str> {
    text(bytes).filter(|name| !name.is_empty() && !name.contains(char::is_control))
}

/// Text as C has it. What is not text is refused and never cut: libpam would see another name or password than the client sent.
fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_passwords_that_c_would_misread_are_refused() {
        for (bytes, is_name, is_text) in [
            (&b"alice"[..], true, true),
            ("żółw".as_bytes(), true, true),
            (b"", false, true),
            (b"alice\0root", false, false),
            (b"\xff", false, false),
            (b"a\nb", false, true),
            (b"a\x7f", false, true),
        ] {
            assert_eq!((name(bytes).is_some(), text(bytes).is_some()), (is_name, is_text), "{bytes:?}");
        }
    }
}
