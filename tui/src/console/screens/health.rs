//! What is well and what is not.

use ratatui::layout::{Position, Rect};
use serde_json::json;

use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::{About, Effect};
use crate::console::listing::{self, Columns, Listing};
use crate::console::room::{self, Rows};
use crate::console::screen::Screen;
use crate::output::Kind;

const CHECKS: Columns = &[
    ("state", Kind::Text),
    ("name", Kind::Text),
    ("measured", Kind::Text),
    ("limit", Kind::Text),
    ("effect", Kind::Text),
    ("hint", Kind::Text),
];

/// The screen.
#[derive(Debug)]
pub(crate) struct Room;

impl room::Room for Room {
    fn rows(&self, _pane: usize) -> Rows {
        Rows::Listing
    }

    fn enter(&self, app: &mut App) -> Vec<Effect> {
        app.health.is_waiting = true;
        vec![Effect::ask("health.get", &json!({}), About::Listing(Screen::Health))]
    }

    fn listing<'a>(&self, app: &'a App) -> Option<&'a Listing> {
        Some(&app.health)
    }

    fn listing_mut<'a>(&self, app: &'a mut App) -> Option<&'a mut Listing> {
        Some(&mut app.health)
    }

    fn columns(&self) -> Columns {
        CHECKS
    }

    fn draw(&self, app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
        listing::draw(app, canvas, area, &app.health)
    }
}
