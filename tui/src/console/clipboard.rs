//! The terminal's clipboard, as far as a terminal has one (OSC 52).

use std::fmt;

use crossterm::Command;
use crossterm::clipboard::CopyToClipboard;

use super::caps::Multiplexer;

/// Encoded bytes that terminals take.
const MOST: usize = 74_994;

/// Bytes that screen passes on at once.
const PIECE: usize = 700;

/// Whether a text of so many bytes can be taken.
pub(crate) fn takes(bytes: usize) -> bool {
    bytes.div_ceil(3) * 4 <= MOST
}

/// What makes the terminal take the text, through whatever is in between.
///
/// # Errors
/// None: a text can always be written.
pub(crate) fn sequence(text: &str, multiplexer: Option<Multiplexer>) -> Result<String, fmt::Error> {
    let mut plain = String::new();
    CopyToClipboard::to_clipboard_from(text).write_ansi(&mut plain)?;
    Ok(match multiplexer {
        None => plain,
        // Which of the two it heeds depends on its set-clipboard and allow-passthrough.
        Some(Multiplexer::Tmux) => {
            let through = plain.replace('\u{1b}', "\u{1b}\u{1b}");
            format!("{plain}\u{1b}Ptmux;{through}\u{1b}\\")
        }
        // What ends the sequence would end what screen passes on, and a bell ends it as well.
        Some(Multiplexer::Screen) => {
            let plain = plain.replace("\u{1b}\\", "\u{7}");
            pieces(&plain).flat_map(|piece| ["\u{1b}P", piece, "\u{1b}\\"]).collect()
        }
    })
}

/// It is all ASCII.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    (0..text.len()).step_by(PIECE).map(|at| &text[at..text.len().min(at + PIECE)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_passes_it_on() {
        let plain = sequence("alice", None).expect("a text can be written");
        assert_eq!(plain, "\u{1b}]52;c;YWxpY2U=\u{1b}\\");
        let tmux = sequence("alice", Some(Multiplexer::Tmux)).expect("a text can be written");
        assert_eq!(tmux, format!("{plain}\u{1b}Ptmux;\u{1b}\u{1b}]52;c;YWxpY2U=\u{1b}\u{1b}\\\u{1b}\\"));
        let screen = sequence(&"x".repeat(3_000), Some(Multiplexer::Screen)).expect("a text can be written");
        let pieces: Vec<&str> = screen.split_inclusive("\u{1b}\\").collect();
        assert!(pieces.len() > 5 && screen.starts_with("\u{1b}P\u{1b}]52;c;eHh4"), "{}", pieces.len());
        let passed_on: String =
            pieces.iter().filter_map(|piece| piece.strip_prefix("\u{1b}P")?.strip_suffix("\u{1b}\\")).collect();
        assert_eq!(passed_on, format!("\u{1b}]52;c;{}\u{7}", "eHh4".repeat(1_000)), "and nothing in it ends it early");
    }

    #[test]
    fn only_as_much_is_given_as_terminals_take() {
        assert!(takes(0) && takes(56_244) && !takes(56_245));
    }
}
