//! What the daemon does, at a glance: numbers with their last five minutes, and the facts of today.

use ratatui::layout::{Position, Rect};
use serde_json::Value;

use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::Effect;
use crate::console::model::number;
use crate::console::room::Room;
use crate::console::theme::Role;
use crate::shown;

/// A number of the status: its label, its name there, and how it is shown.
type Fact = (&'static str, &'static str, fn(&Value) -> String);

const CURVES: &[Fact] = &[
    ("sessions", "sessions", |value| shown::count(number(value))),
    ("new/s", "new_rate", tenths),
    ("up", "up_rate", |value| format!("{}/s", shown::bytes(number(value)))),
    ("down", "down_rate", |value| format!("{}/s", shown::bytes(number(value)))),
    ("denied/s", "denied_rate", tenths),
];

const FACTS: &[Fact] = &[
    ("limit", "/sess_limit", |value| shown::count(number(value))),
    ("users in", "/users_active", |value| shown::count(number(value))),
    ("up since", "/up_s", |value| shown::age(number(value))),
    ("policy gen", "/acl/gen", |value| shown::count(number(value))),
    ("rules", "/acl/rules", |value| shown::count(number(value))),
    ("banned", "/banned", |value| shown::count(number(value))),
    ("today", "/today/sessions", |value| format!("{} sessions", shown::count(number(value)))),
    ("allowed", "/today/allowed", |value| shown::count(number(value))),
    ("blocked", "/today/blocked", |value| shown::count(number(value))),
    ("sent", "/today/up", |value| shown::bytes(number(value))),
    ("received", "/today/down", |value| shown::bytes(number(value))),
];

/// The screen.
#[derive(Debug)]
pub(crate) struct Overview;

impl Room for Overview {
    /// The status comes by itself, whatever the screen.
    fn enter(&self, _app: &mut App) -> Vec<Effect> {
        Vec::new()
    }

    fn opened(&self, _app: &mut App) -> Vec<Effect> {
        Vec::new()
    }

    fn draw(&self, app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
        draw(app, canvas, area);
        None
    }
}

fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    if app.model.status.is_null() {
        canvas.text(area, 1, 0, "asking ...", Role::Text);
        return;
    }
    let right = (area.width / 3).clamp(22, 40);
    let left = Rect { width: area.width - right, ..area };
    let right = Rect { x: area.x + left.width, width: right, ..area };
    if app.has_boxes() {
        let height = u16::try_from(FACTS.len()).unwrap_or(0) + 2;
        let (left, right) = (Rect { height, ..left }, Rect { height, ..right });
        let inner = canvas.framed(left, "Traffic - last 5 min");
        curves(app, canvas, inner);
        let inner = canvas.framed(right, "Now and today");
        facts(app, canvas, inner);
        attention(app, canvas, Rect { y: area.y + height, height: area.height.saturating_sub(height), ..area });
    } else {
        curves(app, canvas, left);
        facts(app, canvas, right);
        let used = u16::try_from(CURVES.len()).unwrap_or(0) + 1;
        attention(app, canvas, Rect { y: area.y + used, height: area.height.saturating_sub(used), ..left });
    }
    if app.model.is_stale() {
        canvas.dim(area);
    }
}

fn curves(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    for ((label, name, shown), y) in CURVES.iter().zip(0..area.height) {
        canvas.text(area, 0, y, label, Role::Text);
        let value = shown(&app.model.status[*name]);
        canvas.text_right(Rect { width: 20.min(area.width), ..area }, y, &value, Role::Text);
        let Some((_, past)) = app.model.curves.iter().find(|(known, _)| known == name) else { continue };
        canvas.curve(area, 22, y, past.iter().copied());
    }
}

/// Those of which the daemon speaks.
fn facts(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let known = FACTS.iter().filter_map(|(label, path, shown)| {
        app.model.status.pointer(path).filter(|value| !value.is_null()).map(|value| (label, shown(value)))
    });
    for ((label, value), y) in known.zip(0..area.height) {
        canvas.text(area, 0, y, label, Role::Text);
        canvas.text(area, 12, y, &value, Role::Accent);
    }
}

/// What is not well, in the daemon's words.
fn attention(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let badges = app.model.status["badges"].as_array().map(Vec::as_slice).unwrap_or_default();
    if area.height < 2 {
        return;
    }
    if badges.is_empty() {
        canvas.text(area, 1, 0, "all is well", Role::Ok);
        return;
    }
    for (badge, y) in badges.iter().filter_map(Value::as_str).zip(0..area.height) {
        canvas.text(area, 1, y, &format!("!! {badge}   0 Health says more"), Role::Bad);
    }
}

fn tenths(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}"))
}
