//! Happy Eyeballs (RFC 8305): many addresses of one name, tried in turn with a head start each, and the first
//! connection wins.
//!
//! Knows nothing of names, rules or sockets: what an attempt does is its caller's business, and the losers are dropped.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::resolve::Family;
use crate::state::session::refusal::Refusal;

/// Addresses that may be tried, and what to say if none is.
#[derive(Debug, Default)]
pub(super) struct Field {
    pub(super) targets: Vec<SocketAddr>,
    pub(super) refusal: Option<Refusal>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Of one attempt over the next.
    pub(super) head_start: Duration,
    /// Of the whole race.
    pub(super) deadline: Instant,
    pub(super) latecomers: Latecomers,
}

/// What latecomers are to a race that is lost without them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Latecomers {
    /// It waits for them.
    Awaited,
    /// It ends.
    Welcome,
}

/// More attempts than this help nobody, and an answer with a thousand addresses must not become a port scan.
const MOST_ATTEMPTS: usize = 16;

/// Tries the targets of `first` and, when they come, those of `late`. Fails with the most telling reason of all.
pub(super) async fn race<T, A>(
    first: Field,
    late: impl Future<Output = Field>,
    pace: Pace,
    attempt: impl Fn(SocketAddr) -> A,
) -> Result<T, Refusal>
where
    A: Future<Output = Result<T, Refusal>>,
{
    let mut late = pin!(late);
    let mut is_late_open = true;
    let mut race = Race::new(attempt, pace.head_start);
    race.join(first, Family::V6);
    loop {
        race.keep_going();
        if race.is_lost() && !(is_late_open && pace.latecomers == Latecomers::Awaited) {
            return Err(race.told.unwrap_or(Refusal::NameNotFound));
        }
        let next_step = race.next_start().map_or(pace.deadline, |start| start.min(pace.deadline));
        tokio::select! {
            biased;
            outcome = race.first_done() => match outcome {
                Ok(winner) => return Ok(winner),
                Err(refusal) => race.lose(refusal),
            },
            field = &mut late, if is_late_open => {
                is_late_open = false;
                race.join_late(field);
            }
            () = sleep_until(next_step) => {
                if next_step == pace.deadline {
                    return Err(more_telling(race.told, Some(Refusal::TimedOut)).unwrap_or(Refusal::TimedOut));
                }
                race.start_next();
            }
        }
    }
}

struct Race<F, A> {
    attempt: F,
    head_start: Duration,
    waiting: VecDeque<SocketAddr>,
    started: Vec<SocketAddr>,
    running: Vec<Pin<Box<A>>>,
    last_start: Instant,
    told: Option<Refusal>,
}

