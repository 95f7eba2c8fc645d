//! UDP ASSOCIATE (RFC 1928 §4 and §7): a relay for datagrams that lives as long as the connection that asked for it.
//!
//! Knows nothing of datagrams; it opens the association, tells the client where it is, and watches the control connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use acl::HostName;
use config::{ClientAddress, Replies};
use socks::{Failure, Request};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};

use super::farewell::see_off;
use super::inbox::Inbox;
use crate::engine::dial::Dialer;
use crate::engine::relay::udp::client::{Client, OtherAddress};
use crate::engine::relay::udp::drops::Totals;
use crate::engine::relay::udp::names::{Directory, Lookup};
use crate::engine::relay::udp::{Association, Exit, Means};
use crate::engine::sys::stream::Stream;
use crate::state::limits::bandwidth::way::{Direction, Way};
use crate::state::session::course::Stage;
use crate::state::session::ending::{ByPeer, Ending};
use crate::state::session::facts::Origin;
use crate::state::session::flows::Flows;
use crate::state::session::judge::Judge;
use crate::state::session::refusal::Refusal;
use crate::state::session::ticket::Session;

/// How many buffers of junk on the control connection are read before other tasks have their turn.
const JUNK_READS: usize = 8;

/// What the operator says of UDP, for one listener.
#[derive(Debug)]
pub(crate) struct Options {
    /// What clients are told instead of the address that they reached us by.
    pub(crate) advertised_v4: Option<Ipv4Addr>,
    pub(crate) advertised_v6: Option<Ipv6Addr>,
    /// The ports that clients are told to send to; any without a range.
    pub(crate) ports: Option<RangeInclusive<u16>>,
    pub(crate) client_address: ClientAddress,
    pub(crate) replies: Replies,
    /// Peers that one association remembers.
    pub(crate) max_peers: usize,
    pub(crate) exit: Exit,
    /// Where what associations drop is added up.
    pub(crate) drops: Arc<Totals>,
}

/// Serves a client from its complete request to the end of its control connection.
/// Dropping the future closes everything at once and leaves the remark in the session's facts.
pub(crate) async fn serve(
    session: &Arc<Session>,
    mut control: Stream,
    request: &Request,
    judge: Judge<'_>,
    dialer: &Dialer,
    options: &Options,
) -> Ending {
    let names = Names { dialer, session };
    let association = match open(judge, &control, request, &names, options) {
        Ok(association) => association,
        Err(no) => return turn_away(session, control, request, no).await,
    };
    let mut served = Served { session, association };
    let Ok(relay) = served.association.address() else {
        return turn_away(session, control, request, No::Refused(Refusal::Internal)).await;
    };
    let bound = options.advertise(relay);
    session.facts().exit = Some(bound);
    if control.write_all(request.dialect.granted(bound).as_bytes()).await.is_err() {
        return Ending::ClientLeft;
    }
    session.enter(Stage::Datagrams);
    std::future::poll_fn(|cx| served.poll(&mut control, cx)).await
}

fn open<'a>(
    judge: Judge<'a>,
    control: &Stream,
    request: &Request,
    directory: &'a dyn Directory,
    options: &'a Options,
) -> Result<Association<'a>, No> {
    let session = judge.session();
    // Without addresses there is neither a place to bind nor a sender to expect.
    let (Origin::Address(from), Some(reached)) = (session.origin(), control.local_address()) else {
        return Err(No::Refused(Refusal::CommandOff));
    };
    let client = Client::announced(&request.target, from.ip(), options.client_address)
        .map_err(|OtherAddress| No::OtherAddress)?;
    let means = Means {
        judge,
        directory,
        up: Way::new(session, Direction::Up),
        down: Way::new(session, Direction::Down),
        flows: session.flows.get_or_init(|| Box::new(Flows::new(options.max_peers))),
        exit: &options.exit,
        replies: options.replies,
        max_peers: options.max_peers,
        totals: &options.drops,
    };
    Association::open(means, client, reached, options.ports.clone()).map_err(No::Refused)
}

