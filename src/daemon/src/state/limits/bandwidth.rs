//! Who may move how many bytes when: the hierarchies of both directions, and whom they keep waiting.
//!
//! A session that nothing limits is not in them and pays a look at one flag. One that is limited asks before it reads, gets
//! what there is, or waits without a timer of its own: one thread looks after all who wait, and sleeps while nobody does.
//! What the operator wrote last holds for everybody, also for those who came before.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use limits::{LeafId, Share, Tree};
use prometheus::{Histogram, IntCounter};
use uuid::Uuid;

use super::share::{self, Class};
use crate::state::metrics::{Metrics, STEP_SECONDS};
use crate::state::session::facts::Identity;
use crate::state::session::lane::Lane;
use crate::state::session::roster::Roster;
use crate::state::session::ticket::Session;
use crate::state::snapshot::Snapshot;

/// The thread does not look more often: what comes in so long is given out at once.
const TICK: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(crate) struct Bandwidth {
    began: Instant,
    inside: Mutex<Inside>,
    bell: Condvar,
    counted: Counted,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the client.
    Up,
    /// To the client.
    Down,
}

#[derive(Debug)]
struct Inside {
    /// What the operator wrote last.
    policy: Arc<Snapshot>,
    up: Lanes,
    down: Lanes,
    is_over: bool,
    /// When the thread will look again, if it sleeps until then; 0 while it does not sleep.
    next_look: Option<u64>,
}

/// All limited sessions in one direction.
#[derive(Debug)]
struct Lanes {
    tree: Tree<Class>,
    leaves: HashMap<Uuid, Waiter>,
    sessions: HashMap<LeafId, Weak<Session>>,
    /// Kept so that nothing is allocated for each question.
    woken: Vec<LeafId>,
}

#[derive(Debug, Clone, Copy)]
struct Waiter {
    leaf: LeafId,
    since: Option<u64>,
}

#[derive(Debug)]
struct Counted {
    up: IntCounter,
    down: IntCounter,
    waits: Histogram,
}

/// A session's end of it.
#[derive(Debug, Default)]
pub(crate) struct Tap {
    bandwidth: OnceLock<Arc<Bandwidth>>,
    is_limited: AtomicBool,
}

/// That a session has a part in it; it has none any more when this is dropped.
#[derive(Debug)]
pub(crate) struct Part {
    bandwidth: Arc<Bandwidth>,
    session: Arc<Session>,
}

impl Bandwidth {
    /// Nobody has a part in it yet, and this is the policy.
    pub(crate) fn new(policy: Arc<Snapshot>, metrics: &Metrics, now: Instant) -> Arc<Self> {
        let all = policy.allowance.bandwidth.all;
        let lanes =
            || Lanes { tree: Tree::new(all, 0), leaves: HashMap::new(), sessions: HashMap::new(), woken: Vec::new() };
        let inside = Inside { policy, up: lanes(), down: lanes(), is_over: false, next_look: Some(0) };
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
        let bandwidth = Self { began: now, inside: Mutex::new(inside), bell: Condvar::new(), counted };
        let bandwidth = Arc::new(bandwidth);
        let users = metrics.gauge("rustsocks_qos_active_users", "Users with sessions that have a bandwidth limit.");
        let looked_at = Arc::downgrade(&bandwidth);
        metrics.before_each_scrape(move || {
            let count = looked_at.upgrade().map_or(0, |bandwidth| bandwidth.users());
            users.set(i64::try_from(count).unwrap_or(i64::MAX));
        });
        bandwidth
    }

    /// Gives a session whose client is known its part.
    pub(crate) fn enter(self: &Arc<Self>, session: &Arc<Session>, identity: &Identity) -> Part {
        let _entered_once = session.tap.bandwidth.set(Arc::clone(self));
        self.lock().attach(session, identity, self.moment(Instant::now()));
        Part { bandwidth: Arc::clone(self), session: Arc::clone(session) }
    }

    /// Lets this policy hold from now on, for everybody who is in.
    pub(crate) fn retune(&self, policy: Arc<Snapshot>, roster: &Roster) {
        let mut inside = self.lock();
        let now = self.moment(Instant::now());
        let is_any = policy.allowance.bandwidth.is_any() || inside.policy.allowance.bandwidth.is_any();
        let all = policy.allowance.bandwidth.all;
        inside.policy = policy;
        if !is_any {
            return;
        }
        inside.up.tree.tune(all, now);
        inside.down.tree.tune(all, now);
        roster.each(|session| {
            let identity = session.facts().proof.as_ref().map(|proof| proof.identity.clone());
            let Some(identity) = identity.filter(|_| session.tap.bandwidth.get().is_some()) else { return };
            inside.detach(session, now);
            inside.attach(session, &identity, now);
            session.course.nudge();
        });
        drop(inside);
        self.bell.notify_one();
    }

