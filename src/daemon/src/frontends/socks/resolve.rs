//! Tor's RESOLVE and `RESOLVE_PTR` (socks-extensions §2): one answer, then the connection closes.

use std::net::SocketAddr;
use std::sync::Arc;

use acl::Destination;
use socks::{Command, Message, Name, Request};

use super::Regime;
use super::connect::destination;
use super::farewell::{Next, refuse, see_off};
use super::inbox::Inbox;
use crate::state::session::ending::{ByHouse, Ending};
use crate::state::session::refusal::Refusal;
use crate::state::session::ticket::Session;

pub(super) async fn resolve(regime: &Regime, session: &Arc<Session>, mut client: Inbox, request: Request) -> Next {
    let answer = tokio::select! {
        biased;
        answer = answer(regime, session, &request) => answer,
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

async fn answer(regime: &Regime, session: &Session, request: &Request) -> Result<Message, Refusal> {
    match (request.command, destination(&request.target)?) {
        (Command::ResolvePtr, Destination::Address(address)) => {
            let name = regime.dialer.reverse(session, address).await?;
            let name = Name::new(name.as_bytes()).ok_or(Refusal::NameNotFound)?;
            Ok(request.dialect.named(&name))
        }
        (Command::ResolvePtr, Destination::Name(_)) => Err(Refusal::BadName),
        (_, Destination::Address(address)) => Ok(request.dialect.granted(SocketAddr::new(address, 0))),
        (_, Destination::Name(name)) => {
            let addresses = regime.dialer.resolve(session, &name, 0).await?;
            let address = addresses.first().ok_or(Refusal::NameNotFound)?;
            Ok(request.dialect.granted(SocketAddr::new(*address, 0)))
        }
    }
}
