//! Datagrams in batches: recvmmsg(2) and sendmmsg(2), with the kernel's trains of equal datagrams
//! (`UDP_GRO` and `UDP_SEGMENT`, udp(7)).
//!
//! Holds the only unsafe code of the datagram path: the two calls, and the descriptions that they read.
//! Knows nothing of SOCKS, associations or what a datagram says.

use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd};
use std::{array, fmt, mem, ptr};

use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};

/// Messages that one system call takes or gives.
pub(crate) const BATCH: usize = 32;

/// No UDP datagram and no train of them is longer (RFC 768: the length field has 16 bits).
const SLOT: usize = 65_536;

/// Room for what one system call receives. The pages of a slot are the kernel's until a datagram fills them.
pub(crate) struct Letterbox {
    slots: Vec<u8>,
    letters: Vec<Letter>,
}

/// What came in one message: a datagram, or a train of them from one sender.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Letter {
    pub(crate) from: SocketAddr,
    /// The length of each datagram of a train; the last one may be shorter.
    segment: usize,
    length: usize,
    slot: usize,
    pub(crate) is_cut: bool,
}

/// What goes out in one message.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) to: SocketAddr,
    pub(crate) parts: &'a [IoSlice<'a>],
    /// A train: the kernel cuts `parts` into datagrams of this many bytes.
    pub(crate) segment: Option<u16>,
}

impl Letterbox {
    pub(crate) fn new() -> Self {
        Self { slots: vec![0; BATCH * SLOT], letters: Vec::with_capacity(BATCH) }
    }

    /// Receives what is there in place of what was received before, and returns how many messages came: [`BATCH`] at most.
    ///
    /// # Errors
    /// Those of recvmmsg(2); `WouldBlock` when nothing is there.
    pub(crate) fn receive(&mut self, socket: &impl AsFd) -> io::Result<usize> {
        self.letters.clear();
        let mut names = [Name::EMPTY; BATCH];
        let mut notes = [Note::EMPTY; BATCH];
        let mut slots = self.slots.chunks_exact_mut(SLOT);
        let mut parts: [libc::iovec; BATCH] =
            array::from_fn(|_| part_of(slots.next().expect("there is a slot for each")));
        let mut headers: [libc::mmsghdr; BATCH] =
            array::from_fn(|i| header(&mut names[i], &raw mut parts[i], 1, Some(&mut notes[i])));
        let count = receive_into(socket, &mut headers)?;
        let received = headers.iter().zip(&names).zip(&notes).take(count).enumerate();
        self.letters.extend(received.filter_map(|(slot, ((header, name), note))| letter(slot, header, name, note)));
        Ok(count)
    }

    pub(crate) fn letters(&self) -> &[Letter] {
        &self.letters
    }

    /// The datagrams of one letter, in order.
    pub(crate) fn datagrams(&self, letter: &Letter) -> impl Iterator<Item = &[u8]> {
        let bytes = &self.slots[letter.slot * SLOT..][..letter.length];
        let empty = bytes.is_empty().then_some(bytes);
        bytes.chunks(letter.segment).chain(empty)
    }
}

impl fmt::Debug for Letterbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letterbox").field("letters", &self.letters).finish_non_exhaustive()
    }
}

impl Letter {
    /// How many datagrams came; an empty datagram is one, too.
    pub(crate) fn count(&self) -> usize {
        self.length.div_ceil(self.segment).max(1)
    }
}

/// Lets the kernel hand over several datagrams of one sender as a train; a kernel without `UDP_GRO` goes on one by one.
pub(crate) fn receive_trains(socket: &impl AsFd) {
    let _too_old = setsockopt(socket, sockopt::UdpGroSegment, &true);
}

