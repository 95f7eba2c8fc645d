//! The helpers that are free, and the question that each of the others works on.
//!
//! Knows no session and no verdict; the monitor knows the processes.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wire::{PamAnswer, ToPam};

use super::line::{Fault, Line};
use super::trouble::Trouble;

/// How long a helper may work on a question before it counts as stuck.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// How long a question waits for a helper when there is none: the monitor pauses that long before it replaces one that dies again and again.
const PATIENCE: Duration = Duration::from_secs(5);

/// The lines to all helpers that have nothing to do.
pub(crate) struct Helpers {
    free: Mutex<VecDeque<Line>>,
    changed: Condvar,
    limit: Duration,
    last_id: AtomicU64,
    /// Tells the monitor that this helper is stuck.
    report: Box<dyn Fn(u32) + Send + Sync>,
}

impl Helpers {
    /// Nobody yet. A helper that works for longer than `limit` on one question is given up, and `report` is told its number.
    pub(crate) fn new(limit: Duration, report: impl Fn(u32) + Send + Sync + 'static) -> Self {
        Self {
            free: Mutex::default(),
            changed: Condvar::new(),
            limit,
            last_id: AtomicU64::new(0),
            report: Box::new(report),
        }
    }

    /// The line to a new helper.
    ///
    /// # Errors
    /// It is no socket.
    pub(crate) fn add(&self, number: u32, socket: OwnedFd) -> io::Result<()> {
        self.put_back(Line::new(number, socket, self.limit)?);
        Ok(())
    }

    /// Gives up the lines to helpers that died while they were free: to be called when somebody comes in their place.
    pub(crate) fn forget_the_dead(&self) {
        self.free().retain(|line| !line.is_dead());
    }

    /// Waits until each helper says that it takes questions; one that does not within `limit` is given up and reported.
    pub(crate) fn wait_until_ready(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        self.free().retain_mut(|line| {
            let is_ready = line.becomes_ready(deadline.saturating_duration_since(Instant::now()));
            if !is_ready {
                (self.report)(line.number);
            }
            is_ready
        });
    }

    /// How many have nothing to do.
    pub(super) fn free_ones(&self) -> usize {
        self.free().len()
    }

