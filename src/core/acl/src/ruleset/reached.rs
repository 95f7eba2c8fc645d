//! What a client reaches at an address: the host itself, and every IPv4 address that an IPv6 address carries.
//!
//! A rule that blocks looks at all of them. A rule that allows looks only at the host that is surely reached: whoever
//! owns an IPv6 network may put any IPv4 address into the lower half of his own.

use std::net::IpAddr;

use crate::effective::{Carrier, carried};
use crate::realm::Realm;

/// How a destination came to be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By its name, or because anything is.
    Named,
    /// By the address that would be reached.
    Reached,
    /// By an address that the one that would be reached carries, but does not lead to: enough to block.
    Carried,
}

/// The address itself, what it leads to, and what else it carries.
pub(crate) fn reached(address: IpAddr) -> impl Iterator<Item = (IpAddr, Way)> {
    let inner = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => Some(carried(address)),
    };
    let led = translated(address);
    let inner = inner.into_iter().flatten().map(move |carried| {
        let way = if led == Some(carried.address.into()) { Way::Reached } else { Way::Carried };
        (carried.address.into(), way)
    });
    std::iter::once((address, Way::Reached)).chain(inner)
}

/// The IPv4 host that is reached through a translator, when the address leaves no doubt which one.
fn translated(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(address) = address else { return None };
    let mut inner = carried(address);
    let only = inner.next().filter(|_| inner.next().is_none())?;
    match only.carrier {
        Carrier::Mapped | Carrier::Translated | Carrier::Nat64 | Carrier::Nat64Local => Some(only.address.into()),
        Carrier::Compatible | Carrier::SixToFour | Carrier::TeredoServer | Carrier::TeredoClient | Carrier::Isatap => {
            None
        }
    }
}

/// Which halves of the address space an address touches, by itself and by what it carries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Halves {
    /// The half of the host that is reached.
    own: Realm,
    has_public: bool,
    pub(crate) has_private: bool,
}

impl Halves {
    pub(crate) fn of(address: IpAddr) -> Self {
        let own = Realm::of(translated(address).unwrap_or(address));
        let mut halves = Self { own, has_public: false, has_private: false };
        for (address, _) in reached(address) {
            match Realm::of(address) {
                Realm::Public => halves.has_public = true,
                Realm::Private => halves.has_private = true,
            }
        }
        halves
    }

    /// How a rule for this half fits, if it does. Nothing that touches the private half counts as public.
    pub(crate) fn way_to(self, realm: Realm) -> Option<Way> {
        match realm {
            Realm::Public if self.has_public && !self.has_private => Some(Way::Reached),
            Realm::Public if self.has_public => Some(Way::Carried),
            Realm::Private if self.own == Realm::Private => Some(Way::Reached),
            Realm::Private if self.has_private => Some(Way::Carried),
            Realm::Public | Realm::Private => None,
        }
    }
}
