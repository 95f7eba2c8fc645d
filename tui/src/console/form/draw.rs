//! How forms and questions look.

use ratatui::layout::{Position, Rect};

use super::{Consent, Entry, Form, Input, Question};
use crate::console::canvas::Canvas;
use crate::console::pointer::Target;
use crate::console::theme::Role;
use crate::shown::{visible, width};

/// Where what is filled in begins.
const INPUT: u16 = 18;

/// Draws the form; says where something is being written.
pub(crate) fn draw(canvas: &mut Canvas<'_>, area: Rect, form: &Form) -> Option<Position> {
    let preview = form.purpose.preview(&form.entries);
    let rows: usize = form.entries.0.iter().map(lines).sum();
    let height = cells(rows + preview.len() + 5 + usize::from(!preview.is_empty()));
    let inner = canvas.opened(area, (78, height), &form.title);
    let foot = inner.height.saturating_sub(3);
    let written = entries(canvas, Rect { height: foot, ..inner }, form, cells(preview.len()));
    let below = cells(rows).min(foot.saturating_sub(cells(preview.len()))) + 1;
    for (line, y) in preview.iter().zip(below..foot) {
        canvas.text(inner, 1, y, line, Role::Accent);
    }
    if form.is_given {
        canvas.text(inner, 0, foot, "working ...", Role::Text);
    } else if let Some(fault) = &form.fault {
        canvas.text(inner, 0, foot, &format!("! {fault}"), Role::Bad);
    }
    canvas.text(inner, 0, foot + 1, "Tab next field   Space chooses   Esc leaves it", Role::Dim);
    canvas.text(inner, 0, foot + 2, &format!("same as: {}", form.purpose.command(&form.entries)), Role::Dim);
    written
}

/// The entries, scrolled so that the one with the keys is seen.
fn entries(canvas: &mut Canvas<'_>, area: Rect, form: &Form, taken: u16) -> Option<Position> {
    let area = Rect { height: area.height.saturating_sub(taken), ..area };
    let before: usize = form.entries.0[..form.at].iter().map(lines).sum();
    let here = form.entries.0.get(form.at).map_or(0, lines);
    let mut skipped = (before + here).saturating_sub(usize::from(area.height));
    let mut y = 0;
    let mut written = None;
    for (place, entry) in form.entries.0.iter().enumerate() {
        let high = lines(entry);
        if skipped >= high {
            skipped -= high;
            continue;
        }
        let is_here = place == form.at;
        let at = one(canvas, Rect { y: area.y + y, height: area.height.saturating_sub(y), ..area }, entry, is_here);
        written = written.or(at.filter(|_| is_here));
        let high = cells(high).min(area.height.saturating_sub(y));
        canvas.spot(Rect { y: area.y + y, height: high, ..area }, Target::Entry(place));
        y += high;
        if y >= area.height {
            break;
        }
    }
    written
}

fn one(canvas: &mut Canvas<'_>, area: Rect, entry: &Entry, is_here: bool) -> Option<Position> {
    let role = if is_here { Role::Header } else { Role::Text };
    canvas.text(area, 0, 0, if is_here { ">" } else { " " }, Role::Mark);
    let at = match &entry.input {
        Input::Button => {
            canvas.text(area, INPUT, 0, &format!("[ {} ]", entry.label), role);
            Some((INPUT + 2, 0))
        }
        Input::Text(field) => {
            canvas.text(area, INPUT, 0, &format!("[{:<20}]", field.text()), role);
            Some((INPUT + 1 + cells(width(&visible(&field.before()))), 0))
        }
        Input::Secret(secret) => {
            let stars = secret.stars();
            canvas.text(area, INPUT, 0, &format!("[{stars:<20}]"), role);
            Some((INPUT + 1 + cells(stars.len()), 0))
        }
        Input::Choice { options, at } => {
            let shown = |(place, option): (usize, &String)| {
                if place == *at { format!("(o) {option}") } else { format!("( ) {option}") }
            };
            let line: Vec<String> = options.iter().enumerate().map(shown).collect();
            canvas.text(area, INPUT, 0, &line.join("  "), role);
            Some((INPUT + 1 + cells(line[..*at].iter().map(|option| width(option) + 2).sum()), 0))
        }
        Input::Check(is_set) => {
            canvas.text(area, INPUT, 0, if *is_set { "[x]" } else { "[ ]" }, role);
            Some((INPUT + 1, 0))
        }
        Input::List { items, at } => {
            for (item, y) in items.iter().zip(0..area.height) {
                canvas.text(area, INPUT, y, &format!("[{:<20}]", item.text()), role);
            }
            let before = items.get(*at).map_or(0, |item| width(&visible(&item.before())));
            Some((INPUT + 1 + cells(before), cells(*at)))
        }
        Input::Word { wanted, typed } => {
            let x = canvas.text(area, INPUT, 0, &format!("type {wanted}: [{:<8}]", typed.text()), Role::Warn);
            Some((x.saturating_sub(9) + cells(width(&typed.before())), 0))
        }
    };
    if !matches!(entry.input, Input::Button) {
        canvas.text(Rect { width: INPUT.saturating_sub(1).min(area.width), ..area }, 2, 0, entry.label, role);
    }
    if let Some(fault) = &entry.fault {
        canvas.text(area, INPUT, cells(lines(entry)) - 1, &format!("! {fault}"), Role::InputBad);
    }
    at.map(|(x, y)| Position { x: area.x + x.min(area.width.saturating_sub(1)), y: area.y + y })
}

/// How many lines it takes.
fn lines(entry: &Entry) -> usize {
    let own = if let Input::List { items, .. } = &entry.input { items.len() } else { 1 };
    own + usize::from(entry.fault.is_some())
}

fn cells(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// Draws the question; says where the word is being written.
pub(crate) fn draw_question(canvas: &mut Canvas<'_>, area: Rect, question: &Question) -> Option<Position> {
    let inner = canvas.opened(area, (78, cells(question.lines.len() + 6)), &question.title);
    let foot = inner.height.saturating_sub(3);
    for (line, y) in question.lines.iter().zip(0..foot) {
        canvas.text(inner, 0, y, line, Role::Text);
    }
    canvas.text(inner, 0, foot + 2, &format!("same as: {}", question.command), Role::Dim);
    if question.is_given {
        canvas.text(inner, 0, foot + 1, "working ...", Role::Text);
        return None;
    }
    match &question.consent {
        Consent::Letter => {
            canvas.text(inner, 0, foot + 1, "y does it   any other key: no", Role::Warn);
            None
        }
        Consent::Word { wanted, typed } => {
            let before = format!("type {wanted} to go on: [");
            let line = format!("{before}{:<8}]  Esc cancels, Enter does nothing", typed.text());
            canvas.text(inner, 0, foot + 1, &line, Role::Warn);
            let x = cells(width(&before) + width(&typed.before())).min(inner.width.saturating_sub(1));
            Some(Position { x: inner.x + x, y: inner.y + foot + 1 })
        }
    }
}
