//! A reload that somebody wants, and what was handed over for it instead of a file.

use std::os::fd::OwnedFd;

use wire::{DocumentKind, Extent, Ticket, Trigger};

use crate::plan::Document;
use crate::sealed;
use crate::source::Text;

/// The longest text that a worker may hand over; rules by the hundred thousand fit.
const MOST_TEXT: u64 = 64 * 1024 * 1024;

/// A reload that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) purpose: Purpose,
    pub(crate) trigger: Trigger,
    pub(crate) extent: Extent,
    pub(crate) ticket: Ticket,
    pub(crate) text: Given,
    /// A worker has died under it before.
    pub(crate) is_second: bool,
}

/// What the worker is to do with what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Work by it, as far as it is right.
    Reload,
    /// Say what it would do.
    Rehearsal,
}

/// What an operator has handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Given {
    /// Nothing: the files are read.
    Nothing,
    /// A text to work by in the place of what its file says.
    Text(DocumentKind, String),
    /// One that cannot be taken, and why: then there is nothing to read, and this answers the order.
    Refused(DocumentKind, String),
}

impl Order {
    /// One that reads everything, and whose answer no worker waits for.
    pub(crate) fn of_nobody(trigger: Trigger) -> Self {
        let (purpose, extent) = (Purpose::Reload, Extent::Everything);
        Self { purpose, trigger, extent, ticket: Ticket::NOBODY, text: Given::Nothing, is_second: false }
    }

    /// One that a worker passes on and waits for.
    pub(crate) fn of_operator(extent: Extent, ticket: Ticket) -> Self {
        Self { extent, ticket, ..Self::of_nobody(Trigger::Operator) }
    }

    /// The same, of which nothing is to come.
    pub(crate) fn rehearsed(self) -> Self {
        Self { purpose: Purpose::Rehearsal, ..self }
    }
}

/// What came beside a frame of the worker's.
pub(crate) fn received(descriptor: Option<OwnedFd>) -> Result<String, String> {
    let descriptor = descriptor.ok_or_else(|| "no text came with it".to_owned())?;
    sealed::read(descriptor, MOST_TEXT).map_err(|error| error.to_string())
}

/// A text as if it had been read, with what is in force of the other parts of the same thing.
pub(crate) fn in_place_of(in_force: &[Document], kind: DocumentKind, text: String) -> Vec<Text> {
    let is_beside = |document: &&Document| document.kind != kind && document.kind.part_of() == kind.part_of();
    let beside = in_force.iter().filter(is_beside);
    let beside = beside.map(|document| Text { kind: document.kind, content: Ok(document.text.clone()) });
    [Text { kind, content: Ok(text.into_bytes()) }].into_iter().chain(beside).collect()
}
