//! The files and whether each says what is in force, what came of the last reload, and every setting below.

use ratatui::layout::{Position, Rect};
use serde_json::Value;

use super::{FILES, GENERATIONS, SETTINGS};
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::listing::{self, Listing};
use crate::console::theme::Role;
use crate::output::raw;
use crate::shown::{visible, wrapped};

/// Lines of the upper part at most, frame and head included.
const UPPER: u16 = 10;

/// Where the row that is meant is.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let meant = if app.has_boxes() { wide(app, canvas, area) } else { narrow(app, canvas, area) };
    if app.model.is_stale() {
        canvas.dim(area);
    }
    meant
}

fn wide(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let config = &app.config;
    let files = area.width * 3 / 5;
    let reload = parted(reload(config.reloads.first()), (area.width - files).saturating_sub(4));
    let wanted = config.files.sheet.rows.len().max(reload.len()).max(3) + 3;
    let height = u16::try_from(wanted).unwrap_or(UPPER).min(UPPER).min(area.height / 2);
    let left = Rect { width: files, height, ..area };
    let right = Rect { x: area.x + left.width, width: area.width - left.width, ..left };
    let inner = canvas.framed(left, &marked(app, FILES, "Files"));
    let in_files = listing::rows(canvas, inner, (&config.files, FILES));
    let inner = canvas.framed(right, "Last reload");
    canvas.read(inner, reload, "L");
    let below = Rect { y: area.y + height, height: area.height - height, ..area };
    let inner = canvas.framed(below, &title(app));
    let in_rows = listing::rows(canvas, inner, lower(app));
    if app.ui.pane == FILES { in_files } else { in_rows }
}

/// The files, or what came of the last reload and the rest.
fn narrow(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    if app.ui.pane == FILES {
        return listing::rows(canvas, area, (&app.config.files, FILES));
    }
    let lines = parted(reload(app.config.reloads.first()), area.width - 1);
    let room = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height / 3);
    canvas.read(Rect { x: area.x + 1, width: area.width - 1, height: room, ..area }, lines, "L");
    // A title says what is not always so.
    let titled = u16::from(app.ui.pane == GENERATIONS || app.config.draft.is_some()).min(area.height - room);
    if titled > 0 {
        canvas.facts(area, (1, room), &title(app), Role::Header);
    }
    let above = room + titled;
    listing::rows(canvas, Rect { y: area.y + above, height: area.height - above, ..area }, lower(app))
}

/// What is below, and which part of the screen that is.
fn lower(app: &App) -> (&Listing, usize) {
    if app.ui.pane == GENERATIONS { (&app.config.generations, GENERATIONS) } else { (&app.config.listing, SETTINGS) }
}

fn title(app: &App) -> String {
    let rows = lower(app).0.sheet.rows.len();
    if app.ui.pane == GENERATIONS {
        return format!("> Generations {rows}   Enter shows one, R brings it back   Esc back");
    }
    let only = if app.config.only_written { ", only written" } else { "" };
    let draft = match app.config.draft.as_ref().map(|draft| draft.is_valid) {
        None => "",
        Some(Some(false)) => "   DRAFT, NOT VALID: e goes on, X forgets it",
        Some(Some(true)) => "   DRAFT: D shows it, A applies it, X forgets it",
        Some(None) => "   DRAFT: e goes on, X forgets it",
    };
    marked(app, SETTINGS, &format!("Effective configuration {rows}{only}{draft}"))
}

fn marked(app: &App, pane: usize, title: &str) -> String {
    if app.ui.pane == pane { format!("> {title}") } else { title.to_owned() }
}

/// In lines of so many cells.
fn parted(lines: Vec<(String, Role)>, cells: u16) -> Vec<(String, Role)> {
    let parts = |(line, role): (String, Role)| {
        wrapped(&visible(&line), usize::from(cells)).into_iter().map(move |part| (part, role))
    };
    lines.into_iter().flat_map(parts).collect()
}

/// When and by whose wish, then a line for each component and for each fault.
pub(super) fn reload(last: Option<&Value>) -> Vec<(String, Role)> {
    let Some(last) = last else { return vec![("no reload since the worker started".to_owned(), Role::Text)] };
    let of = |name: &str| raw(&last[name]);
    let is_well = last["success"] == true;
    let (word, role) = if is_well { ("well", Role::Ok) } else { ("NOT WELL", Role::Bad) };
    let at = of("at");
    let head = format!("{} by {}: {word}", at.get(..19).unwrap_or(&at), of("trigger"));
    let mut lines = vec![(head, role)];
    for component in last["components"].as_array().into_iter().flatten() {
        lines.push(of_component(component));
        for problem in component["problems"].as_array().into_iter().flatten() {
            let place = ["file", "line", "column"].map(|name| raw(&problem[name]));
            let place: Vec<String> = place.into_iter().filter(|part| !part.is_empty()).collect();
            lines.push((format!("  {} {}", place.join(":"), raw(&problem["message"])), Role::Bad));
        }
    }
    let took = last["took_us"].as_u64().unwrap_or(0).div_ceil(1_000);
    lines.push((format!("reload {}, {took} ms, sessions ended {}", of("generation"), of("revoked")), Role::Text));
    lines
}

fn of_component(component: &Value) -> (String, Role) {
    let of = |name: &str| raw(&component[name]);
    let part = |words: &str, what: String| if what.is_empty() { what } else { format!("{words}{what}") };
    let (changes, restart) = (part(": ", of("changes")), part("   needs a restart: ", of("needs_restart")));
    let role = if component["result"] == "failed" { Role::Bad } else { Role::Text };
    (format!("{} {}{changes}{restart}", of("component"), of("result")), role)
}
