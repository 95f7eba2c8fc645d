//! The configuration as it is written, and what another text of it would be.

use std::sync::{Arc, Mutex, PoisonError};

use config::Settings;

use super::args::Selection;
use super::configuration;
use crate::frontends::office::policy::{Blueprint, Wanted};

/// What the worker knows of the file that it may not write.
#[derive(Debug)]
pub(super) struct Plan {
    selection: Selection,
    /// Those of the start, for what cannot change while the service runs.
    first: Settings,
    /// In force; nothing if the defaults are and no file says so.
    text: Mutex<Option<Arc<str>>>,
}

impl Plan {
    pub(super) fn new(selection: Selection, first: Settings, text: &Arc<str>) -> Self {
        let plan = Self { selection, first, text: Mutex::default() };
        plan.is_in_force(text);
        plan
    }

    /// From now on this text is in force.
    pub(super) fn is_in_force(&self, text: &Arc<str>) {
        if self.selection.config.is_some() {
            *self.text.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(text));
        }
    }
}

impl Blueprint for Plan {
    fn text(&self) -> Option<Arc<str>> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn read(&self, text: &str) -> anyhow::Result<Wanted> {
        let mut loaded = configuration::load(&self.selection, Some(text))?;
        configuration::leaves_the_host_alone(&self.text().unwrap_or_default(), text)?;
        let needs_restart = loaded.settings.keep_fixed(&self.first).keys;
        Ok(Wanted { warnings: loaded.warnings, needs_restart })
    }
}
