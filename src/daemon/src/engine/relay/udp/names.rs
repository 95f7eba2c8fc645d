//! Datagrams to names: looked up without holding up the others, and sent to one address for as long as the flow goes on.
//!
//! A flow must not hop between the addresses of a name, so the first choice stays while datagrams keep coming.
//! Knows nothing of rules or sockets; whoever sends judges the address and chooses among several.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use acl::HostName;
use lru::LruCache;
use socks::Name;

use crate::state::session::refusal::Refusal;

/// Names whose address is remembered at once.
const MOST_KNOWN: usize = 64;

/// A name without a datagram for this long is looked up anew.
const FLOW_ENDS: Duration = Duration::from_mins(1);

/// Names that are being looked up at once.
const MOST_LOOKUPS: usize = 16;

/// Datagrams that wait for one name, and their bytes for all names together.
const MOST_WAITING: usize = 16;
const MOST_WAITING_BYTES: usize = 128 * 1024;

/// The addresses of a name, best first; ends in bounded time.
pub(crate) type Lookup<'a> = Pin<Box<dyn Future<Output = Result<Arc<[IpAddr]>, Refusal>> + Send + 'a>>;

/// Where names are looked up.
pub(crate) trait Directory: Sync {
    fn look_up(&self, name: HostName) -> Lookup<'_>;
}

pub(super) struct Names<'a> {
    directory: &'a dyn Directory,
    known: LruCache<Name, Known>,
    asked: Vec<Asked<'a>>,
    waiting_bytes: usize,
}

#[derive(Debug)]
struct Known {
    host: Arc<HostName>,
    address: IpAddr,
    used: Instant,
}

/// One name that is being looked up.
struct Asked<'a> {
    name: Name,
    host: Arc<HostName>,
    lookup: Lookup<'a>,
    waiting: Vec<Waiting>,
}

/// A datagram that waits for its name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) port: u16,
    pub(super) payload: Box<[u8]>,
}

/// A lookup that is over.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) name: Name,
    /// The name in canonical spelling.
    pub(super) host: Arc<HostName>,
    pub(super) addresses: Result<Arc<[IpAddr]>, Refusal>,
    pub(super) waiting: Vec<Waiting>,
}

