//! The worker's end of the line to its monitor.
//!
//! Knows the frames and who may send them, not what a worker does about them.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::prctl;
use nix::sys::signal::Signal;
use wire::{FrameError, ToMonitor, ToWorker};

use crate::channel::{Channel, Received, Wait};

/// The worker's end of the line.
///
/// The end of the line is the end of the worker: when [`receive`](Self::receive) says `None`, the monitor is gone, and with it whoever would
/// restart, stop or watch this process.
#[derive(Debug)]
pub struct Link(Channel);

/// The line is broken or was never there.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error(
        "standard input is not a monitor's socket; this role is started by the monitor, start the program without it"
    )]
    NoMonitor,
    #[error("cannot take over the monitor's socket")]
    Adopt {
        #[source]
        cause: io::Error,
    },
    #[error("cannot read from the monitor")]
    Receive {
        #[source]
        cause: io::Error,
    },
    #[error("cannot write to the monitor")]
    Send {
        #[source]
        cause: io::Error,
    },
    #[error("cannot read a frame of the monitor")]
    Frame(#[from] FrameError),
    #[error("{frame:?} came {} a descriptor", if frame.carries_descriptor() { "without" } else { "with" })]
    Descriptor { frame: ToWorker },
}

impl Link {
    /// Takes the line from where the monitor puts it: standard input, which then becomes `/dev/null`.
    ///
    /// It also asks the kernel to kill this process when the monitor dies, so that even a stalled worker does not hold the ports for ever.
    /// To be called once, first thing, by the thread that runs `main`.
    ///
    /// # Errors
    /// [`LinkError::NoMonitor`] if a person has started this role, [`LinkError::Adopt`] if the system refuses.
    pub fn adopt() -> Result<Self, LinkError> {
        let adopt = |cause| LinkError::Adopt { cause };
        let stdin = io::stdin().as_fd().try_clone_to_owned().map_err(adopt)?;
        let link = Self::from_descriptor(stdin)?;
        prctl::set_pdeathsig(Signal::SIGKILL).map_err(|cause| adopt(cause.into()))?;
        let nothing = File::open("/dev/null").map_err(adopt)?;
        nix::unistd::dup2_stdin(&nothing).map_err(|cause| adopt(cause.into()))?;
        Ok(link)
    }

    /// Takes one end of a `SOCK_SEQPACKET` pair; for tests that play the monitor.
    ///
    /// # Errors
    /// [`LinkError::NoMonitor`] if the descriptor is anything else.
    pub fn from_descriptor(descriptor: OwnedFd) -> Result<Self, LinkError> {
        Channel::from_descriptor(descriptor).map(Self).ok_or(LinkError::NoMonitor)
    }

    /// Waits for the next frame and the descriptor beside it; `None` when the monitor is gone.
    ///
    /// # Errors
    /// [`LinkError::Frame`] and [`LinkError::Descriptor`] for a frame that makes no sense.
    /// [`LinkError::Receive`] if the system refuses, with `WouldBlock` if the descriptor was made non-blocking and nothing waits.
    pub fn receive(&self) -> Result<Option<(ToWorker, Option<OwnedFd>)>, LinkError> {
        match self.0.receive(Wait::ForDatagram).map_err(|cause| LinkError::Receive { cause })? {
            Received::Datagram { bytes, mut descriptors } => understand(&bytes, descriptors.pop()).map(Some),
            Received::End => Ok(None),
            Received::Nothing => Err(LinkError::Receive { cause: io::ErrorKind::WouldBlock.into() }),
        }
    }

    /// Sends one frame; never blocks.
    ///
    /// # Errors
    /// [`LinkError::Send`], with `WouldBlock` if the monitor has not read for minutes.
    pub fn send(&self, frame: &ToMonitor) -> Result<(), LinkError> {
        self.0.send(&frame.encode(), None).map_err(|cause| LinkError::Send { cause })
    }

    /// The same with the descriptor that travels beside the frame.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_with(&self, frame: &ToMonitor, descriptor: BorrowedFd<'_>) -> Result<(), LinkError> {
        self.0.send(&frame.encode(), Some(descriptor)).map_err(|cause| LinkError::Send { cause })
    }

    /// A second handle of the same line: one thread receives, another sends heartbeats.
    ///
    /// # Errors
    /// [`LinkError::Adopt`] if no descriptor is left.
    pub fn try_clone(&self) -> Result<Self, LinkError> {
        self.0.try_clone().map(Self).map_err(|cause| LinkError::Adopt { cause })
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn understand(bytes: &[u8], descriptor: Option<OwnedFd>) -> Result<(ToWorker, Option<OwnedFd>), LinkError> {
    let frame = ToWorker::decode(bytes)?;
    if frame.carries_descriptor() == descriptor.is_some() {
        Ok((frame, descriptor))
    } else {
        Err(LinkError::Descriptor { frame })
    }
}

#[cfg(test)]
mod tests {
    use wire::DocumentKind;

    use super::*;

    const CONFIGURATION: ToWorker = ToWorker::Document { kind: DocumentKind::Configuration, generation: 1 };

    fn line() -> (Channel, Link) {
        let (monitor, worker) = Channel::pair().expect("a pair");
        (monitor, Link::from_descriptor(worker.into_descriptor()).expect("a link"))
    }

    #[test]
    fn frames_arrive_in_order_and_the_end_is_none() {
        let (monitor, link) = line();
        let null = File::open("/dev/null").expect("opened");
        monitor.send(&CONFIGURATION.encode(), Some(null.as_fd())).expect("sent");
        monitor.send(&ToWorker::Begin { replaces: 0 }.encode(), None).expect("sent");
        drop(monitor);

        let (frame, descriptor) = link.receive().expect("received").expect("a frame");
        assert_eq!((frame, descriptor.is_some()), (CONFIGURATION, true));
        assert!(matches!(link.receive(), Ok(Some((ToWorker::Begin { replaces: 0 }, None)))));
        assert!(matches!(link.receive(), Ok(None)));
    }

    #[test]
    fn a_missing_or_an_extra_descriptor_is_an_error() {
        let (monitor, link) = line();
        let null = File::open("/dev/null").expect("opened");
        monitor.send(&ToWorker::Listener { index: 0, thread: 0 }.encode(), None).expect("sent");
        monitor.send(&ToWorker::Begin { replaces: 0 }.encode(), Some(null.as_fd())).expect("sent");
        for words in ["came without a descriptor", "came with a descriptor"] {
            let error = link.receive().expect_err("refused");
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn a_person_who_starts_the_role_by_hand_is_told_so() {
        let null = File::open("/dev/null").expect("opened");
        let error = Link::from_descriptor(null.into()).expect_err("refused");
        assert!(error.to_string().contains("started by the monitor"), "{error}");
    }
}
