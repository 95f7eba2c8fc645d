//! Ten thousand wrong logins a second: from one source, from a /24 that guesses one user's password, and from a /24 that
//! tries another name each time. What matters is that others do not notice.
//!
//! The rate is attempted, not reached: on a small machine the attackers themselves need most of the processors.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rig::note::measured;
use rig::place;
use rig::service::Service;
use rig::socks5::{USERPASS, greeting, login};
use rig::usage::{processor_time_by_thread, raise_own_descriptor_limit};
use socket2::{Domain, SockRef, Socket, Type};

use crate::Answer::{self, LetIn};
use crate::{ALICE, launch, log_in_from, loopback};

const RATE: u64 = 10_000;
const DURATION: Duration = Duration::from_secs(6);
const ATTACKERS: u64 = 2;

/// Connections that one attacker keeps open to hear the answer, before it gives up the oldest.
const KEPT: usize = 2_000;

/// What a good user may have to wait on a busy machine; without a guard it would be minutes.
const LATEST: Duration = Duration::from_secs(5);

/// Two floods at once would measure each other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Users who log in once each, so that their passwords have to be checked.
const NEWCOMERS: usize = 30;

#[test]
fn a_flood_from_one_source_is_over_after_a_few_guesses() {
    let flood = Flood { name: "one source", sources: vec![loopback(1, 1)], names: Names::Alice };
    let seen = flood.against(&guarded());
    assert!(seen.guesses <= 10, "{} passwords were checked", seen.guesses);
    // Where others keep the checkers busy, guesses are few, and so far apart that what the first ones counted has run off.
    assert!(seen.turned_away == 1 || seen.guesses < 10, "the penalty is in the log");
}

#[test]
fn a_flood_at_one_name_from_a_whole_network_is_over_when_the_name_is_locked() {
    let flood = Flood { name: "a /24 at one name", sources: network(), names: Names::Alice };
    let seen = flood.against(&guarded());
    assert!(seen.guesses <= 10 + 254, "{} passwords were checked", seen.guesses);
    assert!(seen.turned_away > 0 || seen.guesses < 10, "penalties are in the log");
}

/// The worst of the three: no name is tried twice, and each source fails too seldom to be found out at once.
#[test]
fn a_flood_of_names_from_a_whole_network_keeps_the_checkers_busy_and_nobody_else() {
    let flood = Flood { name: "a /24 at random names", sources: network(), names: Names::Random };
    let seen = flood.against(&guarded());
    assert!(seen.guesses > 0, "it was a flood");
    assert!(seen.newcomers > 0, "no newcomer was let in");
}

/// A daemon with the default guard, nobody exempt, and many users who all have the same password.
fn guarded() -> Service {
    let launch = launch("exempt = []\n");
    let file = launch.directory().join("users.toml");
    let alice = fs::read_to_string(&file).expect("it was just written");
    let newcomers = (0..NEWCOMERS).map(|number| alice.replace("alice", &format!("newcomer{number}")));
    place::write_secret(&file, &(alice.clone() + &newcomers.collect::<String>()));
    launch.start()
}

fn network() -> Vec<IpAddr> {
    (1..=254).map(|host| loopback(1, host)).collect()
}

struct Flood {
    name: &'static str,
    sources: Vec<IpAddr>,
    names: Names,
}

#[derive(Clone, Copy)]
enum Names {
    Alice,
    Random,
}

/// What a flood led to.
struct Seen {
    /// Logins that were checked and failed.
    guesses: usize,
    /// Sources that got a penalty.
    turned_away: usize,
    /// Processor time of the threads that check passwords, of those that relay, and of all.
    of_checkers: Duration,
    of_relays: Duration,
    of_all: Duration,
    /// Good users from an address that was not seen before who were let in.
    newcomers: usize,
}

impl Flood {
    /// Floods while two good users log in again and again: one whose address is known, and one who is always at another.
    fn against(&self, service: &Service) -> Seen {
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        raise_own_descriptor_limit();
        let known = loopback(9, 9);
        assert_eq!(log_in_from(known, service.addr(), ALICE), LetIn);
        let before = processor_time_by_thread(service.worker_pid());
        let (over, attempts, began) = (&AtomicBool::new(false), &AtomicU64::new(0), Instant::now());
        let (known_times, new_times) = thread::scope(|scope| {
            for number in 0..ATTACKERS {
                scope.spawn(move || self.attack(number, service.addr(), over, attempts));
            }
            let known = scope.spawn(move || again_and_again(over, || log_in_from(known, service.addr(), ALICE)));
            let new: Vec<_> = (0..NEWCOMERS)
                .map(|number| {
                    thread::sleep(DURATION / u32::try_from(NEWCOMERS).expect("not that many"));
                    scope.spawn(move || timed(|| first_login(service, number)))
                })
                .collect();
            over.store(true, Relaxed);
            let new = new.into_iter().map(|login| login.join().expect("no panic")).collect::<Vec<_>>();
            (known.join().expect("no panic"), new)
        });
        let seen = Seen::after(service, &before, &new_times);
        measured(format!("{}: {} attempts in {:.1?}", self.name, attempts.load(Relaxed), began.elapsed()));
        measured(format!("  {} guesses checked, {} sources turned away", seen.guesses, seen.turned_away));
        measured(format!(
            "  processor time: checkers {:.2?}, relay threads {:.2?}, all {:.2?}",
            seen.of_checkers, seen.of_relays, seen.of_all
        ));
        measured(format!("  known user: {}", summary(&known_times)));
        measured(format!("  newcomers: {}", summary(&new_times)));
        assert!(known_times.iter().all(|(answer, _)| *answer == LetIn), "{known_times:?}");
        assert!(percentile(&known_times, 99) < LATEST, "{}", summary(&known_times));
        seen
    }

