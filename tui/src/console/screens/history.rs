//! Sessions that were.

use filter::Field;
use ratatui::layout::{Position, Rect};
use serde_json::Value;

use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::{About, Effect};
use crate::console::listing::{self, Columns, Listing};
use crate::console::room::{self, Rows};
use crate::console::screen::Screen;
use crate::past;

/// What was asked for, and what came.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) filter: String,
    pub(crate) listing: Listing,
}

/// The screen.
#[derive(Debug)]
pub(crate) struct Room;

impl room::Room for Room {
    fn rows(&self, _pane: usize) -> Rows {
        Rows::Listing
    }

    /// The latest that the filter lets through; one that the daemon cannot be asked was refused when it was written.
    fn enter(&self, app: &mut App) -> Vec<Effect> {
        let mut p = past::question(&app.history.filter, app.model.now).unwrap_or_default();
        p.insert("limit".to_owned(), 200.into());
        app.history.listing.is_waiting = true;
        vec![Effect::Ask { op: "history.query", p: Value::Object(p), about: About::Listing(Screen::History) }]
    }

    fn listing<'a>(&self, app: &'a App) -> Option<&'a Listing> {
        Some(&app.history.listing)
    }

    fn listing_mut<'a>(&self, app: &'a mut App) -> Option<&'a mut Listing> {
        Some(&mut app.history.listing)
    }

    fn columns(&self) -> Columns {
        past::COLUMNS
    }

    fn filter(&self, app: &App) -> Option<String> {
        Some(app.history.filter.clone())
    }

    fn fields(&self, _pane: usize) -> &'static [Field] {
        filter::HISTORY
    }

    fn filtered(&self, app: &mut App, text: String) -> Result<Vec<Effect>, String> {
        past::question(&text, app.model.now)?;
        app.history.filter = text;
        Ok(self.enter(app))
    }

    fn draw(&self, app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
        listing::draw(app, canvas, area, &app.history.listing)
    }
}
