//! What was read and what of it is in force, key by key.

use std::collections::HashMap;

use config::{Loaded, Origin, Settings};

use wire::DocumentKind;

use super::args::Selection;
use super::configuration;
use crate::state::effective::{Effective, Setting};

/// `loaded` is what was last read, and `in_force` what of it counts.
pub(super) fn of(selection: &Selection, loaded: &Loaded, in_force: &Settings) -> Effective {
    let read: HashMap<String, Option<String>> = loaded.settings.keys().into_iter().collect();
    let setting = |(key, value): (String, Option<String>)| {
        let waiting = read.get(&key).filter(|read| **read != value);
        let waiting = waiting.map(|read| read.clone().unwrap_or_else(|| "not set".to_owned()));
        let (from, place) = origin(loaded.origin(&key));
        let reload = if Settings::is_fixed(&key) { "restart" } else { "live" };
        Setting { key, value, from, place, reload, waiting }
    };
    let configuration = selection.config.clone().map(|path| (DocumentKind::Configuration, path));
    Effective {
        settings: in_force.keys().into_iter().map(setting).collect(),
        files: configuration.into_iter().chain(configuration::named(in_force)).collect(),
    }
}

fn origin(origin: &Origin) -> (&'static str, Option<String>) {
    let place = Some(origin.to_string());
    match origin {
        Origin::Default => ("default", None),
        Origin::File { .. } => ("file", place),
        Origin::Environment { .. } => ("env", place),
        Origin::Flag { .. } => ("flag", place),
    }
}
