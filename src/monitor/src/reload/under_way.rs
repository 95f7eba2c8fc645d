//! A reload that the worker has not answered yet, and what is kept of it.

use std::time::{Duration, Instant};

use wire::DocumentKind;

use super::{Ground, PATIENCE};
use crate::listen::Claim;
use crate::order::Order;
use crate::plan::{Document, Terms};

pub(super) struct UnderWay {
    pub(super) generation: u64,
    pub(super) began: Instant,
    /// Those that the worker was given and that are new.
    pub(super) offered: Vec<Document>,
    /// Every kind that there is, whether or not it has changed.
    pub(super) kinds: Vec<DocumentKind>,
    pub(super) claim: Option<(Claim, Terms)>,
    pub(super) is_late: bool,
    /// What is tried once more if the worker dies now: an operator's order, which may have written a file already.
    pub(super) again: Option<Order>,
}

impl UnderWay {
    /// Says once whether it takes longer than anybody should wait for.
    pub(super) fn is_newly_late(&mut self, now: Instant) -> bool {
        !self.is_late && {
            self.is_late = self.took(now) >= PATIENCE;
            self.is_late
        }
    }

    pub(super) fn took(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.began)
    }

    /// Keeps what the worker has taken.
    pub(super) fn keep(self, taken: &[DocumentKind], Ground { plan, listeners }: &mut Ground<'_>) {
        let former = plan.documents.iter().find(|document| document.kind == DocumentKind::Configuration).cloned();
        for document in self.offered.into_iter().filter(|document| taken.contains(&document.kind)) {
            replace(&mut plan.documents, document);
        }
        let Some((claim, terms)) = self.claim.filter(|_| taken.contains(&DocumentKind::Configuration)) else { return };
        remember_first(&mut plan.documents, former);
        // What this configuration does not name any more is nobody's business.
        plan.documents.retain(|document| {
            document.kind == DocumentKind::FirstConfiguration || self.kinds.contains(&document.kind)
        });
        listeners.settle(claim, &terms);
        plan.terms = terms;
    }
}

fn replace(documents: &mut Vec<Document>, document: Document) {
    documents.retain(|other| other.kind != document.kind);
    documents.push(document);
    documents.sort_by_key(|document| DocumentKind::ALL.iter().position(|kind| *kind == document.kind));
}

/// Keeps the configuration of the start as long as another one is in force.
fn remember_first(documents: &mut Vec<Document>, former: Option<Document>) {
    let is_known = documents.iter().any(|document| document.kind == DocumentKind::FirstConfiguration);
    if let (false, Some(former)) = (is_known, former) {
        replace(documents, Document { kind: DocumentKind::FirstConfiguration, ..former });
    }
}
