//! A child process by its number, whoever has started it: this program, or the one whose place it has taken.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::process::{WaitOptions, waitpid};

/// A child that runs, or whose end has not been noticed yet; its number is nobody else's until then.
#[derive(Debug)]
pub(crate) struct Process {
    pid: rustix::process::Pid,
    ended: Option<ExitStatus>,
}

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        let child = command.spawn()?;
        Self::adopted(child.id())
    }

    /// A child that this process had already before it became this program.
    pub(crate) fn adopted(pid: u32) -> io::Result<Self> {
        let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
        Ok(Self { pid: pid.ok_or(io::ErrorKind::InvalidInput)?, ended: None })
    }

    pub(crate) fn pid(&self) -> u32 {
        u32::try_from(self.pid.as_raw_pid()).expect("a pid is a positive i32")
    }

    /// Sends a signal, unless it has ended.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        if self.ended.is_some() {
            return Ok(());
        }
        kill(Pid::from_raw(self.pid.as_raw_pid()), signal).map_err(Into::into)
    }

    /// How it ended, once it has.
    pub(crate) fn end(&mut self) -> io::Result<Option<ExitStatus>> {
        self.wait(WaitOptions::NOHANG)
    }

    /// Ends it at once, and waits for that.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        self.signal(Signal::SIGKILL)?;
        self.wait(WaitOptions::empty()).map(drop)
    }

    fn wait(&mut self, options: WaitOptions) -> io::Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            let found = rustix::io::retry_on_intr(|| waitpid(Some(self.pid), options))?;
            self.ended = found.map(|(_, status)| ExitStatus::from_raw(status.as_raw()));
        }
        Ok(self.ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_end_is_noticed_once_and_remembered() {
        let mut process = Process::spawn(Command::new("sleep").arg("60")).expect("started");
        assert_eq!(process.end().expect("asked"), None);
        process.kill().expect("killed");
        let status = process.end().expect("asked").expect("it has ended");
        assert_eq!(status.signal(), Some(9));
        process.signal(Signal::SIGTERM).expect("nobody is signalled");
    }

    #[test]
    fn somebody_elses_child_is_no_child() {
        assert!(Process::adopted(0).is_err());
        assert!(Process::adopted(1).expect("a number").end().is_err());
    }
}
