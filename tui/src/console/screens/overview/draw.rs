//! The parts of the screen: beside each other where there is room, the most important ones where there is not.

use ratatui::layout::{Position, Rect};
use serde_json::Value;

use super::{ATTENTION, AUDIT, CHANGES, DENIALS, DESTINATIONS, MEASURES, Overview, PASTS, USERS, audit};
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::model::{self, moment, number};
use crate::console::pointer::{Target, away};
use crate::console::theme::Role;
use crate::output::raw;
use crate::shown::{self, fitted, visible, width, wrapped};

/// A number of the status with its curve: its label, its name there, and how it is shown.
type Fact = (&'static str, &'static str, fn(&Value) -> String);

/// In the order of the curves.
const NUMBERS: [Fact; 7] = [
    ("sessions", "sessions", |value| shown::count(number(value))),
    ("new/s", "new_rate", tenths),
    ("up", "up_rate", rate),
    ("down", "down_rate", rate),
    ("denied/s", "denied_rate", tenths),
    ("auth f/s", "authfail_rate", tenths),
    ("p99 conn", "conn_p99_ms", |value| value.as_f64().map_or_else(|| "-".to_owned(), |ms| format!("{ms:.0} ms"))),
];

const TITLES: [&str; CHANGES + 1] =
    ["Top users", "Top destinations", "Denied, last hour", "Attention", "Recent changes (audit)"];

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    if app.ui.pane == AUDIT {
        return audit::draw(app, canvas, area);
    }
    if app.model.status.is_null() {
        canvas.text(area, 1, 0, "asking ...", Role::Text);
        return None;
    }
    let meant = if app.has_boxes() { wide(app, canvas, area) } else { narrow(app, canvas, area) };
    if app.model.is_stale() {
        canvas.dim(area);
    }
    meant
}

fn wide(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let head = 9;
    let (top, rest) = (Rect { height: head, ..area }, area.height.saturating_sub(head));
    let right = (area.width / 3).clamp(40, 44);
    let (left, right) = split(top, area.width - right);
    let title = format!("Traffic - last {}", PASTS[app.overview.past].2);
    let inner = canvas.framed(left, &title);
    curves(app, canvas, inner);
    let inner = canvas.framed(right, "Now");
    facts(app, canvas, inner);
    let rankings = Rect { y: area.y + head, height: rest / 2, ..area };
    let below = Rect { y: rankings.y + rankings.height, height: rest - rest / 2, ..area };
    let third = area.width / 3;
    let (first, others) = split(rankings, third);
    let (second, last) = split(others, third);
    let (attention, changes) = split(below, area.width * 4 / 7);
    let parts = [(USERS, first), (DESTINATIONS, second), (DENIALS, last), (ATTENTION, attention), (CHANGES, changes)];
    parts.into_iter().filter_map(|(part, place)| framed(app, canvas, place, part)).last()
}

/// Without frames: the curves, the most important ranking, and what to look at.
fn narrow(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let height = 7.min(area.height);
    let (left, right) =
        split(Rect { height, ..area }, area.width.saturating_sub(if area.width < 80 { 24 } else { 30 }));
    curves(app, canvas, Rect { width: left.width.saturating_sub(1), ..left });
    facts(app, canvas, right);
    let rest = Rect { y: area.y + height, height: area.height - height, ..area };
    let part = if app.ui.pane == ATTENTION || app.ui.pane == CHANGES { USERS } else { app.ui.pane };
    let second = if app.ui.pane == CHANGES { CHANGES } else { ATTENTION };
    let half = rest.height / 2;
    let above = headed(app, canvas, Rect { height: half, ..rest }, part);
    let below = headed(app, canvas, Rect { y: rest.y + half, height: rest.height - half, ..rest }, second);
    above.or(below)
}

fn split(area: Rect, width: u16) -> (Rect, Rect) {
    let width = width.min(area.width);
    (Rect { width, ..area }, Rect { x: area.x + width, width: area.width - width, ..area })
}

fn curves(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let pasts = app.overview.curves.iter().map(Some).chain(std::iter::repeat(None));
    for (((label, name, shown), past), y) in NUMBERS.iter().zip(pasts).zip(0..area.height) {
        canvas.text(area, 0, y, label, Role::Text);
        canvas.text_right(Rect { width: 20.min(area.width), ..area }, y, &shown(&app.model.status[*name]), Role::Text);
        if let Some(past) = past {
            let seen = past.len().saturating_sub(late(app));
            canvas.curve(area, 22, y, past[..seen].iter().map(|value| tenth_parts(*value)));
        }
    }
}

