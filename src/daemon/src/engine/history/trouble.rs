//! Says once that something cannot be done, and once that it can be done again.

/// One thing that may fail for a while.
#[derive(Debug)]
pub(super) struct Trouble {
    with: &'static str,
    words: Option<String>,
}

impl Trouble {
    pub(super) fn new(with: &'static str) -> Self {
        Self { with, words: None }
    }

    pub(super) fn is_over(&self) -> bool {
        self.words.is_none()
    }

    /// It fails; another reason than the last time is said again.
    pub(super) fn meet(&mut self, words: &str) {
        if self.words.as_deref() != Some(words) {
            tracing::warn!("cannot use {}: {words}", self.with);
            self.words = Some(words.to_owned());
        }
    }

    /// It works.
    pub(super) fn pass(&mut self) {
        if self.words.take().is_some() {
            tracing::info!("{} can be used again", self.with);
        }
    }
}
