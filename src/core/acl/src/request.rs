//! What is decided about: who asks for what, from where, when.

use std::net::IpAddr;

use crate::canonical::{Destination, HostName};
use crate::policy::schedule::LocalMinute;
use crate::policy::words::{AuthMethod, Command};

/// One request, or one datagram, or one peer that comes to a BIND.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Where it goes, or where the peer comes from.
    pub target: Target<'a>,
    /// The port there; 0 for a lookup, which has none.
    pub port: u16,
    /// What the client asks for.
    pub command: Command,
    /// Where the client is; unknown on a Unix socket, where no rule with sources fits.
    pub source: Option<IpAddr>,
    /// How the client proved who it is.
    pub method: AuthMethod,
    /// When it asks.
    pub moment: &'a Moment,
    /// What PAM services have said of the client so far.
    pub services: Services,
}

/// Where a request goes, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// The client named an address.
    Address(IpAddr),
    /// The client named a name, and nobody has looked it up yet.
    Name(&'a HostName),
    /// The client named a name, and this is one of its addresses.
    Resolved(&'a HostName, IpAddr),
}

/// A moment as rules see it: for [`Request::moment`], made by [`Ruleset::moment`](crate::Ruleset::moment).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Since 1970.
    pub(crate) seconds: i64,
    /// In each zone of the rules.
    pub(crate) local: Box<[LocalMinute]>,
}

/// One of the PAM services that the rules name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceId(pub(crate) u8);

/// What PAM services have said of a client; nothing of any of them by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Services {
    accepting: u64,
    refusing: u64,
}

impl<'a> Target<'a> {
    /// What a client asked for, before any lookup.
    #[must_use]
    pub fn of(destination: &'a Destination) -> Self {
        match destination {
            Destination::Address(address) => Self::Address(*address),
            Destination::Name(name) => Self::Name(name),
        }
    }

    /// The address that would be reached, once it is known.
    #[must_use]
    pub fn address(self) -> Option<IpAddr> {
        match self {
            Self::Address(address) | Self::Resolved(_, address) => Some(address.to_canonical()),
            Self::Name(_) => None,
        }
    }

    /// The name that the client asked for, if it was one.
    #[must_use]
    pub fn name(self) -> Option<&'a HostName> {
        match self {
            Self::Name(name) | Self::Resolved(name, _) => Some(name),
            Self::Address(_) => None,
        }
    }
}

impl Services {
    /// The same, and this service accepts the client.
    #[must_use]
    pub fn accepting(self, service: ServiceId) -> Self {
        let bit = service.bit();
        Self { accepting: self.accepting | bit, refusing: self.refusing & !bit }
    }

    /// The same, and this service refuses the client.
    #[must_use]
    pub fn refusing(self, service: ServiceId) -> Self {
        let bit = service.bit();
        Self { accepting: self.accepting & !bit, refusing: self.refusing | bit }
    }

    /// Whether the service accepts the client; `None` when it was not asked.
    #[must_use]
    pub fn accepts(self, service: ServiceId) -> Option<bool> {
        let is_known = (self.accepting | self.refusing) & service.bit() != 0;
        is_known.then_some(self.accepting & service.bit() != 0)
    }
}

impl ServiceId {
    fn bit(self) -> u64 {
        1 << self.0
    }
}
