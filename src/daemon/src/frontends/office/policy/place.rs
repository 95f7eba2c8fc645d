//! Where a text comes into force: in the operator's file, or beside it until files are read again.
//!
//! A file that cannot be written, or that somebody has edited by hand, is known before anything is done, and said with the ways out.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use wire::Extent;

use super::orders::{Manner, Subject};
use super::store::Store;
use super::{Digest, Running, Sense};
use crate::frontends::office::{No, Office};
use crate::state::reloads::Look;
use crate::state::reloads::drift::{Difference, Drift};

/// How long the monitor may take to say whether a file can be written, which takes no time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a text is put.
#[derive(Debug)]
pub(super) enum Place {
    File(Present),
    /// In force until files are read again, by a reload or a start; the file stays as it is.
    Beside,
}

/// What a file says before it is written.
#[derive(Debug)]
pub(super) struct Present {
    pub(super) sha: Digest,
    /// What is not in force of it, and is given up.
    pub(super) lost: Option<Arc<str>>,
}

/// A file that says something else than what is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Edited {
    /// `file_drift`.
    kind: &'static str,
    store: &'static str,
    /// Of what the file says: whoever sends it back has seen what is lost.
    file_sha: Digest,
    /// From what is in force to what the file says, as diff(1) writes it.
    difference: String,
    /// Why it could not be in force, if it could not.
    problems: Vec<String>,
}

impl Place {
    /// Of a text whose base is what the file says, too.
    pub(super) fn usual(running: &Running) -> Self {
        Self::File(Present { sha: Digest::of(&running.text), lost: None })
    }

    /// The text that is given up, if one is.
    pub(super) fn lost(&self) -> Option<&Arc<str>> {
        match self {
            Self::File(Present { lost, .. }) => lost.as_ref(),
            Self::Beside => None,
        }
    }
}

/// What is wanted of a place.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wish {
    /// Not into the file.
    pub(super) run_time: bool,
    /// Into the file although it says something else than what is in force, if it says just this.
    pub(super) expect_file: Option<Digest>,
}

impl From<&Manner> for Wish {
    fn from(manner: &Manner) -> Self {
        Self { run_time: manner.run_time, expect_file: manner.expect_file }
    }
}

impl Office {
    /// Where this text is put, which takes the place of the one in force.
    ///
    /// # Errors
    /// The file cannot be written, or it says something else than whoever wants this knows.
    pub(super) fn place_for(&self, running: &Running, text: &str, wish: Wish) -> Result<Place, No> {
        let store = running.store;
        if wish.run_time {
            return match store {
                Store::Acl | Store::Users => Ok(Place::Beside),
                Store::Config => Err(No::Invalid(
                    "run_time: a configuration comes from its file alone; write it there, and reload".to_owned(),
                )),
            };
        }
        // Looked at now: to write tests of rules reads the rules, too, and what stands there would be in force by it.
        let Look { says, why_not } = self.look_at(store)?;
        if let Some(why) = why_not {
            return Err(No::Unwritable(why));
        }
        if says == Some(Digest::of(&running.text).bytes()) {
            return Ok(Place::usual(running));
        }
        let known = self.reloads.drift(store.kind()).and_then(|drift| drift.text.as_deref().map(Digest::of));
        if known.map(Digest::bytes) != says {
            self.reloads.rehearse(Extent::of(store.kind()), PATIENCE).map_err(|_| No::NobodyReloads)?;
        }
        let drift = self.reloads.drift(store.kind());
        let said = said(running, drift.as_deref());
        match (said, wish.expect_file) {
            (Some((same, _)), _) if *same == *text => Ok(Place::File(Present { sha: Digest::of(text), lost: None })),
            (Some((lost, _)), Some(sha)) if sha == Digest::of(&lost) => {
                Ok(Place::File(Present { sha, lost: Some(lost) }))
            }
            (Some((text, drift)), _) => Err(self.edited(store, &text, drift)),
            (None, Some(sha)) if sha != Digest::of(&running.text) => {
                Err(No::Conflict(format!("the file of {} says what is in force by now", store.word())))
            }
            (None, _) => Ok(Place::usual(running)),
        }
    }

