//! What every screen is made of: its keys, what it asks for, how it takes a step, and how it is drawn.
//!
//! A screen's state is a field of [`App`]; its room has none of its own.

use std::collections::BTreeMap;

use filter::Field;
use ratatui::layout::{Position, Rect};
use serde_json::{Value, json};
use wire::admin::{Push, Refusal};

use super::app::App;
use super::canvas::Canvas;
use super::event::{About, Effect};
use super::keys::Binding;
use super::listing::{Columns, Listing};
use super::live::View;
use super::screen::Screen;
use super::trail::Kept;
use super::ui::Overlay;
use crate::output::raw;

/// What a pane has rows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    Nothing,
    /// A list that was asked for.
    Listing,
    /// A table that the daemon keeps.
    Live(View),
    /// Something of the screen's own, which moves in its own way.
    Own,
}

/// Asks for what the daemon tells again and again, for this visit.
pub(crate) fn subscribe(app: &App, op: &'static str, p: &Value, (screen, what): (Screen, &'static str)) -> Effect {
    Effect::ask(op, p, About::Visit(screen, what, app.ui.visit))
}

/// Asks for what may be asked again before the answer is there; then that answer is not wanted any more.
pub(crate) fn ask_latest(app: &mut App, op: &'static str, p: &Value, (screen, what): (Screen, &'static str)) -> Effect {
    Effect::ask(op, p, About::Latest(screen, what, app.ui.asks(screen, what)))
}

/// Ends the visit with its subscriptions; those that are still on their way are closed when they come.
pub(crate) fn unsubscribe(app: &mut App, screen: Screen, subs: impl IntoIterator<Item = u64>) -> Vec<Effect> {
    app.ui.visit += 1;
    subs.into_iter().map(|sub| closed(screen, sub)).collect()
}

/// What was asked for during an earlier visit has come: nobody waits for it.
pub(crate) fn unwanted(screen: Screen, answer: Result<Value, Refusal>) -> Vec<Effect> {
    let sub = answer.ok().and_then(|answer| answer["sub"].as_u64());
    sub.map(|sub| closed(screen, sub)).into_iter().collect()
}

fn closed(screen: Screen, sub: u64) -> Effect {
    Effect::ask("meta.close", &json!({ "sub": sub }), About::Own(screen, "closed"))
}

