//! What one of the operator's files said in the past, who wrote it and why, kept so that it can come back.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use crate::engine::sys::whole_file::replace;

/// How many are kept.
const MOST: usize = 50;

/// One text that was in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Generation {
    /// Counts on for ever.
    #[serde(rename = "gen")]
    pub(super) number: u64,
    pub(super) sha: Digest,
    #[serde(rename = "t")]
    pub(super) since: Timestamp,
    /// Who brought it into force.
    pub(super) by: String,
    pub(super) source: Source,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) comment: String,
}

/// A generation as it is told.
#[derive(Debug, Serialize)]
pub(super) struct Told<'a> {
    #[serde(flatten)]
    generation: &'a Generation,
    /// `current`, `past`, `rolled_back` where an earlier text took its place again, or `rejected`.
    state: &'static str,
}

/// How a text came into force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    /// Somebody wrote the file, and a start or a reload read it.
    File,
    /// It was applied through the admin socket or the API.
    Applied,
    /// An earlier one came back.
    Rollback,
    /// It was applied beside the file, until files are read again.
    Runtime,
    /// It stood in the file, never was in force, and was overwritten.
    Rejected,
}

/// What is kept, in memory and, where there is a directory, in files.
#[derive(Debug)]
pub(super) struct Generations {
    directory: Option<PathBuf>,
    /// What the names of the files begin with.
    name: &'static str,
    known: BTreeMap<u64, (Generation, String)>,
}

impl Generations {
    /// Reads what is there; nothing is kept in files without a directory. What cannot be read is left alone.
    pub(super) fn open(name: &'static str, directory: Option<PathBuf>) -> Self {
        let mut known = BTreeMap::new();
        if let Some(directory) = &directory {
            match read_all(directory, name) {
                Ok(found) => known = found,
                Err(error) => tracing::warn!(%error, ?directory, "earlier texts of a file cannot be read"),
            }
        }
        Self { directory, name, known }
    }

    /// The one in force, if any is known.
    pub(super) fn current(&self) -> Option<&Generation> {
        self.all().find(|generation| generation.source != Source::Rejected)
    }

    /// The number that the next text gets.
    pub(super) fn next(&self) -> u64 {
        self.known.last_key_value().map_or(1, |(last, _)| last + 1)
    }

    /// The one in force, if this is its text.
    pub(super) fn number_of(&self, text: &str) -> Option<u64> {
        self.current().filter(|current| current.sha == Digest::of(text)).map(|current| current.number)
    }

    /// One of them, and what it said.
    pub(super) fn find(&self, number: u64) -> Option<(&Generation, &str)> {
        self.known.get(&number).map(|(generation, text)| (generation, text.as_str()))
    }

    /// The latest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Generation> {
        self.known.values().rev().map(|(generation, _)| generation)
    }

    /// The same with what became of each.
    pub(super) fn told<'a>(&'a self) -> Vec<Told<'a>> {
        let mut follower: Option<&'a Generation> = None;
        let mut state = |generation: &'a Generation| {
            if generation.source == Source::Rejected {
                return "rejected";
            }
            match follower.replace(generation).map(|next| next.source) {
                None => "current",
                Some(Source::Rollback) => "rolled_back",
                Some(Source::File | Source::Applied | Source::Runtime | Source::Rejected) => "past",
            }
        };
        self.all().map(|generation| Told { generation, state: state(generation) }).collect()
    }

    /// Notes that this text is in force, unless it was already.
    pub(super) fn note(&mut self, text: &str, by: &str, source: Source, comment: &str) -> u64 {
        self.number_of(text).unwrap_or_else(|| self.add(text, by, source, comment))
    }

    /// Keeps a text that never was in force and is nowhere else any more.
    pub(super) fn note_rejected(&mut self, text: &str, by: &str, comment: &str) {
        self.add(text, by, Source::Rejected, comment);
    }

    fn add(&mut self, text: &str, by: &str, source: Source, comment: &str) -> u64 {
        let sha = Digest::of(text);
        let number = self.next();
        let (by, comment) = (by.to_owned(), comment.to_owned());
        let generation = Generation { number, sha, since: Timestamp::now(), by, source, comment };
        if let Some(directory) = &self.directory
            && let Err(error) = write(directory, self.name, &generation, text)
        {
            tracing::warn!(%error, ?directory, "the text in force cannot be kept for later");
        }
        self.known.insert(number, (generation, text.to_owned()));
        while self.known.len() > MOST {
            if let Some((oldest, _)) = self.known.pop_first() {
                self.forget(oldest);
            }
        }
        number
    }

    fn forget(&self, number: u64) {
        let Some(directory) = &self.directory else { return };
        for path in [about(directory, self.name, number), said(directory, self.name, number)] {
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(%error, ?path, "an old text cannot be removed");
            }
        }
    }
}

