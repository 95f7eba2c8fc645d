//! PAM services that are asked about a client on behalf of a rule, after it is known who the client is.

use std::sync::Arc;

use acl::ServiceId;

use super::{Backend, Credentials, Failure};
use crate::state::session::ticket::Session;

/// One for each service that the rules name.
#[derive(Debug)]
pub(crate) struct Vouchers(Vec<Voucher>);

/// A service, asked by name and password, and asked by address alone.
type Voucher = (ServiceId, Arc<dyn Backend>, Arc<dyn Backend>);

impl Vouchers {
    pub(super) fn new(vouchers: Vec<Voucher>) -> Self {
        Self(vouchers)
    }

    /// Whether the service accepts the client too, by what it logged in with or, without that, by its address.
    ///
    /// # Errors
    /// It could not be found out.
    pub(crate) async fn accepts(
        &self,
        service: ServiceId,
        session: &Session,
        credentials: Option<&Credentials>,
    ) -> Result<bool, Failure> {
        let Some((_, by_name, by_address)) = self.0.iter().find(|(known, _, _)| *known == service) else {
            return Err(Failure::Unavailable);
        };
        let backend = if credentials.is_some() { by_name } else { by_address };
        match backend.check(session, credentials).await {
            Ok(_identity) => Ok(true),
            Err(Failure::Unavailable) => Err(Failure::Unavailable),
            Err(_refused) => Ok(false),
        }
    }
}
