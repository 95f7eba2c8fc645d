//! The terminal while it is ours; it is given back whole however the console ends.

use std::io::{self, Stdout, Write};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::style::Print;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

/// Whether the terminal is ours.
static IS_OURS: AtomicBool = AtomicBool::new(false);

/// Whether the mouse is ours too, as long as the terminal is.
static HEARS_MOUSE: AtomicBool = AtomicBool::new(false);

/// Gives the terminal back when it is dropped.
#[derive(Debug)]
pub(crate) struct TerminalGuard;

/// What is drawn on.
pub(crate) type Screen = Terminal<CrosstermBackend<Stdout>>;

impl TerminalGuard {
    /// Takes the terminal.
    ///
    /// # Errors
    /// It does not do what it is told; what has been done is undone.
    pub(crate) fn take(hears_mouse: bool) -> io::Result<(Self, Screen)> {
        HEARS_MOUSE.store(hears_mouse, Ordering::SeqCst);
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            give_back();
            hook(panicked);
        }));
        let guard = Self;
        seize()?;
        Ok((guard, Terminal::new(CrosstermBackend::new(io::stdout()))?))
    }

    /// Whether the mouse is reported from now on, or the terminal's own again.
    ///
    /// # Errors
    /// The terminal does not do what it is told.
    pub(crate) fn hear_mouse(is_wanted: bool) -> io::Result<()> {
        HEARS_MOUSE.store(is_wanted, Ordering::SeqCst);
        mouse(is_wanted)
    }

    /// Back to the shell, until it lets us go on.
    pub(crate) fn suspend() -> io::Result<()> {
        give_back();
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        seize()
    }
}

impl TerminalGuard {
    /// Gives the terminal to another program until that has ended.
    ///
    /// # Errors
    /// What it is given for fails, or the terminal does not come back.
    pub(crate) fn lend<T>(deed: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        give_back();
        let outcome = deed();
        seize()?;
        outcome
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        give_back();
    }
}

fn seize() -> io::Result<()> {
    IS_OURS.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide)?;
    if HEARS_MOUSE.load(Ordering::SeqCst) { mouse(true) } else { Ok(()) }
}

/// Buttons and the wheel, in a form that has room for large terminals; not every move, as crossterm's own would have it.
fn mouse(is_wanted: bool) -> io::Result<()> {
    let switch = if is_wanted { "\u{1b}[?1000h\u{1b}[?1006h" } else { "\u{1b}[?1006l\u{1b}[?1000l" };
    execute!(io::stdout(), Print(switch))
}

/// Once; and as far as there still is a terminal.
fn give_back() {
    if !IS_OURS.swap(false, Ordering::SeqCst) {
        return;
    }
    let _silent = mouse(false);
    let _shown = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _flushed = io::stdout().flush();
    let _cooked = disable_raw_mode();
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    #[ignore = "it falls on purpose; the test below runs it on a terminal of its own"]
    fn falls() {
        let (_guard, _screen) = TerminalGuard::take(true).expect("there is a terminal");
        panic!("it fell");
    }

    #[test]
    fn whoever_falls_gives_the_terminal_back_before_saying_why() {
        let ours = env::current_exe().expect("a process has a program");
        let falls = format!("{} --exact console::terminal::tests::falls --ignored --nocapture", ours.display());
        let mut script = Command::new("script");
        script.args(["-qec", &format!("{falls}; stty -a"), "/dev/null"]).stdin(Stdio::null());
        let said = script.output().expect("script(1) is installed").stdout;
        let said = String::from_utf8_lossy(&said);
        let place = |words: &str| said.find(words).unwrap_or_else(|| panic!("{words:?} is not in {said:?}"));
        let order = ["\u{1b}[?1049h", "\u{1b}[?1000h", "\u{1b}[?1000l", "\u{1b}[?1049l", "\u{1b}[?25h", "it fell"];
        let places = order.map(place);
        assert!(places.is_sorted(), "{places:?} in {said:?}");
        for mode in ["icanon", "echo", "isig"] {
            assert!(said.split_whitespace().any(|word| word == mode), "{mode}: {said:?}");
        }
    }
}
