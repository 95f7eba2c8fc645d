//! The live sessions for whom the draft would decide otherwise, as a table that the daemon keeps.

use ratatui::layout::{Position, Rect};
use serde_json::{Value, json};

use super::model::Page;
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::{About, Effect};
use crate::console::live::{self, Column, Row, column};
use crate::console::screen::Screen;
use crate::console::screens::sessions;
use crate::console::theme::Role;

/// The pane that the table has: Tab does not go there.
pub(super) const PANE: usize = 2;

const COLUMNS: &[Column] = &[
    column("ID", "id", 7, 0, |row| row.text("id")),
    column("USER", "user", 10, 1, |row| row.text("user")),
    column("SOURCE", "src", 21, 8, |row| row.text("src")),
    column("OWN", "own", 3, 3, own),
    column("DESTINATION", "dst", 18, 2, |row| row.text("dst")).growing(),
    column("NOW", "before", 5, 4, |row| said(row, "before")),
    column("BY", "rule_before", 14, 6, |row| rule(row, "rule_before")),
    column("THEN", "after", 5, 1, |row| said(row, "after")),
    column("BY", "rule_after", 14, 5, |row| rule(row, "rule_after")),
    column("AGE", "start", 6, 7, |row| row.since("start")).numeric(),
    column("DOWN", "down", 5, 9, |row| row.bytes("down")).numeric(),
];

/// Whether the session comes from where the operator is.
fn own(row: &Row<'_>) -> String {
    if row.text("own") == "yes" { "you".to_owned() } else { String::new() }
}

/// What no rule decides, the default does.
fn rule(row: &Row<'_>, column: &str) -> String {
    let name = row.text(column);
    if name == "-" { "default".to_owned() } else { name }
}

/// As everywhere on this screen: what is refused is in capitals.
fn said(row: &Row<'_>, column: &str) -> String {
    let said = row.text(column);
    if said == "deny" { "DENY".to_owned() } else { said }
}

/// Looks at the sessions of the answer that is on the page.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let Some(digest) = app.acl.effect.as_ref().and_then(|effect| effect["digest"].as_str()).map(str::to_owned) else {
        app.ui.say("what it would change is not known yet");
        return Vec::new();
    };
    let mut effects = closed(app);
    app.acl.page = Page::Affected;
    app.ui.pane = PANE;
    let visible = app.visible();
    app.acl.affected.forget();
    app.acl.affected.filter = String::new();
    app.acl.affected.digest = Some(digest);
    effects.extend(app.acl.affected.open(visible));
    effects
}

/// One step back: the filter, then the page from which it was opened.
pub(super) fn back(app: &mut App) -> Vec<Effect> {
    if !app.acl.affected.filter.is_empty() {
        let visible = app.visible();
        return app.acl.affected.filtered(visible, String::new());
    }
    app.acl.page = Page::Change;
    app.ui.pane = 0;
    closed(app)
}

/// The session that is meant, among all.
pub(super) fn into_session(app: &mut App) -> Vec<Effect> {
    let Some(id) = app.acl.affected.cursor.clone() else { return Vec::new() };
    let visible = sessions::visible(app);
    let mut effects = app.sessions.live.filtered(visible, format!("id={id}"));
    effects.push(Effect::Go(Screen::Sessions));
    effects
}

/// Nobody looks at it any more.
pub(super) fn closed(app: &mut App) -> Vec<Effect> {
    let sub = app.acl.affected.table.sub.take();
    app.acl.affected.closed();
    let close = |sub: u64| Effect::ask("view.close", &json!({ "sub": sub }), About::Own(Screen::Acl, "closed"));
    sub.map(close).into_iter().collect()
}

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let live = &app.acl.affected;
    let (matched, total) = (live.table.matched, live.table.total);
    let cut = if app.acl.effect.as_ref().is_some_and(|effect| effect["listed_all"] == Value::Bool(false)) {
        ", more than can be listed"
    } else {
        ""
    };
    let title =
        format!("Sessions that the draft decides otherwise {matched}/{total}{cut}   Enter the session   Esc back");
    let inner = if app.has_boxes() {
        canvas.framed(area, &title)
    } else {
        canvas.facts(area, (1, area.height - 1), &title, Role::Dim);
        Rect { height: area.height - 1, ..area }
    };
    live::draw(app, canvas, inner, (live, COLUMNS), "None of those who are in are meant any more.")
}
