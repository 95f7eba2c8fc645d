//! `pam.address`: the client's address alone, judged by the modules of a PAM service.

use std::sync::Arc;

use wire::Proof;

use super::{Pam, Service};
use crate::engine::auth::{Backend, Checked, Credentials, Failure};
use crate::state::session::facts::{AuthMethod, Identity, Origin};
use crate::state::session::ticket::Session;

#[derive(Debug)]
pub(in crate::engine::auth) struct PamAddress {
    pam: Arc<Pam>,
    service: Service,
}

impl PamAddress {
    pub(in crate::engine::auth) fn new(pam: &Arc<Pam>, service: &str) -> Self {
        Self { pam: Arc::clone(pam), service: pam.service(service) }
    }

    async fn judge(&self, session: &Session) -> Result<Identity, Failure> {
        match session.origin() {
            Origin::Address(_) => {}
            // Without PAM_RHOST modules would judge the terminal in its place (pam_access(8)).
            Origin::Local => return Err(Failure::AddressRefused),
        }
        match self.pam.ask(session, &self.service, &self.pam.default_user, Proof::Address).await {
            Ok(_) => Ok(Identity::Anonymous),
            Err(Failure::Unavailable) => Err(Failure::Unavailable),
            Err(_) => Err(Failure::AddressRefused),
        }
    }
}

impl Backend for PamAddress {
    fn method(&self) -> AuthMethod {
        AuthMethod::PamAddress
    }

    fn check<'a>(&'a self, session: &'a Session, _: Option<&'a Credentials>) -> Checked<'a> {
        Box::pin(self.judge(session))
    }
}
