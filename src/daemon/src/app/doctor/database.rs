//! Whether the history has a place, room there, and a disk that is fast enough.

use std::path::Path;
use std::time::Duration;

use nix::sys::statvfs::statvfs;
use nix::unistd::geteuid;

use super::files::{can_make_files_in, worker};
use super::finding::{Finding, Remedy};
use super::patient::Patient;
use crate::app::build;
use crate::engine::history::archive::{Archive, NoAnswer};
use crate::engine::history::trial;

/// A batch is written at least once a second; whoever takes longer for one falls behind.
const SLOW: Duration = Duration::from_millis(200);

/// How long a question may take; none is asked here.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let sessions = &patient.settings().sessions;
    if !sessions.enabled {
        return vec![Finding::fine("no history is kept (sessions.enabled)")];
    }
    let Some(place) = build::database(sessions.database_url.as_ref(), None) else {
        return vec![
            Finding::problem("there is no place for the history")
                .with(patient.change("sessions.database_url", "\"sqlite:///var/lib/rustsocks/sessions.db\"")),
        ];
    };
    let directory = place.parent().unwrap_or(Path::new("/"));
    if !directory.exists() && directory.parent().is_some_and(Path::is_dir) && geteuid().is_root() {
        return vec![Finding::fine(format!(
            "{} is not there yet; the start of the service makes it",
            directory.display()
        ))];
    }
    let user = worker(patient);
    if let Err(error) = patient.as_worker(|| can_make_files_in(directory)) {
        let command = format!("install --directory --mode 0750 --owner {user} {}", directory.display());
        return vec![
            Finding::problem(format!("{user} cannot make files in {}: {error}", directory.display()))
                .with(Remedy::of_file(directory, command)),
        ];
    }
    let mut found = Vec::new();
    match Archive::open(&place, PATIENCE) {
        Ok(_) | Err(NoAnswer::NoFile(_)) => {}
        Err(error) => found.push(
            Finding::problem(format!("{}: {error}", place.display()))
                .with(Remedy::of_file(&place, format!("mv {0} {0}.old", place.display()))),
        ),
    }
    found.extend(room(patient, directory));
    found.push(speed(patient, directory));
    found
}

/// The spool alone may want so much while the database cannot be written.
fn room(patient: &Patient<'_>, directory: &Path) -> Option<Finding> {
    let wanted = patient.settings().sessions.spool_max_mib;
    let disk = statvfs(directory).ok()?;
    let free = disk.blocks_available().saturating_mul(disk.fragment_size()) / (1024 * 1024);
    (free < wanted.into()).then(|| {
        Finding::warning(format!(
            "{} has {free} MiB left, and the spool alone may take {wanted} MiB",
            directory.display()
        ))
        .with(patient.change("sessions.spool_max_mib", &(free / 2).max(1).to_string()))
    })
}

fn speed(patient: &Patient<'_>, directory: &Path) -> Finding {
    let took = patient.as_worker(|| trial::slowest_commit(directory));
    judge(patient, directory, took)
}

fn judge(patient: &Patient<'_>, directory: &Path, took: std::io::Result<Duration>) -> Finding {
    let place = directory.display();
    match took {
        Ok(took) if took > SLOW => Finding::warning(format!(
            "the disk of {place} took {took:.1?} for one commit: rows will wait in the spool when many sessions end"
        ))
        .with(patient.change("sessions.database_url", "\"sqlite:///PATH/ON/A/FASTER/DISK/sessions.db\"")),
        Ok(took) => Finding::fine(format!("the disk of {place} takes {took:.1?} for a commit at most")),
        Err(error) => Finding::problem(format!("a database cannot be written in {place}: {error}"))
            .with(patient.change("sessions.database_url", "\"sqlite:///PATH/sessions.db\"")),
    }
}
