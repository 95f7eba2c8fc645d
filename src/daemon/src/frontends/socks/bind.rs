//! BIND (RFC 1928 section 4): listen for one peer, answer twice, relay.
//!
//! The first answer says where the peer can reach us, the second who came. A connection from anybody else than the
//! peer that the client named, or from where the client itself may not go, is reset, and the wait goes on.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;

use acl::{Destination, HostName};
use socket2::{Domain, Socket, Type};
use socks::Request;
use tokio::net::{TcpListener, TcpStream};

use super::Regime;
use super::farewell::{Next, refuse};
use super::inbox::Inbox;
use crate::engine::relay::pump::Pair;
use crate::engine::sys::accepting::is_this_connection_only;
use crate::engine::sys::stream::{Stream, unmapped};
use crate::engine::sys::{interfaces, ports};
use crate::state::session::ending::Ending;
use crate::state::session::judge::{Judge, destination};
use crate::state::session::refusal::Refusal;

/// Peers whose connections may wait while one is looked at.
const BACKLOG: i32 = 4;

#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// What clients are told instead of the address that is listened on, by family.
    pub(crate) advertised: config::Advertised,
    pub(crate) ports: Option<RangeInclusive<u16>>,
    /// Where to listen instead of where the route to the peer begins.
    pub(crate) exit_v4: Option<Ipv4Addr>,
    pub(crate) exit_v6: Option<Ipv6Addr>,
}

/// Who may come.
#[derive(Debug)]
enum Awaited {
    Anybody,
    /// Under this name, if the client named one.
    OneOf(Option<HostName>, Arc<[IpAddr]>),
}

/// Why there is no pair to relay.
enum Failed {
    Refused(Refusal),
    Left(Ending),
}

pub(super) async fn bind<'s>(
    regime: &Regime,
    judge: &Judge<'s>,
    mut client: Inbox,
    request: Request,
    options: &Options,
) -> Next<'s> {
    match wait_for_peer(regime, judge, &mut client, &request, options).await {
        Ok(peer) => {
            let (client, early) = client.into_parts();
            Next::Relay(Pair { client, upstream: Stream::Tcp(peer), early, endurance: regime.dialer.endurance() })
        }
        Err(Failed::Refused(refusal)) => refuse(client, &request, refusal).await,
        Err(Failed::Left(how)) => Next::Nothing(how),
    }
}

async fn wait_for_peer(
    regime: &Regime,
    judge: &Judge<'_>,
    client: &mut Inbox,
    request: &Request,
    options: &Options,
) -> Result<TcpStream, Failed> {
    let session = judge.session();
    let awaited = awaited(regime, judge, &destination(&request.target)?).await?;
    let listener = listen(regime, &awaited, client, request.target.port, options)?;
    let here = listener.local_addr().map_err(|_| Refusal::Internal)?;
    let told = SocketAddr::new(options.advertised.like(here.ip()).unwrap_or(here.ip()), here.port());
    session.facts().exit = Some(told);
    client.send(request.dialect.granted(told).as_bytes()).await.map_err(Failed::Left)?;
    let limit = session.snapshot.lifetimes.bind;
    let arrival = tokio::select! {
        biased;
        arrival = tokio::time::timeout(limit, first_welcome(&listener, &awaited, judge)) => arrival,
        how = client.left() => return Err(Failed::Left(how)),
    };
    let (peer, address) = arrival.map_err(|_elapsed| Refusal::NoPeer)??;
    session.facts().peer = Some(address);
    client.send(request.dialect.granted(address).as_bytes()).await.map_err(Failed::Left)?;
    Ok(peer)
}

/// An unspecified address awaits anybody.
async fn awaited(regime: &Regime, judge: &Judge<'_>, destination: &Destination) -> Result<Awaited, Refusal> {
    match destination {
        Destination::Address(ip) if ip.is_unspecified() => Ok(Awaited::Anybody),
        Destination::Address(ip) => judge.awaited(None, *ip).map(|_| Awaited::OneOf(None, Arc::new([*ip]))),
        Destination::Name(name) => {
            let addresses = regime.dialer.resolve(judge.session(), name, |ip| judge.awaited(Some(name), ip)).await?;
            Ok(Awaited::OneOf(Some(name.clone()), addresses))
        }
    }
}

/// Listens where the peer will come from; the port that the client asks for is a wish.
fn listen(
    regime: &Regime,
    awaited: &Awaited,
    client: &Inbox,
    wish: u16,
    options: &Options,
) -> Result<TcpListener, Refusal> {
    let ip = listening_address(awaited, client, options)?;
    let is_fit = wish >= 1024 && options.ports.as_ref().is_none_or(|ports| ports.contains(&wish));
    let open = |port| open(regime, SocketAddr::new(ip, port));
    if let Some(listener) = is_fit.then(|| open(wish).ok()).flatten() {
        return Ok(listener);
    }
    ports::first_free(options.ports.clone(), open)
}

fn listening_address(awaited: &Awaited, client: &Inbox, options: &Options) -> Result<IpAddr, Refusal> {
    let local = client.stream.local_address().map(|address| address.ip());
    let is_like_client = |peer: &&IpAddr| local.is_some_and(|local| local.is_ipv4() == peer.is_ipv4());
    let peer = match awaited {
        Awaited::Anybody => None,
        Awaited::OneOf(_, peers) => peers.iter().find(is_like_client).or(peers.first()).copied(),
    };
    let exit = match peer.or(local) {
        Some(IpAddr::V4(_)) => options.exit_v4.map(IpAddr::V4),
        Some(IpAddr::V6(_)) => options.exit_v6.map(IpAddr::V6),
        None => None,
    };
    exit.or_else(|| peer.and_then(interfaces::towards)).or(local).ok_or(Refusal::NetworkUnreachable)
}

fn open(regime: &Regime, address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking().cloexec(), None)?;
    // Otherwise the last BIND on this port would keep it for a minute (TIME_WAIT); a second listener is refused all the same.
    socket.set_reuse_address(true)?;
    // Linux hands the options on to whoever is accepted.
    regime.dialer.dress(&socket)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

async fn first_welcome(
    listener: &TcpListener,
    awaited: &Awaited,
    judge: &Judge<'_>,
) -> Result<(TcpStream, SocketAddr), Refusal> {
    loop {
        let (peer, address) = match listener.accept().await {
            Err(error) if is_this_connection_only(&error) => continue,
            accepted => accepted.map_err(|_| Refusal::OutOfResources)?,
        };
        let address = unmapped(address);
        if awaited.welcomes(address.ip()) && judge.address(awaited.name(), address.ip(), address.port()).is_ok() {
            return Ok((peer, address));
        }
        tracing::debug!(session = %judge.session().id, "an uninvited peer came to a BIND");
        Stream::Tcp(peer).abort();
    }
}

impl Awaited {
    fn welcomes(&self, peer: IpAddr) -> bool {
        match self {
            Self::Anybody => true,
            Self::OneOf(_, peers) => peers.contains(&peer),
        }
    }

    fn name(&self) -> Option<&HostName> {
        match self {
            Self::Anybody => None,
            Self::OneOf(name, _) => name.as_ref(),
        }
    }
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
