//! One worker process of rustsocks, started by us in the place of its monitor.
//!
//! An instrument has to start the worker itself: a monitor under valgrind starts its worker from `/proc/self/exe`, which is valgrind.
//! So we hold the other end of the worker's line: hand over the configuration and one listener, let it serve, tell it to stop.

use std::{
    ffi::OsString,
    fs::File,
    io::IoSlice,
    net::SocketAddrV4,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    path::Path,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::{
    errno::Errno,
    sys::{
        socket::{
            AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, recv, sendmsg, setsockopt, socketpair,
            sockopt::ReceiveTimeout,
        },
        time::{TimeVal, TimeValLike},
    },
};
use socket2::Socket;
use tempfile::TempDir;
use wire::{DocumentKind, MAX_FRAME, ToMonitor, ToWorker};

use crate::{
    contender::{Setup, printed, rustsocks_config},
    echo,
    group::{Group, Launch},
};

/// A worker that serves; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Worker {
    entry: SocketAddrV4,
    line: Line,
    // The process ends before its directory goes.
    group: Group,
    home: TempDir,
}

impl Worker {
    /// Starts the worker under the runner of `setup` and returns once it says that it is ready.
    ///
    /// Must be called from a thread that outlives the worker, see [`Group::start`].
    pub(crate) fn start(setup: &Setup) -> Result<Self> {
        let home = tempfile::tempdir().context("cannot make a directory for the worker")?;
        let listener = echo::listener()?;
        let entry = echo::address(&listener)?;
        let config = rustsocks_config(setup, entry, home.path())?;
        let (line, theirs) = Line::pair()?;
        let launch = Launch { words: words(setup, &config), home: home.path().to_owned(), input: Stdio::from(theirs) };
        let group = Group::start(launch.under(setup.runner.iter().cloned()))?;
        let worker = Self { entry, line, group, home };
        worker.hand_over(&config, &listener).with_context(|| worker.complaint("the worker did not start"))?;
        Ok(worker)
    }

    pub(crate) fn entry(&self) -> SocketAddrV4 {
        self.entry
    }

    pub(crate) fn pid(&self) -> i32 {
        self.group.main_pid()
    }

    /// Tells it to stop and waits until it has, so that an instrument around it can write what it saw.
    pub(crate) fn stop(mut self, limit: Duration) -> Result<()> {
        self.line.tell(ToWorker::StopNow, None)?;
        self.line.wait_until_silent().with_context(|| self.complaint("the worker did not stop well"))?;
        self.group.wait(limit)
    }

    fn hand_over(&self, config: &Path, listener: &Socket) -> Result<()> {
        let text = File::open(config).context("cannot read the configuration")?;
        let configuration = ToWorker::Document { kind: DocumentKind::Configuration, generation: 1 };
        self.line.tell(configuration, Some(text.as_fd()))?;
        self.line.tell(ToWorker::Listener { index: 0, thread: 0 }, Some(listener.as_fd()))?;
        self.line.tell(ToWorker::Begin { replaces: 0 }, None)?;
        self.line.wait_until_ready()
    }

    fn complaint(&self, what: &str) -> String {
        format!("{what}; it printed {:?}", printed(self.home.path()))
    }
}

/// As the monitor starts it.
fn words(setup: &Setup, config: &Path) -> Vec<OsString> {
    vec![setup.rustsocks.clone().into(), "--role".into(), "worker".into(), "--config".into(), config.into()]
}

/// The monitor's end of the line.
#[derive(Debug)]
struct Line(OwnedFd);

impl Line {
    /// How long a worker may say nothing. It sends a heartbeat a second, but starts slowly under an instrument.
    const PATIENCE_SECONDS: i64 = 60;

    /// Our end, and the one that becomes the worker's standard input.
    fn pair() -> Result<(Self, OwnedFd)> {
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
            .context("cannot make a line to the worker")?;
        setsockopt(&ours, ReceiveTimeout, &TimeVal::seconds(Self::PATIENCE_SECONDS))?;
        Ok((Self(ours), theirs))
    }

