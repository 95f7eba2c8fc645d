//! One connection through a proxy that never blocks: connect, greeting, request, open.
//!
//! Its owner watches the socket, edge-triggered, and passes events in.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddrV4, TcpStream},
};

use nix::sys::{
    epoll::EpollFlags,
    socket::{setsockopt, sockopt::IpBindAddressNoPort},
};
use socket2::{Domain, Socket, Type};

use crate::{
    contender::{Login, Route},
    poller::Event,
    socks,
};

/// A connection on its way to `target`.
#[derive(Debug)]
pub(crate) struct Client {
    pub stream: TcpStream,
    stage: Stage,
    target: SocketAddrV4,
    inbox: [u8; socks::REPLY],
    received: usize,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// The TCP connection is under way; a direct one is open as soon as it is there.
    Connecting(Route),
    Greeted(Login),
    LoggingIn,
    Requested,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Waiting,
    /// The connection carries bytes from here on.
    Open,
}

impl Client {
    /// What to watch for.
    pub(crate) const INTEREST: EpollFlags = EpollFlags::EPOLLIN.union(EpollFlags::EPOLLOUT).union(EpollFlags::EPOLLET);

    /// Begins to connect. `number` spreads the connections over source addresses, so that ports which wait out
    /// their `TIME_WAIT` (RFC 9293 §3.6.1) do not run short.
    pub(crate) fn start(route: Route, target: SocketAddrV4, number: usize) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        setsockopt(&socket, IpBindAddressNoPort, &true)?;
        socket.bind(&source(number).into())?;
        let first = match route {
            Route::Direct => target,
            Route::Through { entry, .. } => entry,
        };
        match socket.connect(&first.into()) {
            Err(error) if error.raw_os_error() != Some(nix::libc::EINPROGRESS) => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let stage = Stage::Connecting(route);
        Ok(Self { stream: socket.into(), stage, target, inbox: [0; socks::REPLY], received: 0 })
    }

    /// Goes as far as the event allows.
    pub(crate) fn advance(&mut self, event: Event) -> io::Result<Progress> {
        match self.stage {
            Stage::Connecting(route) => self.connected(route),
            Stage::Greeted(login) => self.greeted(login, event),
            Stage::LoggingIn => self.logging_in(event),
            Stage::Requested => self.requested(event),
        }
    }

    fn connected(&mut self, route: Route) -> io::Result<Progress> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match route {
            Route::Direct => Ok(Progress::Open),
            Route::Through { login, .. } => {
                self.stage = Stage::Greeted(login);
                let greeting = match login {
                    Login::Nobody => socks::GREETING,
                    Login::Password => socks::GREETING_WITH_PASSWORD,
                };
                send(&self.stream, &greeting)
            }
        }
    }

    fn greeted(&mut self, login: Login, event: Event) -> io::Result<Progress> {
        let (choice, next) = match login {
            Login::Nobody => (socks::CHOICE, socks::connect_request(self.target).to_vec()),
            Login::Password => (socks::CHOICE_OF_PASSWORD, socks::login()),
        };
        let stage = match login {
            Login::Nobody => Stage::Requested,
            Login::Password => Stage::LoggingIn,
        };
        self.answered(choice, stage, &next, event)
    }

    fn logging_in(&mut self, event: Event) -> io::Result<Progress> {
        let request = socks::connect_request(self.target);
        self.answered(socks::LOGGED_IN, Stage::Requested, &request, event)
    }

    /// Waits for the two bytes that are expected, and goes on to the next stage by saying what comes next.
    fn answered(&mut self, expected: [u8; 2], stage: Stage, next: &[u8], event: Event) -> io::Result<Progress> {
        if !self.has_read(expected.len(), event)? {
            return Ok(Progress::Waiting);
        }
        if self.inbox[..expected.len()] != expected {
            return Err(socks::unexpected("the proxy chose another method, or refused the login"));
        }
        self.received = 0;
        self.stage = stage;
        send(&self.stream, next)
    }

    fn requested(&mut self, event: Event) -> io::Result<Progress> {
        if !self.has_read(socks::REPLY, event)? {
            return Ok(Progress::Waiting);
        }
        socks::reply_address(self.inbox).map(|_| Progress::Open)
    }

    /// Reads what is missing of an answer of `length` bytes, and not a byte more: the rest belongs to the target.
    fn has_read(&mut self, length: usize, event: Event) -> io::Result<bool> {
        if !event.is_readable() {
            return Ok(false);
        }
        match (&self.stream).read(&mut self.inbox[self.received..length]) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.received += count;
                Ok(self.received == length)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A few bytes on a connection that has sent almost nothing always fit into its send buffer.
fn send(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<Progress> {
    stream.write_all(bytes).map(|()| Progress::Waiting)
}

/// One of 200 addresses of the loopback network.
fn source(number: usize) -> SocketAddrV4 {
    let host = u8::try_from(number % 200).expect("a remainder of 200 fits") + 1;
    SocketAddrV4::new(Ipv4Addr::new(127, 0, 1, host), 0)
}
