//! What holds on every screen: names cannot play tricks on the terminal, and nothing is asked for that the role does not allow.

use std::collections::HashMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthStr;
use wire::admin::Role;

use super::pictures::{PICTURES, Way};
use super::{PLAIN, Stage};
use crate::console::caps::Caps;
use crate::console::event::{Effect, Event};
use crate::console::keys::{Binding, Key};
use crate::console::screens::bindings;
use crate::console::theme::Theme;
use crate::shown::is_hidden;

/// What strangers call themselves: what moves the cursor, turns the direction of writing, takes no room or too much of it.
const NAMES: &[&str] = &[
    "e\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\r\n\u{8}v\u{7f}e",
    "\u{202e}evil\u{202c}\u{2066}\u{200b}\u{200d}\u{feff}\u{ad}",
    "漢字ｗｉｄｅ👩‍👩‍👧‍👦🇵🇱",
    "a\u{301}\u{489}\u{489}\u{489}e\u{300}\u{115f}\u{3164}",
    LONG,
];

/// As long as a name may be.
const LONG: &str = concat!(
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
);

fn stage(size: (u16, u16), caps: Caps, name: &'static str, way: Way) -> Stage {
    let mut stage = Stage::connected(size, caps);
    stage.impostor = Some(name);
    stage.draw();
    way(&mut stage);
    stage
}

#[test]
fn whatever_somebody_is_called_every_picture_is_of_letters_that_can_be_seen() {
    let usual = Caps { theme: Theme::Auto16, is_ascii: false, has_braille: false, follows: false };
    for (picture, way) in PICTURES {
        for name in NAMES {
            for (size, caps) in [((80, 24), PLAIN), ((132, 43), usual)] {
                let mut stage = stage(size, caps, name, *way);
                is_seen(&stage.draw(), caps, &format!("{picture} at {size:?} with {name:?}"));
            }
        }
    }
}

/// Every cell has one letter that is seen, and no letter takes the place of its neighbour.
fn is_seen(buffer: &Buffer, caps: Caps, what: &str) {
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            assert!(!symbol.chars().any(is_hidden), "{what}: {symbol:?} in line {y}");
            assert!(!caps.is_ascii || symbol.is_ascii(), "{what}: {symbol:?} in line {y}");
            let cells = u16::try_from(symbol.width()).expect("a cell has a letter");
            assert!(
                cells == 1 || cells == 2 && x + 1 < buffer.area.width,
                "{what}: {symbol:?} takes {cells} in line {y}"
            );
            x += cells;
        }
    }
}

#[test]
fn what_goes_to_the_clipboard_does_nothing_to_the_terminal_that_it_is_pasted_into() {
    let mut copied = 0;
    for (picture, way) in PICTURES.iter().filter(|(name, _)| SCREENS.contains(name)) {
        for choice in 0..6 {
            let mut stage = stage((100, 30), PLAIN, NAMES[0], *way);
            stage.key(KeyCode::Esc);
            stage.keys("y");
            (0..choice).for_each(|_| stage.key(KeyCode::Down));
            stage.key(KeyCode::Enter);
            for effect in &stage.effects {
                let Effect::Copy(text) = effect else { continue };
                let does = text.chars().find(|letter| letter.is_control() && !matches!(letter, '\n' | '\t'));
                assert_eq!(does, None, "{picture}: {text:?}");
                copied += 1;
            }
        }
    }
    assert!(copied > 15, "{copied} texts were copied");
}

