//! Requests that were made, by those who are in and by those who were, to be judged anew.

use std::net::IpAddr;
use std::sync::Arc;

use ::acl::{AuthMethod, Command, Destination, Word};
use jiff::Timestamp;

use crate::engine::history::archive::replay::Asked;
use crate::frontends::office::acl::trial::Trial;
use crate::state::session::facts::{ANONYMOUS, Identity};
use crate::state::session::judge::{destination, named};
use crate::state::session::ticket::Session;

/// What was asked for, and by whom.
#[derive(Debug, Clone)]
pub(super) struct Precedent {
    pub(super) user: Option<Arc<str>>,
    /// Those that the authentication found; nothing is known of them once the session is over.
    groups: Vec<String>,
    pub(super) destination: Destination,
    addresses: Vec<IpAddr>,
    pub(super) port: u16,
    command: Command,
    pub(super) source: Option<IpAddr>,
    method: Option<AuthMethod>,
    at: Timestamp,
}

impl Precedent {
    /// Every request that a session stands for: its own, or each datagram's address of an association. None before it
    /// has asked for anything.
    pub(super) fn of_session(session: &Session, at: Timestamp) -> Vec<Self> {
        let facts = session.facts();
        let (Some(proof), Some(asked)) = (&facts.proof, &facts.request) else { return Vec::new() };
        let (user, groups) = match &proof.identity {
            Identity::Anonymous => (None, Vec::new()),
            Identity::User(user) => {
                (Some(Arc::clone(&user.name)), user.groups.iter().map(ToString::to_string).collect())
            }
        };
        let source = session.origin().ip();
        let command = named(asked.command);
        let of = |destination, addresses, port| Self {
            user: user.clone(),
            groups: groups.clone(),
            destination,
            addresses,
            port,
            command,
            source,
            method: Some(proof.method.into()),
            at,
        };
        if let Some(flows) = session.flows.get() {
            let peers = flows.all().into_iter().map(|(peer, _)| peer);
            return peers.map(|peer| of(Destination::Address(peer.ip()), Vec::new(), peer.port())).collect();
        }
        let Ok(destination) = destination(&asked.target) else { return Vec::new() };
        let addresses = match destination {
            Destination::Name(_) => facts.peer.map(|peer| peer.ip()).into_iter().collect(),
            Destination::Address(_) => Vec::new(),
        };
        vec![of(destination, addresses, asked.target.port)]
    }

    /// What a row of the history says was asked for, if its words are ones that are known.
    pub(super) fn of_past(asked: &Asked) -> Option<Self> {
        let word = asked.host.as_deref().or(asked.ip.as_deref())?;
        let destination = Destination::parse_name(word.as_bytes()).ok()?;
        let address: Option<IpAddr> = asked.ip.as_deref().and_then(|ip| ip.parse().ok());
        let addresses = match destination {
            Destination::Name(_) => address.into_iter().collect(),
            Destination::Address(_) => Vec::new(),
        };
        Some(Self {
            user: asked.user.as_deref().filter(|user| *user != ANONYMOUS).map(Arc::from),
            groups: Vec::new(),
            destination,
            addresses,
            port: asked.port.unwrap_or(0),
            command: word_of(asked.command.as_deref()?)?,
            source: asked.source.as_deref().and_then(|source| source.parse().ok()),
            method: asked.method.as_deref().and_then(word_of),
            at: Timestamp::from_microsecond(asked.at).ok()?,
        })
    }

    /// The question to the rules; `services` are taken to accept the client.
    pub(super) fn trial<'t>(&'t self, services: &'t [String]) -> Trial<'t> {
        Trial {
            user: self.user.as_deref(),
            groups: &self.groups,
            destination: &self.destination,
            addresses: &self.addresses,
            port: self.port,
            command: self.command,
            source: self.source,
            method: self.method,
            services,
            at: self.at,
        }
    }

    /// Requests that are alike in this are looked at by rules alike.
    pub(super) fn client(&self) -> (Option<Arc<str>>, Vec<String>) {
        (self.user.clone(), self.groups.clone())
    }
}

fn word_of<W: Word>(text: &str) -> Option<W> {
    W::ALL.iter().copied().find(|word| word.as_str() == text)
}
