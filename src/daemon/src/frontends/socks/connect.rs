//! CONNECT: dial, answer, relay.

use socks::Request;

use super::Regime;
use super::farewell::{Next, refuse};
use super::inbox::Inbox;
use crate::engine::dial::Connected;
use crate::engine::relay::pump::Pair;
use crate::engine::sys::stream::Stream;
use crate::state::session::judge::{Judge, destination};

pub(super) async fn connect<'s>(regime: &Regime, judge: &Judge<'s>, mut client: Inbox, request: Request) -> Next<'s> {
    let destination = match destination(&request.target) {
        Ok(destination) => destination,
        Err(refusal) => return refuse(client, &request, refusal).await,
    };
    let dial = regime.dialer.dial(judge, &destination, request.target.port);
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

async fn hand_over<'s>(mut client: Inbox, request: &Request, connected: Connected) -> Next<'s> {
    let yes = request.dialect.granted(connected.exit);
    if let Err(how) = client.send(yes.as_bytes()).await {
        return Next::Nothing(how);
    }
    let (client, early) = client.into_parts();
    Next::Relay(Pair { client, upstream: Stream::Tcp(connected.stream), early })
}