/// The role that each operation takes, as docs/admin-protocol.md has it and the daemon proves.
fn roles() -> HashMap<&'static str, Role> {
    let page = include_str!("../../../../docs/admin-protocol.md");
    let row = |line: &'static str| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let op = cells.next()?.strip_suffix('`')?;
        let role = match cells.next()? {
            "any" | "read" => Role::Read,
            "operate" => Role::Operate,
            "admin" => Role::Admin,
            _ => return None,
        };
        Some((op, role))
    };
    page.lines().filter_map(row).collect()
}

/// The pictures of the screens themselves.
const SCREENS: &[&str] =
    &["overview", "sessions", "history", "acl", "users", "limits", "auth", "logs", "config", "health"];

#[test]
fn no_key_of_any_screen_asks_for_what_the_role_does_not_allow() {
    let roles = roles();
    assert!(roles.len() > 80, "{roles:?}");
    let mut pressed = 0;
    for (picture, way) in PICTURES.iter().filter(|(name, _)| SCREENS.contains(name)) {
        for role in [Role::Read, Role::Operate] {
            for number in 0.. {
                let Some(stage) = press(*way, role, number) else { break };
                pressed += 1;
                for effect in &stage.effects {
                    let Effect::Ask { op, .. } = effect else { continue };
                    let needed = roles.get(op).unwrap_or_else(|| panic!("{op} is not in docs/admin-protocol.md"));
                    assert!(*needed <= role, "{picture}: key {number} asks {op} as {role}");
                }
            }
        }
    }
    assert!(pressed > 400, "{pressed} keys");
}

/// Comes to a picture as somebody of this role, presses the key of this number, and says yes to whatever it asks.
fn press(way: Way, role: Role, number: usize) -> Option<Stage> {
    let mut stage = Stage::connected((100, 30), PLAIN);
    stage.app.model.welcome.as_mut()?.role = role;
    stage.app.ui.size = (100, 30);
    way(&mut stage);
    stage.app.ui.overlay = None;
    let keys: Vec<Key> =
        bindings(stage.app.ui.screen, stage.app.ui.pane).flat_map(|binding| binding.keys).copied().collect();
    stage.effects.clear();
    press_key(&mut stage, *keys.get(number)?);
    for _ in 0..8 {
        if stage.app.ui.overlay.is_some() {
            stage.keys("y");
            stage.key(KeyCode::Enter);
            stage.key(KeyCode::Tab);
        }
    }
    Some(stage)
}

#[test]
fn every_action_says_which_role_it_takes() {
    let mut refused = 0;
    for (picture, way) in PICTURES.iter().filter(|(name, _)| SCREENS.contains(name)) {
        for role in [Role::Read, Role::Operate] {
            for binding in bindings_of(*way) {
                let mut stage = Stage::connected((100, 30), PLAIN);
                stage.app.model.welcome.as_mut().expect("it has greeted").role = role;
                stage.app.ui.size = (100, 30);
                way(&mut stage);
                (stage.app.ui.overlay, stage.app.ui.message) = (None, None);
                stage.effects.clear();
                press_key(&mut stage, binding.keys[0]);
                let said = stage.app.ui.message.as_ref().map(|message| message.text.clone()).unwrap_or_default();
                let is_refused = said.starts_with("your role is");
                assert!(
                    !is_refused || said.ends_with(&format!("takes {}", binding.role)),
                    "{picture}: {}: {said}",
                    binding.name
                );
                assert!(
                    is_refused || binding.role <= role || stage.asked().is_empty() && stage.app.ui.overlay.is_none(),
                    "{picture}: {}",
                    binding.name
                );
                refused += usize::from(is_refused);
            }
        }
    }
    assert!(refused > 30, "{refused} times somebody was told that he may not");
}

/// The actions that there are on a picture.
pub(super) fn bindings_of(way: Way) -> Vec<&'static Binding> {
    let mut stage = Stage::connected((100, 30), PLAIN);
    stage.app.ui.size = (100, 30);
    way(&mut stage);
    bindings(stage.app.ui.screen, stage.app.ui.pane).collect()
}

pub(super) fn press_key(stage: &mut Stage, key: Key) {
    let (code, modifiers) = match key {
        Key::Char(letter) => (KeyCode::Char(letter), KeyModifiers::NONE),
        Key::Ctrl(letter) => (KeyCode::Char(letter), KeyModifiers::CONTROL),
        Key::Code(code) => (code, KeyModifiers::NONE),
    };
    stage.event(Event::Key(KeyEvent::new(code, modifiers)), None);
}
