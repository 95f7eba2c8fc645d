//! `none`: everybody may in, and nobody is anybody.

use super::{Backend, Checked, Credentials};
use crate::state::session::facts::{AuthMethod, Identity};
use crate::state::session::ticket::Session;

#[derive(Debug)]
pub(super) struct Anonymous;

impl Backend for Anonymous {
    fn method(&self) -> AuthMethod {
        AuthMethod::None
    }

    fn check<'a>(&'a self, _: &'a Session, _: Option<&'a Credentials>) -> Checked<'a> {
        Box::pin(std::future::ready(Ok(Identity::Anonymous)))
    }
}
