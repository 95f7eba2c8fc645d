//! What the operator's files say beside what is in force, file by file.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};
use wire::DocumentKind;

use super::Office;
use super::attention::{Item, Severity};
use super::policy::{Digest, Store};
use super::reload::Problem;
use super::sight::seconds;
use crate::state::reloads::drift::{Difference, Drift};

impl Office {
    /// Each file that something is made of: what is in force of it, what it says, and whether that is right.
    pub(crate) fn drift(&self) -> Value {
        let effective = self.effective.load();
        let components = effective.files.iter().filter(|(kind, _)| kind.part_of() == *kind);
        json!({ "components": components.map(|(kind, path)| self.file(*kind, path)).collect::<Vec<_>>() })
    }

    /// The names of those that say something else, for a badge.
    pub(crate) fn drifting(&self) -> Vec<&'static str> {
        self.reloads.drifts().iter().map(|(kind, _)| kind.name()).collect()
    }

    /// The same as things to look at.
    pub(super) fn drift_items(&self) -> impl Iterator<Item = Item> {
        self.reloads.drifts().into_iter().map(|(kind, drift)| Item::of_drift(kind, &drift))
    }

    fn file(&self, kind: DocumentKind, path: &Path) -> Value {
        let drift = self.reloads.drift(kind);
        let store = Store::of(kind);
        let in_force = store.and_then(|store| self.in_force(store).ok());
        let (number, sha) = in_force.unzip();
        let said = drift.as_ref().and_then(|drift| drift.text.as_deref()).map(Digest::of);
        // Where the worker may not look, nobody knows how old the file is.
        let changed = path.metadata().and_then(|found| found.modified()).ok();
        let changed = changed.and_then(|time| Timestamp::try_from(time).ok()).map(Timestamp::as_microsecond);
        let file_sha = if drift.is_none() { sha } else { said };
        let mut shown = json!({
            "component": kind.name(), "store": store.map(Store::word), "gen": number, "sha": sha,
            "file": path.display().to_string(), "mtime": changed.map(seconds), "file_sha": file_sha,
            "state": "same", "since": drift.as_ref().map(|drift| drift.since),
            "changes": [], "needs_restart": [], "problems": [],
        });
        match drift.as_deref().map(|drift| &drift.difference) {
            None => {}
            Some(Difference::Newer(effect)) => {
                shown["state"] = "changed".into();
                shown["changes"] = json!(effect.changes);
                shown["needs_restart"] = json!(effect.needs_restart);
            }
            Some(Difference::Wrong(problems)) => {
                shown["state"] = "invalid".into();
                shown["problems"] = problems.iter().map(|problem| json!(Problem::read(problem))).collect();
            }
        }
        shown
    }
}

impl Item {
    fn of_drift(kind: DocumentKind, drift: &Drift) -> Self {
        let name = kind.name();
        let (sev, text) = match &drift.difference {
            Difference::Newer(_) => {
                (Severity::Warn, format!("{name}: the file says something else than what is in force"))
            }
            Difference::Wrong(problems) => {
                let first = problems.first().map_or("", String::as_str);
                (Severity::Crit, format!("{name}: what the file says cannot be in force: {first}"))
            }
        };
        let since = Some(drift.since);
        Self { sev, key: format!("drift/{name}"), text, screen: "config", filter: None, since }
    }
}