/// A screen's ways. Most of them have a usual one.
pub(crate) trait Room: Sync {
    /// Its own lines of the table of keys.
    fn keys(&self) -> &'static [Binding] {
        &[]
    }

    /// Parts of the screen between which Tab goes.
    fn panes(&self) -> usize {
        1
    }

    fn rows(&self, _pane: usize) -> Rows {
        Rows::Nothing
    }

    /// A part behind those, which lies in their place until Esc.
    fn aside(&self) -> Option<usize> {
        None
    }

    /// Whether there is still something in that part to come back to.
    fn keeps_aside(&self, _app: &App) -> bool {
        true
    }

    /// What it asks for when it is opened, and when the conversation begins anew while it is.
    fn enter(&self, app: &mut App) -> Vec<Effect>;

    /// What it lets go of when another screen is opened.
    fn leave(&self, _app: &mut App) -> Vec<Effect> {
        Vec::new()
    }

    /// The same once more, because the operator wants it.
    fn refresh(&self, app: &mut App) -> Vec<Effect> {
        let mut effects = self.leave(app);
        effects.extend(self.enter(app));
        effects
    }

    /// News of its subscriptions were let go of, so many of each: it is looked at anew.
    fn missed(&self, app: &mut App, _missed: &BTreeMap<u64, u64>) -> Vec<Effect> {
        self.refresh(app)
    }

    /// So many rows down, for rows of its own.
    fn moved(&self, _app: &mut App, _by: isize) -> Vec<Effect> {
        Vec::new()
    }

    /// Into what is meant.
    fn opened(&self, app: &mut App) -> Vec<Effect> {
        app.ui.overlay = Some(Overlay::Detail { scroll: 0 });
        Vec::new()
    }

    /// One step back: the filter, the marks, or whatever there is to go back from.
    fn back(&self, app: &mut App) -> Vec<Effect> {
        match self.filter(app) {
            Some(text) if !text.is_empty() => self.filtered(app, String::new()).unwrap_or_default(),
            Some(_) | None => {
                if let Rows::Live(view) = self.rows(app.ui.pane) {
                    app.live_mut(view).marks.clear();
                }
                Vec::new()
            }
        }
    }

    fn listing<'a>(&self, _app: &'a App) -> Option<&'a Listing> {
        None
    }

    fn listing_mut<'a>(&self, _app: &'a mut App) -> Option<&'a mut Listing> {
        None
    }

    /// Whether its list comes page by page, so that not all of it is here.
    fn has_pages(&self) -> bool {
        false
    }

    /// The columns of the listing.
    fn columns(&self) -> Columns {
        &[]
    }

    /// Everything that is known of what is meant, under a title.
    fn record(&self, app: &App) -> (String, Value) {
        let meant = self.listing(app).map(Listing::record);
        (app.ui.screen.title().to_owned(), meant.unwrap_or_default())
    }

    /// Whether what is meant, or everything known of it, has yet to come.
    fn is_coming(&self, app: &App) -> bool {
        match self.rows(app.ui.pane) {
            Rows::Live(view) => app.live(view).is_coming(),
            Rows::Listing => self.listing(app).is_some_and(Listing::is_coming),
            Rows::Nothing | Rows::Own => false,
        }
    }

    /// The filter in force; nothing on a screen that has none.
    fn filter(&self, app: &App) -> Option<String> {
        match self.rows(app.ui.pane) {
            Rows::Live(view) => Some(app.live(view).filter.clone()),
            Rows::Nothing | Rows::Listing | Rows::Own => None,
        }
    }

    /// What a filter may speak of; nothing where there is none.
    fn fields(&self, pane: usize) -> &'static [Field] {
        match self.rows(pane) {
            Rows::Live(view) => view.fields(),
            Rows::Nothing | Rows::Listing | Rows::Own => &[],
        }
    }

    /// Another filter, which makes sense.
    ///
    /// # Errors
    /// It asks what the daemon cannot be asked; in words.
    fn filtered(&self, app: &mut App, text: String) -> Result<Vec<Effect>, String> {
        match self.rows(app.ui.pane) {
            Rows::Live(view) => {
                let visible = self.visible(app, app.ui.pane);
                Ok(app.live_mut(view).filtered(visible, text))
            }
            Rows::Nothing | Rows::Listing | Rows::Own => Ok(Vec::new()),
        }
    }

    /// Whether a filter is obeyed while it is written, as far as it makes sense.
    fn filters_at_once(&self, app: &App) -> bool {
        matches!(self.rows(app.ui.pane), Rows::Live(_))
    }

    /// The cells of what is meant, for the clipboard.
    fn copied(&self, app: &App) -> Vec<String> {
        match self.rows(app.ui.pane) {
            Rows::Live(view) => {
                app.live(view).line().map(|line| line.cells.iter().map(raw).collect()).unwrap_or_default()
            }
            Rows::Listing => self.listing(app).map(Listing::row).unwrap_or_default(),
            Rows::Nothing | Rows::Own => Vec::new(),
        }
    }

    /// The rule that decided about what is meant, as sessions name it.
    fn rule(&self, _app: &App) -> Option<String> {
        None
    }

    /// Everything that can be copied, by what it is; texts that are empty are left out.
    fn copies(&self, app: &App) -> Vec<(&'static str, String)> {
        let mut copies = vec![("the row", self.copied(app).join("\t"))];
        if let Rows::Live(view) = self.rows(app.ui.pane) {
            let live = app.live(view);
            let cell =
                |name: &str| live.line().and_then(|line| live.table.cell(line, name)).map(raw).unwrap_or_default();
            copies.extend([
                ("its id", live.cursor.clone().unwrap_or_default()),
                ("its user", cell("user")),
                ("its destination", cell("dst")),
            ]);
            copies.push(("the table", live.table.tsv()));
        }
        if let Rows::Listing = self.rows(app.ui.pane) {
            let rows = self.listing(app).map(|listing| listing.sheet.rows.as_slice()).unwrap_or_default();
            let line = |row: &Vec<Value>| row.iter().map(raw).collect::<Vec<_>>().join("\t") + "\n";
            copies.push(("the table", rows.iter().map(line).collect()));
        }
        copies.push(("the filter", self.filter(app).unwrap_or_default()));
        copies.retain(|(_, text)| !text.trim().is_empty());
        copies
    }

    /// What it has of its own to come back to.
    fn kept(&self, _app: &App) -> Kept {
        Kept::default()
    }

    /// It is opened again as it was then; what it shows is asked for on entering.
    fn resumed(&self, _app: &mut App, _kept: &Kept) {}

    /// Rows that fit into a pane.
    fn visible(&self, app: &App, _pane: usize) -> usize {
        app.visible()
    }

    /// Another tick has passed on this screen.
    fn ticked(&self, _app: &mut App) -> Vec<Effect> {
        Vec::new()
    }

    /// Curves that stand above everything about what is meant, each under its name, the oldest value first.
    fn curves(&self, _app: &App) -> Vec<(&'static str, Vec<u64>)> {
        Vec::new()
    }

    /// News that are the screen's own; those of its live tables are taken care of.
    fn pushed(&self, _app: &mut App, _push: &Push) -> Vec<Effect> {
        Vec::new()
    }

    /// The answer to something of its own, by its own word for it.
    fn answered(&self, _app: &mut App, _what: &'static str, _answer: Result<Value, Refusal>) -> Vec<Effect> {
        Vec::new()
    }

    /// Draws it, and says where what is meant is.
    fn draw(&self, app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position>;
}
