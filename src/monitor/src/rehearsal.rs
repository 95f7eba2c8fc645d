//! Asks the program that is to take this one's place whether it could, before anything is given up: it runs up to the point where it would
//! begin, and ends.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::memfd::{MFdFlags, memfd_create};
use tracing::debug;

use crate::notify;
use crate::plan::Successor;
use crate::process::Process;

/// How long it may take; large rule files are read and judged in it.
const LIMIT: Duration = Duration::from_secs(30);

/// How many bytes of its words are quoted.
const QUOTED: u64 = 1000;

/// One that goes on; it is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Rehearsal {
    process: Process,
    said: File,
    until: Instant,
}

impl Rehearsal {
    pub(crate) fn begin(successor: &Successor, now: Instant) -> io::Result<Self> {
        let said = File::from(memfd_create("rehearsal", MFdFlags::MFD_CLOEXEC)?);
        let mut command = Command::new(&successor.program);
        command.args(&successor.rehearsal).stdin(Stdio::null());
        command.stdout(said.try_clone()?).stderr(said.try_clone()?);
        for variable in notify::OURS {
            command.env_remove(variable);
        }
        Ok(Self { process: Process::spawn(&mut command)?, said, until: now + LIMIT })
    }

    /// Nothing while it goes on; then why it may not begin, if so.
    pub(crate) fn outcome(&mut self, now: Instant) -> Option<Result<(), String>> {
        match self.process.end() {
            Ok(Some(status)) => Some(self.judge(status)),
            Ok(None) if now >= self.until => Some(Err(format!("it did not finish its rehearsal within {LIMIT:?}"))),
            Ok(None) => None,
            Err(error) => Some(Err(error.to_string())),
        }
    }

    pub(crate) fn due(&self) -> Instant {
        self.until
    }

    fn judge(&mut self, status: ExitStatus) -> Result<(), String> {
        if status.success() {
            return Ok(());
        }
        let words = self.words().unwrap_or_else(|error| error.to_string());
        Err(if words.is_empty() { status.to_string() } else { format!("{status}: {words}") })
    }

    fn words(&mut self) -> io::Result<String> {
        let mut words = Vec::new();
        self.said.rewind()?;
        (&self.said).take(QUOTED).read_to_end(&mut words)?;
        Ok(String::from_utf8_lossy(&words).trim().replace('\n', "; "))
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        if let Err(error) = self.process.kill() {
            debug!(%error, "a rehearsal was not ended");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(program: &str, args: &[&str]) -> Result<(), String> {
        let rehearsal = args.iter().map(Into::into).collect();
        let successor = Successor { program: program.into(), rehearsal, args: Vec::new() };
        let mut rehearsal = Rehearsal::begin(&successor, Instant::now()).map_err(|error| error.to_string())?;
        loop {
            if let Some(outcome) = rehearsal.outcome(Instant::now()) {
                return outcome;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn its_end_and_its_words_are_told() {
        assert_eq!(outcome("/bin/true", &[]), Ok(()));
        let said = outcome("/bin/sh", &["-c", "echo no such key >&2; echo line 3; exit 78"]).expect_err("it fails");
        assert_eq!(said, "exit status: 78: no such key; line 3");
        assert_eq!(outcome("/bin/false", &[]).expect_err("it fails"), "exit status: 1");
        outcome("/nowhere/rustsocks", &[]).expect_err("it cannot be started");
    }

    #[test]
    fn one_that_does_not_end_is_ended() {
        let successor = Successor { program: "sleep".into(), rehearsal: vec!["600".into()], args: Vec::new() };
        let mut rehearsal = Rehearsal::begin(&successor, Instant::now()).expect("started");
        assert_eq!(rehearsal.outcome(Instant::now()), None);
        let outcome = rehearsal.outcome(rehearsal.due()).expect("it is over").expect_err("it fails");
        assert!(outcome.contains("within 30s"), "{outcome}");
        let pid = rehearsal.process.pid();
        drop(rehearsal);
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    }
}