    fn attack(&self, number: u64, proxy: SocketAddr, over: &AtomicBool, attempts: &AtomicU64) {
        let (began, mut open) = (Instant::now(), VecDeque::new());
        for attempt in 0.. {
            if over.load(Relaxed) {
                return;
            }
            let due = Duration::from_micros(attempt * 1_000_000 * ATTACKERS / RATE);
            thread::sleep(due.saturating_sub(began.elapsed()));
            let index = usize::try_from(attempt * ATTACKERS + number).expect("a 64-bit machine") % self.sources.len();
            let name = match self.names {
                Names::Alice => "alice".to_owned(),
                Names::Random => format!("user{number}-{attempt}"),
            };
            open.extend(guess(self.sources[index], proxy, &name));
            attempts.fetch_add(1, Relaxed);
            if open.len() > KEPT {
                open.pop_front();
            }
        }
    }
}

impl Seen {
    fn after(service: &Service, before: &BTreeMap<String, Duration>, new: &[Login]) -> Self {
        let spent = |prefix: &str| {
            let after = processor_time_by_thread(service.worker_pid());
            let own = after.into_iter().filter(|(name, _)| name.starts_with(prefix));
            own.map(|(name, time)| time.saturating_sub(before.get(&name).copied().unwrap_or_default())).sum()
        };
        let lines = service.log.lines();
        let failed = lines.iter().filter(|line| line.text("message") == "authentication failed");
        Self {
            guesses: failed.filter(|line| line.text("reason") != "name_locked").count(),
            turned_away: lines.iter().filter(|line| line.text("message") == "source turned away").count(),
            of_checkers: spent("auth-"),
            of_relays: spent("relay-"),
            of_all: spent(""),
            newcomers: new.iter().filter(|(answer, _)| *answer == LetIn).count(),
        }
    }
}

/// How a login ended and how long it took.
type Login = (Answer, Duration);

/// A wrong login, all in one segment; whoever sends it does not wait.
fn guess(source: IpAddr, proxy: SocketAddr, name: &str) -> Option<TcpStream> {
    let socket = Socket::new(Domain::for_address(proxy), Type::STREAM.nonblocking(), None).ok()?;
    // A reset at the end, so that no port waits for a minute before it can be used again.
    SockRef::from(&socket).set_linger(Some(Duration::ZERO)).ok()?;
    socket.bind(&SocketAddr::new(source, 0).into()).ok()?;
    // On loopback the connection is there when this returns, although it says that it is on its way.
    let _in_progress = socket.connect(&proxy.into());
    let mut stream = TcpStream::from(socket);
    let said = [greeting(&[USERPASS]), login(name.as_bytes(), b"looking-glass")].concat();
    stream.write_all(&said).ok().map(|()| stream)
}

fn again_and_again(over: &AtomicBool, log_in: impl Fn() -> Answer) -> Vec<Login> {
    let mut logins = Vec::new();
    while !over.load(Relaxed) {
        logins.push(timed(&log_in));
        thread::sleep(Duration::from_millis(5));
    }
    logins
}

fn timed(log_in: impl Fn() -> Answer) -> Login {
    let began = Instant::now();
    (log_in(), began.elapsed())
}

/// Somebody who was not here before, from where nobody was.
fn first_login(service: &Service, number: usize) -> Answer {
    let host = u8::try_from(number).expect("there are fewer than addresses in a /24");
    let name = format!("newcomer{number}");
    log_in_from(loopback(20, host), service.addr(), (name.as_bytes(), ALICE.1))
}

fn summary(logins: &[Login]) -> String {
    let let_in = logins.iter().filter(|(answer, _)| *answer == LetIn).count();
    let [median, p99] = [50, 99].map(|percent| percentile(logins, percent));
    format!("{let_in} of {} logins let in, median {median:.1?}, p99 {p99:.1?}", logins.len())
}

/// Of those that were let in; zero when none was.
fn percentile(logins: &[Login], percent: usize) -> Duration {
    let mut times: Vec<Duration> =
        logins.iter().filter(|(answer, _)| *answer == LetIn).map(|(_, time)| *time).collect();
    times.sort_unstable();
    times.get(times.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
}
