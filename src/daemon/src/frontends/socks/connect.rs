//! CONNECT: dial, answer, relay.

use std::sync::Arc;

use acl::Destination;
use socks::{Host, Request, Target};

use super::Regime;
use super::farewell::{Next, refuse};
use super::inbox::Inbox;
use crate::engine::dial::Connected;
use crate::engine::relay::pump::Pair;
use crate::engine::sys::stream::Stream;
use crate::state::session::refusal::Refusal;
use crate::state::session::ticket::Session;

pub(super) async fn connect(regime: &Regime, session: &Arc<Session>, mut client: Inbox, request: Request) -> Next {
    let destination = match destination(&request.target) {
        Ok(destination) => destination,
        Err(refusal) => return refuse(client, &request, refusal).await,
    };
    let dial = regime.dialer.dial(session, &destination, request.target.port);
    let dialled = tokio::select! {
        biased;
        dialled = dial => dialled,
        how = client.left() => return Next::Nothing(how),
    };
    match dialled {
        Ok(connected) => hand_over(client, &request, connected).await,
        Err(refusal) => refuse(client, &request, refusal).await,
    }
}

/// Where the client wants to go, in the one form that is judged and dialled.
pub(super) fn destination(target: &Target) -> Result<Destination, Refusal> {
    match &target.host {
        Host::V4(address) => Ok(Destination::from_address((*address).into())),
        Host::V6(address) => Ok(Destination::from_address((*address).into())),
        Host::Name(name) => Destination::parse_name(name.as_bytes()).map_err(|_fault| Refusal::BadName),
    }
}

async fn hand_over(mut client: Inbox, request: &Request, connected: Connected) -> Next {
    let yes = request.dialect.granted(connected.exit);
    if let Err(how) = client.send(yes.as_bytes()).await {
        return Next::Nothing(how);
    }
    let (client, early) = client.into_parts();
    Next::Relay(Pair { client, upstream: Stream::Tcp(connected.stream), early })
}
