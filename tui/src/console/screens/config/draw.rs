//! What came of the last reload, component by component, and every setting below it.

use ratatui::layout::{Position, Rect};
use serde_json::Value;

use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::listing;
use crate::console::theme::Role;
use crate::output::raw;

/// Where the row that is meant is.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let lines = reload(app.config.reloads.first());
    let room = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height / 3);
    for ((text, role), y) in lines.iter().zip(0..room) {
        canvas.text(area, 1, y, text, *role);
    }
    let rest = Rect { y: area.y + room, height: area.height - room, ..area };
    listing::draw(app, canvas, rest, &app.config.listing)
}

/// When and by whose wish, then a line for each component and for each fault.
fn reload(last: Option<&Value>) -> Vec<(String, Role)> {
    let Some(last) = last else { return vec![("no reload since the worker started".to_owned(), Role::Text)] };
    let of = |name: &str| raw(&last[name]);
    let word = if last["success"] == true { "well" } else { "NOT WELL" };
    let role = if last["success"] == true { Role::Ok } else { Role::Bad };
    let head = format!(
        "last reload {} by {}: {word}, generation {}, sessions ended {}",
        of("at"),
        of("trigger"),
        of("generation"),
        of("revoked")
    );
    let mut lines = vec![(head, role)];
    for component in last["components"].as_array().into_iter().flatten() {
        let of = |name: &str| raw(&component[name]);
        let changes = Some(of("changes")).filter(|changes| !changes.is_empty()).map(|changes| format!(": {changes}"));
        let restart =
            Some(of("needs_restart")).filter(|keys| !keys.is_empty()).map(|keys| format!("   needs a restart: {keys}"));
        let role = if component["result"] == "failed" { Role::Bad } else { Role::Text };
        let text = format!(
            "{} {}{}{}",
            of("component"),
            of("result"),
            changes.unwrap_or_default(),
            restart.unwrap_or_default()
        );
        lines.push((text, role));
        for problem in component["problems"].as_array().into_iter().flatten() {
            let place = ["file", "line", "column"].map(|name| raw(&problem[name]));
            let place: Vec<String> = place.into_iter().filter(|part| !part.is_empty()).collect();
            lines.push((format!("  {} {}", place.join(":"), raw(&problem["message"])), Role::Bad));
        }
    }
    lines
}
