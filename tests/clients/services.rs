//! Small services of the target, in this process: each on a port of its own, until drop.
//!
//! Know nothing of proxies; they only tell who came.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::{fs, thread};

use nix::sys::socket::{Shutdown, shutdown};

use crate::host::Host;

/// A service at work on a host.
#[derive(Debug)]
pub(crate) struct Service {
    port: u16,
    socket: OwnedFd,
}

impl Service {
    /// The port it serves, over IPv4 and IPv6.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Wakes the thread that waits on this socket, and so ends it; only a socket that is gone refuses.
        let _ = shutdown(self.socket.as_raw_fd(), Shutdown::Both);
    }
}

/// HTTP: `GET /` answers with the caller's address, any other path with that file below `root`.
pub(crate) fn web(host: &Host, root: PathBuf) -> Service {
    stream_service(host, move |stream, caller| {
        let mut request = String::new();
        let mut reader = BufReader::new(stream.try_clone()?);
        while reader.read_line(&mut request)? > 2 {}
        let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
        let path = path.split('?').next().unwrap_or_default();
        match path {
            "" => respond(stream, "200 OK", caller.ip().to_canonical().to_string().as_bytes()),
            path => match fs::read(root.join(path)) {
                Ok(file) => respond(stream, "200 OK", &file),
                Err(_) => respond(stream, "404 Not Found", b""),
            },
        }
    })
}

/// TCP: sends everything back, but only after the caller has ended its sending.
pub(crate) fn patient_echo(host: &Host) -> Service {
    stream_service(host, |mut stream, _| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all)?;
        stream.write_all(&all)
    })
}

/// UDP: sends each datagram back to where it came from.
pub(crate) fn datagram_echo(host: &Host) -> Service {
    let socket = host.inside(|| UdpSocket::bind("[::]:0")).expect("port 0 is always free");
    let port = socket.local_addr().expect("it is bound").port();
    let held = socket.try_clone().expect("a descriptor is left").into();
    thread::spawn(move || {
        let mut datagram = vec![0; 65_536];
        while let Ok((length @ 1.., caller)) = socket.recv_from(&mut datagram) {
            if socket.send_to(&datagram[..length], caller).is_err() {
                break;
            }
        }
    });
    Service { port, socket: held }
}

/// Bytes without a period that a lost or doubled piece could hide in.
pub(crate) fn payload(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_u32;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn stream_service(
    host: &Host,
    serve: impl Fn(TcpStream, SocketAddr) -> io::Result<()> + Clone + Send + 'static,
) -> Service {
    let listener = host.inside(|| TcpListener::bind("[::]:0")).expect("port 0 is always free");
    let port = listener.local_addr().expect("it is bound").port();
    let held = listener.try_clone().expect("a descriptor is left").into();
    thread::spawn(move || {
        while let Ok((stream, caller)) = listener.accept() {
            let serve = serve.clone();
            // A caller that leaves early is seen by its test, not by the service.
            thread::spawn(move || drop(serve(stream, caller)));
        }
    });
    Service { port, socket: held }
}

fn respond(mut stream: TcpStream, status: &str, body: &[u8]) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(body)
}
