//! Datagrams of one size in batches: recvmmsg(2) and `UDP_GRO` on the way in, `UDP_SEGMENT` on the way out (udp(7)).
//!
//! Knows nothing of SOCKS. Where the kernel has no segmentation, everything still works, one by one.

use std::{
    io::{self, IoSliceMut},
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    os::fd::{AsFd, AsRawFd},
    time::Duration,
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{
        MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, setsockopt,
        sockopt::{UdpGroSegment, UdpGsoSegment},
    },
};
use socket2::{Domain, Socket, Type};

/// How many (possibly merged) datagrams one call takes in.
const SLOTS: usize = 32;
/// The largest UDP payload, and so the largest merged one.
const SLOT: usize = 65_535;
/// `UDP_MAX_SEGMENTS` of kernels before 6.9; later ones allow 128.
const SEGMENTS: usize = 64;
/// Asked for; the kernel caps it at `rmem_max` and `wmem_max`.
const SOCKET_BUFFER: usize = 4 << 20;

/// A socket of 127.0.0.1 whose datagrams are all `size` bytes long.
#[derive(Debug)]
pub(crate) struct Endpoint {
    socket: UdpSocket,
    size: usize,
    /// How many datagrams go into one call.
    batch: usize,
}

/// Room for what one call takes in. It holds raw pointers between calls, so it stays on the thread that made it.
#[derive(Debug)]
pub(crate) struct Inbox {
    headers: MultiHeaders<SockaddrIn>,
    slots: Vec<Vec<u8>>,
}

impl Default for Inbox {
    fn default() -> Self {
        Self { headers: MultiHeaders::preallocate(SLOTS, None), slots: vec![vec![0; SLOT]; SLOTS] }
    }
}

impl Endpoint {
    pub(crate) fn bind(size: usize) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
        socket.bind(&SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0).into())?;
        socket.set_recv_buffer_size(SOCKET_BUFFER)?;
        socket.set_send_buffer_size(SOCKET_BUFFER)?;
        let batch = if can_segment(&socket, size) { SEGMENTS.min(SLOT / size) } else { 1 };
        Ok(Self { socket: socket.into(), size, batch })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddrV4> {
        Ok(socket2::SockRef::from(&self.socket).local_addr()?.as_socket_ipv4().expect("the socket was made for IPv4"))
    }

    /// Sends whole datagrams, laid end to end.
    pub(crate) fn send(&self, datagrams: &[u8], to: SocketAddrV4) -> io::Result<()> {
        datagrams.chunks(self.batch * self.size).try_for_each(|batch| self.socket.send_to(batch, to).map(drop))
    }

    /// Waits up to `limit` (whole milliseconds) for a datagram, and hands out all that are there: whole ones, laid end to end,
    /// with their sender. A datagram of another size is dropped. False when nothing came in time.
    pub(crate) fn receive(
        &self,
        inbox: &mut Inbox,
        limit: Duration,
        mut each: impl FnMut(&[u8], SocketAddrV4),
    ) -> io::Result<bool> {
        if self.take(inbox, &mut each)? {
            return Ok(true);
        }
        let limit = PollTimeout::from(u16::try_from(limit.as_millis()).unwrap_or(u16::MAX));
        match poll(&mut [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)], limit) {
            Ok(0) | Err(Errno::EINTR) => Ok(false),
            Ok(_) => self.take(inbox, &mut each),
            Err(error) => Err(error.into()),
        }
    }

    fn take(&self, inbox: &mut Inbox, each: &mut impl FnMut(&[u8], SocketAddrV4)) -> io::Result<bool> {
        let mut slots: Vec<_> = inbox.slots.iter_mut().map(|slot| [IoSliceMut::new(slot)]).collect();
        let fd = self.socket.as_raw_fd();
        let batch = match recvmmsg(fd, &mut inbox.headers, &mut slots, MsgFlags::MSG_DONTWAIT, None) {
            // A datagram that met a closed port is reported here, as ECONNREFUSED; it is a lost one.
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNREFUSED) => return Ok(false),
            outcome => outcome?,
        };
        for message in batch {
            let Some(sender) = message.address else { continue };
            for bytes in message.iovs().filter(|bytes| bytes.len() % self.size == 0) {
                each(bytes, SocketAddrV4::new(sender.ip(), sender.port()));
            }
        }
        Ok(true)
    }
}

fn can_segment(socket: &Socket, size: usize) -> bool {
    let size = i32::try_from(size).expect("a datagram is smaller than 64 KiB");
    setsockopt(socket, UdpGroSegment, &true).is_ok() && setsockopt(socket, UdpGsoSegment, &size).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_arrives_whole_in_order_and_says_who_sent_it() {
        for size in [10, 64, 1200] {
            let (sender, receiver) = (Endpoint::bind(size).unwrap(), Endpoint::bind(size).unwrap());
            let sent: Vec<u8> = (0..100_u8).flat_map(|number| vec![number; size]).collect();
            sender.send(&sent, receiver.address().unwrap()).unwrap();
            let (mut inbox, mut arrived) = (Inbox::default(), Vec::new());
            while arrived.len() < sent.len() {
                let expected = sender.address().unwrap();
                let more = receiver.receive(&mut inbox, Duration::from_secs(5), |bytes, from| {
                    assert_eq!(from, expected);
                    arrived.extend_from_slice(bytes);
                });
                assert!(more.unwrap(), "only {} of {} bytes came", arrived.len(), sent.len());
            }
            assert!(arrived == sent, "{size}");
        }
    }

    #[test]
    fn a_datagram_of_another_size_is_dropped() {
        let (sender, receiver) = (Endpoint::bind(63).unwrap(), Endpoint::bind(64).unwrap());
        sender.send(&[1; 63], receiver.address().unwrap()).unwrap();
        let mut handed_out = 0;
        assert!(receiver.receive(&mut Inbox::default(), Duration::from_secs(5), |_, _| handed_out += 1).unwrap());
        assert_eq!(handed_out, 0);
    }
}
