//! What the worker is given of the texts that were read: those that differ, and those that go with them.

use std::io;

use wire::DocumentKind;

use crate::handover::{self, Parcel};
use crate::plan::Document;
use crate::source::Text;

/// What the worker is told of one text.
pub(super) enum Offer {
    New(Document),
    /// What is in force says the same, and it keeps its generation.
    Same(Document),
    Unavailable {
        kind: DocumentKind,
        reason: String,
    },
}

/// Those that differ from what is in force with all parts of the same thing, and the reasons for those that cannot be had. With
/// another configuration come all, for it may make something else of a text that has not changed.
pub(super) fn offered(texts: Vec<Text>, in_force: &[Document], generation: u64) -> Vec<Offer> {
    let offer = |Text { kind, content }| match content {
        Err(reason) => Offer::Unavailable { kind, reason },
        Ok(text) => {
            let same = in_force.iter().find(|document| document.kind == kind && document.text == text);
            same.cloned().map_or(Offer::New(Document { kind, generation, text }), Offer::Same)
        }
    };
    let mut offers: Vec<Offer> = texts.into_iter().map(offer).collect();
    if !offers.iter().any(Offer::is_new_configuration) {
        let news: Vec<_> = offers.iter().filter_map(Offer::news).map(DocumentKind::part_of).collect();
        offers.retain(|offer| news.contains(&offer.kind().part_of()));
    }
    offers
}

impl Offer {
    pub(super) fn parcel(&self) -> io::Result<Parcel> {
        match self {
            Self::New(document) | Self::Same(document) => handover::document(document),
            Self::Unavailable { kind, reason } => handover::unavailable(*kind, reason),
        }
    }

    fn kind(&self) -> DocumentKind {
        match self {
            Self::New(document) | Self::Same(document) => document.kind,
            Self::Unavailable { kind, .. } => *kind,
        }
    }

    /// Its kind, if it is not as it was.
    fn news(&self) -> Option<DocumentKind> {
        (!matches!(self, Self::Same(_))).then(|| self.kind())
    }

    fn is_new_configuration(&self) -> bool {
        matches!(self, Self::New(document) if document.kind == DocumentKind::Configuration)
    }

    pub(super) fn into_new(self) -> Option<Document> {
        match self {
            Self::New(document) => Some(document),
            Self::Same(_) | Self::Unavailable { .. } => None,
        }
    }
}
