//! Questions to whoever is at the terminal. Standard output has data alone, so they go to standard error.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::failure::Failure;
use crate::shown::visible;

/// Only this answer is a yes.
pub(super) fn asked(question: &str, yes: &str) -> Result<(), Failure> {
    if answer(question)? == yes { Ok(()) } else { Err(Failure::Declined("the answer was no".to_owned())) }
}

/// What is answered, without spaces around it; nothing once nobody can answer any more.
pub(super) fn answer(question: &str) -> Result<String, Failure> {
    if !can_ask() {
        return Err(Failure::Usage("nobody can be asked here; say --yes".to_owned()));
    }
    let mut terminal = io::stderr();
    write!(terminal, "{question}").and_then(|()| terminal.flush()).map_err(Failure::here("cannot ask"))?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(Failure::here("cannot read the answer"))?;
    Ok(answer.trim().to_owned())
}

/// Whether anybody is there.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal()
}

/// To whoever is asked; where standard error is closed, nobody reads it.
pub(super) fn tell(text: &str) {
    let _told = writeln!(io::stderr(), "{}", text.lines().map(visible).collect::<Vec<_>>().join("\n"));
}
