//! The checks, the one that is meant in words, the incidents, and the program.

use ratatui::layout::{Position, Rect};
use serde_json::Value;

use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::listing;
use crate::console::model::number;
use crate::console::theme::Role;
use crate::output::raw;
use crate::shown::{age, width};

/// What is said of a check, line by line.
const SAID: [(&str, &str); 8] = [
    ("state", "state"),
    ("measured", "measured"),
    ("limit", "limit"),
    ("key", "key"),
    ("since", "since"),
    ("effect", "effect"),
    ("try", "hint"),
    ("screen", "screen"),
];

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    if !app.has_boxes() {
        return narrow(app, canvas, area);
    }
    let below = (area.height / 4).clamp(5, 12);
    let above = area.height.saturating_sub(below);
    let aside = area.width * 2 / 5;
    let left = Rect { width: area.width - aside, height: above, ..area };
    let right = Rect { x: area.x + left.width, width: aside, ..left };
    let meant = listing::draw(app, canvas, left, &app.health.checks);
    let inner = canvas.framed(right, "What it means");
    explained(app, canvas, inner);
    let left = Rect { y: area.y + above, height: below, ..left };
    let right = Rect { y: area.y + above, height: below, ..right };
    let inner = canvas.framed(left, &format!("Incidents {}", app.health.incidents.len()));
    incidents(app, canvas, inner);
    let inner = canvas.framed(right, "Program");
    program(app, canvas, inner);
    if app.model.is_stale() {
        canvas.dim(area);
    }
    meant
}

/// The checks, and the one that is meant below them.
fn narrow(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let below = 5.min(area.height / 2);
    let meant = listing::draw(app, canvas, Rect { height: area.height - below, ..area }, &app.health.checks);
    explained(app, canvas, Rect { y: area.y + area.height - below, height: below, ..area });
    meant
}

fn explained(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let checks = &app.health.checks;
    let Some(check) = checks.objects.get(checks.cursor) else { return };
    canvas.text(area, 0, 0, &raw(&check["name"]), Role::Header);
    let room = usize::from(area.width.saturating_sub(10)).max(8);
    // What it means is more than what stands in the row anyway, where there is little room.
    let is_short = area.height < 8;
    let said = SAID.iter().filter(|(label, _)| !is_short || ["key", "effect", "try"].contains(label));
    let mut y = 1;
    for (label, name) in said {
        let text = raw(&check[*name]);
        if text.is_empty() {
            continue;
        }
        canvas.text(area, 0, y, label, Role::Text);
        for line in lines(&text, room) {
            canvas.text(area, 10, y, &line, role(label, &text));
            y += 1;
        }
    }
}

fn role(label: &str, text: &str) -> Role {
    match (label, text) {
        ("state", "fail") => Role::Bad,
        ("state", "warn") => Role::Warn,
        ("state", "ok") => Role::Ok,
        (_, _) => Role::Text,
    }
}

/// A text in lines, broken between words.
fn lines(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let is_full = lines.last().is_some_and(|line| !line.is_empty() && width(line) + 1 + width(word) > room);
        if is_full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

fn incidents(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    if app.health.incidents.is_empty() {
        canvas.text(area, 0, 0, "none since this worker began", Role::Text);
    }
    for (incident, y) in app.health.incidents.iter().zip(0..area.height) {
        let time = raw(&incident["t"]);
        let is_open = incident["state"] == "open";
        let text = format!(
            "{} {:<12} {:<6} {:>5}  {}",
            time.get(5..16).unwrap_or(&time),
            raw(&incident["name"]),
            raw(&incident["state"]),
            age(number(&incident["dur_s"])),
            raw(&incident["text"]),
        );
        canvas.text(area, 0, y, &text, if is_open { Role::Warn } else { Role::Text });
    }
}

fn program(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let Some(welcome) = &app.model.welcome else { return };
    let status = &app.model.status;
    let cpu = status["cpu"].as_f64().map_or_else(|| "-".to_owned(), |cpu| format!("{cpu:.1}%"));
    let facts = [
        ("rustsocks", welcome.server.clone()),
        ("node", welcome.node.clone()),
        ("up", status["up_s"].as_f64().map_or_else(String::new, |up| age(number(&Value::from(up))))),
        ("protocol", format!("{}, epoch {}", welcome.proto, welcome.epoch)),
        ("cpu", cpu),
        ("console", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    for ((label, value), y) in facts.iter().zip(0..area.height) {
        canvas.text(area, 0, y, label, Role::Text);
        canvas.text(area, 10, y, value, Role::Accent);
    }
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn a_sentence_is_broken_between_words_and_a_long_word_is_left_whole() {
        assert_eq!(lines("one two three", 7), ["one two", "three"]);
        assert_eq!(lines("incomprehensible it is", 5), ["incomprehensible", "it is"]);
    }
}
