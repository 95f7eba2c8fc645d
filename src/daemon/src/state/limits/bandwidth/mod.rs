//! Who may move how many bytes when: the hierarchies of both directions, and whom they keep waiting.
//!
//! A session that nothing limits is not in them, takes no lock, and pays a look at one word. One that is limited asks before it
//! reads, gets what there is, or waits without a timer of its own: one thread looks after all who wait, and sleeps while nobody does.
//! What the operator wrote last holds for everybody, also for those who came before.

mod lanes;
pub(crate) mod way;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use limits::{Gate, HeldBy, Lately, Need};
use prometheus::{Histogram, IntCounter};

use self::lanes::Lanes;
use self::way::{Direction, Part};
use super::allowance::Directions;
use super::share::{self, Class, Client, Lot};
use super::tuning::Tuning;
use crate::state::metrics::{Metrics, STEP_SECONDS};
use crate::state::session::facts::Identity;
use crate::state::session::roster::Roster;
use crate::state::session::ticket::Session;
use crate::state::snapshot::Snapshot;

/// The thread does not look more often: what comes in so long is given out at once.
const TICK: Duration = Duration::from_millis(1);

/// Whoever was given something asks again about so much later. To look then by itself saves that he has to wake the thread.
const AGAIN: Duration = Duration::from_millis(9);

/// How often the thread shows that it lives, whether anybody waits or not; twice as often as the heartbeat is sent.
const BEAT: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct Bandwidth {
    began: Instant,
    /// Open while the policy limits anybody.
    gate: Gate,
    inside: Mutex<Inside>,
    bell: Condvar,
    /// Grows as long as the thread looks.
    beats: AtomicU64,
    counted: Counted,
}

#[derive(Debug)]
struct Inside {
    /// What the operator wrote last.
    policy: Arc<Snapshot>,
    /// What holds for a while besides.
    tuning: Arc<Tuning>,
    /// From the client; where both directions count together, both.
    up: Lanes,
    down: Lanes,
    is_over: bool,
    /// When the thread will look again by itself; 0 while it does not sleep.
    next_look: u64,
}

/// A class as it is now.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// Nothing for all together.
    pub(crate) class: Option<Class>,
    /// The class above; nothing if that is all together.
    pub(crate) parent: Option<Class>,
    /// What holds from the client; where both directions count together, for both.
    pub(crate) up: limits::Share,
    pub(crate) down: limits::Share,
    /// Sessions that wait, in one direction or the other.
    pub(crate) waiting: usize,
    /// What of 100 is in the emptier bucket of its ceilings.
    pub(crate) filled: Option<u8>,
    /// How it has fared in the direction in which it was held back longer.
    pub(crate) lately: Lately,
    /// What held it back there.
    pub(crate) held_by: Option<HeldBy>,
}

#[derive(Debug)]
struct Counted {
    up: IntCounter,
    down: IntCounter,
    waits: Histogram,
}

impl Bandwidth {
    /// The thread that looks after those who wait.
    pub(crate) const THREAD: &str = "bandwidth";

    /// Nobody has a part in it yet, and this is the policy.
    pub(crate) fn new(policy: Arc<Snapshot>, metrics: &Metrics, now: Instant) -> Arc<Self> {
        let rates = policy.allowance.bandwidth;
        let gate = Gate::new(rates.is_any());
        let (up, down) = (Lanes::new(rates.all_in(Direction::Up)), Lanes::new(rates.all_in(Direction::Down)));
        let inside = Inside { policy, tuning: Arc::default(), up, down, is_over: false, next_look: 0 };
        let allocated = metrics.counters(
            "rustsocks_qos_bandwidth_allocated_bytes_total",
            "Bytes that sessions with a bandwidth limit were allowed to move, by direction.",
            &["direction"],
        );
        let waits = metrics.seconds(
            "rustsocks_qos_allocation_wait_seconds",
            "How long sessions with a bandwidth limit waited for their turn, each time that they had to.",
            &STEP_SECONDS,
        );
        let counted = Counted {
            up: allocated.with_label_values(&["sent"]),
            down: allocated.with_label_values(&["received"]),
            waits,
        };
        let (inside, bell, beats) = (Mutex::new(inside), Condvar::new(), AtomicU64::new(1));
        let bandwidth = Arc::new(Self { began: now, gate, inside, bell, beats, counted });
        let users = metrics.gauge("rustsocks_qos_active_users", "Users with sessions that have a bandwidth limit.");
        let looked_at = Arc::downgrade(&bandwidth);
        metrics.before_each_scrape(move || {
            let count = looked_at.upgrade().map_or(0, |bandwidth| bandwidth.users());
            users.set(i64::try_from(count).unwrap_or(i64::MAX));
        });
        bandwidth
    }

