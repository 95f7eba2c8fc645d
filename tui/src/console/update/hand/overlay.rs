//! Keys for what lies over the screen. Escape always closes it, and nothing is confirmed by Enter.
#![expect(clippy::wildcard_enum_match_arm, reason = "there are many keys, and most of them mean nothing here")]

use crossterm::event::{KeyCode, KeyEvent};
use filter::Filter;

use super::search::sought;
use super::{copy, live_here, palette};
use crate::console::app::App;
use crate::console::dialog::{Heard, KillDialog};
use crate::console::event::Effect;
use crate::console::field::Field;
use crate::console::form;
use crate::console::keys::Key;
use crate::console::screens::room;
use crate::console::ui::Overlay;

pub(super) fn pressed(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    let Some(overlay) = app.ui.overlay.take() else { return Vec::new() };
    if key.code == KeyCode::Esc {
        return Vec::new();
    }
    if Key::Ctrl('y').is(key)
        && let Some(command) = overlay.command()
    {
        app.ui.overlay = Some(overlay);
        return copy(app, &command);
    }
    match overlay {
        Overlay::Filter(field) => filter(app, field, key),
        Overlay::Search(field) => search(app, field, key),
        Overlay::Help { search, scroll } => help(app, search, scroll, key),
        Overlay::Palette(said) => palette::pressed(app, said, key),
        Overlay::Sort { choice } => sort(app, choice, key),
        Overlay::Columns { choice } => columns(app, choice, key),
        Overlay::Copy { items, choice } => copies(app, items, choice, key),
        Overlay::Detail { scroll } => detail(app, scroll, key),
        Overlay::Lines { title, lines, scroll } => lines_of(app, (title, lines), scroll, key),
        Overlay::Kill(dialog) => kill(app, dialog, key),
        Overlay::Form(form) => form::pressed(app, form, key),
        Overlay::Question(question) => form::answered(app, question, key),
    }
}

/// What makes sense is obeyed while it is written, where that is cheap.
fn filter(app: &mut App, mut field: Field, key: KeyEvent) -> Vec<Effect> {
    let here = room(app.ui.screen);
    let (before, is_taken) = (field.text(), key.code == KeyCode::Enter);
    if !is_taken {
        field.takes(key);
    }
    let text = field.text();
    let sound = Filter::parse(&text, here.fields(app.ui.pane)).map_err(|misread| misread.to_string());
    if !is_taken {
        let is_new = text != before && sound.is_ok() && here.filters_at_once(app);
        app.ui.overlay = Some(Overlay::Filter(field));
        return if is_new { here.filtered(app, text).unwrap_or_default() } else { Vec::new() };
    }
    // What was obeyed while it was written is in force, and whatever is meant by now stays so.
    if sound.is_ok() {
        app.ui.message = None;
    }
    if sound.is_ok() && here.filters_at_once(app) && here.filter(app).as_deref() == Some(&*text) {
        return Vec::new();
    }
    match sound.and_then(|_| here.filtered(app, text)) {
        Ok(effects) => effects,
        Err(why) => {
            app.ui.overlay = Some(Overlay::Filter(field));
            app.ui.warn(why);
            Vec::new()
        }
    }
}

/// What is looked for is looked for once it is taken.
fn search(app: &mut App, mut field: Field, key: KeyEvent) -> Vec<Effect> {
    if key.code == KeyCode::Enter {
        return sought(app, field.text());
    }
    field.takes(key);
    app.ui.overlay = Some(Overlay::Search(field));
    Vec::new()
}

fn help(app: &mut App, mut search: Field, scroll: usize, key: KeyEvent) -> Vec<Effect> {
    let at = scroll.min(app.ui.picture.below);
    let scroll = match key.code {
        KeyCode::Char('?' | 'q') if search.is_empty() => return Vec::new(),
        KeyCode::Down => at + 1,
        KeyCode::Up => at.saturating_sub(1),
        KeyCode::PageDown => at + 10,
        KeyCode::PageUp => at.saturating_sub(10),
        _ => {
            search.takes(key);
            0
        }
    };
    app.ui.overlay = Some(Overlay::Help { search, scroll });
    Vec::new()
}

