//! The client's side of SOCKS5 (RFC 1928), as bytes and, without authentication, as blocking calls.
//!
//! The bytes are written out by hand, so that the load does not lean on the code it measures.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddrV4, TcpStream},
};

/// One method offered: none (§3).
pub(crate) const GREETING: [u8; 3] = [5, 1, 0];
/// The server's choice of that method (§3).
pub(crate) const CHOICE: [u8; 2] = [5, 0];
/// One method offered: name and password, and the server's choice of it.
pub(crate) const GREETING_WITH_PASSWORD: [u8; 3] = [5, 1, 2];
pub(crate) const CHOICE_OF_PASSWORD: [u8; 2] = [5, 2];
/// Who logs in, where the load is about logins.
pub(crate) const USER: (&str, &str) = ("bench", "correct horse");
/// The right name and password are answered so (RFC 1929 §2).
pub(crate) const LOGGED_IN: [u8; 2] = [1, 0];
/// The head of a UDP datagram is as long as a request: RSV, FRAG, ATYP, address, port (§7).
pub(crate) const UDP_HEAD: usize = 10;
/// A reply with an IPv4 address (§6).
pub(crate) const REPLY: usize = 10;

#[derive(Debug, Clone, Copy)]
enum Command {
    Connect = 1,
    UdpAssociate = 3,
}

/// Name and password of [`USER`] (RFC 1929 §2).
pub(crate) fn login() -> Vec<u8> {
    login_as(USER.0)
}

/// This name with the password of [`USER`].
pub(crate) fn login_as(name: &str) -> Vec<u8> {
    let (_, password) = USER;
    let counted = |text: &str| {
        let length = u8::try_from(text.len()).expect("names here are short");
        [&[length], text.as_bytes()].concat()
    };
    [vec![1], counted(name), counted(password)].concat()
}

/// A CONNECT request (§4).
pub(crate) fn connect_request(target: SocketAddrV4) -> [u8; 10] {
    request(Command::Connect, target)
}

/// The head of each datagram for `target` (§7).
pub(crate) fn udp_head(target: SocketAddrV4) -> [u8; UDP_HEAD] {
    let mut head = with_address(target);
    head[..3].fill(0);
    head
}

/// The address in a reply, or why the proxy refused. Only IPv4 addresses are understood: the load uses no others.
pub(crate) fn reply_address(reply: [u8; REPLY]) -> io::Result<SocketAddrV4> {
    let [5, code, _, kind, a, b, c, d, high, low] = reply else {
        return Err(unexpected("the proxy's reply is not SOCKS5"));
    };
    match (code, kind) {
        (0, 1) => Ok(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low]))),
        (0, _) => Err(unexpected("the proxy's reply has no IPv4 address")),
        (code, _) => Err(unexpected(&format!("the proxy refused with code {code}"))),
    }
}

/// Connects to the target and waits for each answer.
pub(crate) fn connect(entry: SocketAddrV4, target: SocketAddrV4) -> io::Result<TcpStream> {
    let mut stream = greet(entry)?;
    stream.write_all(&connect_request(target))?;
    read_reply(&mut stream)?;
    Ok(stream)
}

/// An association: the connection that holds it open, and where its datagrams go.
pub(crate) fn associate(entry: SocketAddrV4) -> io::Result<(TcpStream, SocketAddrV4)> {
    let mut stream = greet(entry)?;
    // §7: all zeros when the client does not yet know where it will send from.
    stream.write_all(&request(Command::UdpAssociate, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)))?;
    let relay = read_reply(&mut stream)?;
    Ok((stream, relay))
}

/// What the proxy sent was not what the protocol allows.
pub(crate) fn unexpected(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn greet(entry: SocketAddrV4) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(entry)?;
    stream.set_nodelay(true)?;
    stream.write_all(&GREETING)?;
    let mut choice = [0; CHOICE.len()];
    stream.read_exact(&mut choice)?;
    if choice == CHOICE { Ok(stream) } else { Err(unexpected("the proxy wants another method than none")) }
}

fn read_reply(stream: &mut TcpStream) -> io::Result<SocketAddrV4> {
    let mut reply = [0; REPLY];
    stream.read_exact(&mut reply)?;
    reply_address(reply)
}

fn request(command: Command, target: SocketAddrV4) -> [u8; 10] {
    let mut bytes = with_address(target);
    bytes[0] = 5;
    bytes[1] = command as u8;
    bytes
}

/// Three bytes left to the caller, then ATYP 1, the address and the port.
fn with_address(target: SocketAddrV4) -> [u8; 10] {
    let [a, b, c, d] = target.ip().octets();
    let [high, low] = target.port().to_be_bytes();
    [0, 0, 0, 1, a, b, c, d, high, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0x1234);

    #[test]
    fn requests_and_heads_are_those_of_rfc_1928() {
        assert_eq!(connect_request(TARGET), [5, 1, 0, 1, 127, 0, 0, 1, 0x12, 0x34]);
        assert_eq!(udp_head(TARGET), [0, 0, 0, 1, 127, 0, 0, 1, 0x12, 0x34]);
    }

    #[test]
    fn a_refusal_carries_its_code() {
        assert_eq!(reply_address([5, 0, 0, 1, 127, 0, 0, 1, 0x12, 0x34]).unwrap(), TARGET);
        let refusal = reply_address([5, 2, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap_err();
        assert_eq!(refusal.to_string(), "the proxy refused with code 2");
    }
}
