//! What is asked of clients and with whose help, then the last logins, then who is turned away.

use ratatui::layout::{Position, Rect};
use serde_json::Value;

use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::listing;
use crate::console::live::{self, Column, column};
use crate::console::model::number;
use crate::console::pane::pane;
use crate::console::theme::Role;
use crate::output::raw;
use crate::shown::{self, wrapped};

const BANS: &[Column] = &[
    column("SOURCE", "src", 40, 0, |row| row.text("src")).growing(),
    column("SINCE", "age", 7, 2, |row| seconds(row.value("age"))).numeric(),
    column("LEFT", "left", 7, 1, |row| seconds(row.value("left"))).numeric(),
    column("TURNED AWAY", "turned_away", 11, 3, |row| row.text("turned_away")).numeric(),
];

const NOBODY: &str = "Nobody is turned away.";

/// Lines of the first part at most, frame included.
const FACTS: u16 = 10;

/// Results, and the place of their curves.
const RESULTS: [(&str, Option<usize>); 4] = [("ok", Some(0)), ("fail", Some(1)), ("error", Some(2)), ("blocked", None)];

/// Rows of a pane.
pub(super) fn visible(app: &App, pane: usize) -> usize {
    let (_, logins, bans) = parts(app, Rect { x: 0, y: 0, width: app.ui.size.0, height: app.height() });
    let area = if pane == 0 { logins } else { bans };
    usize::from(area.height.saturating_sub(if app.has_boxes() { 3 } else { 2 })).max(1)
}

/// The facts, the logins and the bans, from above.
fn parts(app: &App, area: Rect) -> (Rect, Rect, Rect) {
    let cells = usize::from(if app.has_boxes() { (area.width / 2).saturating_sub(4) } else { area.width - 1 });
    let lines: usize =
        facts(&app.auth.status).iter().map(|(line, _)| wrapped(&shown::visible(line), cells).len()).sum();
    let wanted = if app.has_boxes() { lines.max(RESULTS.len() + 1) + 2 } else { lines + 1 };
    let facts = u16::try_from(wanted).unwrap_or(FACTS).clamp(1, FACTS).min(area.height.div_ceil(3));
    let rest = area.height - facts;
    let bans = (rest / 3).clamp(3.min(rest), 10);
    let logins = rest - bans;
    let at = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
    (at(0, facts), at(facts, logins), at(facts + logins, bans))
}

/// Where the row that is meant is.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let (above, logins, bans) = parts(app, area);
    facts_and_results(app, canvas, above);
    let shown = format!("Logins {}   {}", app.auth.listing.sheet.rows.len(), title(app));
    let inner = pane(app, canvas, logins, (&shown, 0));
    let at_login = listing::rows(canvas, inner, (&app.auth.listing, 0));
    let inner = pane(app, canvas, bans, ("Turned away", 1));
    let at_ban = live::draw(app, canvas, inner, (&app.auth.bans, BANS), NOBODY);
    if app.ui.pane == 0 { at_login } else { at_ban }
}

/// Beside each other in frames, or below each other in few words.
fn facts_and_results(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let status = &app.auth.status;
    let mut lines = facts(status);
    if app.has_boxes() {
        let left = Rect { width: area.width / 2, ..area };
        let right = Rect { x: area.x + left.width, width: area.width - left.width, ..area };
        let inner = canvas.framed(right, "Results, last 5 min");
        results(app, canvas, inner);
        let inner = canvas.framed(left, "Methods and back ends");
        return written(canvas, inner, &lines);
    }
    let of = |name: &str| shown::count(number(&status["results"]["of"][name]));
    let results = RESULTS.map(|(name, _)| format!("{name} {}", of(name))).join("  ");
    lines.insert(0, (format!("last 5 min: {results}   turned away {}", raw(&status["banned"])), Role::Accent));
    written(canvas, Rect { x: area.x + 1, width: area.width - 1, ..area }, &lines);
}

