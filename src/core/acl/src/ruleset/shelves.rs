//! Where the rules for each destination stand: a rack per destination, on it a board per owner.
//!
//! Every pattern that occurs in the rules is an atom; equal patterns are one. Knows nothing of what a pattern fits.

use std::num::NonZeroU32;

use crate::decision::RuleId;
use crate::policy::Rule;
use crate::ruleset::crowd::{CROWDED, Crowd};
use crate::ruleset::table::Table;

/// A pattern that occurs in the rules; counts from 1, so that an index without one is no larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Atom(NonZeroU32);

/// A `[[users]]` or `[[groups]]` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct OwnerId(pub(crate) u32);

/// That a rule of an owner has a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Filing {
    pub(crate) atom: Atom,
    pub(crate) owner: OwnerId,
    pub(crate) book: Book,
}

/// A rule, and which of its destinations leads to it here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Book {
    pub(crate) rule: RuleId,
    pub(crate) destination: u32,
}

/// All racks.
#[derive(Debug, Default)]
pub(crate) struct Shelves {
    /// By atom: where its boards begin. They end where those of the next atom begin.
    racks: Vec<u32>,
    /// In the order of the owners on each rack.
    boards: Vec<Board>,
    books: Vec<Book>,
    /// Of the stretches with many books, by where they begin.
    crowds: Table<u32, Crowd>,
}

/// The books of one owner.
#[derive(Debug, Clone, Copy)]
struct Board {
    owner: OwnerId,
    books: Stretch,
}

/// Some books in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stretch {
    start: u32,
    end: u32,
}

/// Hands out atoms.
#[derive(Debug)]
pub(crate) struct Atoms {
    next: Atom,
}

/// Up to so many boards are gone through rather than searched.
const FEW: usize = 8;

impl Atoms {
    pub(crate) fn new() -> Self {
        Self { next: Atom(NonZeroU32::MIN) }
    }

    pub(crate) fn next(&mut self) -> Atom {
        let atom = self.next;
        self.next = Atom(atom.0.checked_add(1).expect("a file of rules has fewer destinations than 32 bits count"));
        atom
    }
}

impl Atom {
    /// Counts from 0.
    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl Shelves {
    /// Puts everything where it is found later.
    pub(crate) fn new<'r>(mut filings: Vec<Filing>, atoms: &Atoms, rule: impl Fn(RuleId) -> &'r Rule) -> Self {
        filings.sort_unstable();
        filings.dedup();
        let mut shelves = Self { racks: Vec::with_capacity(atoms.next.index() + 1), ..Self::default() };
        shelves.books.reserve_exact(filings.len());
        for filing in filings {
            shelves.put(filing);
        }
        shelves.begin_racks(atoms.next);
        shelves.boards.shrink_to_fit();
        for board in shelves.boards.iter().filter(|board| board.books.is_crowded()) {
            let rules = shelves.within(board.books).iter().map(|book| rule(book.rule));
            shelves.crowds.insert(board.books.start, Crowd::new(rules));
        }
        shelves
    }

    /// Where the books of these owners stand, who are in ascending order.
    pub(crate) fn stretches<'s>(&'s self, atom: Atom, owners: &'s [OwnerId]) -> impl Iterator<Item = Stretch> {
        let rack = self.rack(atom);
        let (few, many) = if rack.len() <= FEW { (rack, &[][..]) } else { (&[][..], rack) };
        let gone_through = few.iter().filter(|board| owners.contains(&board.owner));
        let searched = owners.iter().filter_map(|owner| {
            let at = many.binary_search_by_key(owner, |board| board.owner).ok()?;
            Some(&many[at])
        });
        gone_through.chain(searched).map(|board| board.books)
    }

    /// Where the books of one owner stand, to be had at once later.
    pub(crate) fn stretch(&self, atom: Atom, owner: OwnerId) -> Stretch {
        let rack = self.rack(atom);
        let at = rack.binary_search_by_key(&owner, |board| board.owner);
        at.map_or(Stretch::default(), |at| rack[at].books)
    }

    /// The books of a stretch.
    pub(crate) fn within(&self, Stretch { start, end }: Stretch) -> &[Book] {
        &self.books[start as usize..end as usize]
    }

    /// How to find some of the books of a stretch, if there are too many to go through.
    pub(crate) fn crowd(&self, stretch: Stretch) -> Option<&Crowd> {
        if stretch.is_crowded() { self.crowds.get(&stretch.start) } else { None }
    }

    /// Bytes on the heap.
    pub(crate) fn memory(&self) -> usize {
        let Self { racks, boards, books, crowds } = self;
        racks.capacity() * size_of::<u32>()
            + boards.capacity() * size_of::<Board>()
            + books.capacity() * size_of::<Book>()
            + crowds.capacity() * size_of::<(u32, Crowd)>()
            + crowds.values().map(Crowd::memory).sum::<usize>()
    }

    fn rack(&self, atom: Atom) -> &[Board] {
        let bounds = self.racks.get(atom.index()).zip(self.racks.get(atom.index() + 1));
        bounds.map_or(&[], |(start, end)| &self.boards[*start as usize..*end as usize])
    }

    fn put(&mut self, Filing { atom, owner, book }: Filing) {
        self.begin_racks(atom);
        let rack = self.racks[atom.index()] as usize;
        let position = number(self.books.len());
        match self.boards[rack..].last_mut().filter(|board| board.owner == owner) {
            Some(board) => board.books.end = position + 1,
            None => self.boards.push(Board { owner, books: Stretch { start: position, end: position + 1 } }),
        }
        self.books.push(book);
    }

    /// Racks up to this one begin here, unless they have begun.
    fn begin_racks(&mut self, atom: Atom) {
        while self.racks.len() <= atom.index() {
            self.racks.push(number(self.boards.len()));
        }
    }
}

impl Stretch {
    fn is_crowded(self) -> bool {
        (self.end - self.start) as usize >= CROWDED
    }
}

fn number(length: usize) -> u32 {
    u32::try_from(length).expect("a file of rules has fewer than 4 thousand million destinations")
}
