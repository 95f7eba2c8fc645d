//! What operators have conceded for a while, kept in a file beside the history so that a start knows it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::engine::sys::chance;
use crate::engine::sys::whole_file::replace;
use crate::state::limits::quotas::Quotas;
use crate::state::limits::quotas::concession::Concession;

const NAME: &str = "concessions.json";

#[derive(Debug)]
pub(crate) struct Concessions {
    /// Nothing where there is no place; then they last as long as the worker.
    file: Option<PathBuf>,
    /// One change at a time.
    turn: Mutex<()>,
}

impl Concessions {
    /// Those that are kept in this directory, which hold from now on.
    pub(crate) fn begin(place: Option<&Path>, quotas: &Quotas) -> Self {
        let file = place.map(|place| place.join(NAME));
        match file.as_deref().map_or_else(|| Ok(Vec::new()), read) {
            Ok(kept) => quotas.concede(kept),
            Err(error) => tracing::warn!(%error, "what operators have granted for a while cannot be read and is void"),
        }
        Self { file, turn: Mutex::new(()) }
    }

    /// Whether they outlive the worker.
    pub(crate) fn are_kept(&self) -> bool {
        self.file.is_some()
    }

    /// Changes them, on the disk first.
    ///
    /// # Errors
    /// They cannot be kept; nothing has changed.
    pub(crate) fn change(&self, quotas: &Quotas, change: impl FnOnce(&mut Vec<Concession>)) -> io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = quotas.concessions();
        change(&mut all);
        if let Some(file) = &self.file {
            write(file, &all)?;
        }
        quotas.concede(all);
        Ok(())
    }
}

/// One that none of these has. By chance, so that neither a clock that is set nor a start brings one again.
pub(crate) fn new_id(all: &[Concession]) -> String {
    loop {
        let id = format!("{:08x}", chance::number() >> 32);
        if all.iter().all(|other| other.id != id) {
            return id;
        }
    }
}

fn read(file: &Path) -> io::Result<Vec<Concession>> {
    match fs::read(file) {
        Ok(text) => Ok(serde_json::from_slice(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn write(file: &Path, all: &[Concession]) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(all)?;
    text.push(b'\n');
    replace(file, &text)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::state::limits::quotas::concession::{Grantee, What};
    use crate::state::metrics::Metrics;

    fn grant() -> Concession {
        Concession {
            id: "00c0ffee".to_owned(),
            to: Grantee::User("alice".into()),
            what: What::Grant { bytes: 7, quota: None },
            until: Timestamp::MAX,
            reason: "a \"party\"".to_owned(),
            by: "anna".to_owned(),
        }
    }

    #[test]
    fn what_is_kept_is_known_to_the_next_one_and_what_cannot_be_kept_does_not_hold() {
        let place = tempfile::tempdir().unwrap();
        let first = Quotas::new(&Metrics::default());
        Concessions::begin(Some(place.path()), &first).change(&first, |all| all.push(grant())).unwrap();
        let next = Quotas::new(&Metrics::default());
        let concessions = Concessions::begin(Some(place.path()), &next);
        assert_eq!(next.concessions(), [grant()]);
        fs::create_dir(place.path().join("concessions.json.new")).unwrap();
        concessions.change(&next, Vec::clear).unwrap_err();
        assert_eq!(next.concessions(), [grant()]);
    }

    #[test]
    fn no_two_have_the_same_id() {
        let mut all = Vec::new();
        for _ in 0..1_000 {
            let id = new_id(&all);
            assert!(id.len() == 8 && all.iter().all(|other: &Concession| other.id != id), "{id}");
            all.push(Concession { id, ..grant() });
        }
    }

    #[test]
    fn a_file_that_says_nothing_is_no_obstacle() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join(NAME), "{").unwrap();
        let quotas = Quotas::new(&Metrics::default());
        let concessions = Concessions::begin(Some(place.path()), &quotas);
        concessions.change(&quotas, |all| all.push(grant())).unwrap();
        assert_eq!(read(&place.path().join(NAME)).unwrap(), [grant()]);
    }
}
