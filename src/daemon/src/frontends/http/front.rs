//! Accepts, bounds the crowd, and keeps what every exchange needs.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use prometheus::{HistogramVec, IntCounter, IntCounterVec};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::access::Access;
use super::crowd::{Crowd, Source};
use super::exchange;
use super::hosts::{Arrived, Hosts};
use super::inner::{Inner, PATIENT, QUICK, SLOW};
use super::routes::{Pace, Route};
use crate::engine::sys::accepting::is_this_connection_only;
use crate::engine::sys::listener::Listener;
use crate::engine::sys::stream::Stream;
use crate::engine::tls::Identity;
use crate::state::metrics::{Metrics, STEP_SECONDS};
use crate::state::session::facts::Origin;

/// How long accepting pauses when the kernel has no descriptor or memory: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Connections that are told at once that there are too many; others are only closed.
const TURNED_AWAY: usize = 16;

/// Descriptors of one exchange: the client, and both ends of the way to the inner server, of which the far one is doubled there.
/// So many are kept for the hour in which there are no others, for that is when somebody asks what is wrong.
const SPARES: usize = 4;

/// What all listeners share.
#[derive(Debug)]
pub(super) struct Front {
    pub(super) way_in: PathBuf,
    /// As many requests as handlers are with the inner server at once, so many of each pace.
    quick: Arc<Semaphore>,
    slow: Arc<Semaphore>,
    patient: Arc<Semaphore>,
    spares: Mutex<Vec<OwnedFd>>,
    requests: IntCounterVec,
    seconds: HistogramVec,
    failed_handshakes: IntCounter,
    inner: Inner,
}

/// What one listener asks of a request.
#[derive(Debug)]
pub(crate) struct Manners {
    /// What TLS is spoken with; nothing where it is not spoken.
    pub(crate) identity: Arc<ArcSwapOption<Identity>>,
    pub(crate) hosts: Hosts,
    /// On the API's listener; the other one has no secrets from whoever reaches it.
    pub(crate) access: Option<Access>,
    /// From the whole request to the whole answer, the wait for a handler included.
    pub(crate) answer_limit: Duration,
}

/// One listener, with a crowd of its own.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) front: Arc<Front>,
    pub(super) manners: Manners,
    crowd: Arc<Crowd>,
    turned_away: Arc<Semaphore>,
}

impl Front {
    pub(super) fn new(metrics: &Metrics, inner: Inner) -> Self {
        let front = Self {
            way_in: inner.path(),
            quick: Arc::new(Semaphore::new(QUICK)),
            slow: Arc::new(Semaphore::new(SLOW)),
            patient: Arc::new(Semaphore::new(PATIENT)),
            spares: Mutex::default(),
            requests: metrics.counters(
                "rustsocks_http_requests_total",
                "HTTP requests by route and status; \"none\" is what was refused before a route was found.",
                &["route", "status"],
            ),
            seconds: metrics.seconds_by(
                "rustsocks_http_seconds",
                "From a request to its answer, which its client may take longer to fetch.",
                "route",
                &STEP_SECONDS,
            ),
            failed_handshakes: metrics.counter(
                "rustsocks_http_failed_handshakes_total",
                "HTTP connections whose TLS handshake failed or did not come in time.",
            ),
            inner,
        };
        front.refill();
        front
    }

    /// Where a request waits for its turn; those that are slow never take the place of those that are not.
    pub(super) fn desks(&self, pace: Pace) -> Arc<Semaphore> {
        Arc::clone(match pace {
            Pace::Quick => &self.quick,
            Pace::Slow => &self.slow,
            Pace::Patient => &self.patient,
        })
    }

    pub(super) fn note(&self, route: Option<&Route>, status: u16, took: Duration) {
        let path = route.map_or("none", |route| route.path);
        self.requests.with_label_values(&[path, &status.to_string()]).inc();
        if route.is_some() {
            self.seconds.with_label_values(&[path]).observe(took.as_secs_f64());
        }
    }

    pub(super) fn note_failed_handshake(&self) {
        self.failed_handshakes.inc();
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

impl Gate {
    pub(super) fn new(front: Arc<Front>, manners: Manners) -> Self {
        Self { front, manners, crowd: Arc::default(), turned_away: Arc::new(Semaphore::new(TURNED_AWAY)) }
    }

    /// Who is in.
    pub(super) fn crowd(&self) -> Arc<Crowd> {
        Arc::clone(&self.crowd)
    }

    fn admit(self: &Arc<Self>, stream: Stream, origin: Origin) {
        let Some((source, arrived)) = introduced(&stream, origin) else { return };
        let gate = Arc::clone(self);
        if let Some(place) = self.crowd.enter(source) {
            tokio::spawn(async move {
                exchange::receive(&gate, stream, source, arrived).await;
                drop(place);
                gate.front.refill();
            });
        } else if let Ok(permit) = Arc::clone(&self.turned_away).try_acquire_owned() {
            tokio::spawn(async move {
                exchange::turn_away(&gate, stream).await;
                drop(permit);
            });
        } else {
            gate.front.note(None, 503, Duration::ZERO);
        }
    }
}

/// Accepts for as long as the runtime lives.
pub(super) async fn accept(listener: Listener, gate: Arc<Gate>) {
    let front = Arc::clone(&gate.front);
    let mut pause = PAUSE.0;
    loop {
        match listener.accept().await {
            Ok((stream, origin)) => {
                pause = PAUSE.0;
                gate.admit(stream, origin);
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
