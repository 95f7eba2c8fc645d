//! Patterns with wildcards inside labels, of one literal tail.
//!
//! What stands before the tail is tried label by label. The label next to the tail decides which patterns are tried at
//! all: by its literal beginning and end, which are `prod-` and nothing for `prod-*.example.com`.

use hashbrown::HashTable;
use wildmatch::WildMatch;

use crate::policy::pattern::{Front, Wildcard};
use crate::ruleset::shelves::Atom;
use crate::ruleset::table::hash;

#[derive(Debug, Default)]
pub(super) struct Wilds {
    /// The lengths of beginning and end that occur; few.
    lengths: Vec<(usize, usize)>,
    table: HashTable<Alike>,
}

/// Patterns whose label next to the tail begins and ends alike.
#[derive(Debug)]
struct Alike {
    beginning: Box<str>,
    end: Box<str>,
    wilds: Vec<Wild>,
}

#[derive(Debug)]
struct Wild {
    /// The labels before the tail, from right to left.
    labels: Box<[WildMatch]>,
    front: Front,
    atom: Atom,
}

impl Wilds {
    /// Files a pattern under this atom; each pattern once.
    pub(super) fn file(&mut self, wildcard: &Wildcard, atom: Atom) {
        let labels = labels(wildcard);
        let last = labels.first().copied().unwrap_or_default();
        let beginning = &last[..last.find('*').unwrap_or(0)];
        let end = &last[last.rfind('*').map_or(0, |star| star + 1)..];
        let lengths = (beginning.len(), end.len());
        if !self.lengths.contains(&lengths) {
            self.lengths.push(lengths);
        }
        let found = self.table.entry(hash((beginning, end)), |alike| alike.is(beginning, end), Alike::hash);
        let mut alike = found.or_insert_with(|| Alike::new(beginning, end));
        alike.get_mut().wilds.push(Wild::new(&labels, wildcard.front(), atom));
    }

    /// Calls `found` with the atom of every pattern that fits what stands before the tail.
    pub(super) fn look_up(&self, before: &str, mut found: impl FnMut(Atom)) {
        let last = before.rsplit('.').next().unwrap_or_default();
        for (beginning, end) in &self.lengths {
            if beginning + end > last.len() {
                continue;
            }
            let (beginning, end) = (&last[..*beginning], &last[last.len() - end..]);
            if let Some(alike) = self.table.find(hash((beginning, end)), |alike| alike.is(beginning, end)) {
                alike.wilds.iter().filter(|wild| wild.fits(before)).for_each(|wild| found(wild.atom));
            }
        }
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        let lengths = self.lengths.capacity() * size_of::<(usize, usize)>();
        lengths + self.table.allocation_size() + self.table.iter().map(Alike::memory).sum::<usize>()
    }
}

impl Alike {
    fn new(beginning: &str, end: &str) -> Self {
        Self { beginning: beginning.into(), end: end.into(), wilds: Vec::new() }
    }

    fn is(&self, beginning: &str, end: &str) -> bool {
        *self.beginning == *beginning && *self.end == *end
    }

    fn hash(&self) -> u64 {
        hash((&*self.beginning, &*self.end))
    }

    fn memory(&self) -> usize {
        let labels = self.wilds.iter().flat_map(|wild| &wild.labels);
        // A pattern is kept as one char per character.
        let chars = labels.map(|label| size_of::<WildMatch>() + label.to_string().len() * size_of::<char>());
        self.beginning.len() + self.end.len() + self.wilds.capacity() * size_of::<Wild>() + chars.sum::<usize>()
    }
}

impl Wild {
    fn new(labels: &[&str], front: Front, atom: Atom) -> Self {
        Self { labels: labels.iter().map(|label| WildMatch::new_case_insensitive(label)).collect(), front, atom }
    }

    fn fits(&self, before: &str) -> bool {
        let mut rest = before.rsplit('.');
        let fits = self.labels.iter().all(|wild| rest.next().is_some_and(|label| wild.matches(label)));
        fits && match self.front {
            Front::Nothing => rest.next().is_none(),
            Front::Labels => rest.next().is_some(),
        }
    }
}

/// The labels before the tail, from right to left.
fn labels(wildcard: &Wildcard) -> Vec<&str> {
    let tail = wildcard.tail();
    let in_tail = if tail.is_empty() { 0 } else { tail.split('.').count() };
    wildcard.labels().rev().skip(in_tail).collect()
}
