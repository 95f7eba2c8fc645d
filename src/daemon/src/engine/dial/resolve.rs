//! What the dialer asks of whoever knows names: one family at a time, so that a slow or broken one
//! does not hold up the other.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use acl::HostName;

use crate::state::session::refusal::Refusal;

/// A resolver. Dropping what it returns abandons the question.
pub(super) trait Resolve: fmt::Debug + Send + Sync {
    /// The addresses of `name` in one family.
    fn addresses<'a>(&'a self, name: &'a HostName, family: Family) -> Pending<'a, Answer>;

    /// The name of `address`.
    fn name_of(&self, address: IpAddr) -> Pending<'_, String>;

    /// A number that changes when earlier answers no longer count. Called on every use, so it must be cheap.
    fn edition(&self) -> u64;
}

pub(super) type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, ResolveError>> + Send + 'a>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    pub(super) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// The addresses of a name, at least one.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) addresses: Arc<[IpAddr]>,
    /// How long it holds; zero where nobody says.
    pub(super) ttl: Duration,
}

/// More addresses than anybody dials; the rest of a longer answer is not kept.
const MOST_ADDRESSES: usize = 32;

impl Answer {
    /// An IPv4-mapped address is the IPv4 address that it carries. Nothing at all is an error.
    pub(super) fn new(addresses: impl IntoIterator<Item = IpAddr>, ttl: Duration) -> Result<Self, ResolveError> {
        let addresses: Arc<[IpAddr]> =
            addresses.into_iter().take(MOST_ADDRESSES).map(|address| address.to_canonical()).collect();
        if addresses.is_empty() { Err(ResolveError::Missing) } else { Ok(Self { addresses, ttl }) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ResolveError {
    #[error("the name does not exist or has nothing of the kind")]
    Missing,
    #[error("the name servers did not answer while the other family did")]
    Silent,
    #[error("the name servers failed: {0}")]
    Failed(Arc<str>),
}

impl From<&ResolveError> for Refusal {
    fn from(error: &ResolveError) -> Self {
        match error {
            ResolveError::Missing => Self::NameNotFound,
            ResolveError::Silent | ResolveError::Failed(_) => Self::ResolverFailed,
        }
    }
}
