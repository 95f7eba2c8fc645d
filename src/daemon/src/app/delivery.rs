//! What the monitor hands over, piece by piece, until it says that it is complete: texts, listening sockets, and lines to PAM helpers.
//!
//! A start and a reload are delivered in the same way.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use anyhow::Context;
use wire::{DocumentKind, ToWorker};

use super::gates::Handed;
use super::pam::HelperLine;
use crate::frontends::office::policy::Store;

/// The pieces so far.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    texts: Vec<(DocumentKind, Delivered)>,
    pub(super) listeners: Vec<Handed>,
    pub(super) helpers: Vec<HelperLine>,
    /// As [`ToWorker::Begin`] says it.
    pub(super) replaces: u32,
}

/// One of the operator's texts, shared by all who keep it.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) text: Arc<str>,
    /// The reload that brought it.
    pub(super) generation: u64,
}

/// A text, or why there is none.
pub(super) type Delivered = Result<Text, String>;

impl Delivery {
    /// Puts a piece to the others.
    ///
    /// # Errors
    /// The frame is no piece of a delivery, or its text cannot be read.
    pub(super) fn add(&mut self, frame: ToWorker, descriptor: Option<OwnedFd>) -> anyhow::Result<()> {
        match (frame, descriptor) {
            (ToWorker::Document { kind, generation }, Some(text)) => {
                let text = read(kind, text)?.into();
                self.texts.push((kind, Ok(Text { text, generation })));
            }
            (ToWorker::Unavailable { kind }, Some(reason)) => self.texts.push((kind, Err(read(kind, reason)?))),
            (ToWorker::Listener { index, thread }, Some(socket)) => {
                self.listeners.push(Handed { index, thread, socket });
            }
            (ToWorker::PamHelper { number }, Some(socket)) => self.helpers.push(HelperLine { number, socket }),
            (frame, _) => anyhow::bail!("the monitor sent {frame:?} out of turn"),
        }
        Ok(())
    }

    /// The text of this kind; nothing if none came, as it is the same as before.
    pub(super) fn take(&mut self, kind: DocumentKind) -> Option<Delivered> {
        let at = self.texts.iter().position(|(delivered, _)| *delivered == kind)?;
        Some(self.texts.swap_remove(at).1)
    }

    /// The texts that operators write here, as they were delivered.
    pub(super) fn written(&self) -> Vec<(DocumentKind, Arc<str>)> {
        let texts = self.texts.iter().filter_map(|(kind, text)| Some((*kind, text.as_ref().ok()?)));
        texts
            .filter(|(kind, _)| Store::of(*kind).is_some())
            .map(|(kind, text)| (kind, Arc::clone(&text.text)))
            .collect()
    }

    /// The last reload that brought one of the texts; 1 is the start of the service.
    pub(super) fn generation(&self) -> u64 {
        let generations = self.texts.iter().filter_map(|(_, text)| text.as_ref().ok()).map(|text| text.generation);
        generations.max().unwrap_or(1)
    }
}

/// Why a file cannot be written, as the monitor says it; nothing if it can.
///
/// # Errors
/// It cannot be read.
pub(super) fn why_unwritable(descriptor: OwnedFd) -> anyhow::Result<Option<String>> {
    let why_not = read_whole(&descriptor.into()).context("cannot read whether a file can be written")?;
    Ok(Some(why_not).filter(|why_not| !why_not.is_empty()))
}

fn read(kind: DocumentKind, descriptor: OwnedFd) -> anyhow::Result<String> {
    read_whole(&descriptor.into()).with_context(|| format!("cannot read the {} from the monitor", kind.name()))
}

/// By positions of our own: a worker that retires may have been given the same file.
fn read_whole(file: &File) -> anyhow::Result<String> {
    let mut text = vec![0; usize::try_from(file.metadata()?.len())?];
    file.read_exact_at(&mut text, 0)?;
    Ok(String::from_utf8(text)?)
}
