//! The line to the worker: one datagram is one frame.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::{Errno, retry_on_intr};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType};
use wire::{FrameError, MAX_FRAME, ToPam};
use zeroize::Zeroizing;

/// This end of a `SOCK_SEQPACKET` pair; the worker has the other one.
#[derive(Debug)]
pub(crate) struct Line(OwnedFd);

/// The line is broken or was never there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    #[error(
        "standard input is not a worker's socket; the monitor of rustsocks starts this program, it is of no use by itself"
    )]
    NoWorker,
    #[error("cannot take over the worker's socket: {0}")]
    Adopt(io::Error),
    #[error("cannot read from the worker: {0}")]
    Receive(Errno),
    #[error("cannot write to the worker: {0}")]
    Send(Errno),
    #[error(transparent)]
    Frame(#[from] FrameError),
}

impl Line {
    /// Takes the line from where the monitor puts it: standard input, which then becomes `/dev/null`,
    /// so that no module and no program that a module starts can speak on it.
    pub(crate) fn adopt() -> Result<Self, LineError> {
        let line = Self::from_descriptor(io::stdin().as_fd().try_clone_to_owned().map_err(LineError::Adopt)?)?;
        let nothing = File::open("/dev/null").map_err(LineError::Adopt)?;
        rustix::stdio::dup2_stdin(&nothing).map_err(|errno| LineError::Adopt(errno.into()))?;
        Ok(line)
    }

    fn from_descriptor(descriptor: OwnedFd) -> Result<Self, LineError> {
        let is_unix = rustix::net::sockopt::socket_domain(&descriptor) == Ok(AddressFamily::UNIX);
        let keeps_boundaries = rustix::net::sockopt::socket_type(&descriptor) == Ok(SocketType::SEQPACKET);
        if is_unix && keeps_boundaries { Ok(Self(descriptor)) } else { Err(LineError::NoWorker) }
    }

    /// Waits for the next question; `None` when the worker is gone.
    pub(crate) fn receive(&self) -> Result<Option<ToPam>, LineError> {
        let mut bytes = Zeroizing::new([0; MAX_FRAME + 1]);
        let received = retry_on_intr(|| rustix::net::recv(&self.0, &mut bytes[..], RecvFlags::empty()));
        match received {
            // The worker died with an answer unread.
            Ok((0, _)) | Err(Errno::CONNRESET) => Ok(None),
            Ok((length, _)) => Ok(Some(ToPam::decode(&bytes[..length])?)),
            Err(errno) => Err(LineError::Receive(errno)),
        }
    }

    /// Sends a frame; a worker that is gone is not told.
    pub(crate) fn send(&self, frame: &[u8]) -> Result<(), LineError> {
        match retry_on_intr(|| rustix::net::send(&self.0, frame, SendFlags::NOSIGNAL)) {
            Ok(_) | Err(Errno::PIPE | Errno::CONNRESET) => Ok(()),
            Err(errno) => Err(LineError::Send(errno)),
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::net::{SocketFlags, socketpair};
    use wire::Proof;

    use super::*;

    fn line() -> (OwnedFd, Line) {
        let (worker, ours) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).expect("a pair");
        (worker, Line::from_descriptor(ours).expect("a line"))
    }

    #[test]
    fn a_question_arrives_and_then_the_end_does() {
        let (worker, line) = line();
        let question = ToPam {
            id: 1,
            service: 0,
            user: "u".to_owned(),
            remote_user: "r".to_owned(),
            remote_host: None,
            proof: Proof::Address,
        };
        rustix::net::send(&worker, &question.encode().expect("encoded"), SendFlags::empty()).expect("sent");
        assert_eq!(line.receive().expect("received"), Some(question));
        drop(worker);
        assert_eq!(line.receive().expect("received"), None);
        line.send(b"too late").expect("nobody cares");
    }

    #[test]
    fn a_worker_that_died_with_an_answer_unread_is_gone() {
        let (worker, line) = line();
        line.send(b"never read").expect("sent");
        drop(worker);
        assert_eq!(line.receive().expect("received"), None);
    }

    #[test]
    fn nonsense_is_an_error() {
        let (worker, line) = line();
        for nonsense in [&b"x"[..], &[0; MAX_FRAME + 1]] {
            rustix::net::send(&worker, nonsense, SendFlags::empty()).expect("sent");
            assert!(matches!(line.receive(), Err(LineError::Frame(_))));
        }
    }

    #[test]
    fn a_person_who_starts_it_by_hand_is_told_so() {
        let nothing = File::open("/dev/null").expect("opened");
        assert!(matches!(Line::from_descriptor(nothing.into()), Err(LineError::NoWorker)));
    }
}
