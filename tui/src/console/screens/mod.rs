//! The screens' rooms, and the one table of keys that theirs are joined into.

pub(crate) mod acl;
pub(crate) mod auth;
pub(crate) mod config;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod limits;
pub(crate) mod logs;
pub(crate) mod overview;
pub(crate) mod sessions;
pub(crate) mod users;

use crossterm::event::KeyEvent;

use super::keymap::Keymap;
use super::keys::{Action, BINDINGS, Binding, On};
use super::room::{Room, Rows};
use super::screen::Screen;

/// What the screen is made of.
pub(crate) fn room(screen: Screen) -> &'static dyn Room {
    match screen {
        Screen::Overview => &overview::Room,
        Screen::Sessions => &sessions::Room,
        Screen::History => &history::Room,
        Screen::Acl => &acl::Room,
        Screen::Users => &users::Room,
        Screen::Limits => &limits::Room,
        Screen::Auth => &auth::Room,
        Screen::Logs => &logs::Room,
        Screen::Config => &config::Room,
        Screen::Health => &health::Room,
    }
}

/// What keys mean on a pane of a screen: its own first, then what is the same everywhere.
pub(crate) fn bindings(screen: Screen, pane: usize) -> impl Iterator<Item = &'static Binding> + Clone {
    let room = room(screen);
    let rows = room.rows(pane);
    let covers = move |on: On| match on {
        On::Everywhere => true,
        On::Rows => rows != Rows::Nothing,
        On::Own => rows == Rows::Own,
        On::Filtered => !room.fields(pane).is_empty(),
        On::Live => matches!(rows, Rows::Live(_)),
        On::Listings => rows == Rows::Listing,
        On::Tables => matches!(rows, Rows::Live(_) | Rows::Listing),
        On::Searched => matches!(rows, Rows::Live(_) | Rows::Listing) && !room.has_pages(),
    };
    room.keys()
        .iter()
        .filter(move |binding| covers(binding.on))
        .chain(BINDINGS.iter().filter(move |binding| covers(binding.on)))
}

/// What the pressed key means there.
pub(crate) fn meaning(keymap: &Keymap, pressed: KeyEvent, screen: Screen, pane: usize) -> Option<Action> {
    let is_meant = |binding: &&Binding| keymap.of(binding).iter().any(|key| key.is(pressed));
    bindings(screen, pane).find(is_meant).map(|binding| binding.action)
}

#[cfg(test)]
mod tests;
