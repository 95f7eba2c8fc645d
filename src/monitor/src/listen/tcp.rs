//! TCP listeners: one `SO_REUSEPORT` group per address, one socket per thread of the worker.
//!
//! The first socket takes the port alone, so that a second daemon on the same port fails clearly instead of stealing connections.
//! Only then is the port opened to the others of the group.
//! What remains: once the group is open, a process of the same effective uid could join it and get its share of the new connections (`socket(7)`).
//! With one thread there is no group and no such door.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

use crate::outcome::BindError;
use crate::plan::{Accepted, Plan};

/// The sockets of one address, and the address with the port that it really has.
pub(super) fn bind(address: SocketAddr, plan: &Plan) -> Result<(SocketAddr, Vec<Socket>), BindError> {
    group(address, plan).map_err(|cause| explain(address, cause))
}

fn group(address: SocketAddr, plan: &Plan) -> io::Result<(SocketAddr, Vec<Socket>)> {
    let first = prepared(address, plan.accepted)?;
    first.bind(&address.into())?;
    let address = first.local_addr()?.as_socket().unwrap_or(address);
    let mut sockets = vec![first];
    if plan.threads.get() > 1 {
        sockets[0].set_reuse_port(true)?;
    }
    for _ in 1..plan.threads.get() {
        sockets.push(sibling(address, plan)?);
    }
    let backlog = i32::try_from(plan.backlog).unwrap_or(i32::MAX);
    sockets.iter().try_for_each(|socket| socket.listen(backlog))?;
    Ok((address, sockets))
}

fn sibling(address: SocketAddr, plan: &Plan) -> io::Result<Socket> {
    let socket = prepared(address, plan.accepted)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// A socket with every option that it needs before it is bound, and every option that its connections shall inherit.
fn prepared(address: SocketAddr, accepted: Accepted) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    // Connections of an earlier run that linger in TIME_WAIT must not keep the port; a listening socket still does.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    bequeath(&socket, accepted)?;
    Ok(socket)
}

fn bequeath(socket: &Socket, accepted: Accepted) -> io::Result<()> {
    socket.set_tcp_nodelay(accepted.nodelay)?;
    socket.set_out_of_band_inline(accepted.oob_inline)?;
    if let Some(keepalive) = accepted.keepalive {
        let values = TcpKeepalive::new()
            .with_time(keepalive.idle)
            .with_interval(keepalive.interval)
            .with_retries(keepalive.probes);
        socket.set_tcp_keepalive(&values)?;
    }
    socket.set_tcp_user_timeout(accepted.user_timeout)
}

fn explain(address: SocketAddr, cause: io::Error) -> BindError {
    let kind = cause.kind();
    if kind == ErrorKind::AddrInUse {
        BindError::InUse { address }
    } else if kind == ErrorKind::AddrNotAvailable {
        BindError::NotHere { address }
    } else if kind == ErrorKind::PermissionDenied && address.port() < 1024 {
        BindError::Privileged { address }
    } else {
        BindError::Tcp { address, cause }
    }
}
