//! What surrounds every screen: the head, the tabs, the line for messages and the line of hints.

use ratatui::layout::Rect;
use serde_json::Value;

use super::overlay::said_above;
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::live::View;
use crate::console::model::{Link, moment, number, until};
use crate::console::pointer::Target;
use crate::console::screens::bindings;
use crate::console::theme::Role;
use crate::console::update::TICKS;
use crate::output::raw;
use crate::shown::{self, width};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let line = |y: u16| Rect { y: area.y + y, height: 1, ..area };
    head(app, canvas, line(0));
    tabs(app, canvas, line(1));
    hints(app, canvas, line(area.height - 1));
}

/// The filter in force, and the line for messages in its last place; a message that is long takes lines of the screen above it.
pub(super) fn told(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let lines = app.filter_told();
    let height = u16::try_from(lines.len()).unwrap_or(0);
    let place = Rect { y: area.y + area.height - 1 - height, height, ..area };
    for (line, y) in lines.iter().zip(0..height) {
        canvas.text(place, 1, y, line, Role::Accent);
    }
    message(app, canvas, Rect { y: area.y + area.height - 2, height: 1, ..area });
}

fn head(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let (status, now) = app.model.head();
    let hour = if now > 0.0 { shown::clock(now) } else { String::new() };
    let badges = format!("{} {hour} ", badges(app));
    canvas.text_right(area, 0, &badges, Role::Badge);
    let taken = u16::try_from(badges.len()).unwrap_or(0) + 1;
    let area = Rect { width: area.width.saturating_sub(taken), ..area };
    let (node, version) =
        app.model.welcome.as_ref().map_or(("rustsocks", ""), |welcome| (&welcome.node, &welcome.server));
    let is_wide = app.ui.size.0 >= 100;
    let mut facts = Vec::new();
    if is_wide {
        facts.push((version.to_owned(), Role::Text));
        let up = status["up_s"].as_f64();
        facts.extend(up.map(|up| (format!("up {}", shown::age(number(&Value::from(up)))), Role::Text)));
    }
    let role = if app.model.is_stale() { Role::Dim } else { Role::Text };
    let sessions = if is_wide { "sessions" } else { "sess" };
    let count = status["sessions"].as_u64().map_or_else(|| "-".to_owned(), shown::count);
    facts.push((format!("{count} {sessions}"), role));
    for (name, label) in [("up_rate", "up"), ("down_rate", "down")] {
        let rate = status[name].as_f64().map(|rate| shown::bytes(number(&Value::from(rate))));
        facts.extend(rate.map(|rate| (format!("{label} {rate}/s"), role)));
    }
    let mut x = canvas.text(area, 1, 0, node, Role::Header);
    for (fact, role) in facts {
        // A number that is cut would be another number.
        if usize::from(area.width.saturating_sub(x + 2)) >= fact.len() {
            x = canvas.text(area, x + 2, 0, &fact, role);
        }
    }
}

/// Words, the most severe first.
fn badges(app: &App) -> String {
    let status = &app.model.status;
    let mut badges = Vec::new();
    if app.model.is_stale() {
        badges.push(said(app, "STALE", "old data,"));
    }
    let told = status["badges"].as_array().into_iter().flatten().filter_map(Value::as_str);
    badges.extend(told.map(|badge| said(app, &badge.to_uppercase(), &format!("{badge},"))));
    badges.extend(waiting(app));
    if app.acl.has_conflict() {
        badges.push(said(app, "CONFLICT", "conflict of the draft,"));
    }
    if app.acl.draft.is_some() {
        let changes = app.acl.changes();
        badges.push(said(app, &format!("DRAFT {changes}"), &format!("draft of {changes} changes,")));
    }
    if View::ALL.iter().any(|view| app.live(*view).is_held) {
        badges.push(said(app, "HOLD", "order held,"));
    }
    let overrides = number(&status["overrides"]);
    if overrides > 0 {
        badges.push(said(app, &format!("OVERRIDE {overrides}"), &format!("overrides {overrides},")));
    }
    badges.extend(app.model.welcome.as_ref().map(|welcome| match welcome.role {
        wire::admin::Role::Read => said(app, "RO", "only looking"),
        wire::admin::Role::Operate => said(app, "OPER", "role operate"),
        wire::admin::Role::Admin => said(app, "ADMIN", "role admin"),
    }));
    badges.join(" ")
}

