//! How the question before sessions are ended looks.

use ratatui::layout::{Position, Rect};
use serde_json::Value;
use wire::admin::Killed;

use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::dialog::{KillDialog, Part, SEEN};
use crate::console::field::Field;
use crate::console::form::{same, working};
use crate::console::model::number;
use crate::console::theme::Role;
use crate::output::raw;
use crate::shown::{self, fitted, visible, width};

/// Draws it; says where the cursor is.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect, dialog: &KillDialog) -> Option<Position> {
    let Some(meant) = &dialog.meant else {
        let inner = canvas.opened(area, (78, 4), "End sessions?");
        canvas.text(inner, 0, 0, "asking which ...", Role::Text);
        return None;
    };
    let seen = u16::try_from(meant.sample.len().min(SEEN)).unwrap_or(0);
    let same = same(&dialog.command(), usize::from(78.min(area.width).saturating_sub(4)));
    let more = u16::try_from(same.len()).unwrap_or(0);
    let title = format!("End {} {}?", meant.matched, sessions(meant.matched));
    let inner = canvas.opened(area, (78, seen + 12 + more), &title);
    canvas.text(inner, 0, 0, &which(dialog, meant), Role::Text);
    let age = |began: f64| shown::age(number(&Value::from((app.model.now - began).max(0.0))));
    let oldest = meant.oldest.map_or_else(|| "-".to_owned(), age);
    canvas.text(inner, 0, 1, &format!("oldest {oldest}   traffic so far {}", shown::bytes(meant.bytes)), Role::Text);
    list(app, canvas, Rect { y: inner.y + 3, height: seen + 1, ..inner }, dialog);
    let form = Rect { y: inner.y + seen + 5, height: inner.height.saturating_sub(seen + 5), ..inner };
    let in_reason = written(canvas, form, (0, "reason "), &dialog.reason, dialog.part == Part::Reason);
    if let (Some(disables), Some(user)) = (dialog.disables, &meant.user) {
        let check = if disables { "x" } else { " " };
        let line = format!("also   [{check}] disable the user {user} first (or it can connect again)");
        canvas.text(form, 0, 1, &line, if dialog.part == Part::Leaver { Role::Select } else { Role::Text });
    }
    for (line, y) in same.iter().zip(5..form.height) {
        canvas.text(form, 0, y, line, Role::Dim);
    }
    if dialog.is_given {
        canvas.text(form, 0, 3, &working(app), Role::Text);
        return None;
    }
    let in_consent = consent(canvas, form, dialog);
    match dialog.part {
        Part::Consent => in_consent,
        Part::Reason => Some(in_reason),
        Part::Leaver => Some(Position { x: form.x + 8, y: form.y + 1 }),
        Part::List => Some(Position { x: inner.x, y: inner.y + 3 }),
    }
}

fn sessions(count: u64) -> &'static str {
    if count == 1 { "session" } else { "sessions" }
}

fn which(dialog: &KillDialog, meant: &Killed) -> String {
    let such = dialog.order.filter.as_deref().unwrap_or("those that were chosen");
    let Killed { matched, users, destinations, .. } = meant;
    let all = format!("{matched} {}, users {users}, destinations {destinations}", sessions(*matched));
    format!("{}: {all}", fitted(&visible(such), 34, false).trim_end())
}

fn list(app: &App, canvas: &mut Canvas<'_>, area: Rect, dialog: &KillDialog) {
    let Some(meant) = &dialog.meant else { return };
    let first = dialog.scroll.min(meant.sample.len());
    let seen = meant.sample[first..].iter().take(SEEN);
    for (session, y) in seen.zip(0..area.height) {
        let of = |name: &str| raw(&session[name]);
        let age = session["start"].as_f64().map_or(0.0, |start| (app.model.now - start).max(0.0));
        let carried = number(&session["up"]).saturating_add(number(&session["down"]));
        let whom = format!("{:<8} {} {} > {}", of("id"), of("user"), of("src"), of("dst"));
        let line = format!(
            "{} {:>6} {:>6}",
            fitted(&visible(&whom), usize::from(area.width.saturating_sub(14)), false),
            shown::age(number(&Value::from(age))),
            shown::bytes(carried)
        );
        canvas.text(area, 0, y, &line, if dialog.part == Part::List { Role::Select } else { Role::Text });
    }
    let behind = meant.matched.saturating_sub((first + SEEN) as u64);
    if behind > 0 {
        let how = match dialog.part {
            _ if meant.sample.len() <= first + SEEN => "",
            Part::List => " (Down goes on)",
            Part::Consent | Part::Reason | Part::Leaver => " (Tab to browse)",
        };
        canvas.text(area, 0, area.height.saturating_sub(1), &format!("... {behind} more{how}"), Role::Text);
    }
}

/// What has to be typed.
fn consent(canvas: &mut Canvas<'_>, form: Rect, dialog: &KillDialog) -> Option<Position> {
    if !dialog.wants_number() {
        canvas.text(form, 0, 3, "y ends them   Tab reason and more   any other key: no", Role::Warn);
        return None;
    }
    let typed = dialog.typed.text();
    let line = format!("more than 10: type the number [{typed:<6}]   Tab reason and more   Esc cancels");
    canvas.facts(form, (0, 3), &line, Role::Warn);
    let x = 31 + u16::try_from(width(&typed)).unwrap_or(0);
    Some(Position { x: form.x + x, y: form.y + 3 })
}

/// A text that is being written, in brackets.
fn written(canvas: &mut Canvas<'_>, area: Rect, (y, label): (u16, &str), field: &Field, has_keys: bool) -> Position {
    let room = usize::from(area.width).saturating_sub(width(label) + 2);
    let x = canvas.text(area, 0, y, label, Role::Text);
    let role = if has_keys { Role::Select } else { Role::Text };
    let (seen, at) = field.seen(room);
    canvas.text(area, x, y, &format!("[{}]", fitted(&seen, room, false)), role);
    let at = u16::try_from(at).unwrap_or(0);
    Position { x: area.x + x + 1 + at, y: area.y + y }
}
