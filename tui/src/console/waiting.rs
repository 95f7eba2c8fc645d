//! What the daemon was asked and has not answered yet: for how long, and whether it can be taken back.

use super::event::{About, Effect};
use super::screen::Screen;
use super::update::TICKS;

/// Milliseconds of waiting that are told: what is answered at once is not worth a word that only flickers.
const WORTH_A_WORD: u64 = 300;

/// Questions that may take long and change nothing. `Esc` takes them back.
const QUESTIONS: [&str; 9] = [
    "acl.explain",
    "acl.tests.run",
    "audit.query",
    "audit.tail",
    "config.drift",
    "series.get",
    "txn.diff",
    "txn.validate",
    "users.get",
];

/// The same, but their screens have more to do then.
const TAKEN_BACK_BY_SCREENS: [&str; 3] = ["acl.whatif", "history.agg", "history.query"];

/// The requests without answers.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Vec<Wait>);

#[derive(Debug)]
struct Wait {
    op: &'static str,
    about: About,
    ticks: u32,
}

impl Wait {
    fn millis(&self) -> u64 {
        u64::from(self.ticks) * 1_000 / u64::from(TICKS)
    }
}

impl Waiting {
    /// Takes note of what is asked and taken back.
    pub(crate) fn note(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Ask { op, about, .. } = effect {
                self.0.push(Wait { op, about: about.clone(), ticks: 0 });
            } else if let Effect::TakeBack(screen) = effect {
                self.0.retain(|wait| !wait.about.is_question_of(*screen));
            }
        }
    }

    pub(crate) fn answered(&mut self, about: &About) {
        if let Some(place) = self.0.iter().position(|wait| wait.about == *about) {
            self.0.remove(place);
        }
    }

    pub(crate) fn ticked(&mut self) {
        for wait in &mut self.0 {
            wait.ticks = wait.ticks.saturating_add(1);
        }
    }

    /// Nobody answers any more.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// `working 1.2 s` for what is waited for longest, once that is long.
    pub(crate) fn so_far(&self) -> Option<String> {
        let millis = self.0.iter().map(Wait::millis).max().filter(|millis| *millis >= WORTH_A_WORD)?;
        Some(format!("working {}.{} s", millis / 1_000, millis % 1_000 / 100))
    }

    /// Whether `Esc` takes something back on this screen.
    pub(crate) fn can_be_taken_back(&self, screen: Screen) -> bool {
        let is_its = |wait: &&Wait| wait.millis() >= WORTH_A_WORD && wait.about.screen() == Some(screen);
        let is_question = |wait: &Wait| QUESTIONS.contains(&wait.op) || TAKEN_BACK_BY_SCREENS.contains(&wait.op);
        self.0.iter().filter(is_its).any(is_question)
    }

    /// The question of this screen that is waited for longest, if it is one that no screen takes back by itself.
    pub(crate) fn question(&self, screen: Screen) -> Option<About> {
        let is_long = |wait: &&Wait| QUESTIONS.contains(&wait.op) && wait.millis() >= WORTH_A_WORD;
        let questions = self.0.iter().filter(is_long).filter(|wait| wait.about.screen() == Some(screen));
        questions.max_by_key(|wait| wait.ticks).map(|wait| wait.about.clone())
    }

    /// The screen is left: nobody waits any more for what only it wants.
    pub(crate) fn leave(&mut self) {
        self.0.retain(|wait| !matches!(wait.about, About::Latest(..)));
    }
}

impl About {
    /// The screen whose it is; nothing for what concerns several.
    fn screen(&self) -> Option<Screen> {
        match self {
            Self::Listing(of) | Self::Own(of, _) | Self::Visit(of, ..) | Self::Latest(of, ..) => Some(*of),
            Self::Acl(_) => Some(Screen::Acl),
            Self::Session(_) | Self::KillDry(_) | Self::Killed(_) | Self::LeaverFirst(..) => Some(Screen::Sessions),
            Self::Leaver(_) => Some(Screen::Users),
            Self::Ops
            | Self::Names
            | Self::Status
            | Self::Window(_)
            | Self::Found(_)
            | Self::Marks(..)
            | Self::Counted(..)
            | Self::Pending(_) => None,
        }
    }

    /// Whether it is a question of this screen, which nobody waits for once the screen takes it back.
    pub(crate) fn is_question_of(&self, screen: Screen) -> bool {
        let is_its_own = matches!(self, Self::Listing(of) | Self::Own(of, _) if *of == screen);
        is_its_own || matches!(self, Self::Acl(topic) if screen == Screen::Acl && topic.is_question())
    }
}
