//! Names from the C library (getaddrinfo(3), getnameinfo(3)): for hosts whose names come from NSS, mDNS or LDAP.
//!
//! Its calls block and cannot be stopped, so they run on a bounded pool of their own. It tells no TTL,
//! and it follows the system's rules, search domains included.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use acl::HostName;
use dns_lookup::{AddrFamily, AddrInfoHints, LookupError, LookupErrorKind, SockType};
use nix::libc;
use tokio::sync::oneshot;

use super::resolve::{Answer, Family, Pending, Resolve, ResolveError};
use crate::engine::sys::pool::{Busy, Order, Pool, Urgency};

#[derive(Debug)]
pub(super) struct System {
    pool: Pool,
    open: Arc<Open>,
}

/// Who waits for which question: many may wait for one call.
#[derive(Debug, Default)]
struct Open(Mutex<HashMap<Question, Vec<Waiter>>>);

type Question = (Box<str>, Family);
type Told = Result<Answer, ResolveError>;
type Waiter = oneshot::Sender<Told>;

/// Places in the queue for each thread.
const QUEUE_PER_THREAD: usize = 32;

impl System {
    pub(super) fn new(threads: usize) -> io::Result<Self> {
        let pool = Pool::start("names", threads, threads * QUEUE_PER_THREAD, Order::OldestFirst)?;
        Ok(Self { pool, open: Arc::default() })
    }

    /// Joins those who wait for `question`, or asks it for the first time.
    fn ask(&self, question: &Question) -> Result<oneshot::Receiver<Told>, ResolveError> {
        let (waiter, told) = oneshot::channel();
        if self.open.join(question, waiter) == Joined::Waiting {
            return Ok(told);
        }
        let (open, asked) = (Arc::clone(&self.open), question.clone());
        let queued = self.pool.leave(Urgency::Usual, move || open.answer(&asked));
        queued.map_err(|Busy| {
            self.open.leave(question);
            busy()
        })?;
        Ok(told)
    }
}

impl Resolve for System {
    fn addresses<'a>(&'a self, name: &'a HostName, family: Family) -> Pending<'a, Answer> {
        Box::pin(async move {
            let told = self.ask(&(name.as_str().into(), family))?;
            told.await.unwrap_or_else(|_| Err(busy()))
        })
    }

    fn name_of(&self, address: IpAddr) -> Pending<'_, String> {
        Box::pin(async move {
            let (waiter, told) = oneshot::channel();
            let call = move || {
                if !waiter.is_closed() {
                    // Whoever asked may have left meanwhile.
                    let _ = waiter.send(reverse(address));
                }
            };
            self.pool.leave(Urgency::Usual, call).map_err(|Busy| busy())?;
            told.await.unwrap_or_else(|_| Err(busy()))
        })
    }

    fn edition(&self) -> u64 {
        0
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Joined {
    First,
    Waiting,
}

impl Open {
    fn join(&self, question: &Question, waiter: Waiter) -> Joined {
        let mut questions = self.questions();
        if let Some(waiters) = questions.get_mut(question) {
            waiters.push(waiter);
            return Joined::Waiting;
        }
        questions.insert(question.clone(), vec![waiter]);
        Joined::First
    }

    fn leave(&self, question: &Question) -> Vec<Waiter> {
        self.questions().remove(question).unwrap_or_default()
    }

    /// On a thread of the pool.
    fn answer(&self, question: &Question) {
        if self.is_abandoned(question) {
            return;
        }
        let told = forward(&question.0, question.1);
        for waiter in self.leave(question) {
            // Whoever asked may have left meanwhile.
            let _ = waiter.send(told.clone());
        }
    }

    /// Whether everybody left while the question was in the queue; then it is closed too.
    fn is_abandoned(&self, question: &Question) -> bool {
        let mut questions = self.questions();
        let abandoned = questions.get(question).is_none_or(|waiters| waiters.iter().all(Waiter::is_closed));
        if abandoned {
            questions.remove(question);
        }
        abandoned
    }

    fn questions(&self) -> MutexGuard<'_, HashMap<Question, Vec<Waiter>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forward(name: &str, family: Family) -> Told {
    let family = match family {
        Family::V4 => AddrFamily::Inet,
        Family::V6 => AddrFamily::Inet6,
    };
    let hints = AddrInfoHints { address: family.into(), socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found = dns_lookup::getaddrinfo(Some(name), None, Some(hints)).map_err(|error| failure(&error))?;
    Answer::new(found.filter_map(Result::ok).map(|info| info.sockaddr.ip()), Duration::ZERO)
}

fn reverse(address: IpAddr) -> Result<String, ResolveError> {
    // Without NI_NAMEREQD an address without a name would be "called" by its digits.
    let named = dns_lookup::getnameinfo(&SocketAddr::new(address, 0), libc::NI_NAMEREQD);
    named.map(|(name, _service)| name).map_err(|error| failure(&error))
}

fn failure(error: &LookupError) -> ResolveError {
    if matches!(error.kind(), LookupErrorKind::NoName | LookupErrorKind::NoData) {
        return ResolveError::Missing;
    }
    ResolveError::Failed(error.to_string().into())
}

fn busy() -> ResolveError {
    ResolveError::Failed("every thread is busy and the queue is full".into())
}
