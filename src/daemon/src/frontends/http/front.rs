//! Accepts, bounds the crowd, and keeps what every exchange needs.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::{HistogramVec, IntCounterVec};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::crowd::{Crowd, Source};
use super::exchange;
use super::hosts::{Arrived, Hosts};
use super::inner::{HANDLERS, Inner};
use super::routes::Route;
use crate::engine::sys::accepting::is_this_connection_only;
use crate::engine::sys::listener::Listener;
use crate::engine::sys::stream::Stream;
use crate::state::metrics::{Metrics, STEP_SECONDS};
use crate::state::session::facts::Origin;

/// How long accepting pauses when the kernel has no descriptor or memory: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Connections that are told at once that there are too many; others are only closed.
const TURNED_AWAY: usize = 16;

/// Descriptors of one exchange: the client, and both ends of the way to the inner server, of which the far one is doubled there.
/// So many are kept for the hour in which there are no others, for that is when somebody asks what is wrong.
const SPARES: usize = 4;

/// What exchanges share.
#[derive(Debug)]
pub(super) struct Front {
    pub(super) hosts: Hosts,
    pub(super) way_in: PathBuf,
    /// As many requests as handlers are with the inner server at once.
    pub(super) desks: Semaphore,
    crowd: Arc<Crowd>,
    turned_away: Arc<Semaphore>,
    spares: Mutex<Vec<OwnedFd>>,
    requests: IntCounterVec,
    seconds: HistogramVec,
    inner: Inner,
}

impl Front {
    pub(super) fn new(hosts: Hosts, metrics: &Metrics, inner: Inner) -> Self {
        let crowd = Arc::new(Crowd::default());
        let connections = metrics.gauge("rustsocks_http_connections", "Open connections to this endpoint.");
        let seen = Arc::clone(&crowd);
        metrics.before_each_scrape(move || connections.set(i64::try_from(seen.count()).unwrap_or(i64::MAX)));
        let front = Self {
            hosts,
            way_in: inner.path(),
            desks: Semaphore::new(HANDLERS),
            crowd,
            turned_away: Arc::new(Semaphore::new(TURNED_AWAY)),
            spares: Mutex::default(),
            requests: metrics.counters(
                "rustsocks_http_requests_total",
                "Requests to this endpoint by route and status; \"none\" is what was refused before a route was found.",
                &["route", "status"],
            ),
            seconds: metrics.seconds_by(
                "rustsocks_http_seconds",
                "From a request to its answer, which its client may take longer to fetch.",
                "route",
                &STEP_SECONDS,
            ),
            inner,
        };
        front.refill();
        front
    }

    pub(super) fn note(&self, route: Option<&Route>, status: u16, took: Duration) {
        let path = route.map_or("none", |route| route.path);
        self.requests.with_label_values(&[path, &status.to_string()]).inc();
        if route.is_some() {
            self.seconds.with_label_values(&[path]).observe(took.as_secs_f64());
        }
    }

    fn admit(self: &Arc<Self>, stream: Stream, origin: Origin) {
        let Some((source, arrived)) = introduced(&stream, origin) else { return };
        let front = Arc::clone(self);
        if let Some(place) = self.crowd.enter(source) {
            tokio::spawn(async move {
                exchange::serve(&front, stream, arrived).await;
                drop(place);
                front.refill();
            });
        } else if let Ok(permit) = Arc::clone(&self.turned_away).try_acquire_owned() {
            tokio::spawn(async move {
                exchange::turn_away(&front, stream).await;
                drop(permit);
            });
        } else {
            front.note(None, 503, Duration::ZERO);
        }
    }

    /// Gives up what was kept for this hour; false if there is nothing.
    fn open_reserve(&self) -> bool {
        let spares = std::mem::take(&mut *self.spares.lock().unwrap_or_else(PoisonError::into_inner));
        !spares.is_empty()
    }

    /// Keeps descriptors back, as far as there are any.
    fn refill(&self) {
        let mut spares = self.spares.lock().unwrap_or_else(PoisonError::into_inner);
        while spares.len() < SPARES
            && let Ok(spare) = self.inner.spare_descriptor()
        {
            spares.push(spare);
        }
    }
}

/// Accepts for as long as the runtime lives.
pub(super) async fn accept(listener: Listener, front: Arc<Front>) {
    let mut pause = PAUSE.0;
    loop {
        match listener.accept().await {
            Ok((stream, origin)) => {
                pause = PAUSE.0;
                front.admit(stream, origin);
            }
            Err(error) if is_this_connection_only(&error) => {}
            Err(_) if front.open_reserve() => {}
            Err(error) => {
                wait_for_better_times(&error, pause).await;
                front.refill();
                pause = (pause * 2).min(PAUSE.1);
            }
        }
    }
}

async fn wait_for_better_times(error: &io::Error, pause: Duration) {
    tracing::debug!(%error, pause_ms = pause.as_millis(), "cannot accept an HTTP connection; pausing");
    sleep(pause).await;
}

/// Whom the bounds count it for, and what it may call us; nothing when it is gone already.
fn introduced(stream: &Stream, origin: Origin) -> Option<(Source, Arrived)> {
    match (stream, origin) {
        (Stream::Tcp(_), Origin::Address(peer)) => {
            let here = stream.local_address()?;
            Some((Source::of(peer.ip()), Arrived::At(here.ip())))
        }
        (Stream::Unix(stream), _) => Some((Source::User(stream.peer_cred().ok()?.uid()), Arrived::Here)),
        (Stream::Tcp(_), Origin::Local) => None,
    }
}
