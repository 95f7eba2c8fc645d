//! What the operator looks at and is about to do.

use super::dialog::KillDialog;
use super::field::Field;
use super::form::{Form, Question};
use super::screen::Screen;

/// What lies over the screen.
#[derive(Debug)]
pub(crate) enum Overlay {
    Filter(Field),
    Help {
        search: Field,
        scroll: usize,
    },
    Palette {
        search: Field,
        choice: usize,
    },
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
    /// Everything about what is meant.
    Detail {
        scroll: usize,
    },
    Kill(Box<KillDialog>),
    Form(Box<Form>),
    Question(Box<Question>),
}

/// Where the eye and the hand are.
#[derive(Debug)]
pub(crate) struct Ui {
    pub(crate) screen: Screen,
    pub(crate) overlay: Option<Overlay>,
    /// Which visit to a screen this is. What was asked for during another one is not wanted any more.
    pub(crate) visit: u64,
    /// The part of the screen that has the keys.
    pub(crate) pane: usize,
    pub(crate) message: Option<Message>,
    /// Ticks in which a second Ctrl-C ends the console.
    pub(crate) ending: u32,
    pub(crate) size: (u16, u16),
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
            visit: 0,
            pane: 0,
            message: None,
            ending: 0,
            size: (80, 24),
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

    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), is_bad: false, stays: 8 });
    }

    pub(crate) fn warn(&mut self, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), is_bad: true, stays: 15 });
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
            | Self::Help { .. }
            | Self::Palette { .. }
            | Self::Sort { .. }
            | Self::Columns { .. }
            | Self::Copy { .. } => false,
        }
    }

    /// Whether the daemon was told to do something by it, and has not answered.
    pub(crate) fn is_given(&self) -> bool {
        match self {
            Self::Kill(dialog) => dialog.is_given,
            Self::Form(form) => form.is_given,
            Self::Question(question) => question.is_given,
            Self::Filter(_)
            | Self::Help { .. }
            | Self::Palette { .. }
            | Self::Sort { .. }
            | Self::Columns { .. }
            | Self::Copy { .. }
            | Self::Detail { .. } => false,
        }
    }
}
