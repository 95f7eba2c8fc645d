//! Before a request is decided: asks the PAM services on which rules for it depend, each at most once.

use acl::ServiceId;
use socks::{Command, Request};

use super::Regime;
use crate::engine::auth::Credentials;
use crate::state::session::judge::{Judge, Leave, destination};
use crate::state::session::refusal::Refusal;

/// Asks whatever the decision depends on; afterwards it depends on nothing any more.
///
/// What is asked for by address is decided by it alone, so only those services are asked whose answer matters.
/// Where the addresses are not known yet, or change from datagram to datagram, all of them are.
///
/// # Errors
/// The request is refused already, or a service could not be asked.
pub(super) async fn settle(regime: &Regime, judge: &mut Judge<'_>, request: &Request) -> Result<(), Refusal> {
    // Nobody needs them after this.
    let credentials = judge.session().facts().credentials.take();
    if judge.unasked().is_none() {
        return Ok(());
    }
    if request.command == Command::Connect {
        let (destination, port) = (destination(&request.target)?, request.target.port);
        loop {
            match judge.destination(&destination, port)? {
                Leave::Granted => return Ok(()),
                Leave::LookUp => break,
                Leave::Ask(service) => ask(regime, judge, service, credentials.as_ref()).await?,
            }
        }
    }
    while let Some(service) = judge.unasked() {
        ask(regime, judge, service, credentials.as_ref()).await?;
    }
    Ok(())
}

async fn ask(
    regime: &Regime,
    judge: &mut Judge<'_>,
    service: ServiceId,
    credentials: Option<&Credentials>,
) -> Result<(), Refusal> {
    let accepts = regime.vouchers.accepts(service, judge.session(), credentials).await?;
    judge.heard(service, accepts);
    Ok(())
}