fn written(canvas: &mut Canvas<'_>, area: Rect, lines: &[(String, Role)]) {
    let cells = usize::from(area.width);
    let lines = lines
        .iter()
        .flat_map(|(text, role)| wrapped(&shown::visible(text), cells).into_iter().map(move |line| (line, *role)));
    for ((line, role), y) in lines.zip(0..area.height) {
        canvas.text(area, 0, y, &line, role);
    }
}

/// How many of each, their course, and why.
fn results(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let status = &app.auth.status;
    for ((name, curve), y) in RESULTS.iter().zip(0..area.height) {
        let count = shown::count(number(&status["results"]["of"][*name]));
        canvas.text(area, 0, y, &format!("{name:<8}{count:>7}"), Role::Text);
        match curve {
            Some(place) => canvas.curve(area, 17, y, app.auth.curves[*place].iter().copied()),
            None => {
                canvas.text(area, 17, y, &format!("sources turned away {}", raw(&status["banned"])), Role::Text);
            }
        }
    }
    let why = status["results"]["why"].as_object().into_iter().flatten();
    let mut why: Vec<(u64, &String)> = why.map(|(why, count)| (number(count), why)).collect();
    why.sort_by(|one, other| other.cmp(one));
    let why = why.iter().map(|(count, why)| format!("{why} {count}")).collect::<Vec<_>>().join("  ");
    let y = u16::try_from(RESULTS.len()).unwrap_or(u16::MAX);
    if y < area.height {
        canvas.text(area, 0, y, &why, Role::Accent);
    }
}

fn title(app: &App) -> String {
    let auth = &app.auth;
    let what = if auth.failures_only { "failures only" } else { "all" };
    let paused = if auth.is_paused { ", paused" } else { "" };
    let lost = if auth.lost > 0 { format!(", {} lost", auth.lost) } else { String::new() };
    format!("{what}{paused}{lost}")
}

/// What is known of methods, services, helpers and results, a line each.
fn facts(status: &Value) -> Vec<(String, Role)> {
    if status.is_null() {
        return vec![("asking ...".to_owned(), Role::Text)];
    }
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut lines = Vec::new();
    for listener in list(&status["listeners"]) {
        let way = |way: &Value| match way["service"].as_str() {
            Some(service) => format!("{} ({service})", raw(&way["method"])),
            None => raw(&way["method"]),
        };
        let ways: Vec<String> = list(&listener["ways"]).iter().map(way).collect();
        lines.push((format!("{}: {}", raw(&listener["name"]), ways.join(", ")), Role::Text));
    }
    for service in list(&status["services"]) {
        let is_missing = service["state"] == "missing";
        let role = if is_missing { Role::Bad } else { Role::Text };
        let state = if is_missing { "MISSING" } else { "ok" };
        let changed = service["changed"].as_f64().map(|time| format!(", changed {}", &shown::time(time)[..10]));
        let (name, used_by) = (raw(&service["name"]), raw(&service["used_by"]));
        lines.push((format!("PAM {name} {state}{}, used by {used_by}", changed.unwrap_or_default()), role));
    }
    if !status["helpers"].is_null() {
        let of = |name: &str| raw(&status["helpers"][name]);
        lines.push((format!("helpers {}, free {}, waiting {}", of("count"), of("free"), of("waiting")), Role::Text));
    }
    let pace = |method: &Value| {
        let of = |name: &str| raw(&method[name]);
        format!("{} p50 {} ms p95 {} ms", of("method"), of("p50_ms"), of("p95_ms"))
    };
    let paces: Vec<String> = list(&status["methods"]).iter().map(pace).collect();
    let cache = &status["cache"];
    let known = (number(&cache["known"]) * 100)
        .checked_div(number(&cache["asked"]))
        .map(|percent| format!("   passwords known {percent}%"));
    let users = format!("users file {}", raw(&status["users"]["count"]));
    lines.push((format!("{users}{}", known.unwrap_or_default()), Role::Text));
    lines.extend(paces.into_iter().map(|pace| (pace, Role::Text)));
    let user = raw(&status["runs_as"]["user"]);
    lines.extend((!user.is_empty()).then(|| (format!("runs as {user}"), Role::Text)));
    lines
}

fn seconds(value: Option<&Value>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| shown::age(number(value)))
}
