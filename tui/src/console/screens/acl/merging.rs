//! The page of a merge: what became of each thing on both sides, and below of the one that is meant what each says and what comes of it.

use policy::{Entry, Pick, settled};
use ratatui::layout::{Position, Rect};
use serde_json::Value;

use super::pages::{framed, of_lines};
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::theme::Role;
use crate::output::raw;

/// Lines for what comes of it.
const RESULT: u16 = 7;

/// The list alone needs so many lines; the rest is for both sides.
const LEAST: u16 = 18;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let meant = app.acl.merge.get(app.acl.line);
    let Some(item) = meant.filter(|_| area.height >= LEAST) else { return of_lines(app, canvas, area) };
    let list = (area.height / 3).max(4);
    let sides = area.height - list - RESULT;
    let place = of_lines(app, canvas, Rect { height: list, ..area });
    let below = Rect { y: area.y + list, height: sides, width: area.width / 2, ..area };
    let theirs = format!("theirs (generation {}{})", app.acl.onto, by(app));
    side(app, canvas, below, &theirs, item, "theirs");
    let beside = Rect { x: area.x + below.width, width: area.width - below.width, ..below };
    side(app, canvas, beside, "mine (draft)", item, "mine");
    let foot = Rect { y: area.y + list + sides, height: RESULT, ..area };
    result(app, canvas, foot, item);
    place
}

/// Whoever brought it into force, and how.
fn by(app: &App) -> String {
    let current = &app.acl.state["current"];
    if current["gen"].as_u64() != Some(app.acl.onto) {
        return String::new();
    }
    format!(", by {}, {}", raw(&current["by"]), raw(&current["source"]))
}

/// What one side says, key by key; `+` and `-` are what it made of what was there before.
fn side(app: &App, canvas: &mut Canvas<'_>, area: Rect, title: &str, item: &Value, side: &str) {
    let inner = framed(app, canvas, area, &canvas.seen(title));
    let lines = side_lines(item, side);
    canvas.read(inner, lines.into_iter().map(coloured), "Enter");
}

fn coloured(line: String) -> (String, Role) {
    let role = match line.as_bytes().first() {
        Some(b'+') => Role::Ok,
        Some(b'-') => Role::Bad,
        Some(_) | None => Role::Text,
    };
    (line, role)
}

/// Both sides of the one that is meant, and what comes of it, whole.
pub(super) fn opened(app: &mut App) {
    let Some(item) = app.acl.merge.get(app.acl.line) else { return };
    let mut lines = vec![format!("= theirs (generation {}{})", app.acl.onto, by(app))];
    lines.extend(side_lines(item, "theirs"));
    lines.extend([String::new(), "= mine (draft)".to_owned()]);
    lines.extend(side_lines(item, "mine"));
    lines.extend([String::new(), "= result".to_owned()]);
    lines.extend(result_lines(app, item));
    let about = about(item);
    app.ui.lay(about, lines);
}

/// The rule or the owner.
pub(super) fn about(item: &Value) -> String {
    if item["ref"].is_null() { raw(&item["owner"]) } else { raw(&item["ref"]) }
}

fn side_lines(item: &Value, side: &str) -> Vec<String> {
    let (now, before) = (entry(item, side), entry(item, "base"));
    match &now {
        None => vec!["- it is gone".to_owned()],
        Some(now) => now.0.iter().flat_map(|(key, value)| key_lines(key, value, before.as_ref())).collect(),
    }
}

/// A key on one line, or with a list one item on each.
fn key_lines(key: &str, value: &Value, before: Option<&Entry>) -> Vec<String> {
    let old = before.and_then(|before| before.get(key));
    let is_same = old == Some(value);
    let Some(items) = value.as_array().filter(|_| !is_same) else {
        return vec![format!("{} {key:<13} {}", if is_same || before.is_none() { ' ' } else { '+' }, raw(value))];
    };
    let known = |item: &Value| old.and_then(Value::as_array).is_some_and(|old| old.contains(item));
    let now = items.iter().map(|item| format!("{} {:<13} {}", if known(item) { ' ' } else { '+' }, key, raw(item)));
    let gone = old.and_then(Value::as_array).into_iter().flatten().filter(|item| !items.contains(item));
    now.chain(gone.map(|item| format!("- {key:<13} {}", raw(item)))).collect()
}

fn result(app: &App, canvas: &mut Canvas<'_>, area: Rect, item: &Value) {
    let inner = framed(app, canvas, area, "result   nothing is written until you apply again");
    canvas.read(inner, result_lines(app, item).into_iter().map(coloured), "Enter");
}

fn result_lines(app: &App, item: &Value) -> Vec<String> {
    match outcome(app, item) {
        None => vec!["? m takes mine, t theirs, b both, e writes another".to_owned()],
        Some(Outcome::Gone) => vec!["it is gone".to_owned()],
        Some(Outcome::Says(entry)) => {
            entry.0.iter().map(|(key, value)| format!("  {key:<13} {}", raw(value))).collect()
        }
    }
}

/// What comes of one thing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Gone,
    Says(Entry),
}

/// By the function by which the daemon merges; nothing while nobody has decided.
pub(super) fn outcome(app: &App, item: &Value) -> Option<Outcome> {
    let says = |entry: Option<Entry>| Some(entry.map_or(Outcome::Gone, Outcome::Says));
    let [base, mine, theirs] = ["base", "mine", "theirs"].map(|side| entry(item, side));
    let pick = match item["kept"].as_str() {
        Some("mine") => return says(mine),
        Some("theirs") => return says(theirs),
        Some(_) => Pick::Both,
        None => {
            let place = app.acl.merge.iter().position(|other| other == item)?;
            serde_json::from_value(app.acl.picks.get(&place)?.clone()).ok()?
        }
    };
    says(settled([base.as_ref(), mine.as_ref(), theirs.as_ref()], &pick))
}

fn entry(item: &Value, side: &str) -> Option<Entry> {
    serde_json::from_value(item[side].clone()).ok()
}