/// A badge; in words where somebody listens to it.
fn said(app: &App, badge: &str, words: &str) -> String {
    if app.caps.follows { words } else { badge }.to_owned()
}

/// What goes again unless somebody confirms it, and in how many seconds.
fn waiting(app: &App) -> Vec<String> {
    let mut badges = Vec::new();
    // Rules have their own, below.
    let waiting = &app.model.status["confirm"];
    if let Some(left) = waiting["left_s"].as_u64().filter(|_| waiting["store"] != "acl") {
        let store = raw(&waiting["store"]);
        badges.push(said(app, &format!("CONFIRM {store} {left}s"), &format!("confirm {store} within {left} s,")));
    }
    if let Some(end) = moment(&app.acl.state["confirm"]["until"]) {
        let left = until(end, app.model.now);
        badges.push(said(app, &format!("CONFIRM {left}s"), &format!("confirm within {left} s,")));
    }
    badges
}

/// Columns that the whole titles need, and the short ones.
const WHOLE: u16 = 97;
const SHORT: u16 = 77;

/// With little room, the others are their numbers alone.
fn tabs(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let mut x = 0;
    for screen in app.screens() {
        let is_here = screen == app.ui.screen;
        let title = match area.width {
            WHOLE.. => format!(" {}", screen.title()),
            SHORT.. => format!(" {}", screen.short()),
            _ if is_here => format!(" {}", screen.title()),
            _ => String::new(),
        };
        let (open, close, role) = if is_here { ("[", "]", Role::Header) } else { (" ", " ", Role::Text) };
        let from = x;
        x = canvas.text(area, x, 0, &format!("{open}{}{title}{close}", screen.digit()), role);
        canvas.spot(Rect { x: area.x + from, width: x - from, ..area }, Target::Tab(screen));
    }
}

fn message(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let area = Rect { width: area.width - working(app, canvas, area), ..area };
    if let Some(message) = &app.ui.message {
        let (mark, role) = if message.is_bad { ("! ", Role::Warn) } else { ("", Role::Text) };
        let text = format!("{mark}{}", message.text);
        if width(&canvas.seen(&text)) < usize::from(area.width) {
            canvas.fill(area);
            canvas.text(area, 1, 0, &text, role);
        } else {
            said_above(canvas, Rect { y: area.y + 1, ..area }, &text, role);
        }
    }
}

/// How long something has been waited for, on the right; says how many cells that takes.
fn working(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> u16 {
    let Some(so_far) = app.waiting.so_far() else { return 0 };
    let is_free = app.ui.overlay.is_none() && app.waiting.can_be_taken_back(app.ui.screen);
    let words = if is_free { format!("  {so_far} - Esc cancels ") } else { format!("  {so_far} ") };
    canvas.text_right(area, 0, &words, Role::Dim);
    u16::try_from(words.len()).unwrap_or(u16::MAX).min(area.width)
}

fn hints(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let link = match &app.model.link {
        Link::Connecting => "connecting ".to_owned(),
        Link::Live => {
            let age = app.model.silent / TICKS;
            let patience = app.model.patience();
            let word = match age {
                old if old > 3 * patience => "STALE",
                late if late > patience => "SLOW",
                _ => "LIVE",
            };
            format!("{word} {age}s ")
        }
        Link::Down { retry_ms, is_refused, .. } => {
            let word = if *is_refused { "REFUSED" } else { "DOWN" };
            format!("{word} retry {}s ", retry_ms.div_ceil(1000))
        }
    };
    let room = area.width.saturating_sub(u16::try_from(link.len()).unwrap_or(0) + 2);
    let room_for_hints = Rect { width: room, ..area };
    let mut x = 1;
    for binding in bindings(app.ui.screen, app.ui.pane).filter(|binding| !binding.hint.is_empty()) {
        let text = format!("{} {}", app.keymap.of(binding)[0].name(), binding.hint);
        if usize::from(room.saturating_sub(x)) < text.len() {
            break;
        }
        let from = x;
        x = canvas.text(room_for_hints, x, 0, &text, Role::Dim);
        canvas.spot(Rect { x: area.x + from, width: x - from, ..area }, Target::Hint(binding.action));
        x += 2;
    }
    let role = if app.model.link == Link::Live { Role::Ok } else { Role::Bad };
    canvas.text_right(area, 0, &link, role);
}