    /// Looks after those who wait, until it is [over](Self::end).
    pub(crate) fn look_after(&self) {
        let mut inside = self.lock();
        while !inside.is_over {
            let now = self.moment(Instant::now());
            let woken = inside.run(now);
            if !woken.is_empty() {
                inside.next_look = Some(0);
                drop(inside);
                wake(&woken);
                inside = self.lock();
            }
            inside.next_look = inside.next();
            inside = match inside.next_look {
                None => self.bell.wait(inside).unwrap_or_else(PoisonError::into_inner),
                Some(at) => {
                    let now = self.moment(Instant::now());
                    let pause = Duration::from_nanos(at.saturating_sub(now)).max(TICK);
                    self.bell.wait_timeout(inside, pause).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Lets the thread end.
    pub(crate) fn end(&self) {
        self.lock().is_over = true;
        self.bell.notify_one();
    }

    fn ask(&self, session: &Session, direction: Direction, want: usize) -> usize {
        let now = self.moment(Instant::now());
        let mut inside = self.lock();
        let Some((granted, waited)) = inside.lanes(direction).ask(session.id, want as u64, now) else { return want };
        let woken = inside.lanes(direction).take_woken();
        let is_sooner = inside.next().is_some_and(|next| inside.next_look.is_none_or(|look| next < look));
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
        let mut inside = self.lock();
        let lanes = inside.lanes(direction);
        if let Some(Waiter { leaf, .. }) = lanes.leaves.get(&session.id).copied() {
            lanes.tree.give_back(leaf, bytes as u64, now);
        }
    }

    fn users(&self) -> usize {
        let inside = self.lock();
        let sessions = inside.up.sessions.values().filter_map(Weak::upgrade);
        let names = sessions.filter_map(|session| match session.facts().proof.as_ref().map(|proof| &proof.identity) {
            Some(Identity::User(user)) => Some(Arc::clone(&user.name)),
            Some(Identity::Anonymous) | None => None,
        });
        names.collect::<HashSet<_>>().len()
    }

    /// Nanoseconds since it began.
    fn moment(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.began).as_nanos()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn attach(&mut self, session: &Arc<Session>, identity: &Identity, now: u64) {
        let source = session.caller().map(|caller| caller.source);
        let Some((classes, leaf)) = share::bandwidth(&self.policy, source, identity) else { return };
        for lanes in [&mut self.up, &mut self.down] {
            lanes.attach(session, &classes, leaf, now);
        }
        session.tap.is_limited.store(true, Relaxed);
    }

    fn detach(&mut self, session: &Session, now: u64) {
        session.tap.is_limited.store(false, Relaxed);
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

    fn lanes(&mut self, direction: Direction) -> &mut Lanes {
        match direction {
            Direction::Up => &mut self.up,
            Direction::Down => &mut self.down,
        }
    }
}

impl Lanes {
    fn attach(&mut self, session: &Arc<Session>, classes: &[(Class, Share)], share: Share, now: u64) {
        let leaf = self.tree.attach(classes, share, now);
        self.leaves.insert(session.id, Waiter { leaf, since: None });
        self.sessions.insert(leaf, Arc::downgrade(session));
    }

    fn detach(&mut self, session: &Session, now: u64) {
        if let Some(Waiter { leaf, .. }) = self.leaves.remove(&session.id) {
            self.sessions.remove(&leaf);
            self.tree.detach(leaf, now);
        }
    }

    /// What a session is granted, and how long it has waited for it; `None` if nothing limits it.
    fn ask(&mut self, session: Uuid, want: u64, now: u64) -> Option<(u64, Option<u64>)> {
        let waiter = self.leaves.get_mut(&session)?;
        let granted = self.tree.ask(waiter.leaf, want, now, &mut self.woken);
        if granted == 0 {
            waiter.since.get_or_insert(now);
            return Some((0, None));
        }
        Some((granted, waiter.since.take().map(|since| now.saturating_sub(since))))
    }

    fn take_woken(&mut self) -> Vec<Arc<Session>> {
        let sessions = &self.sessions;
        self.woken.drain(..).filter_map(|leaf| sessions.get(&leaf)?.upgrade()).collect()
    }
}

fn wake(sessions: &[Arc<Session>]) {
    for session in sessions {
        session.course.nudge();
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let now = self.bandwidth.moment(Instant::now());
        self.bandwidth.lock().detach(&self.session, now);
    }
}

/// One direction of a session, for whoever moves bytes on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way<'s> {
    session: &'s Session,
    direction: Direction,
}

impl<'s> Way<'s> {
    pub(crate) fn new(session: &'s Session, direction: Direction) -> Self {
        Self { session, direction }
    }

    /// Where it is counted.
    pub(crate) fn lane(self) -> &'s Lane {
        match self.direction {
            Direction::Up => &self.session.up,
            Direction::Down => &self.session.down,
        }
    }

    /// Whether one has to ask before anything is moved.
    pub(crate) fn is_limited(self) -> bool {
        self.session.tap.is_limited.load(Relaxed)
    }

    /// How many of these bytes may be moved now. With 0 the session's task is woken when it is worth while to ask again.
    pub(crate) fn may_carry(self, want: usize) -> usize {
        self.bandwidth().map_or(want, |bandwidth| bandwidth.ask(self.session, self.direction, want))
    }

    /// Returns bytes that might have been moved and were not.
    pub(crate) fn has_left(self, bytes: usize) {
        if let Some(bandwidth) = self.bandwidth().filter(|_| bytes > 0) {
            bandwidth.give_back(self.session, self.direction, bytes);
        }
    }

    fn bandwidth(self) -> Option<&'s Arc<Bandwidth>> {
        self.session.tap.bandwidth.get().filter(|_| self.is_limited())
    }
}
