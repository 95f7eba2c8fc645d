//! Datagrams with descriptors beside them, over a `SOCK_SEQPACKET` pair.
//!
//! Knows nothing of what the datagrams mean.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, RecvMsg, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use wire::{MAX_FRAME, MAX_SOCKETS};

/// Room for the descriptors beside one datagram.
const SPACE: usize = rustix::cmsg_space!(ScmRights(MAX_SOCKETS));

/// One end of the pair.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

/// What came in one receive.
#[derive(Debug)]
pub(crate) enum Received {
    Datagram {
        bytes: Vec<u8>,
        descriptors: Vec<OwnedFd>,
    },
    /// Nothing waits at the moment.
    Nothing,
    /// The other end is closed and everything that it had sent has been read.
    End,
}

/// Whether a receive may block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    ForDatagram,
    Never,
}

impl Channel {
    /// Both ends of a new pair, each closed on exec.
    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let (one, other) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok((Self(one), Self(other)))
    }

    /// Takes over a descriptor if it is one end of such a pair.
    pub(crate) fn from_descriptor(descriptor: OwnedFd) -> Option<Self> {
        let is_unix = rustix::net::sockopt::socket_domain(&descriptor) == Ok(AddressFamily::UNIX);
        let keeps_boundaries = rustix::net::sockopt::socket_type(&descriptor) == Ok(SocketType::SEQPACKET);
        (is_unix && keeps_boundaries).then_some(Self(descriptor))
    }

    pub(crate) fn into_descriptor(self) -> OwnedFd {
        self.0
    }

    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// Never blocks: `WouldBlock` says that the other side does not read.
    pub(crate) fn send(&self, bytes: &[u8], descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
        self.send_with(bytes, descriptor.as_slice())
    }

    /// The same with up to [`MAX_SOCKETS`] descriptors.
    pub(crate) fn send_with(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); SPACE];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "too many descriptors beside one datagram"));
        }
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        rustix::io::retry_on_intr(|| rustix::net::sendmsg(&self.0, &[IoSlice::new(bytes)], &mut control, flags))?;
        Ok(())
    }

    /// Receives one datagram and the descriptors beside it.
    ///
    /// # Errors
    /// `InvalidData` if the datagram was longer than a frame, or if a descriptor was lost because this process may not open another one.
    pub(crate) fn receive(&self, wait: Wait) -> io::Result<Received> {
        let mut bytes = vec![0; MAX_FRAME];
        let mut space = [MaybeUninit::uninit(); SPACE];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let message = match self.receive_into(&mut bytes, &mut control, wait) {
            Err(Errno::AGAIN) => return Ok(Received::Nothing),
            other => other?,
        };
        let descriptors = descriptors(&mut control);
        if message.bytes == 0 {
            return Ok(Received::End);
        }
        complain_if_cut(message.flags)?;
        bytes.truncate(message.bytes);
        Ok(Received::Datagram { bytes, descriptors })
    }

    fn receive_into(
        &self,
        bytes: &mut [u8],
        control: &mut RecvAncillaryBuffer<'_>,
        wait: Wait,
    ) -> Result<RecvMsg, Errno> {
        let flags = match wait {
            Wait::ForDatagram => RecvFlags::CMSG_CLOEXEC,
            Wait::Never => RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT,
        };
        loop {
            match rustix::net::recvmsg(&self.0, &mut [IoSliceMut::new(bytes)], control, flags) {
                // ECONNRESET is said once, if the other side left frames unread; what it had sent itself still waits behind.
                Err(Errno::INTR | Errno::CONNRESET) => {}
                other => return other,
            }
        }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn descriptors(control: &mut RecvAncillaryBuffer<'_>) -> Vec<OwnedFd> {
    let mut found = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            found.extend(descriptors);
        }
    }
    found
}

fn complain_if_cut(flags: ReturnFlags) -> io::Result<()> {
    let cut = if flags.contains(ReturnFlags::TRUNC) {
        "a datagram longer than a frame"
    } else if flags.contains(ReturnFlags::CTRUNC) {
        "a descriptor beside a frame was lost: the limit of open files is reached"
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::InvalidData, cut))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Seek, Write};

    use super::*;

    fn datagram(channel: &Channel) -> (Vec<u8>, Option<OwnedFd>) {
        match channel.receive(Wait::Never).expect("received") {
            Received::Datagram { bytes, mut descriptors } => (bytes, descriptors.pop()),
            other @ (Received::Nothing | Received::End) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_descriptor_travels_beside_its_datagram_only() {
        let (one, other) = Channel::pair().expect("a pair");
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"text").expect("written");
        file.rewind().expect("rewound");
        one.send(b"with", Some(file.as_fd())).expect("sent");
        one.send(b"without", None).expect("sent");

        let (bytes, descriptor) = datagram(&other);
        let mut text = String::new();
        File::from(descriptor.expect("a descriptor")).read_to_string(&mut text).expect("read");
        assert_eq!((bytes.as_slice(), text.as_str()), (&b"with"[..], "text"));
        let (bytes, descriptor) = datagram(&other);
        assert_eq!((bytes.as_slice(), descriptor.is_none()), (&b"without"[..], true));
    }

    #[test]
    fn last_words_are_heard_although_the_speaker_left_something_unread() {
        let (one, other) = Channel::pair().expect("a pair");
        one.send(b"never read", None).expect("sent");
        other.send(b"last words", None).expect("sent");
        drop(other);
        assert_eq!(datagram(&one).0, b"last words");
        assert!(matches!(one.receive(Wait::ForDatagram), Ok(Received::End)));
    }

    #[test]
    fn a_reader_that_does_not_read_never_blocks_the_writer() {
        let (one, other) = Channel::pair().expect("a pair");
        assert!(matches!(other.receive(Wait::Never), Ok(Received::Nothing)));
        let full = (0..100_000).find_map(|_| one.send(&[0; 1000], None).err()).expect("a queue has an end");
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_datagram_longer_than_a_frame_is_refused() {
        let (one, other) = Channel::pair().expect("a pair");
        one.send(&[0; MAX_FRAME + 1], None).expect("sent");
        let refused = other.receive(Wait::Never).expect_err("too long");
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn only_a_seqpacket_socket_is_taken_over() {
        let (one, _other) = Channel::pair().expect("a pair");
        let (stream, _other) = std::os::unix::net::UnixStream::pair().expect("a pair");
        let file = tempfile::tempfile().expect("a file");
        assert!(Channel::from_descriptor(one.into_descriptor()).is_some());
        assert!(Channel::from_descriptor(stream.into()).is_none());
        assert!(Channel::from_descriptor(file.into()).is_none());
    }
}