    /// Somebody may have edited the file at the last moment, which the monitor saw.
    pub(super) fn refused_by_file(&self, running: &Running, no: No) -> No {
        let store = running.store;
        if !matches!(no, No::NotReloaded(_)) || self.reloads.rehearse(Extent::of(store.kind()), PATIENCE).is_err() {
            return no;
        }
        let drift = self.reloads.drift(store.kind());
        said(running, drift.as_deref()).map_or(no, |(text, drift)| self.edited(store, &text, drift))
    }

    fn look_at(&self, store: Store) -> Result<Look, No> {
        self.reloads.look_at(store.kind(), PATIENCE).map_err(|_| No::NobodyReloads)
    }

    fn edited(&self, store: Store, text: &str, drift: &Drift) -> No {
        let difference = match self.compare(store, (&self.file_of(store), text), Sense::Optional) {
            Ok(compared) => compared["text"].as_str().unwrap_or_default().to_owned(),
            Err(no) => return no,
        };
        let problems = problems(drift).to_vec();
        let (kind, store, file_sha) = ("file_drift", store.word(), Digest::of(text));
        No::FileDrift(Box::new(Edited { kind, store, file_sha, difference, problems }))
    }

    /// What a text is called beside the one in force.
    pub(super) fn name_of(&self, store: Store, subject: &Subject) -> String {
        match subject {
            Subject { file: true, .. } => self.file_of(store),
            Subject { draft: Some(draft), .. } => format!("draft {draft}"),
            Subject { r#gen: Some(number), .. } => format!("generation {number}"),
            Subject { .. } => "the text that was sent".to_owned(),
        }
    }

    fn file_of(&self, store: Store) -> String {
        self.path_of(store).unwrap_or_else(|| "the file".to_owned())
    }

    fn path_of(&self, store: Store) -> Option<String> {
        let effective = self.effective.load();
        effective.files.iter().find(|(of, _)| *of == store.kind()).map(|(_, path)| path.display().to_string())
    }

    /// What the file says, and whether it can be written, put into an answer about what is in force.
    pub(super) fn add_file(&self, store: Store, answer: &mut Value) {
        let kind = store.kind();
        let drift = self.reloads.drift(kind);
        let said = drift.as_ref().map(|drift| drift.text.as_deref().map(Digest::of));
        let state = match drift.as_deref().map(|drift| &drift.difference) {
            None => "same",
            Some(Difference::Newer(_)) => "changed",
            Some(Difference::Wrong(_)) => "invalid",
        };
        let error = drift.as_deref().and_then(|drift| problems(drift).first());
        let in_force = self.in_force(store).ok().map(|(_, sha)| sha);
        let sha = said.unwrap_or(in_force);
        answer["file"] = json!({ "path": self.path_of(store), "sha": sha, "state": state, "error": error });
        match self.look_at(store) {
            Ok(Look { why_not, .. }) => {
                answer["writable"] = why_not.is_none().into();
                answer["why"] = why_not.into();
            }
            Err(no) => {
                answer["writable"] = Value::Null;
                answer["why"] = no.to_string().into();
            }
        }
    }
}

/// What the file says itself that is not in force: it may be that only what belongs to it does, as tests do to rules.
fn said<'d>(running: &Running, drift: Option<&'d Drift>) -> Option<(Arc<str>, &'d Drift)> {
    let drift = drift?;
    let text = drift.text.clone().filter(|text| **text != *running.text)?;
    Some((text, drift))
}

fn problems(drift: &Drift) -> &[String] {
    match &drift.difference {
        Difference::Newer(_) => &[],
        Difference::Wrong(problems) => problems,
    }
}

impl fmt::Display for Edited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the file of {} says something else than what is in force: ", self.store)?;
        match self.problems.first() {
            Some(problem) => write!(f, "mend it, or overwrite it ({problem})"),
            None => f.write_str("merge it into the draft, overwrite it, or reload it"),
        }
    }
}
