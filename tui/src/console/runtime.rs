//! The loop: waits for events, takes all that there are, draws once.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use crossterm::{execute, queue};
use serde_json::{Value, json};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use wire::admin::Request;
use zeroize::Zeroizing;

use super::app::App;
use super::caps::{Caps, Environment, Multiplexer};
use super::clipboard;
use super::event::{About, Effect, Event};
use super::kept;
use super::keyboard::Keyboard;
use super::link::{Gate, Wish, keep_up};
use super::model::SLOW_EVERY;
use super::preferences::Preferences;
use super::screen::Screen as Room;
use super::service;
use super::terminal::{Screen, TerminalGuard};
use super::update::{TICKS, update};
use super::view::view;
use crate::args::Console;
use crate::bundle::{self, Addresses};
use crate::connection::{Connection, Peer};
use crate::editor::{self, Slot};
use crate::failure::Failure;
use crate::pager;
use crate::past::{self, Taken};

/// What keys change is drawn this often at most.
const FRAME: Duration = Duration::from_millis(33);

/// A terminal that takes longer for a picture is slow, if it does so again and again.
const SLOW: Duration = Duration::from_millis(250);
const AGAIN: u32 = 3;

/// Signals that a terminal sends for keys, unless those are ours. Each ends the console.
const KEYED: [i32; 2] = [SIGINT, SIGQUIT];

/// What a text is called that no clipboard takes.
const COPIED: &str = "copied.txt";

/// Opens the console, until somebody leaves it or the process is asked to end.
///
/// # Errors
/// The terminal is none for this, or does not do what it is told.
pub(crate) fn run(peer: &Peer, look: &Console) -> Result<(), Failure> {
    let preferences = Preferences::read()?;
    let look = preferences.below(look);
    let environment = Environment::of_process();
    if environment.term == "dumb" {
        return Err(Failure::Usage("TERM is dumb; rustsocks-cli status and its like need no terminal".to_owned()));
    }
    let (events, happened) = channel();
    let (wishes, heard) = channel();
    heed_signals(events.clone())?;
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in KEYED {
        flag::register(signal, Arc::clone(&interrupted))?;
    }
    let mut app = App::new(Caps::new(&look, &environment), peer.socket.display().to_string());
    preferences.settle(&mut app)?;
    app.model.is_slow = look.low_bandwidth;
    let (_guard, screen) = TerminalGuard::take(app.ui.has_mouse)?;
    let keyboard = Keyboard::listen(events.clone());
    let gate = Arc::new(Gate::default());
    keep_up(peer.clone(), events.clone(), heard, Arc::clone(&gate));
    let slot = kept::taken_up(&mut app, &peer.socket);
    app.here = editor::here();
    let (peer, waiting) = (peer.clone(), HashMap::new());
    let pace = Pace { drawn: None, is_due: true, others: 0, is_chosen: look.low_bandwidth };
    let multiplexer = environment.multiplexer;
    let runtime = Runtime {
        app,
        screen,
        multiplexer,
        pace,
        wishes,
        events,
        peer,
        writer: None,
        keyboard,
        gate,
        interrupted,
        slot,
        last: FIRST_NUMBER,
        waiting,
    };
    runtime.run(&happened)
}

/// The conversation's first requests are others'.
const FIRST_NUMBER: u64 = 1000;

/// What becomes of the effects that come after one.
enum Then {
    GoOn,
    /// They would undo what this one could not keep.
    NoMore,
    Quit,
}

struct Runtime {
    app: App,
    screen: Screen,
    multiplexer: Option<Multiplexer>,
    pace: Pace,
    wishes: Sender<Wish>,
    /// For what others do meanwhile.
    events: Sender<Event>,
    peer: Peer,
    writer: Option<UnixStream>,
    keyboard: Arc<Keyboard>,
    gate: Arc<Gate>,
    /// Whether one of [`KEYED`] has come.
    interrupted: Arc<AtomicBool>,
    /// Where this console keeps drafts.
    slot: Slot,
    last: u64,
    /// What the requests were about whose answers are to come.
    waiting: HashMap<u64, About>,
}

/// When pictures are drawn on a slow terminal.
struct Pace {
    drawn: Option<Instant>,
    /// Whether somebody waits for a picture: a key was pressed, or what it asked for has come.
    is_due: bool,
    /// How many pictures in a row were not as the terminal is taken to be.
    others: u32,
    /// Whether the operator has chosen it.
    is_chosen: bool,
}

