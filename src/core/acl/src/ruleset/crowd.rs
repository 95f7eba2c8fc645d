//! Many rules of one owner for one destination, told apart by where the client is and by the port.
//!
//! Without it a file with a rule for every client would be gone through from end to end.

use std::net::IpAddr;

use ipnet::IpNet;
use prefix_trie::joint::JointPrefixMap;

use crate::policy::Rule;
use crate::ruleset::table::Table;

/// Fewer books than this are gone through.
pub(crate) const CROWDED: usize = 32;

/// A rule with more ports than this is asked whatever the port is.
const FEW_PORTS: u32 = 8;

/// Positions among the books of one stretch, each by one condition of its rule.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    by_source: JointPrefixMap<IpNet, Vec<u32>>,
    by_port: Table<u16, Vec<u32>>,
    /// Those that have neither sources nor few ports.
    others: Vec<u32>,
}

impl Crowd {
    pub(crate) fn new<'r>(rules: impl Iterator<Item = &'r Rule>) -> Self {
        let mut crowd = Self::default();
        for (position, rule) in (0..).zip(rules) {
            crowd.place(position, rule);
        }
        crowd
    }

    /// Calls `concerned` with the position of every book whose rule may fit a client there and this port; one that has
    /// several reasons may come several times.
    pub(crate) fn look_up(&self, source: Option<IpAddr>, port: u16, mut concerned: impl FnMut(u32)) {
        if let Some(source) = source {
            self.by_source.cover_values(&source.to_canonical().into()).flatten().copied().for_each(&mut concerned);
        }
        self.by_port.get(&port).into_iter().flatten().copied().for_each(&mut concerned);
        self.others.iter().copied().for_each(concerned);
    }

    /// Bytes on the heap.
    pub(crate) fn memory(&self) -> usize {
        let lists = self.by_source.iter().map(|(_, list)| list).chain(self.by_port.values()).chain([&self.others]);
        let positions = lists.map(|list| size_of::<Vec<u32>>() + list.capacity() * size_of::<u32>());
        positions.sum::<usize>()
            + self.by_source.len() * size_of::<IpNet>()
            + self.by_port.capacity() * size_of::<u64>()
    }

    fn place(&mut self, position: u32, rule: &Rule) {
        for network in &rule.sources {
            self.by_source.entry(network.trunc()).or_default().push(position);
        }
        if !rule.sources.is_empty() {
            return;
        }
        let ports: u32 = rule.ports.spans().iter().map(|(first, last)| u32::from(last - first) + 1).sum();
        if ports > FEW_PORTS {
            return self.others.push(position);
        }
        for port in rule.ports.spans().iter().flat_map(|(first, last)| *first..=*last) {
            self.by_port.entry(port).or_default().push(position);
        }
    }
}
