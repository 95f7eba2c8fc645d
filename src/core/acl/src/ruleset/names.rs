//! Finds every pattern that a name fits, without going through the patterns.
//!
//! Names are kept by their labels from right to left: `com`, `example.com`, `db.example.com`. A name walks down this
//! path and leaves it where no pattern goes on, so a name that nobody mentioned costs one or two steps.

mod wild;

use hashbrown::HashTable;

use crate::canonical::HostName;
use crate::policy::pattern::Pattern;
use crate::ruleset::names::wild::Wilds;
use crate::ruleset::shelves::Atom;
use crate::ruleset::table::hash;

/// The patterns of names in all rules, each known by its atom.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The texts of all nodes, of which many share one: `example.com` is a part of `db.example.com`.
    texts: String,
    table: HashTable<Node>,
    /// Patterns without a literal tail: `api.*`.
    tailless: Wilds,
}

/// A name from some dot to its end.
#[derive(Debug)]
struct Node {
    /// Where the text is in `texts`.
    start: u32,
    length: u32,
    exact: Option<Atom>,
    below: Option<Atom>,
    wilds: Option<Box<Wilds>>,
}

impl Names {
    /// Files a pattern of names under this atom; each pattern once.
    pub(crate) fn file(&mut self, pattern: &Pattern, atom: Atom) {
        match pattern {
            Pattern::Name(name) => self.node(name.as_str()).exact = Some(atom),
            Pattern::Below(name) => self.node(name.as_str()).below = Some(atom),
            Pattern::Wild(wildcard) if wildcard.tail().is_empty() => self.tailless.file(wildcard, atom),
            Pattern::Wild(wildcard) => self.node(wildcard.tail()).wilds.get_or_insert_default().file(wildcard, atom),
            Pattern::Anything | Pattern::Realm(_) | Pattern::Network(_) => {}
        }
    }

    /// Calls `found` with the atom of every pattern that the name fits.
    pub(crate) fn look_up(&self, name: &HostName, mut found: impl FnMut(Atom)) {
        let name = name.as_str();
        self.tailless.look_up(name, &mut found);
        let mut rest = name;
        loop {
            let start = rest.rfind('.').map_or(0, |dot| dot + 1);
            let Some(node) = self.find(&name[start..]) else { return };
            if start == 0 {
                return node.exact.into_iter().for_each(found);
            }
            node.below.into_iter().for_each(&mut found);
            rest = &name[..start - 1];
            if let Some(wilds) = &node.wilds {
                wilds.look_up(rest, &mut found);
            }
        }
    }

    /// Bytes on the heap.
    pub(crate) fn memory(&self) -> usize {
        let wilds = self.table.iter().filter_map(|node| node.wilds.as_deref()).chain([&self.tailless]);
        self.texts.capacity() + self.table.allocation_size() + wilds.map(Wilds::memory).sum::<usize>()
    }

    fn find(&self, text: &str) -> Option<&Node> {
        self.table.find(hash(text), |node| node.text(&self.texts) == text)
    }

    /// The node of this text, made with every node above it if it is new.
    fn node(&mut self, text: &str) -> &mut Node {
        if self.find(text).is_none() {
            self.plant(text);
        }
        let texts = &self.texts;
        let node = self.table.find_mut(hash(text), |node| node.text(texts) == text);
        node.expect("it was there, or has been planted")
    }

    fn plant(&mut self, text: &str) {
        let base = self.texts.len();
        self.texts.push_str(text);
        let dots = text.match_indices('.').map(|(dot, _)| dot + 1);
        for start in std::iter::once(0).chain(dots) {
            if self.find(&text[start..]).is_some() {
                return;
            }
            let node = Node::new(base + start, text.len() - start);
            let texts = &self.texts;
            self.table.insert_unique(hash(&text[start..]), node, |node| hash(node.text(texts)));
        }
    }
}

impl Node {
    fn new(start: usize, length: usize) -> Self {
        let number = |number: usize| u32::try_from(number).expect("the names of all rules have less than 4 GiB");
        Self { start: number(start), length: number(length), exact: None, below: None, wilds: None }
    }

    fn text<'t>(&self, texts: &'t str) -> &'t str {
        let start = self.start as usize;
        &texts[start..start + self.length as usize]
    }
}