    pub(super) fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Relaxed) + 1
    }

    /// Asks the helper that has been free for the longest time, and waits for its answer.
    pub(super) fn ask(&self, question: &ToPam) -> Result<PamAnswer, Trouble> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut line = self.take(deadline).ok_or(Trouble::NoHelper)?;
            let number = line.number;
            match line.ask(question) {
                Ok(answer) => {
                    if !answer.is_last {
                        self.put_back(line);
                    }
                    return Ok(answer);
                }
                // It never heard the question; another one may.
                Err(Fault::GoneBefore) => {}
                Err(Fault::Gone) => return Err(Trouble::Died { number }),
                Err(Fault::Silent) => {
                    (self.report)(number);
                    return Err(Trouble::Stuck { number, seconds: self.limit.as_secs() });
                }
                Err(Fault::Garbled(error)) => {
                    (self.report)(number);
                    return Err(Trouble::Garbled { number, error });
                }
            }
        }
    }

    fn take(&self, deadline: Instant) -> Option<Line> {
        let patience = deadline.saturating_duration_since(Instant::now());
        let waited = self.changed.wait_timeout_while(self.free(), patience, |free| free.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).0.pop_front()
    }

    fn put_back(&self, line: Line) {
        self.free().push_back(line);
        self.changed.notify_one();
    }

    fn free(&self) -> MutexGuard<'_, VecDeque<Line>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Helpers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Helpers").field("free", &self.free().len()).field("limit", &self.limit).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, channel};
    use std::thread::{self, JoinHandle};

    use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};
    use std::os::fd::AsRawFd;
    use wire::{FromPam, PamVerdict, Proof};

    use super::*;

    const LONG: Duration = Duration::from_secs(20);
    const SHORT: Duration = Duration::from_millis(100);

    /// What a helper does with each question.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Deed {
        Accept,
        AcceptAndRetire,
        Die,
        Sleep,
        Mumble,
        AnswerAnother,
    }

    fn helpers(limit: Duration) -> (Arc<Helpers>, Receiver<u32>) {
        let (report, reported) = channel();
        let report = Mutex::new(report);
        let report = move |number| report.lock().expect("no panic").send(number).expect("the test listens");
        (Arc::new(Helpers::new(limit, report)), reported)
    }

    fn pair() -> (OwnedFd, OwnedFd) {
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).expect("a pair")
    }

    /// Plays a helper that does these deeds, one per question, and then ends.
    fn play(helpers: &Helpers, number: u32, deeds: &'static [Deed]) -> JoinHandle<()> {
        let (ours, theirs) = pair();
        helpers.add(number, theirs).expect("a socket");
        thread::spawn(move || {
            say(&ours, &FromPam::Ready);
            for deed in deeds {
                let mut bytes = [0; 4096];
                let length = recv(ours.as_raw_fd(), &mut bytes, MsgFlags::empty()).expect("a question");
                let Ok(question) = ToPam::decode(&bytes[..length]) else { return };
                perform(*deed, &ours, question.id);
            }
        })
    }

    fn perform(deed: Deed, line: &OwnedFd, id: u64) {
        match deed {
            Deed::Accept | Deed::AcceptAndRetire => say(line, &answer(id, deed == Deed::AcceptAndRetire)),
            Deed::AnswerAnother => say(line, &answer(id + 1, false)),
            Deed::Die => {}
            // Until the worker has given up, which ends the line.
            Deed::Sleep => drop(recv(line.as_raw_fd(), &mut [0; 1], MsgFlags::empty())),
            Deed::Mumble => drop(send(line.as_raw_fd(), b"hm", MsgFlags::empty()).expect("sent")),
        }
    }

    fn answer(id: u64, is_last: bool) -> FromPam {
        let verdict = PamVerdict::Accepted { groups: Vec::new() };
        FromPam::Answer(PamAnswer { id, verdict, is_last, delay: Duration::ZERO, said: Vec::new() })
    }

    fn say(line: &OwnedFd, frame: &FromPam) {
        let bytes = frame.encode().expect("encoded");
        send(line.as_raw_fd(), &bytes, MsgFlags::MSG_NOSIGNAL).expect("sent");
    }

    fn ask(helpers: &Helpers) -> Result<u64, Trouble> {
        let question = ToPam {
            id: helpers.next_id(),
            service: 0,
            user: "u".to_owned(),
            remote_user: "r".to_owned(),
            remote_host: None,
            proof: Proof::Address,
        };
        helpers.ask(&question).map(|answer| answer.id)
    }

    #[test]
    fn each_question_has_its_answer_and_a_helper_is_asked_again() {
        let (helpers, _) = helpers(LONG);
        let helper = play(&helpers, 1, &[Deed::Accept, Deed::Accept, Deed::Accept]);
        assert_eq!([ask(&helpers), ask(&helpers), ask(&helpers)], [Ok(1), Ok(2), Ok(3)]);
        helper.join().expect("no panic");
    }

    #[test]
    fn a_helper_that_retires_is_not_asked_again() {
        let (helpers, reported) = helpers(LONG);
        let helper = play(&helpers, 1, &[Deed::AcceptAndRetire]);
        assert_eq!(ask(&helpers), Ok(1));
        helper.join().expect("no panic");
        assert!(helpers.take(Instant::now()).is_none());
        assert!(reported.try_recv().is_err());
    }

    #[test]
    fn a_helper_that_died_in_its_sleep_costs_nobody_a_login() {
        let (helpers, reported) = helpers(LONG);
        play(&helpers, 1, &[]).join().expect("no panic");
        let second = play(&helpers, 2, &[Deed::Accept]);
        assert_eq!(ask(&helpers), Ok(1));
        second.join().expect("no panic");
        play(&helpers, 3, &[]).join().expect("no panic");
        let fourth = play(&helpers, 4, &[Deed::Accept]);
        helpers.forget_the_dead();
        assert_eq!(helpers.free().iter().map(|line| line.number).collect::<Vec<_>>(), [4]);
        assert_eq!(ask(&helpers), Ok(2));
        fourth.join().expect("no panic");
        assert!(reported.try_recv().is_err());
    }

    #[test]
    fn a_question_that_a_dying_helper_never_heard_goes_to_another_one() {
        let (helpers, reported) = helpers(LONG);
        let (dying, theirs) = pair();
        helpers.add(1, theirs).expect("a socket");
        say(&dying, &FromPam::Ready);
        let asking = Arc::clone(&helpers);
        let asked = thread::spawn(move || ask(&asking));
        let mut unread = [0; 1];
        recv(dying.as_raw_fd(), &mut unread, MsgFlags::MSG_PEEK).expect("the question is there");
        drop(dying);
        let second = play(&helpers, 2, &[Deed::Accept]);
        assert_eq!(asked.join().expect("no panic"), Ok(1));
        second.join().expect("no panic");
        assert!(reported.try_recv().is_err());
    }

    #[test]
    fn a_helper_that_dies_with_the_question_fails_that_one_alone() {
        let (helpers, _) = helpers(LONG);
        let helper = play(&helpers, 1, &[Deed::Die]);
        let second = play(&helpers, 2, &[Deed::Accept]);
        assert_eq!(ask(&helpers), Err(Trouble::Died { number: 1 }));
        assert_eq!(ask(&helpers), Ok(2));
        helper.join().and_then(|()| second.join()).expect("no panic");
    }

    #[test]
    fn a_helper_that_sleeps_or_mumbles_is_reported_and_given_up() {
        let deeds: [(&'static [Deed], &str); 3] =
            [(&[Deed::Sleep], "stuck"), (&[Deed::Mumble], "garbled"), (&[Deed::AnswerAnother], "garbled")];
        for (deed, cause) in deeds {
            let (helpers, reported) = helpers(SHORT);
            let helper = play(&helpers, 7, deed);
            let trouble = ask(&helpers).expect_err("no answer");
            assert_eq!(trouble.cause(), cause, "{deed:?}: {trouble:?}");
            assert_eq!(reported.recv(), Ok(7));
            assert!(helpers.take(Instant::now()).is_none());
            helper.join().expect("no panic");
        }
    }

    #[test]
    fn a_question_waits_for_a_helper_that_is_on_its_way() {
        let (helpers, _) = helpers(LONG);
        let asking = Arc::clone(&helpers);
        let asked = thread::spawn(move || ask(&asking));
        let helper = play(&helpers, 1, &[Deed::Accept]);
        assert_eq!(asked.join().expect("no panic"), Ok(1));
        helper.join().expect("no panic");
    }

    #[test]
    fn who_is_not_ready_in_time_is_reported() {
        let (helpers, reported) = helpers(LONG);
        let (_silent, theirs) = pair();
        helpers.add(1, theirs).expect("a socket");
        let (dead, theirs) = pair();
        helpers.add(2, theirs).expect("a socket");
        drop(dead);
        let ready = play(&helpers, 3, &[Deed::Accept]);
        helpers.wait_until_ready(Duration::from_secs(1));
        assert_eq!([reported.recv(), reported.recv()], [Ok(1), Ok(2)]);
        assert_eq!(ask(&helpers), Ok(1));
        ready.join().expect("no panic");
    }
}
