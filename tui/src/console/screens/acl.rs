//! The rules in force.

use ratatui::layout::{Position, Rect};
use serde_json::json;

use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::{About, Effect};
use crate::console::listing::{self, Columns, Listing};
use crate::console::room::{self, Rows};
use crate::console::screen::Screen;
use crate::output::Kind;

const RULES: Columns = &[
    ("name", Kind::Text),
    ("action", Kind::Text),
    ("destinations", Kind::Text),
    ("ports", Kind::Text),
    ("protocols", Kind::Text),
    ("sources", Kind::Text),
    ("time", Kind::Text),
    ("priority", Kind::Count),
    ("description", Kind::Text),
];

/// The screen.
#[derive(Debug)]
pub(crate) struct Room;

impl room::Room for Room {
    fn rows(&self, _pane: usize) -> Rows {
        Rows::Listing
    }

    fn enter(&self, app: &mut App) -> Vec<Effect> {
        app.acl.is_waiting = true;
        vec![Effect::ask("acl.rules", &json!({}), About::Listing(Screen::Acl))]
    }

    fn listing<'a>(&self, app: &'a App) -> Option<&'a Listing> {
        Some(&app.acl)
    }

    fn listing_mut<'a>(&self, app: &'a mut App) -> Option<&'a mut Listing> {
        Some(&mut app.acl)
    }

    fn columns(&self) -> Columns {
        RULES
    }

    fn draw(&self, app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
        listing::draw(app, canvas, area, &app.acl)
    }
}