impl Runtime {
    fn run(mut self, happened: &Receiver<Event>) -> Result<(), Failure> {
        let tick = Duration::from_secs(1) / TICKS;
        let mut next_tick = Instant::now() + tick;
        while !self.interrupted.load(Ordering::SeqCst) {
            if self.is_time() {
                self.draw()?;
            }
            let drawn = Instant::now();
            let first = match happened.recv_timeout(next_tick.saturating_duration_since(drawn)) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            let mut all: Vec<Event> = first.into_iter().collect();
            // What comes at once is drawn at once.
            all.extend(happened.try_iter());
            if Instant::now() >= next_tick {
                next_tick = Instant::now() + tick;
                all.push(Event::Tick);
            }
            for event in all {
                if self.take(event)? {
                    return Ok(());
                }
            }
            thread::sleep(FRAME.saturating_sub(drawn.elapsed()).min(Duration::from_millis(5)));
        }
        Ok(())
    }

    /// Whether that was the last one.
    fn take(&mut self, event: Event) -> Result<bool, Failure> {
        self.pace.is_due |= !matches!(event, Event::Push(_) | Event::Tick);
        let about = match &event {
            Event::Answer(id, _) => self.waiting.remove(id),
            Event::Part(id, _) => self.waiting.get(id).cloned(),
            Event::Connected(_, writer, socket) if *socket != self.peer.socket => {
                // Another one is wished for by now: whoever listens hears that this is over, and then of the wish.
                drop(writer.shutdown(std::net::Shutdown::Both));
                return Ok(false);
            }
            Event::Connected(_, writer, _) => {
                self.writer = writer.try_clone().ok();
                self.waiting.clear();
                None
            }
            Event::Lost { .. } => {
                self.look_for_unit();
                self.writer = None;
                self.waiting.clear();
                None
            }
            Event::Resized | Event::Signal(SIGCONT) => {
                self.draw_anew()?;
                None
            }
            Event::Key(_)
            | Event::Pointed(..)
            | Event::Unit(_)
            | Event::Told(..)
            | Event::Paste(_)
            | Event::Push(_)
            | Event::Missed(_)
            | Event::Saved(_)
            | Event::Edited(..)
            | Event::Tick
            | Event::InputEnded
            | Event::Signal(_) => None,
        };
        if matches!(event, Event::Signal(SIGCONT)) {
            return Ok(false);
        }
        for effect in update(&mut self.app, event, about) {
            match self.perform(effect)? {
                Then::GoOn => {}
                Then::NoMore => break,
                Then::Quit => return Ok(true),
            }
        }
        Ok(false)
    }

    fn perform(&mut self, effect: Effect) -> Result<Then, Failure> {
        match effect {
            Effect::Ask { op, p, about } => self.ask(op, p, about),
            Effect::TakeBack(screen) => self.take_back(screen),
            Effect::Cancel(about) => self.cancel(&about),
            Effect::Save(taken, path) => self.save(taken, path),
            Effect::Bundle(addresses, path) => self.bundle(addresses, path),
            Effect::Page { text, from, to } => {
                self.page(&text, (from, to))?;
                return self.caught_up();
            }
            // The thread that waits for it ends only with us.
            Effect::RetryNow => drop(self.wishes.send(Wish::Now)),
            Effect::Elsewhere(socket) => {
                // Whoever listens to the one before hears that it is over, and then of the wish.
                if let Some(writer) = self.writer.take() {
                    drop(writer.shutdown(std::net::Shutdown::Both));
                }
                self.peer.socket = PathBuf::from(&socket);
                self.waiting.clear();
                // What was written for the one before stays where it is.
                self.slot = kept::taken_up(&mut self.app, &self.peer.socket);
                drop(self.wishes.send(Wish::At(self.peer.socket.clone())));
            }
            Effect::Journal => {
                let events = self.events.clone();
                // The console may be over by then.
                thread::spawn(move || drop(events.send(Event::Told("journalctl -u rustsocks", service::journal()))));
            }
            Effect::Copy(text) => self.copy(&text)?,
            Effect::Mouse(is_wanted) => TerminalGuard::hear_mouse(is_wanted)?,
            Effect::Write { text, path } => self.write(&text, &path),
            // Update has gone there already.
            Effect::Go(_) => {}
            Effect::Redraw => self.draw_anew()?,
            Effect::Suspend => {
                TerminalGuard::suspend()?;
                self.draw_anew()?;
            }
            Effect::Edit { name, text } => {
                let outcome = self.lend(name, &text);
                if self.take(Event::Edited(name, outcome.map_err(|error| error.to_string())))? {
                    return Ok(Then::Quit);
                }
                return self.caught_up();
            }
            Effect::Keep { name, text } => kept::keep(&mut self.app, (&self.slot, &self.peer.socket), name, &text),
            Effect::SetAside { name, text } => match editor::aside(&self.slot.name(name), text.as_bytes()) {
                Ok(path) => self.app.ui.warn(format!("the text that was kept is in {}", path.display())),
                Err(error) => {
                    self.app.ui.warn(format!("the text that was kept goes nowhere else, so it stays: {error}"));
                    return Ok(Then::NoMore);
                }
            },
            Effect::Forget(name) => kept::forget(&mut self.app, &self.slot, name),
            Effect::Quit => return Ok(Then::Quit),
        }
        Ok(Then::GoOn)
    }

