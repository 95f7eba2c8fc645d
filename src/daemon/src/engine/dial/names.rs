//! A name to its addresses: both families asked at once, through the cache, and handed over in the order
//! that suits RFC 8305.
//!
//! Judges nothing: whoever dials or sends must ask the guard about every address.

use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use acl::HostName;
use tracing::debug;

use super::cache::{Cache, Known};
use super::lookups::Lookups;
use super::options::CacheBounds;
use super::race::{Latecomers, more_telling};
use super::resolve::{Family, Pending, Resolve, ResolveError};
use crate::state::session::refusal::Refusal;

/// How long IPv6 is awaited once IPv4 is there (RFC 8305 section 3).
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct Names {
    resolver: Box<dyn Resolve>,
    cache: Mutex<Cache>,
    lookups: Arc<Lookups>,
}

/// Two questions about one name. Dropping it abandons both.
pub(super) struct Inquiry<'a> {
    names: &'a Names,
    name: &'a HostName,
    v4: Question<'a>,
    v6: Question<'a>,
}

enum Question<'a> {
    Open(Pending<'a, Arc<[IpAddr]>>),
    Told(Known),
    HandedOver,
}

/// What has been found so far, and the most telling reason for what has not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) refusal: Option<Refusal>,
}

impl Names {
    pub(super) fn new(resolver: Box<dyn Resolve>, bounds: CacheBounds, lookups: Arc<Lookups>) -> Self {
        Self { resolver, cache: Mutex::new(Cache::new(bounds)), lookups }
    }

    pub(super) fn inquire<'a>(&'a self, name: &'a HostName) -> Inquiry<'a> {
        let edition = self.resolver.edition();
        let known = self.cached(name, edition);
        self.lookups.note_cached(&known);
        let [v4, v6] = known;
        let question = |known: Option<Known>, family| match known {
            Some(known) => Question::Told(known),
            None => Question::Open(self.ask(name, family)),
        };
        Inquiry { names: self, name, v4: question(v4, Family::V4), v6: question(v6, Family::V6) }
    }

    pub(super) async fn name_of(&self, address: IpAddr) -> Result<String, Refusal> {
        self.resolver.name_of(address).await.map_err(|error| {
            debug!(%address, %error, "no name");
            Refusal::from(&error)
        })
    }

    fn cached(&self, name: &HostName, edition: u64) -> [Option<Known>; 2] {
        let now = Instant::now();
        let mut cache = self.cache();
        cache.follow(edition);
        [Family::V4, Family::V6].map(|family| cache.recall(name.as_str(), family, now))
    }

    fn ask<'a>(&'a self, name: &'a HostName, family: Family) -> Pending<'a, Arc<[IpAddr]>> {
        Box::pin(async move {
            let asking = self.lookups.begin();
            let told = self.resolver.addresses(name, family).await;
            asking.end(&told);
            self.cache().keep(name.as_str(), family, &told, Instant::now());
            if let Err(error) = &told {
                debug!(name = name.as_str(), ?family, %error, "no address");
            }
            told.map(|answer| answer.addresses)
        })
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inquiry<'_> {
    /// Enough to begin: IPv6 addresses at once, IPv4 addresses after a moment for IPv6 to come too,
    /// or the certainty that there are none.
    pub(super) async fn enough(&mut self) -> Found {
        poll_fn(|cx| {
            self.poll(cx);
            ready_if(self.v4.is_found() || self.v6.is_found() || !self.is_open())
        })
        .await;
        if self.v6.is_open() {
            self.await_v6().await;
        }
        self.hand_over()
    }

    /// IPv4 is worth its full wait, because most hosts reach the world by it; IPv6 is not, because name servers
    /// that never answer for it are common.
    pub(super) fn latecomers(&self) -> Latecomers {
        if self.v4.is_open() { Latecomers::Awaited } else { Latecomers::Welcome }
    }

    /// What `enough` did not wait for.
    pub(super) async fn rest(&mut self) -> Found {
        poll_fn(|cx| {
            self.poll(cx);
            ready_if(!self.is_open())
        })
        .await;
        self.hand_over()
    }

    /// For those who cannot try one family and add the other later.
    pub(super) async fn all(&mut self) -> Found {
        let mut found = self.enough().await;
        if self.latecomers() == Latecomers::Awaited {
            let Found { addresses, refusal } = self.rest().await;
            found.addresses.extend(addresses);
            found.refusal = more_telling(found.refusal, refusal);
        }
        found
    }

    async fn await_v6(&mut self) {
        let v6 = poll_fn(|cx| {
            self.v6.poll(cx);
            ready_if(!self.v6.is_open())
        });
        if tokio::time::timeout(RESOLUTION_DELAY, v6).await.is_err() {
            // Not again for a while; should the answer still come, it replaces this.
            let silent = Err(ResolveError::Silent);
            self.names.cache().keep(self.name.as_str(), Family::V6, &silent, Instant::now());
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) {
        self.v6.poll(cx);
        self.v4.poll(cx);
    }

    fn is_open(&self) -> bool {
        self.v4.is_open() || self.v6.is_open()
    }

    fn hand_over(&mut self) -> Found {
        let mut found = Found::default();
        for question in [&mut self.v6, &mut self.v4] {
            question.hand_over(&mut found);
        }
        found
    }
}

impl Question<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) {
        if let Self::Open(pending) = self
            && let Poll::Ready(known) = pending.as_mut().poll(cx)
        {
            *self = Self::Told(known);
        }
    }

    fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }

    fn is_found(&self) -> bool {
        matches!(self, Self::Told(Ok(_)))
    }

    fn hand_over(&mut self, found: &mut Found) {
        if let Self::Told(known) = self {
            match known {
                Ok(addresses) => found.addresses.extend(addresses.iter()),
                Err(error) => found.refusal = more_telling(found.refusal, Some(Refusal::from(&*error))),
            }
            *self = Self::HandedOver;
        }
    }
}

fn ready_if(done: bool) -> Poll<()> {
    if done { Poll::Ready(()) } else { Poll::Pending }
}
