//! What the mouse does: nothing that a key would not do, and never a yes.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Position;

use super::enter;
use super::hand::{act, moved, overlaid};
use crate::console::app::App;
use crate::console::event::Effect;
use crate::console::form::Input;
use crate::console::keys::Action;
use crate::console::live::View;
use crate::console::palette::Palette;
use crate::console::pointer::{Gesture, Target, under};
use crate::console::room::Rows;
use crate::console::screens::room;
use crate::console::ui::Overlay;

/// Rows for a turn of the wheel.
const TURN: isize = 3;

pub(super) fn pointed(app: &mut App, gesture: Gesture, at: Position) -> Vec<Effect> {
    if !app.ui.has_mouse {
        return Vec::new();
    }
    match gesture {
        Gesture::WheelUp | Gesture::WheelDown if app.ui.overlay.is_some() => over(app, gesture),
        Gesture::WheelUp => rolled(app, at, -TURN),
        Gesture::WheelDown => rolled(app, at, TURN),
        Gesture::Click | Gesture::DoubleClick => {
            let Some(target) = under(&app.ui.picture.spots, at).next().cloned() else { return Vec::new() };
            if app.ui.overlay.is_some() { chosen(app, &target, gesture) } else { pressed(app, target, gesture) }
        }
    }
}

/// What lies over the screen is scrolled by it, unless another key than yes is a no there.
fn over(app: &mut App, gesture: Gesture) -> Vec<Effect> {
    let scrolls = match &app.ui.overlay {
        Some(
            Overlay::Help { .. }
            | Overlay::Palette(_)
            | Overlay::Sort { .. }
            | Overlay::Columns { .. }
            | Overlay::Copy { .. }
            | Overlay::Lines { .. }
            | Overlay::Detail { .. },
        ) => true,
        Some(Overlay::Filter(_) | Overlay::Search(_) | Overlay::Kill(_) | Overlay::Form(_) | Overlay::Question(_))
        | None => false,
    };
    let code = if gesture == Gesture::WheelUp { KeyCode::Up } else { KeyCode::Down };
    if scrolls { overlaid(app, key(code)) } else { Vec::new() }
}

/// The part under the pointer is scrolled; the keys stay where they are.
fn rolled(app: &mut App, at: Position, by: isize) -> Vec<Effect> {
    let Some(pane) = under(&app.ui.picture.spots, at).find_map(|target| pane_of(app, target)) else {
        return Vec::new();
    };
    let before = std::mem::replace(&mut app.ui.pane, pane);
    let effects = moved(app, by);
    app.ui.pane = before;
    effects
}

fn pressed(app: &mut App, target: Target, gesture: Gesture) -> Vec<Effect> {
    let is_double = gesture == Gesture::DoubleClick;
    match target {
        Target::Tab(screen) if !is_double => enter(app, screen),
        Target::Hint(action) if !is_double => act(app, action),
        Target::Column(view, name) if !is_double => sorted(app, view, &name),
        // The first of the two has chosen it.
        Target::Row(..) | Target::Listed(..) | Target::Own(..) if is_double => act(app, Action::Open),
        Target::Row(view, id) => {
            to_table(app, view);
            let visible = super::answers::visible(app, view);
            app.live_mut(view).pointed(visible, &id)
        }
        Target::Listed(pane, by) | Target::Own(pane, by) => {
            app.ui.pane = pane;
            moved(app, by)
        }
        Target::Pane(_) | Target::Table(_) => {
            app.ui.pane = pane_of(app, &target).unwrap_or(app.ui.pane);
            Vec::new()
        }
        Target::Tab(_) | Target::Hint(_) | Target::Column(..) | Target::Choice(_) | Target::Entry(_) => Vec::new(),
    }
}

/// The part of the screen whose place this is.
fn pane_of(app: &App, target: &Target) -> Option<usize> {
    match target {
        Target::Pane(pane) => Some(*pane),
        Target::Table(view) => pane_with(app, *view),
        Target::Tab(_)
        | Target::Hint(_)
        | Target::Row(..)
        | Target::Column(..)
        | Target::Listed(..)
        | Target::Own(..)
        | Target::Choice(_)
        | Target::Entry(_) => None,
    }
}

/// The part with this table.
fn pane_with(app: &App, view: View) -> Option<usize> {
    let here = room(app.ui.screen);
    (0..here.panes()).chain(here.aside()).find(|pane| here.rows(*pane) == Rows::Live(view))
}

fn to_table(app: &mut App, view: View) {
    app.ui.pane = pane_with(app, view).unwrap_or(app.ui.pane);
}

fn sorted(app: &mut App, view: View, name: &str) -> Vec<Effect> {
    to_table(app, view);
    let visible = super::answers::visible(app, view);
    app.live_mut(view).sorted(visible, name)
}

/// In a menu a click chooses, and two take it; in a form a button is pressed and a box is ticked by two.
fn chosen(app: &mut App, target: &Target, gesture: Gesture) -> Vec<Effect> {
    let is_double = gesture == Gesture::DoubleClick;
    let code = match (&mut app.ui.overlay, target) {
        (
            Some(Overlay::Palette(Palette { choice, .. }) | Overlay::Sort { choice } | Overlay::Copy { choice, .. }),
            Target::Choice(place),
        ) => {
            *choice = *place;
            KeyCode::Enter
        }
        (Some(Overlay::Columns { choice }), Target::Choice(place)) => {
            *choice = *place;
            KeyCode::Char(' ')
        }
        (Some(Overlay::Form(form)), Target::Entry(place)) if !form.is_given => {
            form.at = (*place).min(form.entries.0.len().saturating_sub(1));
            match form.entries.0.get(form.at).map(|entry| &entry.input) {
                Some(Input::Button) => KeyCode::Enter,
                Some(Input::Check(_) | Input::Choice { .. }) => KeyCode::Char(' '),
                Some(Input::Text(_) | Input::Secret(_) | Input::List { .. } | Input::Word { .. }) | None => {
                    return Vec::new();
                }
            }
        }
        (Some(_) | None, _) => return Vec::new(),
    };
    if is_double { overlaid(app, key(code)) } else { Vec::new() }
}

fn key(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}
