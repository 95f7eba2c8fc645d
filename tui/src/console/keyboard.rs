//! The thread that reads the keys, and how they are lent to a program that needs them more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{self as input, Event as Input, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::event::Event;
use super::pointer::Gesture;

/// Two clicks in the same place are one double click within this time.
const DOUBLE: Duration = Duration::from_millis(400);

/// How long it listens before it looks whether somebody else wants the keys.
const TURN: Duration = Duration::from_millis(50);

/// The keys of the terminal.
#[derive(Debug, Default)]
pub(crate) struct Keyboard {
    /// Whoever holds it reads.
    turn: Mutex<()>,
    /// Whether somebody else waits for it.
    is_wanted: AtomicBool,
    /// The click before.
    click: Mutex<Option<(Position, Instant)>>,
}

/// The keys are somebody else's as long as this lives.
#[derive(Debug)]
pub(crate) struct Lent<'k> {
    keyboard: &'k Keyboard,
    _turn: MutexGuard<'k, ()>,
}

impl Keyboard {
    /// Begins to read.
    pub(crate) fn listen(events: Sender<Event>) -> Arc<Self> {
        let keyboard = Arc::new(Self::default());
        let reader = Arc::clone(&keyboard);
        thread::spawn(move || while reader.read(&events) {});
        keyboard
    }

    /// Waits until nothing is being read any more.
    pub(crate) fn lend(&self) -> Lent<'_> {
        self.is_wanted.store(true, Ordering::SeqCst);
        Lent { keyboard: self, _turn: self.turn.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    /// Whether there is anything more to read.
    fn read(&self, events: &Sender<Event>) -> bool {
        if self.is_wanted.load(Ordering::SeqCst) {
            thread::sleep(TURN / 5);
            return true;
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let event = match input::poll(TURN).and_then(|is_there| is_there.then(input::read).transpose()) {
            Ok(Some(Input::Key(key))) if key.kind != KeyEventKind::Release => Event::Key(key),
            Ok(Some(Input::Paste(text))) => Event::Paste(text),
            Ok(Some(Input::Resize(..))) => Event::Resized,
            Ok(Some(Input::Mouse(mouse))) => match self.gesture(mouse) {
                Some((gesture, at)) => Event::Pointed(gesture, at),
                None => return true,
            },
            Ok(Some(Input::Key(_) | Input::FocusGained | Input::FocusLost) | None) => return true,
            Err(_) => Event::InputEnded,
        };
        let is_last = matches!(event, Event::InputEnded);
        events.send(event).is_ok() && !is_last
    }
}

impl Keyboard {
    /// What the mouse did, if that means anything.
    fn gesture(&self, mouse: MouseEvent) -> Option<(Gesture, Position)> {
        let at = Position { x: mouse.column, y: mouse.row };
        let gesture = match mouse.kind {
            MouseEventKind::ScrollUp => Gesture::WheelUp,
            MouseEventKind::ScrollDown => Gesture::WheelDown,
            MouseEventKind::Down(MouseButton::Left) => self.click(at),
            MouseEventKind::Down(MouseButton::Right | MouseButton::Middle)
            | MouseEventKind::Up(_)
            | MouseEventKind::Drag(_)
            | MouseEventKind::Moved
            | MouseEventKind::ScrollLeft
            | MouseEventKind::ScrollRight => return None,
        };
        Some((gesture, at))
    }

    /// The second one in a place, and not a third, is a double click.
    fn click(&self, at: Position) -> Gesture {
        let mut last = self.click.lock().unwrap_or_else(PoisonError::into_inner);
        let is_second = last.is_some_and(|(before, when)| before == at && when.elapsed() < DOUBLE);
        *last = (!is_second).then(|| (at, Instant::now()));
        if is_second { Gesture::DoubleClick } else { Gesture::Click }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.keyboard.is_wanted.store(false, Ordering::SeqCst);
    }
}