/// As much is waiting as may.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl<'a> Names<'a> {
    pub(super) fn new(directory: &'a dyn Directory) -> Self {
        Self { directory, known: LruCache::unbounded(), asked: Vec::new(), waiting_bytes: 0 }
    }

    /// The address that datagrams to this name go to at present.
    pub(super) fn address(&mut self, name: &Name, now: Instant) -> Option<(Arc<HostName>, IpAddr)> {
        let known = self.known.get_mut(name)?;
        if now.saturating_duration_since(known.used) > FLOW_ENDS {
            self.known.pop(name);
            return None;
        }
        known.used = now;
        Some((Arc::clone(&known.host), known.address))
    }

    /// From now on datagrams to this name go there.
    pub(super) fn remember(&mut self, name: Name, host: Arc<HostName>, address: IpAddr, now: Instant) {
        self.known.put(name, Known { host, address, used: now });
        if self.known.len() > MOST_KNOWN {
            self.known.pop_lru();
        }
    }

    /// Keeps a datagram until its name, which is `host` in canonical spelling, is looked up.
    ///
    /// # Errors
    /// The datagram is not kept.
    pub(super) fn wait(&mut self, name: &Name, host: HostName, port: u16, payload: &[u8]) -> Result<(), Full> {
        if self.waiting_bytes + payload.len() > MOST_WAITING_BYTES {
            return Err(Full);
        }
        let asked = self.asked(name, host)?;
        if asked.waiting.len() == MOST_WAITING {
            return Err(Full);
        }
        asked.waiting.push(Waiting { port, payload: payload.into() });
        self.waiting_bytes += payload.len();
        Ok(())
    }

    /// A lookup that has ended, or `None` when all the others wake this task later.
    pub(super) fn poll_answered(&mut self, cx: &mut Context<'_>) -> Option<Answered> {
        let over = |(at, asked): (usize, &mut Asked<'a>)| match asked.lookup.as_mut().poll(cx) {
            Poll::Ready(addresses) => Some((at, addresses)),
            Poll::Pending => None,
        };
        let (at, addresses) = self.asked.iter_mut().enumerate().find_map(over)?;
        let Asked { name, host, lookup: _, waiting } = self.asked.swap_remove(at);
        self.waiting_bytes -= waiting.iter().map(|waiting| waiting.payload.len()).sum::<usize>();
        Some(Answered { name, host, addresses, waiting })
    }

    fn asked(&mut self, name: &Name, host: HostName) -> Result<&mut Asked<'a>, Full> {
        let at = match self.asked.iter().position(|asked| asked.name == *name) {
            Some(at) => at,
            None if self.asked.len() == MOST_LOOKUPS => return Err(Full),
            None => {
                let lookup = self.directory.look_up(host.clone());
                self.asked.push(Asked { name: name.clone(), host: Arc::new(host), lookup, waiting: Vec::new() });
                self.asked.len() - 1
            }
        };
        Ok(&mut self.asked[at])
    }
}

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = self.asked.iter().map(|asked| &asked.name).collect::<Vec<_>>();
        f.debug_struct("Names").field("known", &self.known).field("asked", &asked).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use acl::Destination;

    use super::*;

    #[test]
    fn datagrams_wait_for_their_name_and_come_back_in_order() {
        let directory = Book(Some([192, 0, 2, 1].into()));
        let mut names = Names::new(&directory);
        ask(&mut names, "a.example", b"first").unwrap();
        ask(&mut names, "a.example", b"second").unwrap();
        let answered = names.poll_answered(&mut Context::from_waker(Waker::noop())).unwrap();
        assert_eq!(answered.addresses.unwrap().as_ref(), [IpAddr::from([192, 0, 2, 1])]);
        let payloads: Vec<_> = answered.waiting.iter().map(|waiting| &*waiting.payload).collect();
        assert_eq!(payloads, [&b"first"[..], b"second"]);
        assert_eq!(names.waiting_bytes, 0);
    }

    #[test]
    fn lookups_and_what_waits_for_them_are_bounded() {
        let mut names = Names::new(&Book(None));
        for number in 0..MOST_LOOKUPS {
            assert_eq!(ask(&mut names, &format!("host{number}.example"), b""), Ok(()));
        }
        assert_eq!(ask(&mut names, "one-more.example", b""), Err(Full));
        for _ in 1..MOST_WAITING {
            assert_eq!(ask(&mut names, "host0.example", b"1"), Ok(()));
        }
        assert_eq!(ask(&mut names, "host0.example", b"1"), Err(Full));
        assert_eq!(ask(&mut names, "host1.example", &vec![0; MOST_WAITING_BYTES]), Err(Full));
        assert!(names.poll_answered(&mut Context::from_waker(Waker::noop())).is_none());
    }

    #[test]
    fn a_name_keeps_its_address_while_datagrams_keep_coming() {
        let mut names = Names::new(&Book(None));
        let (name, address, start) = (name("a.example"), IpAddr::from([192, 0, 2, 1]), Instant::now());
        names.remember(name.clone(), host("a.example"), address, start);
        let known = Some((host("a.example"), address));
        assert_eq!(names.address(&name, start + FLOW_ENDS), known);
        assert_eq!(names.address(&name, start + 2 * FLOW_ENDS), known);
        assert_eq!(names.address(&name, start + 3 * FLOW_ENDS + Duration::from_secs(1)), None);
    }

    #[test]
    fn the_names_remembered_are_bounded() {
        let mut names = Names::new(&Book(None));
        for number in 0..=MOST_KNOWN {
            names.remember(name(&number.to_string()), host("a.example"), IpAddr::from([192, 0, 2, 1]), Instant::now());
        }
        assert_eq!(names.known.len(), MOST_KNOWN);
        assert_eq!(names.address(&name("0"), Instant::now()), None);
    }

    /// One address for every name, or no end of looking.
    struct Book(Option<IpAddr>);

    impl Directory for Book {
        fn look_up(&self, _: HostName) -> Lookup<'_> {
            match self.0 {
                Some(address) => Box::pin(async move { Ok(Arc::from([address])) }),
                None => Box::pin(std::future::pending()),
            }
        }
    }

    fn ask(names: &mut Names<'_>, text: &str, payload: &[u8]) -> Result<(), Full> {
        names.wait(&name(text), (*host(text)).clone(), 53, payload)
    }

    fn host(text: &str) -> Arc<HostName> {
        let Ok(Destination::Name(host)) = Destination::parse_name(text.as_bytes()) else {
            panic!("{text} is a host name");
        };
        Arc::new(host)
    }

    fn name(text: &str) -> Name {
        Name::new(text.as_bytes()).unwrap()
    }
}