    /// Gives a session its part, once its client is known and the rule that lets it in.
    pub(crate) fn enter(self: &Arc<Self>, session: &Arc<Session>, identity: &Identity) -> Part {
        let _entered_once = session.tap.bandwidth.set(Arc::clone(self));
        if self.gate.enter(&session.tap.membership) {
            self.lock().attach(session, identity, self.moment(Instant::now()));
        }
        Part { bandwidth: Arc::clone(self), session: Arc::clone(session) }
    }

    /// Lets this policy hold from now on, for everybody who is in.
    pub(crate) fn retune(&self, policy: Arc<Snapshot>, roster: &Roster) {
        let mut inside = self.lock();
        let now = self.moment(Instant::now());
        let (was_any, rates) = (inside.is_any(), policy.allowance.bandwidth);
        inside.policy = policy;
        if inside.is_any() || was_any {
            inside.up.tree.tune(rates.all_in(Direction::Up), now);
            inside.down.tree.tune(rates.all_in(Direction::Down), now);
            self.place_anew(inside, roster, now);
        }
    }

    /// Lets this hold from now on besides the policy, for everybody who is in.
    pub(crate) fn tune(&self, tuning: Arc<Tuning>, roster: &Roster) {
        let mut inside = self.lock();
        let now = self.moment(Instant::now());
        let is_any = tuning.is_of_bandwidth() || inside.tuning.is_of_bandwidth();
        inside.tuning = tuning;
        if is_any {
            self.place_anew(inside, roster, now);
        }
    }

    /// Gives everybody who is in the part that he has now.
    fn place_anew(&self, mut inside: MutexGuard<'_, Inside>, roster: &Roster, now: u64) {
        self.gate.set(true);
        roster.each(|session| {
            if session.tap.membership.is_in() {
                inside.reattach(session, now);
                session.course.nudge();
            }
        });
        self.gate.set(inside.is_any());
        drop(inside);
        self.bell.notify_one();
    }

    /// Looks after those who wait, until it is [over](Self::end).
    pub(crate) fn look_after(&self) {
        let mut inside = self.lock();
        while !inside.is_over {
            self.beats.fetch_add(1, Relaxed);
            let now = self.moment(Instant::now());
            let woken = inside.run(now);
            let mut pause = BEAT;
            if !woken.is_empty() {
                inside.next_look = 0;
                drop(inside);
                wake(&woken);
                inside = self.lock();
                pause = AGAIN;
            }
            let now = self.moment(Instant::now());
            if let Some(at) = inside.next() {
                pause = Duration::from_nanos(at.saturating_sub(now)).clamp(TICK, pause);
            }
            inside.next_look = now.saturating_add(nanos(pause));
            inside = self.bell.wait_timeout(inside, pause).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Every class there is now, that of all together first, with what holds for it in each direction and how many sessions wait.
    pub(crate) fn classes(&self) -> Vec<Standing> {
        let (mut found, down) = self.standings();
        let places: HashMap<Option<Class>, usize> =
            found.iter().enumerate().map(|(at, standing)| (standing.class.clone(), at)).collect();
        for standing in down {
            match places.get(&standing.class) {
                Some(at) => found[*at].also(&standing),
                None => found.push(standing),
            }
        }
        found
    }

    /// Those of each direction. No more is done here, as everybody who is limited waits meanwhile.
    fn standings(&self) -> (Vec<Standing>, Vec<Standing>) {
        let inside = self.lock();
        let now = self.moment(Instant::now());
        (inside.up.standings(Direction::Up, now), inside.down.standings(Direction::Down, now))
    }

    /// Sessions whose own directions wait because they are at the limit of a session, where each direction has one.
    pub(crate) fn held_alone(&self) -> usize {
        let inside = self.lock();
        inside.up.tree.held_leaves() + inside.down.tree.held_leaves()
    }

    /// A number that grows as long as the thread looks.
    pub(crate) fn beats(&self) -> u64 {
        self.beats.load(Relaxed)
    }

    /// Lets the thread end.
    pub(crate) fn end(&self) {
        self.lock().is_over = true;
        self.bell.notify_one();
    }

    fn ask(&self, session: &Session, direction: Direction, want: usize, need: Need) -> usize {
        let now = self.moment(Instant::now());
        let mut inside = self.lock();
        let lanes = inside.lanes(direction);
        let Some((granted, waited)) = lanes.ask((session.id, direction), want as u64, need, now) else { return want };
        let woken = lanes.take_woken();
        let is_sooner = inside.next().is_some_and(|next| next.saturating_add(nanos(TICK)) < inside.next_look);
        drop(inside);
        if is_sooner {
            self.bell.notify_one();
        }
        wake(&woken);
        match direction {
            Direction::Up => self.counted.up.inc_by(granted),
            Direction::Down => self.counted.down.inc_by(granted),
        }
        if let Some(waited) = waited {
            self.counted.waits.observe(Duration::from_nanos(waited).as_secs_f64());
        }
        usize::try_from(granted).unwrap_or(want)
    }

    fn give_back(&self, session: &Session, direction: Direction, bytes: usize) {
        let now = self.moment(Instant::now());
        self.lock().lanes(direction).give_back((session.id, direction), bytes as u64, now);
    }

    fn leave(&self, session: &Session) {
        let now = self.moment(Instant::now());
        self.lock().detach(session, now);
    }

    fn users(&self) -> usize {
        let inside = self.lock();
        let names = inside.up.sessions().filter_map(|session| match identity(&session) {
            Some(Identity::User(user)) => Some(user.name),
            Some(Identity::Anonymous) | None => None,
        });
        names.collect::<HashSet<_>>().len()
    }

    /// Nanoseconds since it began.
    fn moment(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.began))
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    /// Whether somebody of it waits for its own ceiling.
    pub(crate) fn waits_alone(&self) -> bool {
        self.waiting > 0 && self.held_by == Some(HeldBy::Own)
    }

    /// How the same class stands to the client.
    fn also(&mut self, down: &Self) {
        self.down = down.down;
        self.waiting += down.waiting;
        self.filled = [self.filled, down.filled].into_iter().flatten().min();
        if down.lately.held > self.lately.held {
            (self.lately, self.held_by) = (down.lately, down.held_by);
        }
    }
}

impl Inside {
    /// Whether anybody is limited.
    fn is_any(&self) -> bool {
        self.policy.allowance.bandwidth.is_any() || self.tuning.is_of_bandwidth()
    }

