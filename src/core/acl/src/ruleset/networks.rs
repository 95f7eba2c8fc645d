//! Finds every network that an address is in, without going through the networks.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixMap;

use crate::ruleset::shelves::Atom;

/// The networks in all rules, each known by its atom.
#[derive(Debug, Default)]
pub(crate) struct Networks {
    v4: PrefixMap<Ipv4Net, Atom>,
    v6: PrefixMap<Ipv6Net, Atom>,
}

impl Networks {
    /// Files a network under this atom; returns the atom that it has.
    pub(crate) fn file(&mut self, network: IpNet, atom: impl FnOnce() -> Atom) -> Atom {
        match network.trunc() {
            IpNet::V4(network) => *self.v4.entry(network).or_insert_with(atom),
            IpNet::V6(network) => *self.v6.entry(network).or_insert_with(atom),
        }
    }

    /// The atom of every network that the address is in.
    pub(crate) fn look_up(&self, address: IpAddr) -> impl Iterator<Item = Atom> {
        self.around(address.into())
    }

    /// The atom of every network that this one is in, itself among them.
    pub(crate) fn around(&self, network: IpNet) -> impl Iterator<Item = Atom> {
        let (v4, v6) = match network {
            IpNet::V4(network) => (Some(self.v4.cover_values(&network)), None),
            IpNet::V6(network) => (None, Some(self.v6.cover_values(&network))),
        };
        v4.into_iter().flatten().chain(v6.into_iter().flatten()).copied()
    }

    /// Bytes on the heap.
    pub(crate) fn memory(&self) -> usize {
        self.v4.mem_size() + self.v6.mem_size()
    }
}