    fn tell(&self, frame: ToWorker, beside: Option<BorrowedFd<'_>>) -> Result<()> {
        let descriptors: Vec<_> = beside.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&descriptors)];
        let control = if descriptors.is_empty() { &[] } else { &rights[..] };
        let bytes = frame.encode();
        sendmsg::<()>(self.0.as_raw_fd(), &[IoSlice::new(&bytes)], control, MsgFlags::MSG_NOSIGNAL, None)
            .with_context(|| format!("cannot tell the worker {frame:?}"))?;
        Ok(())
    }

    fn wait_until_ready(&self) -> Result<()> {
        match self.hear()? {
            Some(ToMonitor::Ready) => Ok(()),
            Some(ToMonitor::Failed { reason }) => bail!(reason),
            Some(
                frame @ (ToMonitor::Heartbeat { .. }
                | ToMonitor::Drained { .. }
                | ToMonitor::Reloaded { .. }
                | ToMonitor::Rehearsed
                | ToMonitor::WantRehearsal { .. }
                | ToMonitor::WantReload { .. }
                | ToMonitor::ReplaceText { .. }
                | ToMonitor::WorkByText { .. }
                | ToMonitor::IsWritable { .. }
                | ToMonitor::PamHelperStuck { .. }),
            ) => bail!("it began with {frame:?}"),
            None => bail!("it hung up before it was ready"),
        }
    }

    /// Hears the heartbeats that came meanwhile, of which the line holds minutes, and everything else up to the end.
    fn wait_until_silent(&self) -> Result<()> {
        while let Some(frame) = self.hear()? {
            match frame {
                ToMonitor::Failed { reason } => bail!(reason),
                ToMonitor::Ready
                | ToMonitor::Heartbeat { .. }
                | ToMonitor::Drained { .. }
                | ToMonitor::Reloaded { .. }
                | ToMonitor::Rehearsed
                | ToMonitor::WantRehearsal { .. }
                | ToMonitor::WantReload { .. }
                | ToMonitor::ReplaceText { .. }
                | ToMonitor::WorkByText { .. }
                | ToMonitor::IsWritable { .. }
                | ToMonitor::PamHelperStuck { .. } => {}
            }
        }
        Ok(())
    }

    /// The next frame; none once the worker is gone.
    fn hear(&self) -> Result<Option<ToMonitor>> {
        let mut datagram = [0; MAX_FRAME];
        loop {
            match recv(self.0.as_raw_fd(), &mut datagram, MsgFlags::empty()) {
                Ok(0) => return Ok(None),
                Ok(length) => return Ok(Some(ToMonitor::decode(&datagram[..length])?)),
                // ECONNRESET is said once, if the worker left frames unread; its last words still wait behind.
                Err(Errno::EINTR | Errno::ECONNRESET) => {}
                Err(Errno::EAGAIN) => bail!("it said nothing for {} s", Self::PATIENCE_SECONDS),
                Err(error) => return Err(error).context("cannot hear the worker"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::socket::send;

    use super::*;

    /// Our end of a line whose worker has said this and is gone.
    fn line_after(frames: &[ToMonitor]) -> Line {
        let (ours, theirs) = Line::pair().unwrap();
        for frame in frames {
            send(theirs.as_raw_fd(), &frame.encode(), MsgFlags::empty()).unwrap();
        }
        ours
    }

    fn failed() -> ToMonitor {
        ToMonitor::Failed { reason: "no more threads".into() }
    }

    #[test]
    fn only_a_worker_that_says_so_is_ready() {
        assert!(line_after(&[ToMonitor::Ready]).wait_until_ready().is_ok());
        for (frames, words) in [
            (&[failed(), ToMonitor::Ready][..], "no more threads"),
            (&[ToMonitor::Drained { remaining: 0 }, ToMonitor::Ready][..], "began with Drained"),
            (&[][..], "hung up"),
        ] {
            let error = line_after(frames).wait_until_ready().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn last_words_are_heard_although_the_worker_read_nothing() {
        let (ours, theirs) = Line::pair().unwrap();
        ours.tell(ToWorker::Begin { replaces: 0 }, None).unwrap();
        send(theirs.as_raw_fd(), &failed().encode(), MsgFlags::empty()).unwrap();
        drop(theirs);
        assert_eq!(ours.wait_until_ready().unwrap_err().to_string(), "no more threads");
    }

    #[test]
    fn the_end_comes_after_the_heartbeats_and_a_failure_is_told() {
        let beat = ToMonitor::Heartbeat { sessions: 1, silent: Vec::new() };
        let drained = ToMonitor::Drained { remaining: 0 };
        assert!(line_after(&[beat.clone(), beat.clone(), drained]).wait_until_silent().is_ok());
        let error = line_after(&[beat, failed()]).wait_until_silent().unwrap_err();
        assert_eq!(error.to_string(), "no more threads");
    }
}