    fn attach(&mut self, session: &Arc<Session>, identity: &Identity, now: u64) {
        let source = session.caller().map(|caller| caller.source);
        let client = Client { source, identity, rule: session.credit.rule() };
        let Some(lot) = share::bandwidth(&self.policy, &self.tuning, client) else { return };
        if !session.tap.membership.hold() {
            return;
        }
        // A retuning may have seen it before it came here itself.
        self.remove(session, now);
        match self.directions() {
            Directions::Separate => {
                let Lot { up, down } = lot;
                self.up.attach((session, Direction::Up), &up.classes, up.of_session, now);
                self.down.attach((session, Direction::Down), &down.classes, down.of_session, now);
            }
            // Both have what the session has, which is therefore a class.
            Directions::Together => {
                let mut classes = lot.up.classes;
                classes.push((Class::of_session(session.id, &classes), lot.up.of_session));
                for direction in [Direction::Up, Direction::Down] {
                    self.up.attach((session, direction), &classes, limits::Share::default(), now);
                }
            }
        }
    }

    fn detach(&mut self, session: &Session, now: u64) {
        session.tap.membership.release();
        self.remove(session, now);
    }

    fn reattach(&mut self, session: &Arc<Session>, now: u64) {
        self.detach(session, now);
        if let Some(identity) = identity(session) {
            self.attach(session, &identity, now);
        }
    }

    fn remove(&mut self, session: &Session, now: u64) {
        for lanes in [&mut self.up, &mut self.down] {
            lanes.detach(session, now);
        }
    }

    fn run(&mut self, now: u64) -> Vec<Arc<Session>> {
        let mut woken = Vec::new();
        for lanes in [&mut self.up, &mut self.down] {
            lanes.tree.run(now, &mut lanes.woken);
            woken.extend(lanes.take_woken());
        }
        woken
    }

    fn next(&self) -> Option<u64> {
        self.up.tree.next().into_iter().chain(self.down.tree.next()).min()
    }

    fn directions(&self) -> Directions {
        self.policy.allowance.bandwidth.directions
    }

    fn lanes(&mut self, direction: Direction) -> &mut Lanes {
        match (self.directions(), direction) {
            (Directions::Separate, Direction::Down) => &mut self.down,
            (Directions::Separate, Direction::Up) | (Directions::Together, _) => &mut self.up,
        }
    }
}

fn identity(session: &Session) -> Option<Identity> {
    session.facts().proof.as_ref().map(|proof| proof.identity.clone())
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn wake(sessions: &[Arc<Session>]) {
    for session in sessions {
        session.course.nudge();
    }
}
