//! The target of most loads: sends back whatever it is sent, and closes when its peer does.
//!
//! One thread for all connections; it ends with its handle.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddrV4, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use nix::sys::epoll::EpollFlags;
use socket2::{Domain, Socket, Type};

use crate::poller::{Event, Poller, Ready};

/// Several ports, so that a proxy's own ports towards them do not run short.
const PORTS: usize = 16;

/// A running target.
#[derive(Debug)]
pub(crate) struct EchoTarget {
    addresses: Vec<SocketAddrV4>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl EchoTarget {
    pub(crate) fn start() -> io::Result<Self> {
        let listeners = (0..PORTS).map(|_| listener()).collect::<io::Result<Vec<_>>>()?;
        let addresses = listeners.iter().map(address).collect::<io::Result<_>>()?;
        let ended = Arc::new(AtomicBool::new(false));
        let echoes = Echoes::over(listeners)?;
        let thread = thread::spawn({
            let ended = Arc::clone(&ended);
            move || echoes.serve(&ended)
        });
        Ok(Self { addresses, ended, thread: Some(thread) })
    }

    pub(crate) fn addresses(&self) -> &[SocketAddrV4] {
        &self.addresses
    }
}

impl Drop for EchoTarget {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let panicked = self.thread.take().is_some_and(|thread| thread.join().is_err());
        assert!(!panicked || thread::panicking(), "the echo target panicked");
    }
}

/// A listener on a free port of 127.0.0.1, its backlog long enough for thousands of connects at once.
pub(crate) fn listener() -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0).into())?;
    socket.listen(4096)?;
    Ok(socket)
}

/// Where a socket of IPv4 is bound.
pub(crate) fn address(socket: &Socket) -> io::Result<SocketAddrV4> {
    Ok(socket.local_addr()?.as_socket_ipv4().expect("the socket was made for IPv4"))
}

struct Echoes {
    poller: Poller,
    listeners: Vec<Socket>,
    /// By number, from `PORTS` on; numbers of closed connections are used again.
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    buffer: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    /// What could not be sent back yet; while there is any, nothing more is read.
    owed: Vec<u8>,
}

enum Next {
    Keep,
    Close,
}

impl Echoes {
    fn over(listeners: Vec<Socket>) -> io::Result<Self> {
        let poller = Poller::new()?;
        for (number, listener) in listeners.iter().enumerate() {
            poller.watch(listener, number, EpollFlags::EPOLLIN)?;
        }
        Ok(Self { poller, listeners, connections: Vec::new(), free: Vec::new(), buffer: vec![0; 64 * 1024] })
    }

    fn serve(mut self, ended: &AtomicBool) {
        let mut ready = Ready::default();
        while !ended.load(Ordering::Relaxed) {
            let events = self.poller.wait(&mut ready, Duration::from_millis(50)).expect("the set is valid");
            for event in events {
                self.step(event);
            }
        }
    }

    fn step(&mut self, event: Event) {
        match event.number.checked_sub(PORTS) {
            None => self.accept(event.number),
            Some(slot) => {
                if let Some(connection) = &mut self.connections[slot]
                    && matches!(connection.echo(&self.poller, event.number, &mut self.buffer), Ok(Next::Close) | Err(_))
                {
                    self.connections[slot] = None;
                    self.free.push(slot);
                }
            }
        }
    }

    fn accept(&mut self, listener: usize) {
        while let Ok((socket, _)) = self.listeners[listener].accept() {
            // A connection that is reset before it is set up has no one left to tell.
            drop(self.admit(socket));
        }
    }

    fn admit(&mut self, socket: Socket) -> io::Result<()> {
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        let slot = self.free.pop().unwrap_or(self.connections.len());
        if slot == self.connections.len() {
            self.connections.push(None);
        }
        self.poller.watch(&socket, slot + PORTS, EpollFlags::EPOLLIN)?;
        self.connections[slot] = Some(Connection { stream: socket.into(), owed: Vec::new() });
        Ok(())
    }
}

impl Connection {
    fn echo(&mut self, poller: &Poller, number: usize, buffer: &mut [u8]) -> io::Result<Next> {
        if !self.owed.is_empty() {
            return self.pay(poller, number);
        }
        match (&self.stream).read(buffer) {
            Ok(0) => Ok(Next::Close),
            Ok(count) => self.send(&buffer[..count], poller, number),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Next::Keep),
            Err(error) => Err(error),
        }
    }

    fn send(&mut self, bytes: &[u8], poller: &Poller, number: usize) -> io::Result<Next> {
        let sent = write_some(&self.stream, bytes)?;
        if sent < bytes.len() {
            self.owed = bytes[sent..].to_vec();
            poller.change(&self.stream, number, EpollFlags::EPOLLOUT)?;
        }
        Ok(Next::Keep)
    }

    fn pay(&mut self, poller: &Poller, number: usize) -> io::Result<Next> {
        let sent = write_some(&self.stream, &self.owed)?;
        self.owed.drain(..sent);
        if self.owed.is_empty() {
            self.owed = Vec::new();
            poller.change(&self.stream, number, EpollFlags::EPOLLIN)?;
        }
        Ok(Next::Keep)
    }
}

fn write_some(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match stream.write(bytes) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Shutdown;

    use super::*;

    #[test]
    fn a_megabyte_comes_back_whole_and_the_end_is_passed_on() {
        let target = EchoTarget::start().unwrap();
        let sent: Vec<u8> = (0..1_048_576_u32).map(|at| at.to_le_bytes()[at as usize % 3]).collect();
        for address in [target.addresses()[0], target.addresses()[PORTS - 1]] {
            let stream = TcpStream::connect(address).unwrap();
            let mut received = Vec::new();
            thread::scope(|scope| {
                scope.spawn(|| {
                    (&stream).write_all(&sent).unwrap();
                    stream.shutdown(Shutdown::Write).unwrap();
                });
                (&stream).read_to_end(&mut received).unwrap();
            });
            assert!(received == sent);
        }
    }
}
