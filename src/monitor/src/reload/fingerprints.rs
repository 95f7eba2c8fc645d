//! Whether texts say what they said before.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use wire::{DocumentKind, Extent};

use crate::plan::Document;
use crate::source::Text;

/// A number for what each text said, or for why it could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fingerprints(HashMap<DocumentKind, u64>);

impl Fingerprints {
    pub(super) fn of_documents(documents: &[Document]) -> Self {
        let text = |document: &Document| (document.kind, fingerprint(Ok(&document.text)));
        Self(documents.iter().map(text).collect())
    }

    pub(super) fn of_texts(texts: &[Text]) -> Self {
        Self(texts.iter().map(|text| (text.kind, fingerprint(text.content.as_ref()))).collect())
    }

    /// Takes note of what was read: all texts, or some.
    pub(super) fn note(&mut self, extent: Extent, read: Self) {
        match extent {
            Extent::Everything => *self = read,
            Extent::Rules | Extent::Users => self.0.extend(read.0),
        }
    }
}

fn fingerprint(content: Result<&Vec<u8>, &String>) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish()
}
