//! The terminal while it is ours; it is given back whole however the console ends.

use std::io::{self, Stdout, Write};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

/// Whether the terminal is ours.
static IS_OURS: AtomicBool = AtomicBool::new(false);

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
    pub(crate) fn take() -> io::Result<(Self, Screen)> {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            give_back();
            hook(panicked);
        }));
        let guard = Self;
        seize()?;
        Ok((guard, Terminal::new(CrosstermBackend::new(io::stdout()))?))
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
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide)
}

/// Once; and as far as there still is a terminal.
fn give_back() {
    if !IS_OURS.swap(false, Ordering::SeqCst) {
        return;
    }
    let _shown = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _flushed = io::stdout().flush();
    let _cooked = disable_raw_mode();
}
