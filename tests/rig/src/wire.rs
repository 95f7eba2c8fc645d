//! One end of a TCP connection that waits for nothing longer than [`PATIENCE`].
//!
//! Knows no protocol; the verbs of SOCKS and HTTP are added to it in their own files.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

use crate::wait::PATIENCE;

/// Long enough for the other side to take one byte before the next one comes.
const BETWEEN_BYTES: Duration = Duration::from_millis(3);

/// One end of a TCP connection.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
}

/// How a stream came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The other side has finished sending (FIN).
    Closed,
    /// The other side gave up the connection (RST).
    Reset,
}

impl Wire {
    /// Opens a connection.
    #[must_use]
    pub fn connect(to: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&to, PATIENCE);
        Self::new(stream.unwrap_or_else(|error| panic!("cannot connect to {to}: {error}")))
    }

    /// Opens a connection from one of several local addresses.
    #[must_use]
    pub fn connect_from(source: IpAddr, to: SocketAddr) -> Self {
        let connected = Self::try_connect_from(source, to);
        connected.unwrap_or_else(|error| panic!("cannot connect from {source} to {to}: {error}"))
    }

    /// Opens a connection from one of several local addresses to a peer that may turn it away.
    ///
    /// # Errors
    /// The peer refused the connection, or gave it up while it was new.
    pub fn try_connect_from(source: IpAddr, to: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
        socket.bind(&SocketAddr::new(source, 0).into())?;
        socket.connect_timeout(&to.into(), PATIENCE)?;
        Ok(Self::new(socket.into()))
    }

    /// Takes over a connection that exists.
    #[must_use]
    pub fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("TCP_NODELAY can be set on a TCP socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("the limit is not zero");
        let wire = Self { stream };
        wire.wait_at_most(PATIENCE);
        wire
    }

    /// The address of this end.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.stream.local_addr().expect("a connected socket has an address")
    }

    /// The address of the other end.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.stream.peer_addr().expect("a connected socket has a peer")
    }

    /// The socket itself, for options and for threads that read while others write.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends all of it.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the other side reads");
    }

    /// Sends as much as the other side takes.
    ///
    /// # Errors
    /// The other side does not read, or has given up the connection.
    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends byte by byte, each in a segment of its own.
    pub fn send_bytewise(&mut self, bytes: &[u8]) {
        self.try_send_bytewise(bytes).expect("the other side reads");
    }

    /// Sends byte by byte, as much as the other side takes.
    ///
    /// # Errors
    /// The other side does not read, or has given up the connection.
    pub fn try_send_bytewise(&mut self, bytes: &[u8]) -> io::Result<()> {
        for byte in bytes {
            self.try_send(&[*byte])?;
            thread::sleep(BETWEEN_BYTES);
        }
        Ok(())
    }

    /// Sends one byte of urgent data (RFC 6093).
    pub fn send_urgent(&mut self, byte: u8) {
        SockRef::from(&self.stream).send_out_of_band(&[byte]).expect("the other side reads");
    }

    /// Finishes sending; the other direction stays open.
    pub fn finish(&self) {
        self.stream.shutdown(Shutdown::Write).expect("the connection is open");
    }

    /// Closes the connection; the address it came from still tells its session.
    #[must_use]
    pub fn leave(self) -> SocketAddr {
        self.local()
    }

    /// Gives the connection up: the other side sees a reset.
    pub fn reset(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).expect("SO_LINGER can be set on a TCP socket");
    }

    /// Exactly `N` bytes.
    #[must_use]
    pub fn receive<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// Exactly `count` bytes.
    #[must_use]
    pub fn receive_all(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.fill(&mut bytes);
        bytes
    }

    /// All that still comes, and how it ended.
    #[must_use]
    pub fn rest(&mut self) -> (Vec<u8>, End) {
        let mut bytes = Vec::new();
        match self.stream.read_to_end(&mut bytes) {
            Ok(_) => (bytes, End::Closed),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => (bytes, End::Reset),
            Err(error) => panic!("no end after {} bytes: {error}", bytes.len()),
        }
    }

    /// How the stream ends, with not one byte before its end.
    #[must_use]
    pub fn end(&mut self) -> End {
        let (bytes, end) = self.rest();
        assert!(bytes.is_empty(), "{} bytes came where the end should be: {}", bytes.len(), bytes.escape_ascii());
        end
    }

    /// Whether neither a byte nor an end comes for this long.
    #[must_use]
    pub fn is_silent_for(&self, time: Duration) -> bool {
        self.wait_at_most(time);
        let began = Instant::now();
        let peeked = self.stream.peek(&mut [0]);
        self.wait_at_most(PATIENCE);
        match peeked {
            Err(error) => error.kind() == ErrorKind::WouldBlock && began.elapsed() >= time / 2,
            Ok(_) => false,
        }
    }

    /// Up to `count` bytes, as far as they come in time, and the end if it came before them.
    ///
    /// For peers that may do anything.
    #[must_use]
    pub fn hear(&mut self, count: usize, within: Duration) -> (Vec<u8>, Option<End>) {
        let deadline = Instant::now() + within;
        let mut heard = Vec::new();
        while heard.len() < count {
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.wait_at_most(left);
            let mut room = vec![0; count - heard.len()];
            match self.stream.read(&mut room) {
                Ok(0) => return (heard, Some(End::Closed)),
                Ok(length) => heard.extend(&room[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return (heard, None),
                Err(_) => return (heard, Some(End::Reset)),
            }
        }
        self.wait_at_most(PATIENCE);
        (heard, None)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        let count = bytes.len();
        self.stream.read_exact(bytes).unwrap_or_else(|error| panic!("{count} bytes should come: {error}"));
    }

    fn wait_at_most(&self, limit: Duration) {
        self.stream.set_read_timeout(Some(limit)).expect("the limit is not zero");
    }
}
