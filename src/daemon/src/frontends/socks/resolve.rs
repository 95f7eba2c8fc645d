//! Tor's RESOLVE and `RESOLVE_PTR` (socks-extensions §2): one answer, then the connection closes.

use std::net::SocketAddr;

use acl::Destination;
use socks::{Command, Message, Name, Request};

use super::Regime;
use super::farewell::{Next, refuse, see_off};
use super::inbox::Inbox;
use crate::state::session::ending::{ByHouse, Ending};
use crate::state::session::judge::{Judge, destination};
use crate::state::session::refusal::Refusal;

pub(super) async fn resolve<'s>(regime: &Regime, judge: &Judge<'s>, mut client: Inbox, request: Request) -> Next<'s> {
    let answer = tokio::select! {
        biased;
        answer = answer(regime, judge, &request) => answer,
        how = client.left() => return Next::Nothing(how),
    };
    match answer {
        Ok(words) => {
            see_off(client, words.as_bytes()).await;
            Next::Nothing(Ending::House(ByHouse::Served))
        }
        Err(refusal) => refuse(client, &request, refusal).await,
    }
}

async fn answer(regime: &Regime, judge: &Judge<'_>, request: &Request) -> Result<Message, Refusal> {
    match (request.command, destination(&request.target)?) {
        (Command::ResolvePtr, Destination::Address(address)) => {
            let name = regime.dialer.reverse(judge, address).await?;
            let name = Name::new(name.as_bytes()).ok_or(Refusal::NameNotFound)?;
            Ok(request.dialect.named(&name))
        }
        (Command::ResolvePtr, Destination::Name(_)) => Err(Refusal::BadName),
        (_, Destination::Address(address)) => Ok(request.dialect.granted(SocketAddr::new(address, 0))),
        (_, Destination::Name(name)) => {
            judge.name(&name, 0)?;
            let admit = |address| judge.address(Some(&name), address, 0);
            let addresses = regime.dialer.resolve(judge.session(), &name, admit).await?;
            let address = addresses.first().ok_or(Refusal::NameNotFound)?;
            Ok(request.dialect.granted(SocketAddr::new(*address, 0)))
        }
    }
}
