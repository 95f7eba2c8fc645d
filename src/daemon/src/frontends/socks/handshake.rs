//! From the first byte to the complete request: who is it, and what does it want?
//!
//! Only an accepted claim leads to a request parser; the types see to that.

use std::net::IpAddr;
use std::time::Instant;

use socks::proxy_protocol::{self, Path, Progress};
use socks::{Accepted, Claim, Claimant, Fault, Opening, Request, Step, Violation};

use super::inbox::Inbox;
use super::{Door, Visit, admission, login};
use crate::engine::auth::Credentials;
use crate::engine::sys::stream::unmapped;
use crate::state::limits::share;
use crate::state::session::ending::Ending;
use crate::state::session::facts::{self, Identity, Proof};
use crate::state::session::judge::Judge;
use crate::state::session::refusal::Refusal;
use crate::state::session::ticket::Session;

/// Leads the client through the handshake, to what it asks for and who judges that.
/// Its last words are already said when this fails.
pub(super) async fn shake_hands<'s>(
    visit: &mut Visit,
    session: &'s Session,
    client: &mut Inbox,
) -> Result<(Request, Judge<'s>), Ending> {
    if visit.door.expects_introduction(session.origin()) {
        let introduced = introduce(session, client).await?;
        admission::admit_introduced(visit, introduced)?;
    }
    if let Some(check) = &visit.door.address_check {
        // There is no language yet to say no in.
        login::show_address(visit, session, &**check).await.map_err(Ending::Refused)?;
    }
    let (claim, claimant) = hear_claim(&visit.door, session, client).await?;
    let accepted = identify(visit, session, client, claim, claimant).await?;
    client.send(accepted.greeting().as_bytes()).await?;
    let request = hear_request(session, client, &accepted).await?;
    let standing = session.admit(accepted.identity());
    if let Some(lifetimes) = share::lifetimes(&session.snapshot, &accepted.identity().identity) {
        session.may_last(lifetimes);
    }
    write_down(session, accepted.into_identity(), &request);
    let judge = Judge::new(session, standing, request.command);
    Ok((request, judge))
}

/// Reads the PROXY protocol header of a balancer we trust. Returns whom it introduces, if not itself.
async fn introduce(session: &Session, client: &mut Inbox) -> Result<Option<IpAddr>, Ending> {
    loop {
        client.more().await?;
        match proxy_protocol::decode(client.bytes()) {
            Ok(Progress::NeedMore) => {}
            Ok(Progress::Done { consumed, path }) => {
                client.consume(consumed);
                let Path::Proxied { source, .. } = path else { return Ok(None) };
                let source = unmapped(source);
                session.is_really_from(source);
                return Ok(Some(source.ip()));
            }
            Err(fault) => return Err(violated(session, &fault.to_string())),
        }
    }
}

async fn hear_claim(door: &Door, session: &Session, client: &mut Inbox) -> Result<(Claim, Claimant), Ending> {
    let mut opening = Opening::default();
    loop {
        match opening.receive(&door.offer, client.bytes()) {
            Ok(Step::NeedMore(same)) => {
                opening = same;
                client.more().await?;
            }
            Ok(Step::Send { consumed, bytes, next }) => {
                opening = next;
                client.consume(consumed);
                client.send(bytes.as_bytes()).await?;
            }
            Ok(Step::Identify { consumed, claim, claimant }) => {
                client.consume(consumed);
                return Ok((claim, claimant));
            }
            Err(violation) => return Err(say_farewell(session, client, &violation).await),
        }
    }
}

async fn identify(
    visit: &Visit,
    session: &Session,
    client: &mut Inbox,
    claim: Claim,
    claimant: Claimant,
) -> Result<Accepted<Proof>, Ending> {
    let (name, credentials) = match claim {
        Claim::Anonymous => (None, None),
        Claim::UserId(id) => (named(&id), None),
        Claim::Password { user, password } => (named(&user), Some(Credentials { user, password })),
    };
    session.facts().claimed = name;
    let began = Instant::now();
    let verdict = match credentials {
        Some(credentials) => login::log_in(visit, session, &credentials).await,
        None => login::come_in(visit, session).await,
    };
    session.facts().phases.auth = Some(began.elapsed());
    match verdict {
        Ok(proof) => Ok(claimant.accept(proof)),
        Err(refusal) => Err(reject(client, claimant, refusal).await),
    }
}

fn named(bytes: &[u8]) -> Option<Box<str>> {
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into())
}

async fn reject(client: &mut Inbox, claimant: Claimant, refusal: Refusal) -> Ending {
    match client.send(claimant.reject().as_bytes()).await {
        Ok(()) => Ending::Refused(refusal),
        Err(gone) => gone,
    }
}

async fn hear_request(session: &Session, client: &mut Inbox, accepted: &Accepted<Proof>) -> Result<Request, Ending> {
    loop {
        match accepted.receive(client.bytes()) {
            Ok(Some((consumed, request))) => {
                client.consume(consumed);
                return Ok(request);
            }
            Ok(None) => client.more().await?,
            Err(violation) => return Err(say_farewell(session, client, &violation).await),
        }
    }
}

fn write_down(session: &Session, proof: Proof, request: &Request) {
    let mut facts = session.facts();
    if let Identity::User(_) = proof.identity {
        facts.claimed = None;
    }
    facts.proof = Some(proof);
    facts.request =
        Some(facts::Asked { dialect: request.dialect, command: request.command, target: request.target.clone() });
    facts.phases.handshake = Some(session.opened.elapsed());
}

async fn say_farewell(session: &Session, client: &mut Inbox, violation: &Violation) -> Ending {
    // In HTTP this is how a login begins.
    let ending = if violation.fault == Fault::CredentialsMissing {
        Ending::Refused(Refusal::CredentialsMissing)
    } else {
        violated(session, &violation.to_string())
    };
    match client.send(violation.farewell()).await {
        Ok(()) => ending,
        Err(gone) => gone,
    }
}

fn violated(session: &Session, what: &str) -> Ending {
    session.facts().remark = Some(what.into());
    Ending::ClientViolation
}
