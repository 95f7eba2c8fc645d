//! The users, and the groups beside or below them.

use ratatui::layout::{Position, Rect};

use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::listing;
use crate::console::live::{self, Column, Live, column};
use crate::console::pane::pane;
use crate::shown;

const COLUMNS: &[Column] = &[
    column("USER", "name", 12, 0, |row| row.text("name")).growing(),
    column("STATE", "state", 9, 1, |row| row.text("state")),
    column("SESS", "sessions", 5, 2, |row| row.text("sessions")).numeric(),
    column("RATE", "rate", 7, 3, |row| row.rate("rate")).numeric(),
    column("UP", "up", 5, 6, |row| row.bytes("up")).numeric(),
    column("DOWN", "down", 5, 5, |row| row.bytes("down")).numeric(),
    column("SEEN", "last_seen", 5, 7, |row| row.since("last_seen")).numeric(),
    column("GROUPS", "groups", 16, 4, |row| row.text("groups")),
    column("FROM", "last_src", 15, 8, |row| row.text("last_src")),
];

const EMPTY: &str = "There is no users file, and nobody with a name is in.";

/// Lines that the groups take below the users.
const GROUPS: u16 = 8;

/// Rows of users that fit.
pub(super) fn rows_of_users(app: &App) -> usize {
    app.visible().saturating_sub(usize::from(GROUPS)).max(1)
}

/// Where the row that is meant is.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let below = GROUPS.min(area.height / 2);
    let above = Rect { height: area.height - below, ..area };
    let groups = Rect { y: area.y + above.height, height: below, ..area };
    let live = &app.users.live;
    let users = pane(app, canvas, above, (&title(live), 0));
    let meant = live::draw(app, canvas, users, (live, COLUMNS), EMPTY);
    let groups = pane(app, canvas, groups, ("Groups", 1));
    let group = listing::rows(canvas, groups, &app.users.groups);
    if app.ui.pane == 0 { meant } else { group }
}

fn title(live: &Live) -> String {
    let table = &live.table;
    let users = format!("Users {}/{}", shown::count(table.matched), shown::count(table.total));
    match table.sums.get("sessions") {
        Some(sessions) => format!("{users}  sessions {}", shown::count(*sessions)),
        None => users,
    }
}
