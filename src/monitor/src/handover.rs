//! What a new worker is given: the documents, the listeners, the lines to its helpers, and the word to begin.

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use wire::{DocumentKind, Ticket, ToWorker};

use crate::listen::Bound;
use crate::plan::Document;
use crate::sealed::sealed;

/// One frame on its way to the worker, with the descriptor that belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    pub(crate) frame: ToWorker,
    pub(crate) descriptor: Option<Rc<OwnedFd>>,
}

impl From<ToWorker> for Parcel {
    fn from(frame: ToWorker) -> Self {
        Self { frame, descriptor: None }
    }
}

/// Everything that one new worker needs, in the order in which it is sent; `replaces` is as [`ToWorker::Begin`] has it.
pub(crate) fn parcels(
    documents: &[Document],
    sockets: &[Bound],
    helpers: Vec<Parcel>,
    replaces: u32,
) -> io::Result<Vec<Parcel>> {
    let documents = documents.iter().map(document).collect::<io::Result<Vec<_>>>()?;
    let listeners = sockets.iter().map(listener);
    Ok(documents.into_iter().chain(listeners).chain(helpers).chain([ToWorker::Begin { replaces }.into()]).collect())
}

/// A document beside the frame that says which one it is.
pub(crate) fn document(document: &Document) -> io::Result<Parcel> {
    let Document { kind, generation, text } = document;
    let descriptor = Some(Rc::new(sealed(kind.name(), text)?));
    Ok(Parcel { frame: ToWorker::Document { kind: *kind, generation: *generation }, descriptor })
}

/// The reason why there is no document, beside the frame that says which one it is.
pub(crate) fn unavailable(kind: DocumentKind, reason: &str) -> io::Result<Parcel> {
    let descriptor = Some(Rc::new(sealed(kind.name(), reason.as_bytes())?));
    Ok(Parcel { frame: ToWorker::Unavailable { kind }, descriptor })
}

/// Why a file cannot be written, or nothing, and what it says, beside the frame that says who wanted to know.
pub(crate) fn writable(ticket: Ticket, says: Option<[u8; 32]>, why_not: &str) -> io::Result<Parcel> {
    let descriptor = Some(Rc::new(sealed("writable", why_not.as_bytes())?));
    Ok(Parcel { frame: ToWorker::Writable { ticket, says }, descriptor })
}

/// A listening socket beside the frame that says where it belongs.
pub(crate) fn listener(bound: &Bound) -> Parcel {
    let frame = ToWorker::Listener { index: bound.index, thread: bound.thread };
    Parcel { frame, descriptor: Some(Rc::clone(&bound.socket)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_come_first_and_the_word_to_begin_last() {
        let socket = Rc::new(sealed("socket", b"").expect("any descriptor"));
        let sockets = [0, 1].map(|thread| Bound { index: 4, thread, socket: Rc::clone(&socket) });
        let document = |kind, generation| Document { kind, generation, text: b"text".to_vec() };
        let documents = [document(DocumentKind::Configuration, 1), document(DocumentKind::Users, 3)];
        let helper = Parcel { frame: ToWorker::PamHelper { number: 1 }, descriptor: Some(socket) };
        let parcels = parcels(&documents, &sockets, vec![helper], 2).expect("made");
        let frames: Vec<ToWorker> = parcels.iter().map(|parcel| parcel.frame).collect();
        let (first, second) = (ToWorker::Listener { index: 4, thread: 0 }, ToWorker::Listener { index: 4, thread: 1 });
        let configuration = ToWorker::Document { kind: DocumentKind::Configuration, generation: 1 };
        let users = ToWorker::Document { kind: DocumentKind::Users, generation: 3 };
        let helper = ToWorker::PamHelper { number: 1 };
        assert_eq!(frames, [configuration, users, first, second, helper, ToWorker::Begin { replaces: 2 }]);
        assert!(parcels.iter().all(|parcel| parcel.frame.carries_descriptor() == parcel.descriptor.is_some()));
    }
}
