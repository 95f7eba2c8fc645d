//! The lines that are seen; no others are read.

use ratatui::layout::{Position, Rect};
use serde_json::Value;

use super::{Entry, LEVELS, Logs, read};
use crate::command::logs::words;
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::pointer::{Target, away};
use crate::console::theme::Role;
use crate::shown::{count, visible, width};

/// A line on the screen: the entry that it is a part of, its text, and how it looks.
type Shown = (usize, String, Role);

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let logs = &app.logs;
    let title = title(logs);
    let inner = if app.has_boxes() {
        canvas.framed(area, &title)
    } else {
        canvas.text(area, 0, 0, &title, Role::Header);
        Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
    };
    if logs.entries.is_empty() {
        let (why, role) = match &logs.fault {
            Some(fault) => (fault.as_str(), Role::Warn),
            None if logs.sub.is_some() => ("There is nothing.", Role::Text),
            None => ("asking ...", Role::Text),
        };
        canvas.text(inner, 0, 1, &canvas.seen(why), role);
        return None;
    }
    canvas.spot(inner, Target::Pane(0));
    let lines = seen(logs, canvas, inner);
    let mut meant = None;
    for ((place, text, role), y) in lines.iter().zip(0..inner.height) {
        canvas.text(inner, 0, y, text, *role);
        canvas.line_spot(inner, y, Target::Own(0, away(*place, logs.at)));
        if *place == logs.at {
            canvas.mark_line(inner, y, Role::Select);
            meant = meant.or(Some(Position { x: inner.x, y: inner.y + y }));
        }
    }
    if app.model.is_stale() {
        canvas.dim(inner);
    }
    meant
}

fn title(logs: &Logs) -> String {
    let only = if logs.only.is_empty() { String::new() } else { format!("  matching \"{}\"", visible(&logs.only)) };
    let follows = if logs.is_followed { "FOLLOW" } else { "PAUSED" };
    let held = count(logs.entries.len() as u64);
    format!("Daemon log  {}+{only}  {follows}  {held} lines  lost {}", LEVELS[logs.level], count(logs.lost))
}

/// From what is meant upwards until the place is full.
fn seen(logs: &Logs, canvas: &Canvas<'_>, area: Rect) -> Vec<Shown> {
    let (room, cells) = (usize::from(area.height), usize::from(area.width));
    let mut lines: Vec<Shown> = Vec::new();
    for place in (0..=logs.at.min(logs.entries.len() - 1)).rev() {
        let mut whole = shown(logs, canvas, place, cells);
        whole.append(&mut lines);
        lines = whole;
        if lines.len() >= room {
            break;
        }
    }
    // The end of what is meant is seen, whatever its beginning.
    lines.drain(..lines.len().saturating_sub(room));
    for place in logs.at + 1..logs.entries.len() {
        if lines.len() >= room {
            break;
        }
        lines.extend(shown(logs, canvas, place, cells));
    }
    lines
}

fn shown(logs: &Logs, canvas: &Canvas<'_>, place: usize, cells: usize) -> Vec<Shown> {
    let (text, role) = match &logs.entries[place] {
        Entry::Line { json, .. } => {
            let line = read(json);
            (short(&line), look(&line))
        }
        gap @ Entry::Gap(_) => (gap.words(), Role::Warn),
        mark @ Entry::Mark(_) => (mark.words(), Role::Accent),
    };
    let text = canvas.seen(&text);
    if logs.wraps {
        return wrapped(&text, cells).into_iter().map(|part| (place, part, role)).collect();
    }
    let aside: String = text.chars().skip(logs.aside).collect();
    // What goes on to the right is reached by a key, so the end is cut and not the middle.
    let cut = wrapped(&aside, cells).swap_remove(0);
    vec![(place, cut, role)]
}

/// The line without its date, which is mostly today's.
fn short(line: &Value) -> String {
    let words = words(line);
    words.split_once('T').map_or(words.clone(), |(_, rest)| rest.to_owned())
}

fn look(line: &Value) -> Role {
    match line["level"].as_str() {
        Some("error") => Role::Bad,
        Some("warn") => Role::Warn,
        Some(_) | None => Role::Text,
    }
}

/// A text in pieces of at most so many cells.
fn wrapped(text: &str, cells: usize) -> Vec<String> {
    let (mut lines, mut line, mut taken) = (Vec::new(), String::new(), 0);
    for letter in text.chars() {
        let more = width(letter.encode_utf8(&mut [0; 4]));
        if taken + more > cells.max(2) {
            lines.push(std::mem::take(&mut line));
            taken = 0;
        }
        line.push(letter);
        taken += more;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_goes_on_below_and_none_is_wider_than_its_place() {
        assert_eq!(wrapped("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrapped("漢漢漢", 5), ["漢漢", "漢"]);
        assert_eq!(wrapped("", 5), [""]);
    }
}
