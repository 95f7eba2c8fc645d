//! What a proxy is asked to connect to: listeners that a test accepts from, ports where nobody is, and hosts that never answer.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

use crate::socks5::{CONNECT, greeted, rep};
use crate::wait::{PATIENCE, found};
use crate::wire::Wire;

/// A stream in which nothing moves for so long is stalled; it must be within the second time.
const STANDSTILL: Duration = Duration::from_millis(500);
const STALL: Duration = Duration::from_mins(1);

/// Proves within a test's patience that a SYN goes unanswered.
const UNANSWERED: Duration = Duration::from_millis(250);

/// A listener from which the test accepts.
#[derive(Debug)]
pub struct Target {
    listener: TcpListener,
}

impl Target {
    /// Listens on 127.0.0.1.
    #[must_use]
    pub fn listen() -> Self {
        Self::listen_on(Ipv4Addr::LOCALHOST.into())
    }

    /// Listens on a port of this address.
    #[must_use]
    pub fn listen_on(ip: IpAddr) -> Self {
        Self::at(SocketAddr::new(ip, 0)).unwrap_or_else(|error| panic!("cannot listen on {ip}: {error}"))
    }

    /// Two that listen on the same port, each of its own address.
    #[must_use]
    pub fn pair_on(ips: [IpAddr; 2]) -> [Self; 2] {
        let pair = || {
            let first = Self::listen_on(ips[0]);
            // Somebody else may have the port there.
            let second = Self::at(SocketAddr::new(ips[1], first.addr().port())).ok()?;
            Some([first, second])
        };
        found(PATIENCE, pair).expect("a port that is free on both addresses")
    }

    fn at(address: SocketAddr) -> io::Result<Self> {
        TcpListener::bind(address).map(|listener| Self { listener })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.listener.local_addr().expect("a listener has an address")
    }

    /// The next connection.
    #[must_use]
    pub fn accept(&self) -> Wire {
        self.accept_within(PATIENCE).expect("a connection should come")
    }

    /// Whether no connection comes for this long.
    #[must_use]
    pub fn is_left_alone_for(&self, time: Duration) -> bool {
        self.accept_within(time).is_none()
    }

    /// Serves every connection in a thread of its own, for as long as the process lives.
    pub fn serve(self, service: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> SocketAddr {
        let address = self.addr();
        thread::spawn(move || {
            for stream in self.listener.incoming().flatten() {
                let service = service.clone();
                thread::spawn(move || service(stream));
            }
        });
        address
    }

    // accept(2) heeds the receive timeout (socket(7)).
    fn accept_within(&self, limit: Duration) -> Option<Wire> {
        SockRef::from(&self.listener).set_read_timeout(Some(limit)).expect("the limit is not zero");
        match self.listener.accept() {
            Ok((stream, _)) => Some(Wire::new(stream)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("cannot accept: {error}"),
        }
    }
}

/// Sends back what it gets; ends when the other side ends.
pub fn echo(mut stream: TcpStream) {
    let mut room = vec![0; 1 << 16];
    while let Ok(length @ 1..) = stream.read(&mut room) {
        if stream.write_all(&room[..length]).is_err() {
            return;
        }
    }
}

/// A target that sends without end to whoever connects, and knows how much the kernel took.
#[derive(Debug)]
pub struct Endless {
    address: SocketAddr,
    sent: Arc<AtomicU64>,
}

impl Endless {
    /// Listens on 127.0.0.1.
    #[must_use]
    pub fn listen() -> Self {
        let sent = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&sent);
        let address = Target::listen().serve(move |mut stream| {
            let bytes = vec![b'.'; 1 << 16];
            while let Ok(length) = stream.write(&bytes) {
                counter.fetch_add(length as u64, Relaxed);
            }
        });
        Self { address, sent }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns once something was sent and nothing more has been taken for a while: every buffer on the way is full.
    pub fn wait_until_stalled(&self) {
        let deadline = Instant::now() + STALL;
        let mut last = 0;
        loop {
            thread::sleep(STANDSTILL);
            let now = self.sent.load(Relaxed);
            if now > 0 && now == last {
                return;
            }
            assert!(Instant::now() < deadline, "{now} bytes went to clients that do not read");
            last = now;
        }
    }
}

/// Both ends of a connection through `proxy`: the client's and the target's.
#[must_use]
pub fn tunnel(proxy: SocketAddr) -> (Wire, Wire) {
    let target = Target::listen();
    let mut client = greeted(proxy);
    let reply = client.ask(CONNECT, target.addr());
    assert_eq!(reply.code, rep::SUCCEEDED, "CONNECT to {} should succeed", target.addr());
    (client, target.accept())
}

/// An address where nobody listens and nobody will, as long as this lives.
#[derive(Debug)]
pub struct Vacant {
    socket: Socket,
}

impl Vacant {
    /// A port of 127.0.0.1.
    #[must_use]
    pub fn port() -> Self {
        Self { socket: bound(Ipv4Addr::LOCALHOST.into()) }
    }

    /// The address that refuses.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        address(&self.socket)
    }
}

/// An address that answers no SYN: a listener whose queue is full and stays so.
#[derive(Debug)]
pub struct Unanswering {
    listener: Socket,
    waiting: Vec<TcpStream>,
}

impl Unanswering {
    /// A port of this address.
    #[must_use]
    pub fn on(ip: IpAddr) -> Self {
        let listener = bound(ip);
        listener.listen(0).expect("a bound socket can listen");
        let mut unanswering = Self { listener, waiting: Vec::new() };
        while let Ok(stream) = TcpStream::connect_timeout(&unanswering.addr(), UNANSWERED) {
            unanswering.waiting.push(stream);
        }
        unanswering
    }

    /// The address that does not answer.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        address(&self.listener)
    }
}

fn bound(ip: IpAddr) -> Socket {
    let at = SocketAddr::new(ip, 0);
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, None).expect("a socket can be had");
    socket.bind(&at.into()).unwrap_or_else(|error| panic!("no port on {ip}: {error}"));
    socket
}

fn address(socket: &Socket) -> SocketAddr {
    let address = socket.local_addr().expect("a bound socket has an address");
    address.as_socket().expect("a TCP socket has an IP address")
}
