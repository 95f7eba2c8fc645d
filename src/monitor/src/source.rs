//! Where the texts come from that the worker works by.
//!
//! The monitor decides when they are read and what becomes of them; what they mean, and which files they are in, is known
//! to whoever starts it.

use std::path::PathBuf;

use wire::{DocumentKind, Extent};

use crate::outcome::BindError;
use crate::plan::Terms;

/// The operator's files.
pub trait Source {
    /// Reads texts anew, and keeps in mind what it has read.
    ///
    /// Without the configuration among them, `claim` is not called and what the configuration in force names is read.
    /// `claim` is called with what a configuration that makes sense asks of the monitor; if it fails, that configuration cannot be
    /// served, and the other texts are those that the configuration in force names.
    fn read(&mut self, extent: Extent, claim: &mut dyn FnMut(&Terms) -> Result<(), BindError>) -> Vec<Text>;

    /// Puts another text in the place of one of the files, whole or not at all, if the file says what it said when `former` was made of
    /// it: BLAKE2b with 256 bits (RFC 7693).
    ///
    /// # Errors
    /// Why not, for the operator; nothing has changed.
    fn replace(&mut self, kind: DocumentKind, former: &[u8; 32], text: &str) -> Result<(), String>;

    /// BLAKE2b with 256 bits of what the file of this kind says; nothing if it cannot be read.
    fn says(&self, _kind: DocumentKind) -> Option<[u8; 32]> {
        None
    }

    /// Whether [`replace`](Self::replace) could write the file of this kind, as far as that can be known without writing.
    ///
    /// # Errors
    /// Why not, for the operator.
    fn is_writable(&self, _kind: DocumentKind) -> Result<(), String> {
        Ok(())
    }

    /// Whether a service could work by this text if it stood in the place of one of the files, which stays as it is.
    ///
    /// # Errors
    /// Why not, for the operator.
    fn suits(&self, _kind: DocumentKind, _text: &str) -> Result<(), String> {
        Ok(())
    }

    /// The worker works by these kinds of what was read last; the others stay as they were.
    fn settle(&mut self, taken: &[DocumentKind]);

    /// Nobody will work by what was read last: it was only to be judged.
    fn forget(&mut self) {}

    /// The files whose change is worth a reading: those of the texts in force and those of the last reading.
    fn files(&self) -> Vec<PathBuf>;
}

/// One text of a reading.
#[derive(Debug)]
pub struct Text {
    pub kind: DocumentKind,
    /// Or why it cannot be had, for the operator.
    pub content: Result<Vec<u8>, String>,
}
