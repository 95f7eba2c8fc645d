//! From a destination to a connection: resolve once, judge every address, race the survivors, all within one budget.
//!
//! Knows nothing of SOCKS, of users or of rules: a judge says of each address whether it may be dialled.
//! No name is resolved twice for one request. Dropping a future of this room abandons its questions
//! and closes its sockets.

pub(crate) mod lookups;
pub(crate) mod options;

mod cache;
mod connect;
mod files;
mod hickory;
mod hosts;
mod names;
mod race;
mod resolve;
mod system;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use acl::{Destination, HostName};
use socket2::Socket;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use self::hickory::Hickory;
use self::lookups::Lookups;
use self::names::{Found, Names};
use self::options::{Options, Source};
use self::race::{Field, Pace, more_telling, race};
use self::resolve::Resolve;
use self::system::System;
use crate::engine::sys::endurance::Endurance;
use crate::state::metrics::Metrics;
use crate::state::session::judge::Judge;
use crate::state::session::refusal::Refusal;
use crate::state::session::ticket::Session;

/// Shared by every thread that dials.
#[derive(Debug)]
pub(crate) struct Dialer {
    names: Arc<Names>,
    options: Options,
}

/// A connection to the target.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    /// Our own address on it.
    pub(crate) exit: SocketAddr,
}

impl Dialer {
    /// # Errors
    /// The threads of the system resolver cannot be started, or sockets cannot be given the mark that they should carry.
    pub(crate) fn new(options: Options, lookups: Arc<Lookups>) -> io::Result<Self> {
        options.mark.map_or(Ok(()), connect::try_mark)?;
        let resolver: Box<dyn Resolve> = match &options.naming.source {
            Source::Servers(servers) => Box::new(Hickory::new(servers.clone())),
            Source::System { threads } => Box::new(System::new(*threads)?),
        };
        Ok(Self { names: Arc::new(Names::new(resolver, options.naming.cache, lookups)), options })
    }

