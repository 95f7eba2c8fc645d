//! What the operator looks at and is about to do.

use std::collections::{BTreeMap, VecDeque};

use super::dialog::KillDialog;
use super::field::Field;
use super::form::{Form, Question};
use super::palette::Palette;
use super::pointer::Picture;
use super::screen::Screen;
use super::update::TICKS;

/// What is said to whoever opens a row where there is none.
pub(crate) const NOTHING: &str = "there is nothing here";

/// What lies over the screen.
#[derive(Debug)]
pub(crate) enum Overlay {
    Filter(Field),
    /// What to look for.
    Search(Field),
    Help {
        search: Field,
        scroll: usize,
    },
    Palette(Palette),
    Sort {
        choice: usize,
    },
    Columns {
        choice: usize,
    },
    /// What can be copied, each with its text.
    Copy {
        items: Vec<(&'static str, String)>,
        choice: usize,
    },
    /// Lines that came from elsewhere, under their title.
    Lines {
        title: String,
        lines: Vec<String>,
        scroll: usize,
    },
    /// Everything about what is meant.
    Detail {
        scroll: usize,
    },
    Kill(Box<KillDialog>),
    Form(Box<Form>),
    Question(Box<Question>),
}

/// Ticks for which it is read what was said, and what was warned of.
const SAID: u32 = 8 * TICKS;
const WARNED: u32 = 15 * TICKS;

/// Messages that are remembered.
const MOST_SAID: usize = 200;

/// Where the eye and the hand are.
#[derive(Debug)]
pub(crate) struct Ui {
    pub(crate) screen: Screen,
    pub(crate) overlay: Option<Overlay>,
    /// What came while something lay over the screen, to be seen once that is closed.
    pub(crate) behind: Option<Overlay>,
    /// Which visit to a screen this is. What was asked for during another one is not wanted any more.
    pub(crate) visit: u64,
    /// The number of the last question of each kind: only its answer is wanted, and only on its screen.
    questions: BTreeMap<(Screen, &'static str), u64>,
    /// How many of these there have been.
    asked: u64,
    /// The part of the screen that has the keys.
    pub(crate) pane: usize,
    pub(crate) message: Option<Message>,
    /// What was said before, with the daemon's hour of it, the latest last.
    pub(crate) said: VecDeque<(f64, Message)>,
    /// Lines of the palette, the latest last.
    pub(crate) spoken: Vec<String>,
    /// Ticks that there have been.
    pub(crate) ticks: u32,
    /// Ticks in which a second Ctrl-C ends the console.
    pub(crate) ending: u32,
    pub(crate) size: (u16, u16),
    /// Whether the mouse is heard.
    pub(crate) has_mouse: bool,
    /// What the picture that was drawn last says about itself.
    pub(crate) picture: Picture,
    /// How many dialogs before sessions are ended there have been.
    pub(crate) dialogs: u64,
}

/// A line for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) is_bad: bool,
    /// Ticks for which it stays.
    pub(crate) stays: u32,
}

impl Ui {
    pub(crate) fn new() -> Self {
        Self {
            screen: Screen::Overview,
            overlay: None,
            behind: None,
            visit: 0,
            questions: BTreeMap::new(),
            asked: 0,
            pane: 0,
            message: None,
            said: VecDeque::new(),
            spoken: Vec::new(),
            ticks: 0,
            ending: 0,
            size: (80, 24),
            has_mouse: false,
            picture: Picture::default(),
            dialogs: 0,
        }
    }

    /// The dialog with this number, if it is still open.
    pub(crate) fn dialog(&mut self, number: u64) -> Option<&mut KillDialog> {
        match &mut self.overlay {
            Some(Overlay::Kill(dialog)) if dialog.number == number => Some(dialog),
            Some(_) | None => None,
        }
    }

