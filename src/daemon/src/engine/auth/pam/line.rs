//! The worker's end of the line to one helper: one question, one answer.
//!
//! It blocks, so it is for threads that may wait.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv, send};
use socket2::Socket;
use wire::{FromPam, MAX_ANSWER, PamAnswer, ToPam};

#[derive(Debug)]
pub(super) struct Line {
    /// Which helper it leads to, by the monitor's count.
    pub(super) number: u32,
    socket: OwnedFd,
    is_ready: bool,
}

/// Why there is no answer; the line is of no more use.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The helper ended before it heard the question.
    GoneBefore,
    /// It ended with the question.
    Gone,
    Silent,
    Garbled(String),
}

impl Line {
    /// Takes over one end of a `SOCK_SEQPACKET` pair; nothing on it takes longer than `limit`.
    ///
    /// # Errors
    /// The descriptor is no socket.
    pub(super) fn new(number: u32, socket: OwnedFd, limit: Duration) -> io::Result<Self> {
        let socket = Socket::from(socket);
        socket.set_read_timeout(Some(limit))?;
        Ok(Self { number, socket: socket.into(), is_ready: false })
    }

    /// Whether the helper says within `limit` that it takes questions.
    pub(super) fn becomes_ready(&mut self, limit: Duration) -> bool {
        if !self.is_ready && self.is_readable(limit) {
            self.is_ready = self.receive() == Ok(FromPam::Ready);
        }
        self.is_ready
    }

    /// Asks, and waits for the answer.
    pub(super) fn ask(&mut self, question: &ToPam) -> Result<PamAnswer, Fault> {
        let bytes = question.encode().map_err(|error| Fault::Garbled(error.to_string()))?;
        if !self.is_ready {
            self.hear_that_it_is_ready()?;
        }
        match send(self.socket.as_raw_fd(), &bytes, MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT) {
            Ok(_) => {}
            Err(Errno::EPIPE | Errno::ECONNRESET) => return Err(Fault::GoneBefore),
            Err(errno) => return Err(Fault::Garbled(errno.to_string())),
        }
        match self.receive()? {
            FromPam::Answer(answer) if answer.id == question.id => Ok(answer),
            frame @ (FromPam::Answer(_) | FromPam::Ready) => Err(Fault::Garbled(format!("it answers with {frame:?}"))),
        }
    }

    /// Whether the helper has ended.
    pub(super) fn is_dead(&self) -> bool {
        let mut line = [PollFd::new(self.socket.as_fd(), PollFlags::empty())];
        poll(&mut line, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }

    fn hear_that_it_is_ready(&mut self) -> Result<(), Fault> {
        match self.receive() {
            Ok(FromPam::Ready) => {
                self.is_ready = true;
                Ok(())
            }
            Ok(frame @ FromPam::Answer(_)) => Err(Fault::Garbled(format!("it begins with {frame:?}"))),
            Err(Fault::Gone) => Err(Fault::GoneBefore),
            Err(fault) => Err(fault),
        }
    }

    fn is_readable(&self, limit: Duration) -> bool {
        let mut line = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        poll(&mut line, PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX)).is_ok_and(|ready| ready > 0)
    }

    fn receive(&self) -> Result<FromPam, Fault> {
        let mut bytes = vec![0; MAX_ANSWER + 1];
        loop {
            match recv(self.socket.as_raw_fd(), &mut bytes, MsgFlags::empty()) {
                Err(Errno::EINTR) => {}
                Ok(0) => return Err(Fault::Gone),
                // Linux says so to the end whose words were still unread when the other one closed.
                Err(Errno::ECONNRESET) => return Err(Fault::GoneBefore),
                Ok(length) => {
                    return FromPam::decode(&bytes[..length]).map_err(|error| Fault::Garbled(error.to_string()));
                }
                Err(Errno::EAGAIN) => return Err(Fault::Silent),
                Err(errno) => return Err(Fault::Garbled(errno.to_string())),
            }
        }
    }
}