    /// Somebody else has the terminal and its keys, with the signals that are among them.
    fn elsewhere<T>(&self, deed: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.gate.leave();
        let _keys = self.keyboard.lend();
        let outcome = TerminalGuard::lend(deed);
        // What was typed there reached us together with whoever it was meant for, and so before its end did.
        self.interrupted.store(false, Ordering::SeqCst);
        outcome
    }

    /// The operator looks here again, and has what is the case by now.
    fn caught_up(&mut self) -> Result<Then, Failure> {
        let missed = self.gate.come_back();
        let is_over = !missed.is_empty() && self.take(Event::Missed(missed))?;
        Ok(if is_over { Then::Quit } else { Then::GoOn })
    }

    /// The operator's editor has the terminal and its keys; what was written is kept until it is no longer a draft.
    fn lend(&mut self, name: &'static str, text: &str) -> io::Result<String> {
        let text = editor::with_socket(text, &self.peer.socket);
        let path = editor::kept(&self.slot.name(name), text.as_bytes())?;
        let edited = self.elsewhere(|| editor::edit(&path));
        self.draw_anew()?;
        let written = edited.and_then(|()| std::fs::read_to_string(&path));
        written.map_err(|error| self.left_behind(name, &path, &text, error))
    }

    /// The editor failed, or left what is no text: whatever it wrote goes into a file of its own before this name is used again.
    fn left_behind(&self, name: &str, path: &Path, given: &str, error: io::Error) -> io::Error {
        match std::fs::read(path) {
            Ok(written) if written != given.as_bytes() => match editor::aside(&self.slot.name(name), &written) {
                Ok(aside) => io::Error::other(format!("{error}; what it wrote is in {}", aside.display())),
                Err(no_file) => io::Error::other(format!("{error}; what it wrote cannot be kept: {no_file}")),
            },
            Ok(_) | Err(_) => error,
        }
    }

    /// The operator's pager has the terminal and its keys.
    fn page(&mut self, text: &str, (from, to): (f64, f64)) -> io::Result<()> {
        let paged = self.elsewhere(|| {
            let journal = service::journal_between(from, to);
            pager::show(journal.as_deref().unwrap_or(text)).map(|()| journal.is_some())
        });
        self.draw_anew()?;
        match paged {
            Ok(true) => {}
            Ok(false) => {
                self.app.ui.say("no journal of this time can be read here: those were the lines of the console");
            }
            Err(error) => self.app.ui.warn(format!("the pager failed: {error}")),
        }
        Ok(())
    }

    /// A daemon that does not take it is gone, as the reader will find out.
    fn ask(&mut self, op: &str, p: Value, about: About) {
        let (Some(writer), Value::Object(p)) = (&mut self.writer, p) else { return };
        self.last += 1;
        // It may bear a password.
        let line = Zeroizing::new(Request { id: self.last, op: op.to_owned(), p }.line());
        match writer.write_all(&line) {
            Ok(()) => drop(self.waiting.insert(self.last, about)),
            Err(_) => drop(writer.shutdown(std::net::Shutdown::Both)),
        }
    }

    /// The daemon stops working on it, and whatever it still says finds no place.
    fn take_back(&mut self, screen: Room) {
        let is_its = |(_, about): &(&u64, &About)| about.is_question_of(screen);
        let ids: Vec<u64> = self.waiting.iter().filter(is_its).map(|(id, _)| *id).collect();
        for id in ids {
            self.waiting.remove(&id);
            self.ask("meta.cancel", json!({ "id": id }), About::Own(screen, "taken back"));
        }
    }

    /// The daemon stops working on it, and answers that it did.
    fn cancel(&mut self, about: &About) {
        let id = self.waiting.iter().find(|(_, waiting)| *waiting == about).map(|(id, _)| *id);
        if let Some(id) = id {
            self.ask("meta.cancel", json!({ "id": id }), About::Own(self.app.ui.screen, "taken back"));
        }
    }

