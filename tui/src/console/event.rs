//! What can happen to a console, and what it can want to be done.

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use crossterm::event::KeyEvent;
use ratatui::layout::Position;
use serde::Serialize;
use serde_json::{Value, to_value};
use wire::admin::{Kill, Push, Refusal, Welcome};

use super::live::View;
use super::pending;
use super::pointer::Gesture;
use super::screen::Screen;
use super::screens::acl;
use crate::bundle::Addresses;
use crate::past::Taken;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Event {
    Key(KeyEvent),
    /// Text that came at once, and is no key.
    Paste(String),
    /// The mouse did this, there.
    Pointed(Gesture, Position),
    Resized,
    /// The conversation has begun with the daemon at this socket; requests go here.
    Connected(Box<Welcome>, UnixStream, PathBuf),
    /// There is no conversation; the next attempt is so many milliseconds away.
    Lost {
        why: String,
        attempt: u32,
        retry_ms: u64,
        /// The daemon is there and wants none.
        is_refused: bool,
    },
    /// The answer to the request of this number.
    Answer(u64, Result<Value, Refusal>),
    /// How far the request of this number is.
    Part(u64, Value),
    Push(Push),
    /// Of each of these subscriptions, so many pushes were let go of while the operator was elsewhere.
    Missed(BTreeMap<u64, u64>),
    /// Something that takes its time is in a file, or not; in words.
    Saved(Result<String, String>),
    /// In which state the service manager has the daemon's unit.
    Unit(Option<String>),
    /// Lines under a title came from another program, or why none did.
    Told(&'static str, Result<String, String>),
    /// The operator's editor was left by the text of this name, with what it says or for this reason.
    Edited(&'static str, Result<String, String>),
    /// Time has passed.
    Tick,
    /// The terminal is gone.
    InputEnded,
    /// The process is asked to end, or to draw again.
    Signal(i32),
}

/// What a request was about, so that its answer finds its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum About {
    Ops,
    /// Users or groups, for the palette.
    Names,
    Status,
    /// A window of a live table, newly opened or moved.
    Window(View),
    /// Where the next row is that has what is looked for.
    Found(View),
    /// The ids of all rows that this filter of a table lets in, to be marked.
    Marks(View, String),
    /// How many rows of a table this filter lets in, for the palette.
    Counted(View, String),
    /// Everything about a session.
    Session(String),
    /// Which sessions the order of the dialog with this number would end.
    KillDry(u64),
    /// It was given.
    Killed(u64),
    /// Whether this one, whose sessions are to end then, may log in no more.
    Leaver(String),
    /// The same before the order of the dialog with this number is given.
    LeaverFirst(Box<Kill>, u64),
    /// What waits to be confirmed: whether it stays, or is taken back.
    Pending(pending::Topic),
    /// Something of the rules.
    Acl(acl::Topic),
    /// The rows of a screen's listing.
    Listing(Screen),
    /// Something of a screen's own, by its own word for it.
    Own(Screen, &'static str),
    /// The same, as long as the operator's visit to the screen lasts.
    Visit(Screen, &'static str, u64),
    /// The same, as long as the operator neither leaves the screen nor asks for it again.
    Latest(Screen, &'static str, u64),
}

impl Effect {
    /// Asks for what the parameters say.
    pub(crate) fn ask(op: &'static str, p: &impl Serialize, about: About) -> Self {
        Self::Ask { op, p: to_value(p).unwrap_or_default(), about }
    }
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    Ask {
        op: &'static str,
        p: Value,
        about: About,
    },
    /// Nobody waits any more for the screen's answers.
    TakeBack(Screen),
    /// The daemon is to stop working on it; it answers that it did.
    Cancel(About),
    /// Rows into a new file.
    Save(Taken, String),
    /// A support bundle, into a new file.
    Bundle(Addresses, String),
    /// A text in the operator's pager, which has the terminal meanwhile; lines of the journal of this time rather, if there are any.
    Page {
        text: String,
        from: f64,
        to: f64,
    },
    RetryNow,
    /// From now on, the daemon is the one at this socket.
    Elsewhere(String),
    /// The last lines of the daemon's unit in the journal.
    Journal,
    /// To another screen.
    Go(Screen),
    /// Hands a text to the operator's editor, and the terminal with it.
    Edit {
        name: &'static str,
        text: String,
    },
    /// Keeps a text on this machine.
    Keep {
        name: &'static str,
        text: String,
    },
    /// Puts a text that was kept under this name into a file of its own.
    SetAside {
        name: &'static str,
        text: String,
    },
    /// Keeps it no longer.
    Forget(&'static str),
    /// To the terminal's clipboard.
    Copy(String),
    /// A text into a new file.
    Write {
        text: String,
        path: String,
    },
    /// Whether the terminal reports the mouse.
    Mouse(bool),
    Redraw,
    Suspend,
    Quit,
}