    /// Remembers what is being said, unless it was said `before` already.
    pub(crate) fn remember(&mut self, before: Option<&Message>, now: f64) {
        let is_new = |message: &&Message| {
            before.is_none_or(|before| before.text != message.text || before.stays < message.stays)
        };
        self.said.extend(self.message.as_ref().filter(is_new).map(|message| (now, message.clone())));
        if self.said.len() > MOST_SAID {
            self.said.pop_front();
        }
    }

    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), is_bad: false, stays: SAID });
    }

    pub(crate) fn warn(&mut self, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), is_bad: true, stays: WARNED });
    }

    /// Lines to be read, which lie over the screen until somebody closes them.
    pub(crate) fn lay(&mut self, title: impl Into<String>, lines: Vec<String>) {
        self.bring(Overlay::Lines { title: title.into(), lines, scroll: 0 });
    }

    /// What has come lies over the screen; behind what lies there already, in which somebody may be writing.
    pub(crate) fn bring(&mut self, overlay: Overlay) {
        if self.overlay.is_none() {
            self.overlay = Some(overlay);
            return;
        }
        self.behind = Some(overlay);
        self.say("what you asked for has come, and is shown once this is closed");
    }

    /// A number for a question, whose kind has no earlier ones from now on.
    pub(crate) fn asks(&mut self, screen: Screen, what: &'static str) -> u64 {
        self.asked += 1;
        self.questions.insert((screen, what), self.asked);
        self.asked
    }

    /// Whether the answer to the question of this number is still wanted.
    pub(crate) fn waits_for(&self, screen: Screen, what: &'static str, number: u64) -> bool {
        self.questions.get(&(screen, what)) == Some(&number)
    }

    /// Another screen is opened: what was asked on this one is not waited for.
    pub(crate) fn leaves(&mut self) {
        self.questions.clear();
        self.behind.take_if(|behind| matches!(behind, Overlay::Lines { .. }));
    }

    /// What was given to the daemon is done: a form or a question about it closes.
    pub(crate) fn done(&mut self) {
        if self.overlay.as_ref().is_some_and(Overlay::is_given) {
            self.overlay = None;
        }
    }

    /// The daemon has answered to what a form or a question gave it: that is over, or the form says what was wrong.
    pub(crate) fn answered(&mut self, answer: Result<&str, &str>) {
        match (&mut self.overlay, answer) {
            (Some(Overlay::Form(form)), Err(why)) if form.is_given => return form.refused(why.to_owned()),
            (Some(overlay), _) if overlay.is_given() => self.overlay = None,
            (Some(_) | None, _) => {}
        }
        match answer {
            Ok(done) => self.say(done),
            Err(why) => self.warn(why),
        }
    }
}

impl Overlay {
    /// Whether it means nothing once the daemon was started anew.
    pub(crate) fn is_of_run(&self) -> bool {
        match self {
            Self::Kill(_) | Self::Detail { .. } => true,
            Self::Form(form) => form.purpose.is_of_run(),
            Self::Question(question) => question.is_of_run,
            Self::Filter(_)
            | Self::Search(_)
            | Self::Help { .. }
            | Self::Palette(_)
            | Self::Sort { .. }
            | Self::Columns { .. }
            | Self::Lines { .. }
            | Self::Copy { .. } => false,
        }
    }

    /// The same for a shell, of what is about to be done.
    pub(crate) fn command(&self) -> Option<String> {
        match self {
            Self::Kill(dialog) => Some(dialog.command()),
            Self::Form(form) => Some(form.purpose.command(&form.entries)),
            Self::Question(question) => Some(question.command.clone()),
            Self::Filter(_)
            | Self::Search(_)
            | Self::Help { .. }
            | Self::Palette(_)
            | Self::Sort { .. }
            | Self::Columns { .. }
            | Self::Copy { .. }
            | Self::Lines { .. }
            | Self::Detail { .. } => None,
        }
    }

    /// Whether the daemon was told to do something by it, and has not answered.
    pub(crate) fn is_given(&self) -> bool {
        match self {
            Self::Kill(dialog) => dialog.is_given,
            Self::Form(form) => form.is_given,
            Self::Question(question) => question.is_given,
            Self::Filter(_)
            | Self::Search(_)
            | Self::Help { .. }
            | Self::Palette(_)
            | Self::Sort { .. }
            | Self::Columns { .. }
            | Self::Copy { .. }
            | Self::Lines { .. }
            | Self::Detail { .. } => false,
        }
    }
}
