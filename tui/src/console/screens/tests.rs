//! The whole table of keys, over all screens and their panes.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{bindings, meaning, room};
use crate::console::keymap::Keymap;
use crate::console::keys::Key::{Char, Ctrl};
use crate::console::keys::{Action, BINDINGS, Binding, Key};
use crate::console::screen::Screen;

/// Every line once, with the screen whose own it is.
fn every_line() -> impl Iterator<Item = (Option<Screen>, &'static Binding)> {
    let own = |screen: &'static Screen| room(*screen).keys().iter().map(|binding| (Some(*screen), binding));
    Screen::ALL.iter().flat_map(own).chain(BINDINGS.iter().map(|binding| (None, binding)))
}

fn panes() -> impl Iterator<Item = (Screen, usize)> {
    let panes = |screen: Screen| (0..room(screen).panes()).chain(room(screen).aside());
    Screen::ALL.iter().flat_map(move |screen| panes(*screen).map(|pane| (*screen, pane)))
}

#[test]
fn no_key_means_two_things_in_one_place() {
    for (screen, pane) in panes() {
        let mut taken: Vec<Key> = Vec::new();
        for key in bindings(screen, pane).flat_map(|binding| binding.keys) {
            assert!(!taken.contains(key), "{} on {} {pane}", key.name(), screen.title());
            taken.push(*key);
        }
    }
}

#[test]
fn everything_has_a_name_of_its_own_and_words_that_fit() {
    for (screen, pane) in panes() {
        let mut names = Vec::new();
        for Binding { keys, help, name, .. } in bindings(screen, pane) {
            assert!(!keys.is_empty() && !help.is_empty() && help.len() <= 80, "{name}");
            assert!(!names.contains(name), "{name} stands twice on {}", screen.title());
            names.push(*name);
        }
    }
}

#[test]
fn what_is_done_to_the_daemon_can_be_done_in_a_shell() {
    let silent = ["follow", "mark", "wrap", "left", "right"];
    for (screen, binding) in every_line().filter(|(screen, _)| screen.is_some()) {
        let is_said = binding.command.is_some() || silent.contains(&binding.name);
        assert!(is_said, "{} of {screen:?} has no command", binding.name);
    }
}

#[test]
fn no_action_has_only_a_key_that_terminals_take_for_themselves() {
    for (_, binding) in every_line() {
        let is_taken = |key: &Key| matches!(key, Ctrl('b' | 'a' | 'h' | 'i' | 'j' | 'm' | 's' | 'q'));
        assert!(!binding.keys.iter().all(is_taken), "{}", binding.name);
    }
}

#[test]
fn the_page_about_the_console_has_every_key() {
    let page = include_str!("../../../../docs/console.md");
    let name = |key: &Key| if *key == Char(' ') { "`Space`".to_owned() } else { format!("`{}`", key.name()) };
    let rows = every_line().map(|(screen, binding)| {
        let keys: Vec<String> = binding.keys.iter().map(name).collect();
        let place = screen.map(|screen| format!(" ({})", screen.title())).unwrap_or_default();
        format!("| {} | {}{place} |\n", keys.join(" "), binding.help)
    });
    let missing: String = rows.filter(|row| !page.contains(row)).collect();
    assert!(missing.is_empty(), "not in docs/console.md:\n{missing}");
}

#[test]
fn every_screen_has_the_key_that_its_tab_shows() {
    for screen in Screen::ALL {
        let pressed = KeyEvent::new(KeyCode::Char(screen.digit()), KeyModifiers::NONE);
        let goes = matches!(meaning(&Keymap::default(), pressed, Screen::Overview, 0), Some(Action::Go(there)) if there == *screen);
        assert!(goes, "{}", screen.title());
    }
}