/// Seconds that a slow line is not shown yet, so that curves move every ten seconds.
fn late(app: &App) -> usize {
    let is_slow = app.model.is_slow && PASTS[app.overview.past].0 == 1;
    if is_slow { usize::try_from(number(&Value::from(app.model.now)) % 10).unwrap_or(0) } else { 0 }
}

fn facts(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let status = &app.model.status;
    let of = |part: &str, whole: &str| {
        let (part, whole) = (number(&status[part]), number(&status[whole]));
        let percent = part.saturating_mul(100).checked_div(whole).unwrap_or(0);
        format!("{} / {} {percent}%", shown::count(part), shown::count(whole))
    };
    let memory = status["cpu"].as_f64().map_or_else(String::new, |cpu| format!("  cpu {cpu:.0}%"));
    let facts = [
        ("limit", of("sessions", "sess_limit")),
        ("users", format!("{} in, {} known", raw(&status["users_active"]), raw(&status["users_known"]))),
        ("fds", of("fds", "fd_limit")),
        ("rss", format!("{}{memory}", shown::bytes(number(&status["rss"])))),
        ("acl", format!("{}, {} rules{}", generation(app), raw(&status["acl"]["rules"]), since(app))),
        ("denied", format!("{} today, {} banned", raw(&status["today"]["blocked"]), raw(&status["banned"]))),
        ("history", raw(&status["history"])),
    ];
    for ((label, value), y) in facts.iter().zip(0..area.height) {
        canvas.text(area, 0, y, label, Role::Text);
        canvas.text(area, 9, y, whole(value, usize::from(area.width.saturating_sub(9))), Role::Accent);
    }
}

/// As many parts of a fact as fit, or its last word: a number that is cut would be another number.
fn whole(fact: &str, cells: usize) -> &str {
    let mut said = fact;
    while let Some((first, _)) = said.rsplit_once(", ").filter(|_| width(said) > cells) {
        said = first;
    }
    let is_whole = width(said) <= cells;
    if is_whole { said } else { said.rsplit(' ').next().unwrap_or(said) }
}

/// Which text of the rules is in force; for whom that is not known, how many reloads there have been.
fn generation(app: &App) -> String {
    match app.acl.generation() {
        0 => format!("reload {}", raw(&app.model.status["acl"]["gen"])),
        number => format!("generation {number}"),
    }
}

/// How long the rules have been in force.
fn since(app: &App) -> String {
    // Where there is little room the number of rules says more.
    let then = moment(&app.acl.state["current"]["t"]).filter(|_| app.has_boxes());
    then.map(|then| format!(", {} ago", shown::age(model::since(then, app.model.now)))).unwrap_or_default()
}

fn title(app: &App, part: usize) -> String {
    match part {
        USERS | DESTINATIONS => format!("{} by {}", TITLES[part], MEASURES[app.overview.measure]),
        _ => TITLES[part].to_owned(),
    }
}

/// Whether a part is never told to who looks.
fn is_kept_from(app: &App, part: usize) -> bool {
    part == CHANGES && !app.model.is_admin()
}

fn framed(app: &App, canvas: &mut Canvas<'_>, area: Rect, part: usize) -> Option<Position> {
    let mark = if app.ui.pane == part { "> " } else { "" };
    let count = if is_kept_from(app, part) { String::new() } else { format!(" {}", app.overview.rows[part].len()) };
    let inner = canvas.framed(area, &format!("{mark}{}{count}", title(app, part)));
    rows(app, canvas, inner, part)
}

fn headed(app: &App, canvas: &mut Canvas<'_>, area: Rect, part: usize) -> Option<Position> {
    let mark = if app.ui.pane == part { "> " } else { "-- " };
    canvas.text(area, 0, 0, &format!("{mark}{}", title(app, part)), Role::Header);
    rows(app, canvas, Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }, part)
}

