//! The checks, the one that is meant in words, the incidents, and the program.

use ratatui::layout::{Position, Rect};
use serde_json::Value;

use super::{OF_CHECKS, OF_INCIDENTS};
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::listing::{self, Listing};
use crate::console::model::number;
use crate::console::theme::Role;
use crate::output::{Kind, raw};
use crate::shown::{age, time, visible, wrapped};

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
    let inner = canvas.framed(left, &marked(app, OF_CHECKS, "Checks", &app.health.checks));
    let in_checks = listing::rows(canvas, inner, (&app.health.checks, OF_CHECKS));
    let inner = canvas.framed(right, "What it means");
    explained(app, canvas, inner);
    let left = Rect { y: area.y + above, height: below, ..left };
    let right = Rect { y: area.y + above, height: below, ..right };
    let inner = canvas.framed(left, &marked(app, OF_INCIDENTS, "Incidents", &app.health.incidents));
    let in_incidents = incidents(app, canvas, inner);
    let inner = canvas.framed(right, "Program");
    program(app, canvas, inner);
    if app.model.is_stale() {
        canvas.dim(area);
    }
    if app.ui.pane == OF_INCIDENTS { in_incidents } else { in_checks }
}

fn marked(app: &App, pane: usize, title: &str, listing: &Listing) -> String {
    let mark = if app.ui.pane == pane { "> " } else { "" };
    format!("{mark}{title} {}", listing.sheet.rows.len())
}

fn incidents(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    if app.health.incidents.sheet.rows.is_empty() {
        canvas.text(area, 0, 0, "none since this worker began", Role::Text);
        return None;
    }
    listing::rows(canvas, area, (&app.health.incidents, OF_INCIDENTS))
}

/// The checks, and the one that is meant below them.
fn narrow(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    if app.ui.pane == OF_INCIDENTS {
        return incidents(app, canvas, area);
    }
    let below = 6.min(area.height / 2);
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
    let said = SAID.iter().filter(|(label, _)| !is_short || ["limit", "key", "effect", "try"].contains(label));
    let mut y = 1;
    for (label, name) in said {
        let text = if *name == "since" { Kind::Time.shown(&check[*name]) } else { raw(&check[*name]) };
        if text.is_empty() {
            continue;
        }
        canvas.text(area, 0, y, label, Role::Text);
        for line in wrapped(&visible(&text), room) {
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

fn program(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let Some(welcome) = &app.model.welcome else { return };
    let status = &app.model.status;
    let cpu = status["cpu"].as_f64().map_or_else(|| "-".to_owned(), |cpu| format!("{cpu:.1}%"));
    let facts = [
        ("rustsocks", format!("{}, {}", welcome.server, raw(&status["program"]["revision"]))),
        ("protocol", format!("{}, epoch {}", welcome.proto, welcome.epoch)),
        ("process", format!("{} of {}", raw(&status["program"]["pid"]), since(&status["program"]["started"]))),
        ("up", status["up_s"].as_f64().map_or_else(String::new, |up| age(number(&Value::from(up))))),
        ("node", welcome.node.clone()),
        ("cpu", cpu),
        ("console", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    for ((label, value), y) in facts.iter().zip(0..area.height) {
        canvas.text(area, 0, y, label, Role::Text);
        canvas.text(area, 10, y, value, Role::Accent);
    }
}

fn since(started: &Value) -> String {
    started.as_f64().map_or_else(|| "-".to_owned(), |started| time(started)[..16].to_owned())
}
