//! What a key does: to what lies over the screen first, then to the screen.

mod overlay;

pub(crate) use self::overlay::found;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{TICKS, enter};
use crate::console::app::App;
use crate::console::event::Effect;
use crate::console::field::Field;
use crate::console::form;
use crate::console::keys::Action;
use crate::console::live::{Live, View};
use crate::console::model::Link;
use crate::console::room::Rows;
use crate::console::screen::Screen;
use crate::console::screens::{meaning, room};
use crate::console::ui::Overlay;

pub(super) fn pressed(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
        return interrupted(app);
    }
    if app.ui.overlay.is_some() {
        return overlay::pressed(app, key);
    }
    if matches!(app.model.link, Link::Down { .. }) && key.code == KeyCode::Char('r') {
        return vec![Effect::RetryNow];
    }
    match meaning(key, app.ui.screen, app.ui.pane) {
        Some(action) => act(app, action),
        None => Vec::new(),
    }
}

pub(super) fn pasted(app: &mut App, text: &str) {
    match &mut app.ui.overlay {
        Some(Overlay::Filter(field) | Overlay::Help { search: field, .. } | Overlay::Palette { search: field, .. }) => {
            field.paste(text);
        }
        Some(Overlay::Form(form)) => form::pasted(form, text),
        Some(
            Overlay::Sort { .. }
            | Overlay::Columns { .. }
            | Overlay::Copy { .. }
            | Overlay::Detail { .. }
            | Overlay::Kill(_)
            | Overlay::Question(_),
        )
        | None => {}
    }
}

/// Ctrl-C clears a field, cancels a dialog, and the second one leaves.
fn interrupted(app: &mut App) -> Vec<Effect> {
    match &mut app.ui.overlay {
        Some(Overlay::Filter(field) | Overlay::Help { search: field, .. } | Overlay::Palette { search: field, .. })
            if !field.is_empty() =>
        {
            field.clear();
        }
        Some(Overlay::Form(form)) => {
            if !form.clear() {
                app.ui.overlay = None;
            }
        }
        Some(_) => app.ui.overlay = None,
        None if app.ui.ending > 0 => return vec![Effect::Quit],
        None => {
            app.ui.ending = 2 * TICKS;
            app.ui.say("Ctrl-C again leaves the console");
        }
    }
    Vec::new()
}

/// Does what was wanted.
pub(super) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let here = room(app.ui.screen);
    let page = isize::try_from(here.visible(app, app.ui.pane)).unwrap_or(isize::MAX);
    match action {
        Action::Run(run) => return run(app),
        Action::Go(screen) if app.screens().any(|known| known == screen) => return enter(app, screen),
        Action::Go(screen) => app.ui.warn(format!("this daemon has nothing for {}", screen.title())),
        Action::NextPane => return turned(app, 1),
        Action::PreviousPane => return turned(app, -1),
        Action::Up => return moved(app, -1),
        Action::Down => return moved(app, 1),
        Action::PageUp => return moved(app, -page),
        Action::PageDown => return moved(app, page),
        Action::HalfUp => return moved(app, -page / 2),
        Action::HalfDown => return moved(app, page / 2),
        Action::First => return moved(app, isize::MIN / 2),
        Action::Last => return moved(app, isize::MAX / 2),
        Action::Open => return here.opened(app),
        Action::Back => return here.back(app),
        Action::Filter => app.ui.overlay = Some(Overlay::Filter(Field::of(&here.filter(app).unwrap_or_default()))),
        Action::Sort => app.ui.overlay = Some(Overlay::Sort { choice: 0 }),
        Action::Columns => app.ui.overlay = Some(Overlay::Columns { choice: 0 }),
        Action::Reverse => return on_live(app, Live::reversed),
        Action::Mark => return on_live(app, Live::marked),
        Action::Hold => return on_live(app, Live::held),
        Action::MarkAll => mark_all(app),
        Action::Copy => return copied(app),
        Action::Refresh if app.model.link == Link::Live => return here.refresh(app),
        Action::Refresh => {}
        Action::Help => app.ui.overlay = Some(Overlay::Help { search: Field::default(), scroll: 0 }),
        Action::Palette => app.ui.overlay = Some(Overlay::Palette { search: Field::default(), choice: 0 }),
        Action::Redraw => return vec![Effect::Redraw],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Quit => return vec![Effect::Quit],
    }
    Vec::new()
}

/// To the next pane; where there is only one, to the next screen.
fn turned(app: &mut App, by: isize) -> Vec<Effect> {
    let turn = |here: usize, count: usize| {
        let there = isize::try_from(here).unwrap_or(0) + by;
        there.rem_euclid(isize::try_from(count).unwrap_or(1).max(1)).unsigned_abs()
    };
    let panes = room(app.ui.screen).panes();
    if panes > 1 {
        app.ui.pane = turn(app.ui.pane, panes);
        return Vec::new();
    }
    let screens: Vec<Screen> = app.screens().collect();
    let here = screens.iter().position(|screen| *screen == app.ui.screen).unwrap_or(0);
    enter(app, screens[turn(here, screens.len())])
}

fn moved(app: &mut App, by: isize) -> Vec<Effect> {
    let here = room(app.ui.screen);
    match here.rows(app.ui.pane) {
        Rows::Live(view) => {
            let visible = here.visible(app, app.ui.pane);
            return app.live_mut(view).moved(visible, by);
        }
        Rows::Listing => {
            if let Some(listing) = here.listing_mut(app) {
                listing.moved(by);
            }
        }
        Rows::Own => return here.moved(app, by),
        Rows::Nothing => {}
    }
    Vec::new()
}

/// The live table of this pane, and how many of its rows are seen.
pub(super) fn live_here(app: &App) -> Option<(View, usize)> {
    let here = room(app.ui.screen);
    let Rows::Live(view) = here.rows(app.ui.pane) else { return None };
    Some((view, here.visible(app, app.ui.pane)))
}

fn on_live(app: &mut App, change: fn(&mut Live, usize) -> Vec<Effect>) -> Vec<Effect> {
    live_here(app).map_or_else(Vec::new, |(view, visible)| change(app.live_mut(view), visible))
}

fn mark_all(app: &mut App) {
    let Some((view, _)) = live_here(app) else { return };
    let live = app.live_mut(view);
    if !live.marks.is_empty() {
        return live.marks.clear();
    }
    let living = live.table.lines.iter().filter(|line| line.over.is_none());
    live.marks = living.map(|line| line.id.clone()).collect();
    let (marked, matched) = (live.marks.len(), live.table.matched);
    if (marked as u64) < matched {
        app.ui.say(format!("{marked} of {matched} marked: those around here; a command can end more at once"));
    }
}

/// What there is to copy; with only one thing, that.
fn copied(app: &mut App) -> Vec<Effect> {
    let mut items = room(app.ui.screen).copies(app);
    match items.len() {
        0 => Vec::new(),
        1 => copy(app, items.remove(0).1),
        _ => {
            app.ui.overlay = Some(Overlay::Copy { items, choice: 0 });
            Vec::new()
        }
    }
}

/// To the terminal's clipboard.
pub(super) fn copy(app: &mut App, text: String) -> Vec<Effect> {
    app.ui.say(format!("{} bytes to the clipboard", text.len()));
    vec![Effect::Copy(text)]
}
