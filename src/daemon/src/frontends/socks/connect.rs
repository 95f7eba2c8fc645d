//! CONNECT: dial, answer, relay.

use socks::{Request, Target};

use super::Regime;
use super::farewell::{Next, refuse};
use super::inbox::Inbox;
use super::on_record::on_record;
use crate::engine::dial::Connected;
use crate::engine::relay::pump::Pair;
use crate::engine::sys::stream::Stream;
use crate::state::session::judge::{Judge, destination};
use crate::state::session::refusal::Refusal;

pub(super) async fn connect<'s>(regime: &Regime, judge: &Judge<'s>, mut client: Inbox, request: Request) -> Next<'s> {
    let dialled = tokio::select! {
        biased;
        dialled = dial(regime, judge, &request.target) => dialled,
        how = client.left() => return Next::Nothing(how),
    };
    // The opening was written down while we dialled, so that this hardly ever waits.
    on_record(judge.session()).await;
    match dialled {
        Ok(connected) => hand_over(regime, client, &request, connected).await,
        Err(refusal) => refuse(client, &request, refusal).await,
    }
}

async fn dial(regime: &Regime, judge: &Judge<'_>, target: &Target) -> Result<Connected, Refusal> {
    regime.dialer.dial(judge, &destination(target)?, target.port).await
}

async fn hand_over<'s>(regime: &Regime, mut client: Inbox, request: &Request, connected: Connected) -> Next<'s> {
    let yes = request.dialect.granted(connected.exit);
    if let Err(how) = client.send(yes.as_bytes()).await {
        return Next::Nothing(how);
    }
    let (client, early) = client.into_parts();
    let upstream = Stream::Tcp(connected.stream);
    Next::Relay(Pair { client, upstream, early, endurance: regime.dialer.endurance() })
}