/// Where what is meant is, if it is here.
fn rows(app: &App, canvas: &mut Canvas<'_>, area: Rect, part: usize) -> Option<Position> {
    let Overview { rows, cursors, .. } = &app.overview;
    let room = usize::from(area.height).max(1);
    canvas.spot(area, Target::Pane(part));
    let lines: Vec<_> = rows[part].iter().map(|row| lines(part, row, usize::from(area.width))).collect();
    let first = first(&lines, cursors[part], room);
    if rows[part].is_empty() {
        let said = match part {
            ATTENTION => "all is well",
            _ if is_kept_from(app, part) => "these take the role admin",
            _ => "nothing",
        };
        canvas.text(area, 0, 0, said, Role::Text);
    }
    let mut meant = None;
    let seen = lines
        .iter()
        .enumerate()
        .skip(first)
        .flat_map(|(place, (texts, role))| texts.iter().map(move |text| (place, text, *role)));
    for ((place, text, role), y) in seen.zip(0..area.height) {
        canvas.text(area, 0, y, text, role);
        canvas.line_spot(area, y, Target::Own(part, away(place, cursors[part])));
        if app.ui.pane == part && place == cursors[part] {
            canvas.mark_line(area, y, Role::Select);
            meant = meant.or(Some(Position { x: area.x, y: area.y + y }));
        }
    }
    meant
}

/// The first row that is seen, so that the one that is meant is, whole if that can be.
fn first(lines: &[(Vec<String>, Role)], meant: usize, room: usize) -> usize {
    let high = |row: &(Vec<String>, Role)| row.0.len();
    let fits = |first: &usize| lines[*first..].iter().take(meant + 1 - first).map(high).sum::<usize>() <= room;
    (0..meant).find(fits).unwrap_or(meant)
}

/// A row on one line; what there is to look at on as many as it takes, for it says what to do.
fn lines(part: usize, row: &Value, width: usize) -> (Vec<String>, Role) {
    if part != ATTENTION {
        let (text, role) = line(part, row, width);
        return (vec![text], role);
    }
    let (mark, role) = match row["sev"].as_str() {
        Some("crit") => ("!!", Role::Bad),
        Some("warn") => ("! ", Role::Warn),
        Some(_) | None => (". ", Role::Text),
    };
    let screen = raw(&row["screen"]);
    let room = width.saturating_sub(screen.len() + 4);
    let parts = wrapped(&visible(&raw(&row["text"])), room);
    let said = parts.iter().zip(std::iter::once((mark, screen.as_str())).chain(std::iter::repeat(("  ", ""))));
    (said.map(|(text, (mark, screen))| format!("{mark} {} {screen}", fitted(text, room, false))).collect(), role)
}

fn line(part: usize, row: &Value, width: usize) -> (String, Role) {
    match part {
        USERS | DESTINATIONS => {
            let (sessions, rate) = (shown::count(number(&row[1])), rate(&row[2]));
            (
                format!("{} {sessions:>6} {rate:>7}", fitted(&visible(&raw(&row[0])), width.saturating_sub(15), false)),
                Role::Text,
            )
        }
        DENIALS => {
            // Who wanted what says more than the rule that denied it, which the history has as well.
            let what = format!("{} {}   {}", raw(&row[0]), raw(&row[1]), raw(&row[2]));
            let room = width.saturating_sub(6);
            (format!("{} {:>5}", fitted(&shown::facts(&visible(&what), room), room, false), raw(&row[3])), Role::Text)
        }
        _ => {
            let who = Some(raw(&row["who"]["user"])).filter(|who| !who.is_empty());
            let who = who.unwrap_or_else(|| raw(&row["who"]["token"]));
            let time = raw(&row["t"]);
            let time = time.get(11..16).unwrap_or(&time);
            let done = format!("{time} {who} {}", raw(&row["op"]));
            let came = format!("{} {}", raw(&row["phase"]), raw(&row["result"]));
            // What was done is whole, and as much of what came of it as there is room for.
            let room = width.saturating_sub(shown::width(&visible(&done)) + 1);
            (format!("{done} {}", shown::cut(&visible(&came), room)), Role::Text)
        }
    }
}

fn tenths(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}"))
}

fn rate(value: &Value) -> String {
    format!("{}/s", shown::bytes(number(value)))
}

/// So that a tenth is more than nothing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates; negative is none")]
fn tenth_parts(value: Option<f64>) -> u64 {
    value.map_or(0, |value| (value * 10.0) as u64)
}