fn sort(app: &mut App, choice: usize, key: KeyEvent) -> Vec<Effect> {
    let Some((view, visible)) = live_here(app) else { return Vec::new() };
    let live = app.live_mut(view);
    let Some(next) = chosen(choice, live.table.columns.len(), key) else {
        let name = live.names().into_iter().nth(choice);
        let name = name.filter(|_| key.code == KeyCode::Enter);
        return name.map_or_else(Vec::new, |name| live.sorted(visible, &name));
    };
    app.ui.overlay = Some(Overlay::Sort { choice: next });
    Vec::new()
}

fn columns(app: &mut App, choice: usize, key: KeyEvent) -> Vec<Effect> {
    let Some((view, _)) = live_here(app) else { return Vec::new() };
    let live = app.live_mut(view);
    let names = live.names();
    if let Some(by) = shift(key) {
        let choice = live.shifted(choice, by);
        app.ui.overlay = Some(Overlay::Columns { choice });
        return Vec::new();
    }
    if let Some(name) = names.get(choice).filter(|_| key.code == KeyCode::Char(' ')) {
        if app.ui.picture.can_show(view, name) {
            app.live_mut(view).toggle(name);
        } else {
            app.ui.say(format!("this table never shows {name}; Enter and commands (--fields) do"));
        }
    }
    if let Some(choice) = chosen(choice, names.len(), key) {
        app.ui.overlay = Some(Overlay::Columns { choice });
    }
    Vec::new()
}

/// Which way a column is to go.
fn shift(key: KeyEvent) -> Option<isize> {
    match key.code {
        KeyCode::Char('<') => Some(-1),
        KeyCode::Char('>') => Some(1),
        _ => None,
    }
}

fn copies(app: &mut App, mut items: Vec<(&'static str, String)>, choice: usize, key: KeyEvent) -> Vec<Effect> {
    match chosen(choice, items.len(), key) {
        Some(choice) => {
            app.ui.overlay = Some(Overlay::Copy { items, choice });
            Vec::new()
        }
        None if key.code == KeyCode::Enter && choice < items.len() => copy(app, &items.swap_remove(choice).1),
        None => Vec::new(),
    }
}

/// Up and down in a menu; nothing for a key that closes it.
fn chosen(choice: usize, count: usize, key: KeyEvent) -> Option<usize> {
    match key.code {
        KeyCode::Enter | KeyCode::Char('q') => None,
        KeyCode::Down | KeyCode::Char('j') => Some((choice + 1).min(count.saturating_sub(1))),
        KeyCode::Up | KeyCode::Char('k') => Some(choice.saturating_sub(1)),
        _ => Some(choice),
    }
}

fn lines_of(app: &mut App, (title, lines): (String, Vec<String>), scroll: usize, key: KeyEvent) -> Vec<Effect> {
    if let Some(scroll) = scrolled(scroll.min(app.ui.picture.below), key) {
        app.ui.overlay = Some(Overlay::Lines { title, lines, scroll });
    }
    Vec::new()
}

/// How far down it is then; nothing for the key that closes it.
fn scrolled(scroll: usize, key: KeyEvent) -> Option<usize> {
    match key.code {
        KeyCode::Char('q') => None,
        KeyCode::Down | KeyCode::Char('j') => Some(scroll.saturating_add(1)),
        KeyCode::Up | KeyCode::Char('k') => Some(scroll.saturating_sub(1)),
        KeyCode::PageDown => Some(scroll.saturating_add(10)),
        KeyCode::PageUp => Some(scroll.saturating_sub(10)),
        KeyCode::Home | KeyCode::Char('g') => Some(0),
        KeyCode::End | KeyCode::Char('G') => Some(usize::MAX),
        _ => Some(scroll),
    }
}

fn detail(app: &mut App, scroll: usize, key: KeyEvent) -> Vec<Effect> {
    let Some(scroll) = scrolled(scroll.min(app.ui.picture.below), key) else { return Vec::new() };
    app.ui.overlay = Some(Overlay::Detail { scroll });
    Vec::new()
}

/// Whatever is no answer leaves the question open.
fn kill(app: &mut App, mut dialog: Box<KillDialog>, key: KeyEvent) -> Vec<Effect> {
    let effects = match dialog.press(key) {
        Heard::No => {
            app.ui.say("nothing was ended");
            return Vec::new();
        }
        Heard::NotYet => Vec::new(),
        Heard::Yes => vec![dialog.given()],
    };
    app.ui.overlay = Some(Overlay::Kill(dialog));
    effects
}
