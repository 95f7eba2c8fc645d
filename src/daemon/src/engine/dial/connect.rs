//! One attempt at one address: a socket, its options, connect(2), and what its failure means to the client.
//!
//! Knows nothing of names, rules or deadlines; dropping the attempt closes its socket.

use std::io;
use std::net::SocketAddr;

use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::TcpSocket;

use super::Connected;
use super::options::{Options, SmallWrites};
use crate::state::session::refusal::Refusal;

/// Connects to `target`, which has been judged.
pub(super) async fn attempt(target: SocketAddr, options: &Options) -> Result<Connected, Refusal> {
    let socket = prepared(target, options)?;
    let stream = socket.connect(target).await.map_err(|error| refused(&error, target))?;
    let exit = stream.local_addr().map_err(|error| refused(&error, target))?;
    Ok(Connected { stream, peer: target, exit })
}

fn prepared(target: SocketAddr, options: &Options) -> Result<TcpSocket, Refusal> {
    // Port 0 is reserved (RFC 6335 section 6): nobody can listen there, so nobody needs to be asked.
    if target.port() == 0 {
        return Err(Refusal::HostUnreachable);
    }
    let socket = match target {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let socket = socket.map_err(|error| refused(&error, target))?;
    dress(&socket, options).map_err(|error| refused(&error, target))?;
    leave_by(&socket, target, options)?;
    Ok(socket)
}

/// Gives a TCP socket the options of every connection to a target from its beginning, except its address.
pub(super) fn dress<'s>(socket: impl Into<SockRef<'s>>, options: &Options) -> io::Result<()> {
    let kernel = socket.into();
    // RFC 6093 section 4: urgent data belongs into the stream, where the relay carries it like any other byte.
    kernel.set_out_of_band_inline(true)?;
    if options.small_writes == SmallWrites::AtOnce {
        kernel.set_tcp_nodelay(true)?;
    }
    if let Some(interface) = &options.interface {
        kernel.bind_device(Some(interface.as_bytes()))?;
    }
    if let Some(mark) = options.mark {
        kernel.set_mark(mark)?;
    }
    Ok(())
}

/// Whether this process may give marks, asked before the first client does.
pub(super) fn try_mark(mark: u32) -> io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_mark(mark).map_err(|error| {
        io::Error::other(format!(
            "outbound.mark cannot be set ({error}): it takes CAP_NET_RAW since Linux 5.17, which the worker keeps of root's for it; \
             without it, match the worker's user in the firewall (meta skuid) and in routing (ip rule uidrange)"
        ))
    })
}

/// Binds the exit address but no port: connect(2) then picks one that is free towards this target,
/// so that one exit address serves more connections than there are ports (ip(7), `IP_BIND_ADDRESS_NO_PORT`).
fn leave_by(socket: &TcpSocket, target: SocketAddr, options: &Options) -> Result<(), Refusal> {
    let Some(exit) = options.exit_for(target.ip()) else { return Ok(()) };
    setsockopt(socket, sockopt::IpBindAddressNoPort, &true).map_err(|errno| refused(&errno.into(), target))?;
    socket.bind(SocketAddr::new(exit, 0)).map_err(|error| match error.raw_os_error() {
        // The exit address is not (or no longer) on this host: as good as no route.
        Some(libc::EADDRNOTAVAIL) => Refusal::NetworkUnreachable,
        _ => refused(&error, target),
    })
}

/// What an error of socket(2), setsockopt(2) or connect(2) means to the client.
fn refused(error: &io::Error, target: SocketAddr) -> Refusal {
    match error.raw_os_error() {
        Some(libc::ECONNREFUSED | libc::ECONNRESET) => Refusal::ConnectionRefused,
        // Blackhole routes answer EINVAL (ip-route(8)).
        Some(libc::ENETUNREACH | libc::ENETDOWN | libc::EAFNOSUPPORT | libc::EINVAL) => Refusal::NetworkUnreachable,
        // IPv6 says so where it has no source address at all; IPv4 only when every ephemeral port is in use.
        Some(libc::EADDRNOTAVAIL) if target.is_ipv6() => Refusal::NetworkUnreachable,
        // A firewall's or the host's own word by ICMP: "prohibited" is EHOSTUNREACH in IPv4 and EACCES in IPv6.
        Some(libc::EHOSTUNREACH | libc::EHOSTDOWN | libc::EACCES | libc::ENONET | libc::ENOPROTOOPT | libc::EPROTO) => {
            Refusal::HostUnreachable
        }
        Some(libc::ETIMEDOUT) => Refusal::TimedOut,
        Some(errno) if is_shortage(errno) => Refusal::OutOfResources,
        _ => ours(error),
    }
}

/// No descriptors, no memory, or no ports that are free towards this target.
fn is_shortage(errno: i32) -> bool {
    let descriptors = [libc::EMFILE, libc::ENFILE];
    let memory = [libc::ENOBUFS, libc::ENOMEM, libc::EAGAIN];
    let ports = [libc::EADDRNOTAVAIL, libc::EADDRINUSE];
    descriptors.contains(&errno) || memory.contains(&errno) || ports.contains(&errno)
}

/// What is left is no word about the target: the operator has to know the kernel's own.
fn ours(error: &io::Error) -> Refusal {
    tracing::warn!(%error, "the kernel or our own options prevent a connection");
    Refusal::Internal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_the_kernel_has_one_meaning() {
        check(libc::ECONNREFUSED, Refusal::ConnectionRefused);
        check(libc::ECONNRESET, Refusal::ConnectionRefused);
        check(libc::ENETUNREACH, Refusal::NetworkUnreachable);
        check(libc::ENETDOWN, Refusal::NetworkUnreachable);
        check(libc::EAFNOSUPPORT, Refusal::NetworkUnreachable);
        check(libc::EHOSTUNREACH, Refusal::HostUnreachable);
        check(libc::EHOSTDOWN, Refusal::HostUnreachable);
        check(libc::EACCES, Refusal::HostUnreachable);
        check(libc::ETIMEDOUT, Refusal::TimedOut);
        check(libc::EMFILE, Refusal::OutOfResources);
        check(libc::ENFILE, Refusal::OutOfResources);
        check(libc::ENOBUFS, Refusal::OutOfResources);
        check(libc::ENOMEM, Refusal::OutOfResources);
        check(libc::EPERM, Refusal::Internal);
        check(libc::ENODEV, Refusal::Internal);
    }

    #[test]
    fn no_address_is_a_missing_family_for_ipv6_and_missing_ports_for_ipv4() {
        let error = io::Error::from_raw_os_error(libc::EADDRNOTAVAIL);
        assert_eq!(refused(&error, "[2001:db8::1]:80".parse().unwrap()), Refusal::NetworkUnreachable);
        assert_eq!(refused(&error, "192.0.2.1:80".parse().unwrap()), Refusal::OutOfResources);
    }

    fn check(errno: i32, expected: Refusal) {
        for target in ["192.0.2.1:80", "[2001:db8::1]:80"] {
            let error = io::Error::from_raw_os_error(errno);
            assert_eq!(refused(&error, target.parse().unwrap()), expected, "{error} at {target}");
        }
    }
}
