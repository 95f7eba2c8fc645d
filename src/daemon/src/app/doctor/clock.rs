//! Whether the clock says what time it is: rules have hours, users and rows have dates.

use std::process::Command;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::finding::{Finding, Remedy};
use super::patient::Patient;
use crate::app::build;
use crate::engine::history::archive::Archive;
use crate::engine::history::archive::filter::Filter;

/// What keeps the time where systemd does.
const TIMESYNCD: &str = "/etc/systemd/timesyncd.conf";

/// How long the history may take to say when the last session was.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let now = Timestamp::now();
    let remedy = || Remedy::of_file(std::path::Path::new(TIMESYNCD), "timedatectl set-ntp true");
    let built = built();
    if built.is_some_and(|built| now < built) {
        let built = built.unwrap_or_default();
        return vec![
            Finding::problem(format!("it is {now:.0}, before this program was installed ({built:.0})")).with(remedy()),
        ];
    }
    if let Some(last) = last_session(patient).filter(|last| *last > now) {
        return vec![
            Finding::problem(format!("it is {now:.0}, and the history has a session that began at {last:.0}"))
                .with(remedy()),
        ];
    }
    let finding = match is_synchronised().as_deref() {
        Some("yes") => Finding::fine("the clock is synchronised"),
        Some(_) => Finding::warning(
            "nobody keeps the clock: rules with hours, dates of users and rows of the history follow it",
        )
        .with(remedy()),
        None => Finding::fine(format!("it is {now:.0}; whether anybody keeps the clock, this system does not say")),
    };
    vec![finding]
}

/// When the file of this program was written.
fn built() -> Option<Timestamp> {
    let written: SystemTime = std::env::current_exe().ok()?.metadata().ok()?.modified().ok()?;
    Timestamp::try_from(written).ok()
}

fn last_session(patient: &Patient<'_>) -> Option<Timestamp> {
    let place = build::database(patient.settings().sessions.database_url.as_ref(), None)?;
    let mut archive = Archive::open(&place, PATIENCE).ok()?;
    Some(archive.page(&Filter::default(), 1).ok()?.first()?.start_time)
}

/// What the service manager knows from the kernel, `yes` or `no`, whoever synchronises it.
fn is_synchronised() -> Option<String> {
    let asked = Command::new("timedatectl").args(["show", "--property=NTPSynchronized", "--value"]).output().ok()?;
    let said = String::from_utf8(asked.stdout).ok()?.trim().to_owned();
    (asked.status.success() && !said.is_empty()).then_some(said)
}