    /// To the clipboard; what is too long for that, into a file.
    fn copy(&mut self, text: &str) -> io::Result<()> {
        if clipboard::takes(text.len()) {
            let sequence = clipboard::sequence(text, self.multiplexer).map_err(io::Error::other)?;
            let mut terminal = io::stdout();
            terminal.write_all(sequence.as_bytes())?;
            return terminal.flush();
        }
        match editor::aside(COPIED, text.as_bytes()) {
            Ok(path) => {
                self.app.ui.say(format!("{} bytes, too long for a clipboard, are in {}", text.len(), path.display()));
            }
            Err(error) => self.app.ui.warn(format!("too long for a clipboard, and no file can be written: {error}")),
        }
        Ok(())
    }

    /// In what state the daemon's unit is; asked once when it is lost, and at each attempt.
    fn look_for_unit(&self) {
        let events = self.events.clone();
        // The console may be over by then.
        thread::spawn(move || drop(events.send(Event::Unit(service::state()))));
    }

    /// In a conversation of its own: the daemon answers as fast as the file takes it.
    fn save(&self, taken: Taken, path: String) {
        let (peer, events) = (self.peer.clone(), self.events.clone());
        thread::spawn(move || {
            let saved = past::save(&peer, &taken, Path::new(&path));
            let told = saved.map(|rows| format!("{rows} rows are in {path}")).map_err(|why| format!("{path}: {why}"));
            // The console may be over.
            drop(events.send(Event::Saved(told)));
        });
    }

    /// In a conversation of its own, so that nothing else waits for it.
    fn bundle(&self, addresses: Addresses, path: String) {
        let (peer, events) = (self.peer.clone(), self.events.clone());
        thread::spawn(move || {
            let written = Connection::open(&peer)
                .and_then(|mut connection| bundle::write(&mut connection, Path::new(&path), addresses));
            let told = written.map(|files| format!("{files} files are in {path}")).map_err(|why| why.to_string());
            // The console may be over.
            drop(events.send(Event::Saved(told)));
        });
    }

    /// Nothing is overwritten, and nobody else reads it.
    fn write(&mut self, text: &str, path: &str) {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        match file.and_then(|mut file| file.write_all(text.as_bytes())) {
            Ok(()) => self.app.ui.say(format!("{} bytes are in {path}", text.len())),
            Err(error) => self.app.ui.warn(format!("{path}: {error}")),
        }
    }

    /// As if nothing were on the screen. Unlike `clear`, it does not ask the terminal where its cursor is, which need not answer.
    fn draw_anew(&mut self) -> io::Result<()> {
        let size = self.screen.size()?;
        self.screen.resize(size.into())
    }

    /// Whether a picture is to be drawn; where that costs much, seldom.
    fn is_time(&self) -> bool {
        let is_old = || self.pace.drawn.is_none_or(|drawn| drawn.elapsed() >= Duration::from_secs(SLOW_EVERY.into()));
        !self.app.model.is_slow || self.pace.is_due || is_old()
    }

    /// Whole pictures only: where the terminal can, it shows none that is half there.
    fn draw(&mut self) -> Result<(), Failure> {
        let begun = Instant::now();
        let app = &mut self.app;
        queue!(io::stdout(), BeginSynchronizedUpdate)?;
        self.screen.draw(|frame| {
            app.ui.size = (frame.area().width, frame.area().height);
            app.ui.picture = view(app, frame);
        })?;
        execute!(io::stdout(), EndSynchronizedUpdate)?;
        self.pace.drawn = Some(begun);
        self.pace.is_due = false;
        self.paced(begun.elapsed());
        Ok(())
    }

    /// A terminal that was slow, or quick again, several times is taken for that, unless somebody has chosen.
    fn paced(&mut self, took: Duration) {
        let model = &mut self.app.model;
        if self.pace.is_chosen || (took > SLOW) == model.is_slow {
            self.pace.others = 0;
            return;
        }
        self.pace.others += 1;
        if self.pace.others == AGAIN {
            model.is_slow = !model.is_slow;
            self.pace.others = 0;
            self.app.ui.say(if self.app.model.is_slow {
                "this terminal is slow: it is drawn every five seconds, and after a key"
            } else {
                "this terminal is quick again"
            });
        }
    }
}

fn heed_signals(events: Sender<Event>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGCONT])?;
    thread::spawn(move || {
        for signal in signals.forever() {
            if events.send(Event::Signal(signal)).is_err() {
                return;
            }
        }
    });
    Ok(())
}