fn about(directory: &Path, name: &str, number: u64) -> PathBuf {
    directory.join(format!("{name}-{number:08}.json"))
}

fn said(directory: &Path, name: &str, number: u64) -> PathBuf {
    directory.join(format!("{name}-{number:08}.toml"))
}

fn read_all(directory: &Path, name: &str) -> io::Result<BTreeMap<u64, (Generation, String)>> {
    let mut found = BTreeMap::new();
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json")
            && let Ok(generation) = serde_json::from_slice::<Generation>(&fs::read(&path)?)
            && let Ok(text) = fs::read_to_string(said(directory, name, generation.number))
            && Digest::of(&text) == generation.sha
        {
            found.insert(generation.number, (generation, text));
        }
    }
    Ok(found)
}

/// The text first: a description without its text is none.
fn write(directory: &Path, name: &str, generation: &Generation, text: &str) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    replace(&said(directory, name, generation.number), text.as_bytes())?;
    replace(&about(directory, name, generation.number), &serde_json::to_vec(generation)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(generations: &mut Generations, text: &str) -> u64 {
        generations.note(text, "anna", Source::Applied, "why")
    }

    #[test]
    fn texts_are_numbered_and_come_back_after_a_restart() {
        let place = tempfile::tempdir().unwrap();
        let directory = Some(place.path().join("policy"));
        let mut generations = Generations::open("rules", directory.clone());
        assert_eq!([note(&mut generations, "a"), note(&mut generations, "b"), note(&mut generations, "b")], [1, 2, 2]);
        let mut again = Generations::open("rules", directory);
        assert_eq!(again.find(1).unwrap().1, "a");
        assert_eq!(again.current(), generations.current());
        assert_eq!(note(&mut again, "a"), 3);
        assert_eq!(again.all().map(|generation| generation.number).collect::<Vec<_>>(), [3, 2, 1]);
    }

    #[test]
    fn only_so_many_are_kept_and_numbers_go_on() {
        let place = tempfile::tempdir().unwrap();
        let mut generations = Generations::open("rules", Some(place.path().to_owned()));
        for number in 0..MOST + 5 {
            note(&mut generations, &number.to_string());
        }
        assert_eq!(generations.all().count(), MOST);
        assert!(generations.find(5).is_none() && generations.find(6).is_some());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2 * MOST);
        assert_eq!(Generations::open("rules", Some(place.path().to_owned())).current().unwrap().number, 55);
    }

    #[test]
    fn what_was_rejected_is_kept_and_never_was_in_force() {
        let mut generations = Generations::open("rules", None);
        note(&mut generations, "a");
        generations.note_rejected("half", "anna", "");
        assert_eq!((generations.number_of("a"), generations.number_of("half"), generations.next()), (Some(1), None, 3));
        assert_eq!(note(&mut generations, "b"), 3);
        let told: Vec<_> = generations.told().iter().map(|told| (told.generation.number, told.state)).collect();
        assert_eq!(told, [(3, "current"), (2, "rejected"), (1, "past")]);
        assert_eq!(generations.find(2).unwrap().1, "half");
    }

    #[test]
    fn what_is_damaged_is_left_out() {
        let place = tempfile::tempdir().unwrap();
        let mut generations = Generations::open("rules", Some(place.path().to_owned()));
        note(&mut generations, "a");
        note(&mut generations, "b");
        fs::write(said(place.path(), "rules", 2), "c").unwrap();
        fs::write(place.path().join("other.json"), "{").unwrap();
        let again = Generations::open("rules", Some(place.path().to_owned()));
        assert_eq!(again.all().map(|generation| generation.number).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn without_a_directory_they_are_kept_as_long_as_the_process() {
        let mut generations = Generations::open("rules", None);
        assert_eq!([note(&mut generations, "a"), note(&mut generations, "b")], [1, 2]);
        assert_eq!(generations.find(1).unwrap().1, "a");
    }
}
