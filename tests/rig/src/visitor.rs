//! A client that goes to an echoing target once and tells how it went instead of panicking: for tests in which things break.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::socks5::{CONNECT, NO_AUTHENTICATION, greeting, rep, request};
use crate::wait::PATIENCE;

/// A visit that the proxy said yes to; if it ended well, what was sent came back, and then the end.
#[derive(Debug, Clone, Copy)]
pub struct Visit {
    pub client: SocketAddr,
    /// From the first SYN to the proxy's reply.
    pub until_reply: Duration,
}

/// A visit that did not.
#[derive(Debug)]
pub enum Failure {
    /// Nobody took the connection.
    NotConnected(io::Error),
    /// The proxy said no, with this code.
    Refused(u8),
    /// The connection broke before the proxy's reply.
    Broken(io::Error),
    /// The proxy had said yes, and then the connection broke, or something else came than what should.
    CutOff(Visit, io::Error),
}

/// Goes through `proxy` to `target` and has `payload` echoed.
///
/// # Errors
/// Whatever stood in the way.
pub fn visit(proxy: SocketAddr, target: SocketAddr, payload: &[u8]) -> Result<Visit, Failure> {
    let began = Instant::now();
    let mut stream = TcpStream::connect_timeout(&proxy, PATIENCE).map_err(Failure::NotConnected)?;
    let client = stream.local_addr().map_err(Failure::Broken)?;
    let code = ask(&mut stream, target).map_err(Failure::Broken)?;
    let until_reply = began.elapsed();
    if code != rep::SUCCEEDED {
        return Err(Failure::Refused(code));
    }
    let visit = Visit { client, until_reply };
    have_echoed(&mut stream, payload).map_err(|error| Failure::CutOff(visit, error))?;
    Ok(visit)
}

fn ask(stream: &mut TcpStream, target: SocketAddr) -> io::Result<u8> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&greeting(&[NO_AUTHENTICATION]))?;
    let mut choice = [0; 2];
    stream.read_exact(&mut choice)?;
    stream.write_all(&request(CONNECT, target))?;
    // The address of the reply is IPv4, as all targets here are.
    let mut reply = [0; 10];
    stream.read_exact(&mut reply)?;
    Ok(reply[1])
}

fn have_echoed(stream: &mut TcpStream, payload: &[u8]) -> io::Result<()> {
    stream.write_all(payload)?;
    stream.shutdown(Shutdown::Write)?;
    let mut echoed = Vec::with_capacity(payload.len());
    stream.read_to_end(&mut echoed)?;
    if echoed == payload { Ok(()) } else { Err(io::Error::other(format!("{} bytes came back", echoed.len()))) }
}

/// Visits one after the other, until they are told to stop.
#[derive(Debug)]
pub struct Visitors {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Result<Visit, Failure>>>,
}

impl Visitors {
    /// Begins to visit.
    #[must_use]
    pub fn come(proxy: SocketAddr, target: SocketAddr) -> Self {
        Self::come_every(Duration::ZERO, proxy, target)
    }

    /// Begins to visit, once in so long on average.
    #[must_use]
    pub fn come_every(pause: Duration, proxy: SocketAddr, target: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut visits = Vec::new();
            let mut next = Instant::now();
            while !told.load(Relaxed) {
                visits.push(visit(proxy, target, b"visit"));
                next += pause;
                thread::sleep(next.saturating_duration_since(Instant::now()));
            }
            visits
        });
        Self { stop, thread }
    }

    /// How every visit went.
    #[must_use]
    pub fn stop(self) -> Vec<Result<Visit, Failure>> {
        self.stop.store(true, Relaxed);
        self.thread.join().expect("a visitor does not panic")
    }
}