/// Answers that there is no association. A client that `udp.client_address = "strict"` does not believe is told X'02',
/// not allowed, and the log says why.
async fn turn_away(session: &Session, control: Stream, request: &Request, no: No) -> Ending {
    let (failure, ending) = match no {
        No::Refused(refusal) => (refusal.reply(), Ending::Refused(refusal)),
        No::OtherAddress => {
            session.facts().remark = Some("announced another address than its own".into());
            (Failure::NotAllowed, Ending::ClientViolation)
        }
    };
    see_off(Inbox::new(control), request.dialect.failed(failure).as_bytes()).await;
    ending
}

/// Why there is no association.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum No {
    Refused(Refusal),
    /// The client announced an address that it does not come from, and the operator wants it right.
    OtherAddress,
}

impl Options {
    /// What the client is told of a relay that is bound there.
    fn advertise(&self, relay: SocketAddr) -> SocketAddr {
        let advertised = match relay.ip() {
            IpAddr::V4(_) => self.advertised_v4.map(IpAddr::from),
            IpAddr::V6(_) => self.advertised_v6.map(IpAddr::from),
        };
        SocketAddr::new(advertised.unwrap_or(relay.ip()), relay.port())
    }
}

/// The dialer's names, asked on behalf of one session; the association judges every address it gets.
struct Names<'a> {
    dialer: &'a Dialer,
    session: &'a Session,
}

impl Directory for Names<'_> {
    fn look_up(&self, name: HostName) -> Lookup<'_> {
        Box::pin(async move { self.dialer.addresses(self.session, &name).await })
    }
}

/// An association that tells on its end what it dropped, whoever ends it.
struct Served<'a> {
    session: &'a Session,
    association: Association<'a>,
}

impl Served<'_> {
    fn poll(&mut self, control: &mut Stream, cx: &mut Context<'_>) -> Poll<Ending> {
        match poll_end(control, cx) {
            Poll::Ready(ending) => Poll::Ready(ending),
            Poll::Pending => self.association.poll(cx).map(|never| match never {}),
        }
    }
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        let drops = self.association.drops();
        if !drops.is_empty() {
            self.session.facts().add_remark(&drops.to_string());
        }
    }
}

/// Reads and ignores what the client says on its control connection, until it finishes or breaks off.
fn poll_end(control: &mut Stream, cx: &mut Context<'_>) -> Poll<Ending> {
    for _ in 0..JUNK_READS {
        let mut junk = [0; 1024];
        let mut buffer = ReadBuf::new(&mut junk);
        match ready!(Pin::new(&mut *control).poll_read(cx, &mut buffer)) {
            Ok(()) if buffer.filled().is_empty() => return Poll::Ready(Ending::Client(ByPeer::Closed)),
            Ok(()) => {}
            Err(error) => return Poll::Ready(Ending::of_client(&error)),
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::state::metrics::Metrics;

    #[tokio::test]
    async fn junk_on_the_control_connection_is_ignored_and_its_end_is_the_end() {
        let (mut client, mut control) = control().await;
        client.write_all(&vec![0; 100_000]).await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(ending(&mut control).await, Ending::Client(ByPeer::Closed));
    }

    #[tokio::test]
    async fn a_reset_is_told_from_a_close() {
        let (client, mut control) = control().await;
        Stream::Tcp(client).abort();
        assert_eq!(ending(&mut control).await, Ending::Client(ByPeer::Reset));
    }

    #[test]
    fn the_advertised_address_of_the_family_takes_the_place_of_the_bound_one() {
        let options = Options {
            advertised_v4: Some(Ipv4Addr::new(192, 0, 2, 1)),
            advertised_v6: None,
            ports: None,
            client_address: ClientAddress::Control,
            replies: Replies::AddressPort,
            max_peers: 1,
            exit: Exit::default(),
            drops: Totals::new(&Metrics::default()),
        };
        for (bound, told) in [("10.0.0.1:5000", "192.0.2.1:5000"), ("[2001:db8::1]:5000", "[2001:db8::1]:5000")] {
            assert_eq!(options.advertise(bound.parse().unwrap()).to_string(), told);
        }
    }

    async fn ending(control: &mut Stream) -> Ending {
        std::future::poll_fn(|cx| poll_end(control, cx)).await
    }

    async fn control() -> (TcpStream, Stream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, Stream::Tcp(listener.accept().await.unwrap().0))
    }
}