impl<T, F, A> Race<F, A>
where
    F: Fn(SocketAddr) -> A,
    A: Future<Output = Result<T, Refusal>>,
{
    fn new(attempt: F, head_start: Duration) -> Self {
        Self {
            attempt,
            head_start,
            waiting: VecDeque::new(),
            started: Vec::new(),
            running: Vec::new(),
            last_start: Instant::now(),
            told: None,
        }
    }

    /// Adds targets; those of the `next` family go first.
    fn join(&mut self, field: Field, next: Family) {
        self.told = more_telling(self.told, field.refusal);
        let targets = self.waiting.drain(..).chain(field.targets);
        self.waiting = interleaved(targets.collect(), next);
        self.waiting.truncate(MOST_ATTEMPTS - self.started.len());
    }

    /// Latecomers have waited long enough: their family is next.
    fn join_late(&mut self, mut field: Field) {
        field.targets.retain(|target| !self.started.contains(target));
        let next = field.targets.first().map_or(Family::V6, |target| Family::of(target.ip()));
        self.join(field, next);
    }

    fn start_next(&mut self) {
        if let Some(target) = self.waiting.pop_front() {
            self.started.push(target);
            self.running.push(Box::pin((self.attempt)(target)));
            self.last_start = Instant::now();
        }
    }

    /// Nobody waits while nobody runs.
    fn keep_going(&mut self) {
        if self.running.is_empty() {
            self.start_next();
        }
    }

    /// One attempt has failed: the next begins at once.
    fn lose(&mut self, refusal: Refusal) {
        self.told = more_telling(self.told, Some(refusal));
        self.start_next();
    }

    fn is_lost(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty()
    }

    fn next_start(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then_some(self.last_start + self.head_start)
    }

    /// The first of the running attempts to end; never, when none runs.
    async fn first_done(&mut self) -> Result<T, Refusal> {
        poll_fn(|cx| {
            for index in 0..self.running.len() {
                if let Poll::Ready(outcome) = self.running[index].as_mut().poll(cx) {
                    drop(self.running.swap_remove(index));
                    return Poll::Ready(outcome);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// RFC 8305 section 4: the families take turns and `first` begins; inside a family the order stays, each address once.
fn interleaved(targets: Vec<SocketAddr>, first: Family) -> VecDeque<SocketAddr> {
    let (ours, theirs): (Vec<_>, Vec<_>) = targets.into_iter().partition(|target| Family::of(target.ip()) == first);
    let (mut ours, mut theirs) = (ours.into_iter(), theirs.into_iter());
    let mut order = VecDeque::new();
    loop {
        let turn = [ours.next(), theirs.next()];
        if turn == [None, None] {
            return order;
        }
        for target in turn.into_iter().flatten() {
            if !order.contains(&target) {
                order.push_back(target);
            }
        }
    }
}

/// Of two reasons, the one that tells the client more about its target.
pub(super) fn more_telling(one: Option<Refusal>, other: Option<Refusal>) -> Option<Refusal> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if weight(other) > weight(one) { other } else { one }),
        (one, other) => one.or(other),
    }
}

/// An address that answered says most, then what we could not even try, then silence, then what the network says;
/// addresses that were held back or never found say least.
#[expect(clippy::wildcard_enum_match_arm, reason = "most refusals are not a dial's; they weigh nothing here")]
fn weight(refusal: Refusal) -> u8 {
    match refusal {
        Refusal::ConnectionRefused => 8,
        Refusal::OutOfResources => 7,
        Refusal::Internal | Refusal::TooManyOfRule => 6,
        Refusal::TimedOut => 5,
        Refusal::HostUnreachable => 4,
        Refusal::NetworkUnreachable => 3,
        Refusal::Guarded(_) | Refusal::Denied => 2,
        Refusal::ResolverFailed => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use acl::{Ground, Reason};

    use super::*;

    #[test]
    fn families_take_turns_and_each_address_comes_once() {
        check("", "");
        check("4a 4b", "4a 4b");
        check("6a 6b", "6a 6b");
        check("4a 6a", "6a 4a");
        check("4a 4b 4c 6a", "6a 4a 4b 4c");
        check("6a 6b 6c 4a", "6a 4a 6b 6c");
        check("4a 6a 4b 6b 4c", "6a 4a 6b 4b 4c");
        check("4a 4a 6a 6a 4a", "6a 4a");
    }

    #[test]
    fn the_more_telling_reason_stands_in_either_order() {
        let guarded = Refusal::Guarded(Reason { ground: Ground::Loopback, carrier: None });
        let ladder = [
            Refusal::NameNotFound,
            Refusal::ResolverFailed,
            guarded,
            Refusal::NetworkUnreachable,
            Refusal::HostUnreachable,
            Refusal::TimedOut,
            Refusal::Internal,
            Refusal::OutOfResources,
            Refusal::ConnectionRefused,
        ];
        for pair in ladder.windows(2) {
            assert_eq!(more_telling(Some(pair[0]), Some(pair[1])), Some(pair[1]));
            assert_eq!(more_telling(Some(pair[1]), Some(pair[0])), Some(pair[1]));
            assert_eq!(more_telling(None, Some(pair[0])), Some(pair[0]));
            assert_eq!(more_telling(Some(pair[0]), None), Some(pair[0]));
        }
    }

    /// "4a" is the IPv4 address 192.0.2.10, "6b" the IPv6 address `2001:db8::b`.
    fn check(given: &str, expected: &str) {
        let ordered = interleaved(targets(given), Family::V6);
        assert_eq!(Vec::from(ordered), targets(expected), "{given}");
    }

    fn targets(words: &str) -> Vec<SocketAddr> {
        let target = |word: &str| {
            let (family, letter) = word.split_at(1);
            let number = u16::from_str_radix(letter, 16).unwrap();
            if family == "4" { format!("192.0.2.{number}:80") } else { format!("[2001:db8::{number:x}]:80") }
        };
        words.split_whitespace().map(|word| target(word).parse().unwrap()).collect()
    }
}
