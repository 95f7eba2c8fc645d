//! How far a session has come, and whether the house wants it gone: one word, so that neither changes
//! unseen by the other.

use std::sync::atomic::{AtomicU16, Ordering};
use std::task::Waker;

use atomic_waker::AtomicWaker;

use super::ending::ByHouse;

/// How far a session has come; the sweep applies one deadline to each stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stage {
    /// The client has not said who it is, or is nobody in particular, and has not asked for anything yet.
    Handshake,
    /// It gave a name and a password; what takes time until its request is complete is not held against it.
    LoggingIn,
    /// Resolving, dialling or waiting for a peer; these watch their own deadlines.
    SettingUp,
    Relaying,
    /// One side has finished sending.
    HalfClosed,
    /// Relaying datagrams.
    Datagrams,
}

/// The stage in the low byte; in the high one the house's order to end, given from any thread, heard by the session's task
/// wherever it waits. The first order stands.
#[derive(Debug, Default)]
pub(crate) struct Course {
    word: AtomicU16,
    task: AtomicWaker,
}

impl Course {
    pub(crate) fn enter(&self, stage: Stage) {
        let entered = |word: u16| Some(word & 0xff00 | u16::from(stage as u8));
        let _always_some = self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, entered);
    }

    pub(crate) fn stage(&self) -> Stage {
        let [_, number] = self.word.load(Ordering::Acquire).to_be_bytes();
        Stage::ALL.into_iter().find(|stage| *stage as u8 == number).expect("only a stage is ever entered")
    }

    /// Orders the session to end, whatever it does.
    pub(crate) fn end(&self, reason: ByHouse) {
        self.order(reason, |_| true);
    }

    /// Orders the session to end unless it has left `stage` meanwhile; says whether it ends for `reason` now.
    pub(crate) fn end_while(&self, stage: Stage, reason: ByHouse) -> bool {
        self.order(reason, |word| word & 0x00ff == u16::from(stage as u8))
    }

    pub(crate) fn ordered(&self) -> Option<ByHouse> {
        let [number, _] = self.word.load(Ordering::Acquire).to_be_bytes();
        ByHouse::ALL.into_iter().find(|by| *by as u8 == number)
    }

    /// Wakes the session's task to look around.
    pub(crate) fn nudge(&self) {
        self.task.wake();
    }

    /// The task that an order wakes from now on.
    pub(super) fn heard_by(&self, task: &Waker) {
        self.task.register(task);
    }

    fn order(&self, reason: ByHouse, applies: impl Fn(u16) -> bool) -> bool {
        let ordered = |word: u16| {
            let is_first = word & 0xff00 == 0;
            (is_first && applies(word)).then_some(u16::from(reason as u8) << 8 | word)
        };
        let is_ordered = self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, ordered).is_ok();
        if is_ordered {
            self.task.wake();
        }
        is_ordered
    }
}

impl Stage {
    /// In the order of their numbers.
    pub(crate) const ALL: [Self; 6] =
        [Self::Handshake, Self::LoggingIn, Self::SettingUp, Self::Relaying, Self::HalfClosed, Self::Datagrams];

    /// The stable word for metrics.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::LoggingIn => "logging_in",
            Self::SettingUp => "setting_up",
            Self::Relaying => "relaying",
            Self::HalfClosed => "half_closed",
            Self::Datagrams => "datagrams",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_order_stands_and_stages_go_on_beside_it() {
        let course = Course::default();
        course.end(ByHouse::Idle);
        course.end(ByHouse::Stopped);
        course.enter(Stage::Datagrams);
        assert_eq!((course.stage(), course.ordered()), (Stage::Datagrams, Some(ByHouse::Idle)));
    }

    #[test]
    fn an_order_for_a_stage_that_is_over_is_void() {
        let course = Course::default();
        course.enter(Stage::SettingUp);
        assert!(!course.end_while(Stage::Handshake, ByHouse::HandshakeShed));
        assert_eq!(course.ordered(), None);
        assert!(course.end_while(Stage::SettingUp, ByHouse::MaxAge));
        assert!(!course.end_while(Stage::SettingUp, ByHouse::Idle), "the first order stands");
        assert_eq!(course.ordered(), Some(ByHouse::MaxAge));
    }
}
