//! Keys for the palette.
#![expect(clippy::wildcard_enum_match_arm, reason = "there are many keys, and most of them are letters here")]

use crossterm::event::{KeyCode, KeyEvent};
use serde_json::json;

use super::act;
use crate::console::app::App;
use crate::console::event::{About, Effect};
use crate::console::field::Field;
use crate::console::keys::{Action, Binding, On};
use crate::console::model::Link;
use crate::console::palette::{Offer, Palette, offers, recount};
use crate::console::screen::Screen;
use crate::console::ui::Overlay;

/// Lines that are remembered.
const MOST: usize = 50;

/// Names that are asked for at once.
const NAMES: usize = 1_000;

/// Opens it, and asks for the names that may be said.
pub(super) fn opened(app: &mut App) -> Vec<Effect> {
    app.ui.overlay = Some(Overlay::Palette(Palette::default()));
    if app.model.link != Link::Live || !app.model.knows("users.list") {
        return Vec::new();
    }
    vec![
        Effect::ask("users.list", &json!({ "limit": NAMES }), About::Names),
        Effect::ask("groups.list", &json!({}), About::Names),
    ]
}

pub(super) fn pressed(app: &mut App, mut palette: Palette, key: KeyEvent) -> Vec<Effect> {
    let said = palette.said.text();
    let offers = offers(app, &said);
    match key.code {
        KeyCode::Enter => return taken(app, palette, offers),
        KeyCode::Tab => goes_on(&mut palette, &offers),
        KeyCode::Down => palette.choice = (palette.choice + 1).min(offers.len().saturating_sub(1)),
        KeyCode::Up if palette.choice == 0 => recall(app, &mut palette),
        KeyCode::Up => palette.choice -= 1,
        _ => {
            palette.said.takes(key);
            palette.choice = 0;
        }
    }
    let is_new = palette.said.text() != said;
    app.ui.overlay = Some(Overlay::Palette(palette));
    if is_new { recount(app) } else { Vec::new() }
}

/// Does what was chosen; what is only a beginning is written down.
fn taken(app: &mut App, mut palette: Palette, mut offers: Vec<Offer>) -> Vec<Effect> {
    if palette.choice >= offers.len() {
        // The palette says itself that nothing is called so.
        app.ui.overlay = Some(Overlay::Palette(palette));
        return Vec::new();
    }
    match offers.swap_remove(palette.choice) {
        Offer::Binding(binding) => {
            remember(app, binding.name.to_owned());
            act(app, binding.action)
        }
        Offer::Elsewhere(screen, pane, binding) => {
            remember(app, binding.name.to_owned());
            gone_for(app, (screen, pane), binding)
        }
        Offer::Phrase(phrase, object) => {
            remember(app, format!("{} {object}", phrase.words));
            (phrase.run)(app, &object)
        }
        Offer::Text(text, _) => {
            palette.said = Field::of(&text);
            palette.choice = 0;
            app.ui.overlay = Some(Overlay::Palette(palette));
            recount(app)
        }
    }
}

/// To where a key does it, and does it there; what is about a row waits for the row.
fn gone_for(app: &mut App, (screen, pane): (Screen, usize), binding: &Binding) -> Vec<Effect> {
    let mut effects = if app.ui.screen == screen { Vec::new() } else { act(app, Action::Go(screen)) };
    if app.ui.screen != screen {
        return effects;
    }
    app.ui.pane = pane;
    if binding.on == On::Everywhere {
        effects.extend(act(app, binding.action));
    } else {
        let key = app.keymap.of(binding)[0].name();
        app.ui.say(format!("{key} does it here: {}", binding.help));
    }
    effects
}

/// As far as there is only one way, or the way that is chosen.
fn goes_on(palette: &mut Palette, offers: &[Offer]) {
    let is_text = |offer: &&Offer| matches!(offer, Offer::Text(..));
    let chosen = offers.get(palette.choice).filter(is_text).or_else(|| offers.iter().find(is_text));
    if let Some(Offer::Text(text, _)) = chosen {
        palette.said = Field::of(text);
        palette.choice = 0;
    }
}

/// The line that was said before.
fn recall(app: &App, palette: &mut Palette) {
    if let Some(line) = app.ui.spoken.iter().rev().nth(palette.recalled) {
        palette.said = Field::of(line);
        palette.recalled += 1;
    }
}

fn remember(app: &mut App, line: String) {
    app.ui.spoken.retain(|known| *known != line);
    app.ui.spoken.push(line);
    if app.ui.spoken.len() > MOST {
        app.ui.spoken.remove(0);
    }
}