/// Leaves the "don't fragment" bit off (ip(7), `IP_PMTUDISC_DONT`), because nobody here could act on a router's answer to it.
///
/// # Errors
/// Those of setsockopt(2), for instance on a socket that is not IPv4.
#[expect(unsafe_code, reason = "no crate of ours wraps IP_MTU_DISCOVER")]
pub(crate) fn allow_fragments(socket: &impl AsFd) -> io::Result<()> {
    let never = libc::IP_PMTUDISC_DONT;
    let length = libc::socklen_t::try_from(size_of_val(&never)).expect("it is the length of a C int");
    // SAFETY: the option is a C int, alive until after the call, and its length is said.
    let done = unsafe {
        let value = (&raw const never).cast();
        libc::setsockopt(socket.as_fd().as_raw_fd(), libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, value, length)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sends the first [`BATCH`] of `mail` without waiting and returns how many messages left.
///
/// # Errors
/// That of the first message; an error of a later one is not seen until it is the first.
pub(crate) fn send(socket: &impl AsFd, mail: &[Outgoing<'_>]) -> io::Result<usize> {
    let mail = &mail[..mail.len().min(BATCH)];
    let mut names: Vec<Name> = mail.iter().map(|outgoing| Name::of(outgoing.to)).collect();
    let mut notes: Vec<Option<Note>> = mail.iter().map(|outgoing| outgoing.segment.map(Note::cut_into)).collect();
    let described = mail.iter().zip(&mut names).zip(&mut notes);
    let mut headers: Vec<libc::mmsghdr> = described
        .map(|((outgoing, name), note)| {
            let parts = outgoing.parts.as_ptr().cast::<libc::iovec>().cast_mut();
            header(name, parts, outgoing.parts.len(), note.as_mut())
        })
        .collect();
    send_from(socket, &mut headers)
}

#[expect(unsafe_code, reason = "recvmmsg(2) is a foreign function")]
fn receive_into(socket: &impl AsFd, headers: &mut [libc::mmsghdr; BATCH]) -> io::Result<usize> {
    let fd = socket.as_fd().as_raw_fd();
    let most = u32::try_from(BATCH).expect("a batch is a small constant");
    // SAFETY: every header describes a name, one part and a note of the lengths it says, all alive and
    // exclusively borrowed in `Letterbox::receive` until after this call; a null timeout is allowed.
    let count = unsafe { libc::recvmmsg(fd, headers.as_mut_ptr(), most, libc::MSG_DONTWAIT, ptr::null_mut()) };
    usize::try_from(count).map_err(|_negative| io::Error::last_os_error())
}

#[expect(unsafe_code, reason = "sendmmsg(2) is a foreign function")]
fn send_from(socket: &impl AsFd, headers: &mut [libc::mmsghdr]) -> io::Result<usize> {
    let fd = socket.as_fd().as_raw_fd();
    let count = u32::try_from(headers.len()).expect("a batch is a small constant");
    // SAFETY: every header describes a name, parts and perhaps a note of the lengths it says, all alive in `send`
    // until after this call, which only reads them; std guarantees that IoSlice is laid out as iovec.
    let sent = unsafe { libc::sendmmsg(fd, headers.as_mut_ptr(), count, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) };
    usize::try_from(sent).map_err(|_negative| io::Error::last_os_error())
}

#[expect(unsafe_code, reason = "the padding of some C libraries' msghdr is private, so there is no literal for it")]
fn header(name: &mut Name, parts: *mut libc::iovec, count: usize, note: Option<&mut Note>) -> libc::mmsghdr {
    // SAFETY: mmsghdr is made of integers and raw pointers, for which zeros are a value.
    let mut header: libc::mmsghdr = unsafe { mem::zeroed() };
    header.msg_hdr.msg_namelen = name.length();
    header.msg_hdr.msg_name = ptr::from_mut(name).cast();
    header.msg_hdr.msg_iov = parts;
    header.msg_hdr.msg_iovlen = count as _;
    if let Some(note) = note {
        header.msg_hdr.msg_control = ptr::from_mut(note).cast();
        header.msg_hdr.msg_controllen = NOTE as _;
    }
    header
}

fn part_of(slot: &mut [u8]) -> libc::iovec {
    libc::iovec { iov_base: slot.as_mut_ptr().cast(), iov_len: slot.len() }
}

fn letter(slot: usize, header: &libc::mmsghdr, name: &Name, note: &Note) -> Option<Letter> {
    let length = usize::try_from(header.msg_len).expect("it is at most a slot");
    Some(Letter {
        from: name.address()?,
        segment: note.segment().unwrap_or(length).max(1),
        length,
        slot,
        is_cut: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
    })
}

/// The longer of `sockaddr_in` and `sockaddr_in6`.
const NAME: usize = size_of::<libc::sockaddr_in6>();

/// A `sockaddr_in` or `sockaddr_in6` as the kernel reads and writes it (ip(7), ipv6(7)).
#[repr(C, align(4))]
#[derive(Debug, Clone, Copy)]
struct Name([u8; NAME]);

impl Name {
    const EMPTY: Self = Self([0; NAME]);

    fn of(address: SocketAddr) -> Self {
        let mut name = Self::EMPTY;
        name.0[2..4].copy_from_slice(&address.port().to_be_bytes());
        match address {
            SocketAddr::V4(v4) => {
                name.set_family(libc::AF_INET);
                name.0[4..8].copy_from_slice(&v4.ip().octets());
            }
            SocketAddr::V6(v6) => {
                name.set_family(libc::AF_INET6);
                name.0[4..8].copy_from_slice(&v6.flowinfo().to_ne_bytes());
                name.0[8..24].copy_from_slice(&v6.ip().octets());
                name.0[24..28].copy_from_slice(&v6.scope_id().to_ne_bytes());
            }
        }
        name
    }

    fn address(&self) -> Option<SocketAddr> {
        let port = u16::from_be_bytes(self.field(2));
        match self.family() {
            libc::AF_INET => Some(SocketAddrV4::new(Ipv4Addr::from(self.field::<4>(4)), port).into()),
            libc::AF_INET6 => {
                let (flow, scope) = (u32::from_ne_bytes(self.field(4)), u32::from_ne_bytes(self.field(24)));
                Some(SocketAddrV6::new(Ipv6Addr::from(self.field::<16>(8)), port, flow, scope).into())
            }
            _ => None,
        }
    }

    /// What a sender says of a name, and the room that a receiver offers.
    fn length(&self) -> libc::socklen_t {
        let length = if self.family() == libc::AF_INET { size_of::<libc::sockaddr_in>() } else { NAME };
        libc::socklen_t::try_from(length).expect("it is 16 or 28")
    }

    fn family(&self) -> libc::c_int {
        u16::from_ne_bytes(self.field(0)).into()
    }

    fn set_family(&mut self, family: libc::c_int) {
        let family = libc::sa_family_t::try_from(family).expect("AF_INET and AF_INET6 are small");
        self.0[..2].copy_from_slice(&family.to_ne_bytes());
    }

    fn field<const N: usize>(&self, at: usize) -> [u8; N] {
        *self.0[at..].first_chunk().expect("the fields end within a sockaddr_in6")
    }
}

/// One control message of the kernel's layout (cmsg(3)): its length as a `size_t`, level and type, then a number.
#[repr(C, align(8))]
#[derive(Debug, Clone, Copy)]
struct Note([u8; NOTE]);

/// Room for one control message with a C int, whichever the size of a word.
const NOTE: usize = 24;

impl Note {
    const EMPTY: Self = Self([0; NOTE]);
    const LEVEL: usize = size_of::<usize>();
    const KIND: usize = Self::LEVEL + 4;
    const NUMBER: usize = Self::KIND + 4;

    /// Asks for a train to be cut into datagrams of `segment` bytes.
    fn cut_into(segment: u16) -> Self {
        let mut note = Self::EMPTY;
        note.put(0, &(Self::NUMBER + size_of::<u16>()).to_ne_bytes());
        note.put(Self::LEVEL, &libc::SOL_UDP.to_ne_bytes());
        note.put(Self::KIND, &libc::UDP_SEGMENT.to_ne_bytes());
        note.put(Self::NUMBER, &segment.to_ne_bytes());
        note
    }

    /// The length of each datagram of a received train, if the kernel left that note.
    fn segment(&self) -> Option<usize> {
        let is_train = self.int(Self::LEVEL) == libc::SOL_UDP && self.int(Self::KIND) == libc::UDP_GRO;
        is_train.then(|| usize::try_from(self.int(Self::NUMBER)).ok())?
    }

    fn int(&self, at: usize) -> libc::c_int {
        libc::c_int::from_ne_bytes(*self.0[at..].first_chunk().expect("the fields end within a note"))
    }

    fn put(&mut self, at: usize, field: &[u8]) {
        self.0[at..at + field.len()].copy_from_slice(field);
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use nix::errno::Errno;

    use super::*;

    #[test]
    fn a_name_is_read_as_it_was_written() {
        for address in ["192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1%3]:65535"] {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(Name::of(address).address(), Some(address));
        }
        assert_eq!(Name::EMPTY.address(), None);
    }

    #[test]
    fn a_train_is_cut_for_a_plain_receiver_and_stays_whole_for_one_that_takes_trains() {
        let (sender, plain, taker) = (loopback(), loopback(), loopback());
        receive_trains(&taker);
        for receiver in [&plain, &taker] {
            send_train(&sender, receiver, &[[b'a'; 100].as_slice(), &[b'b'; 100], &[b'c'; 40]].concat());
        }
        let mut letterbox = Letterbox::new();
        assert_eq!(lengths(&mut letterbox, &plain), [[100], [100], [40]].map(Vec::from));
        assert_eq!(lengths(&mut letterbox, &taker), [vec![100, 100, 40]]);
        assert!(letterbox.letters().iter().all(|letter| letter.from == sender.local_addr().unwrap() && !letter.is_cut));
    }

    #[test]
    fn an_empty_datagram_is_one_datagram() {
        let (sender, receiver) = (loopback(), loopback());
        sender.send_to(b"", receiver.local_addr().unwrap()).unwrap();
        let mut letterbox = Letterbox::new();
        assert_eq!(lengths(&mut letterbox, &receiver), [[0]].map(Vec::from));
        assert_eq!(letterbox.letters()[0].count(), 1);
    }

    #[test]
    fn an_empty_socket_makes_nobody_wait() {
        let error = Letterbox::new().receive(&loopback()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn the_error_is_that_of_the_first_message() {
        let (sender, receiver) = (loopback(), loopback());
        let [short, long] = [vec![0; 10], vec![0; 65_508]];
        let parts = [[IoSlice::new(&short)], [IoSlice::new(&long)]];
        let to = receiver.local_addr().unwrap();
        let mail = [0, 1].map(|which| Outgoing { to, parts: &parts[which], segment: None });
        assert_eq!(send(&sender, &mail).unwrap(), 1);
        assert_eq!(send(&sender, &mail[1..]).unwrap_err().raw_os_error(), Some(Errno::EMSGSIZE as i32));
    }

    /// The lengths of the datagrams of each letter.
    fn lengths(letterbox: &mut Letterbox, socket: &UdpSocket) -> Vec<Vec<usize>> {
        let count = letterbox.receive(socket).unwrap();
        assert_eq!(count, letterbox.letters().len());
        let letters = letterbox.letters().iter();
        letters.map(|letter| letterbox.datagrams(letter).map(<[u8]>::len).collect()).collect()
    }

    fn send_train(sender: &UdpSocket, receiver: &UdpSocket, bytes: &[u8]) {
        let parts = [IoSlice::new(bytes)];
        let train = Outgoing { to: receiver.local_addr().unwrap(), parts: &parts, segment: Some(100) };
        assert_eq!(send(sender, &[train]).unwrap(), 1);
    }

    fn loopback() -> UdpSocket {
        UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()
    }
}
