//! To the next row that has what is looked for: of a live table by the daemon, which knows all of them; of a list here.

use serde_json::json;
use wire::admin::Refusal;

use super::live_here;
use crate::console::app::App;
use crate::console::event::{About, Effect};
use crate::console::field::Field;
use crate::console::listing::Listing;
use crate::console::live::View;
use crate::console::screens::room;
use crate::console::ui::Overlay;

/// In which direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Down,
    Up,
}

/// Asks what to look for.
pub(super) fn asked(app: &mut App) -> Vec<Effect> {
    let before = text(app);
    app.ui.overlay = Some(Overlay::Search(Field::of(&before)));
    Vec::new()
}

/// Looks for this from now on.
pub(super) fn sought(app: &mut App, wanted: String) -> Vec<Effect> {
    if let Some((view, _)) = live_here(app) {
        app.live_mut(view).sought = wanted;
    } else if let Some(listing) = room(app.ui.screen).listing_mut(app) {
        listing.sought = wanted;
    }
    if text(app).is_empty() { Vec::new() } else { again(app, Way::Down) }
}

/// The next one.
pub(super) fn again(app: &mut App, way: Way) -> Vec<Effect> {
    let wanted = text(app);
    if wanted.is_empty() {
        return asked(app);
    }
    let Some((view, _)) = live_here(app) else {
        if let Some(false) = room(app.ui.screen).listing_mut(app).map(|listing| found_in(listing, &wanted, way)) {
            nothing(app, &wanted);
        }
        return Vec::new();
    };
    if !app.model.knows("view.find") {
        app.ui.say("this daemon cannot look for rows; / filters them");
        return Vec::new();
    }
    let live = app.live(view);
    let Some(sub) = live.table.sub else { return Vec::new() };
    let p = json!({ "sub": sub, "filter": expression(&wanted), "from": live.cursor, "back": way == Way::Up });
    vec![Effect::ask("view.find", &p, About::Found(view))]
}

/// The daemon has looked.
pub(in crate::console::update) fn found(
    app: &mut App,
    view: View,
    answer: Result<serde_json::Value, Refusal>,
) -> Vec<Effect> {
    let Some(answer) = app.granted(answer) else { return Vec::new() };
    let at = answer["at"].as_u64().and_then(|at| usize::try_from(at).ok());
    let (Some(id), Some(at)) = (answer["id"].as_str(), at) else {
        let wanted = app.live(view).sought.clone();
        nothing(app, &wanted);
        return Vec::new();
    };
    let visible = super::super::answers::visible(app, view);
    app.live_mut(view).meant_at(visible, id, at)
}

fn text(app: &App) -> String {
    match live_here(app) {
        Some((view, _)) => app.live(view).sought.clone(),
        None => room(app.ui.screen).listing(app).map(|listing| listing.sought.clone()).unwrap_or_default(),
    }
}

/// What is no expression is a text that is looked for as it stands.
fn expression(wanted: &str) -> String {
    let is_expression = wanted.contains(['=', '<', '>', '~']);
    if is_expression { wanted.to_owned() } else { filter::quoted(wanted) }
}

/// Whether a row has it; the next one in this direction is meant then, round about.
fn found_in(listing: &mut Listing, wanted: &str, way: Way) -> bool {
    let wanted = wanted.to_lowercase();
    let count = listing.sheet.rows.len();
    let has = |place: &usize| listing.text(*place).to_lowercase().contains(&wanted);
    let step = |by: usize| match way {
        Way::Down => (listing.cursor + by) % count,
        Way::Up => (listing.cursor + count - by) % count,
    };
    let found = (1..=count).map(step).find(has);
    listing.cursor = found.unwrap_or(listing.cursor);
    found.is_some()
}

fn nothing(app: &mut App, wanted: &str) {
    app.ui.warn(format!("no row here has {wanted:?}"));
}