    /// One with other options, which knows what this one knows of names unless they are to be resolved in another way.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub(crate) fn with(&self, options: Options, lookups: Arc<Lookups>) -> io::Result<Self> {
        if options.naming == self.options.naming {
            options.mark.map_or(Ok(()), connect::try_mark)?;
            return Ok(Self { names: Arc::clone(&self.names), options });
        }
        Self::new(options, lookups)
    }

    /// The addresses of `name`, for whoever only wants to know how it is resolved.
    pub(crate) async fn look_up(&self, name: &HostName) -> Result<Vec<IpAddr>, Refusal> {
        let Found { addresses, refusal } = self.names.inquire(name).all().await;
        if addresses.is_empty() { Err(refusal.unwrap_or(Refusal::NameNotFound)) } else { Ok(addresses) }
    }

    /// The same within so much time, for whoever waits on a thread without a runtime. It asks the same name servers as the others do,
    /// by sockets of its own: those of a shared question would end with this thread's runtime.
    ///
    /// # Errors
    /// As [`new`](Self::new), or what the client of such a request would be told.
    pub(crate) fn look_up_apart(
        &self,
        name: &HostName,
        patience: Duration,
    ) -> io::Result<Result<Vec<IpAddr>, Refusal>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let apart = Self::new(self.options.clone(), Lookups::new(&Metrics::default()))?;
            let looked_up = timeout_at(Instant::now() + patience, apart.look_up(name)).await;
            Ok(looked_up.unwrap_or(Err(Refusal::TimedOut)))
        })
    }

    /// Connects to `destination` within `lifetimes.connect`, names and addresses together,
    /// and writes down what the session learns by it.
    pub(crate) async fn dial(
        &self,
        judge: &Judge<'_>,
        destination: &Destination,
        port: u16,
    ) -> Result<Connected, Refusal> {
        match destination {
            Destination::Address(address) => self.dial_address(judge, *address, port).await,
            Destination::Name(name) => self.dial_name(judge, name, port).await,
        }
    }

    /// The addresses of `name` that `admit` lets pass, IPv6 before IPv4, at least one.
    pub(crate) async fn resolve(
        &self,
        session: &Session,
        name: &HostName,
        admit: impl Fn(IpAddr) -> Result<SocketAddr, Refusal>,
    ) -> Result<Arc<[IpAddr]>, Refusal> {
        let Field { targets, refusal } = judged(self.found(session, name).await?, admit);
        some(targets.iter().map(SocketAddr::ip), refusal)
    }

    /// The same without a judgement: for UDP, where one name serves many ports and every datagram is judged by itself.
    pub(crate) async fn addresses(&self, session: &Session, name: &HostName) -> Result<Arc<[IpAddr]>, Refusal> {
        let Found { addresses, refusal } = self.found(session, name).await?;
        some(addresses, refusal)
    }

    /// The name of `address` (Tor's `RESOLVE_PTR`). What may not be dialled is not named either.
    pub(crate) async fn reverse(&self, judge: &Judge<'_>, address: IpAddr) -> Result<String, Refusal> {
        judge.address(None, address, 0)?;
        let session = judge.session();
        looked_up(session, deadline(session), self.names.name_of(address)).await?
    }

    async fn found(&self, session: &Session, name: &HostName) -> Result<Found, Refusal> {
        looked_up(session, deadline(session), self.names.inquire(name).all()).await
    }

    /// What a connection to a target that lasts is to be given.
    pub(crate) fn endurance(&self) -> Arc<Endurance> {
        Arc::clone(&self.options.endurance)
    }

    /// Gives a socket that awaits a target's connection the options that those that we dial have from their beginning.
    ///
    /// # Errors
    /// The words of setsockopt(2).
    pub(crate) fn dress(&self, socket: &Socket) -> io::Result<()> {
        connect::dress(socket, &self.options)
    }

    /// The ordinary path: nothing here spawns, and all that is allocated is the place among those whom the same rule let in.
    async fn dial_address(&self, judge: &Judge<'_>, address: IpAddr, port: u16) -> Result<Connected, Refusal> {
        let (target, session) = (judge.address(None, address, port)?, judge.session());
        let began = Instant::now();
        let attempt = timeout_at(deadline(session), connect::attempt(target, &self.options)).await;
        noted(session, began, attempt.unwrap_or(Err(Refusal::TimedOut)))
    }

    async fn dial_name(&self, judge: &Judge<'_>, name: &HostName, port: u16) -> Result<Connected, Refusal> {
        judge.name(name, port)?;
        let session = judge.session();
        let deadline = deadline(session);
        let admit = |address| judge.address(Some(name), address, port);
        let mut inquiry = self.names.inquire(name);
        let found = looked_up(session, deadline, inquiry.enough()).await?;
        let began = Instant::now();
        let first = judged(found, admit);
        let pace = Pace { head_start: self.options.attempt_delay, deadline, latecomers: inquiry.latecomers() };
        let late = async { judged(inquiry.rest().await, admit) };
        let outcome = race(first, late, pace, |target| connect::attempt(target, &self.options)).await;
        noted(session, began, outcome)
    }
}

fn deadline(session: &Session) -> Instant {
    Instant::now() + session.snapshot.lifetimes.connect
}

/// Waits for the name servers as long as the budget allows, and notes how long that was.
async fn looked_up<T>(session: &Session, deadline: Instant, work: impl Future<Output = T>) -> Result<T, Refusal> {
    let began = Instant::now();
    let outcome = timeout_at(deadline, work).await;
    session.facts().phases.dns = Some(began.elapsed());
    outcome.map_err(|_| Refusal::TimedOut)
}

fn noted(session: &Session, began: Instant, outcome: Result<Connected, Refusal>) -> Result<Connected, Refusal> {
    let mut facts = session.facts();
    facts.phases.connect = Some(began.elapsed());
    if let Ok(connected) = &outcome {
        facts.peer = Some(connected.peer);
        facts.exit = Some(connected.exit);
    }
    outcome
}

/// Those of the addresses that are let pass, in the order in which they came.
fn judged(found: Found, admit: impl Fn(IpAddr) -> Result<SocketAddr, Refusal>) -> Field {
    let mut field = Field { targets: Vec::with_capacity(found.addresses.len()), refusal: found.refusal };
    for address in found.addresses {
        match admit(address) {
            Ok(target) => field.targets.push(target),
            Err(refusal) => field.refusal = more_telling(field.refusal, Some(refusal)),
        }
    }
    field
}

/// At least one address, or why there is none.
fn some(addresses: impl IntoIterator<Item = IpAddr>, refusal: Option<Refusal>) -> Result<Arc<[IpAddr]>, Refusal> {
    let addresses: Arc<[IpAddr]> = addresses.into_iter().collect();
    if addresses.is_empty() { Err(refusal.unwrap_or(Refusal::NameNotFound)) } else { Ok(addresses) }
}
