//! Keys as this operator wants them: the table's own, but for actions that were given others.

use std::collections::BTreeMap;

use super::keys::{Binding, Key};
use super::screen::Screen;
use super::screens::{bindings, room};

/// Other keys, by the name of the action.
#[derive(Debug, Default)]
pub(crate) struct Keymap(BTreeMap<String, Vec<Key>>);

impl Keymap {
    /// With these keys for these actions, wherever an action of the name is.
    ///
    /// # Errors
    /// A name or a key is none, or a key would mean two things in one place; in words.
    pub(crate) fn new(wanted: &BTreeMap<String, Vec<String>>) -> Result<Self, String> {
        let mut keymap = Self::default();
        for (action, names) in wanted {
            if !every_pane().any(|(screen, pane)| bindings(screen, pane).any(|binding| binding.name == action)) {
                return Err(format!("keys: no action is called {action:?}; the console's : lists them"));
            }
            let keys = names.iter().map(|name| Key::named(name).ok_or(name)).collect::<Result<Vec<_>, _>>();
            let keys = keys.map_err(|name| format!("keys: {action:?}: {name:?} is no key that can be given"))?;
            if keys.is_empty() {
                return Err(format!("keys: {action:?} would have no key"));
            }
            keymap.0.insert(action.clone(), keys);
        }
        keymap.clash().map_or(Ok(keymap), Err)
    }

    pub(crate) fn of<'a>(&'a self, binding: &Binding) -> &'a [Key] {
        self.0.get(binding.name).map_or(binding.keys, Vec::as_slice)
    }

    /// A key that means two things in one place.
    fn clash(&self) -> Option<String> {
        every_pane().find_map(|(screen, pane)| {
            let mut taken: Vec<(Key, &str)> = Vec::new();
            for binding in bindings(screen, pane) {
                for key in self.of(binding) {
                    if let Some((_, other)) = taken.iter().find(|(known, _)| known == key) {
                        let (name, place) = (key.name(), screen.title());
                        return Some(format!("keys: on {place} {name} would be {other:?} and {:?}", binding.name));
                    }
                    taken.push((*key, binding.name));
                }
            }
            None
        })
    }
}

/// Those that lie behind others too.
fn every_pane() -> impl Iterator<Item = (Screen, usize)> {
    let panes = |screen: Screen| (0..room(screen).panes()).chain(room(screen).aside());
    Screen::ALL.iter().flat_map(move |screen| panes(*screen).map(|pane| (*screen, pane)))
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;
    use crate::console::keys::Action;
    use crate::console::screens::meaning;

    fn keymap(wanted: &[(&str, &str)]) -> Result<Keymap, String> {
        Keymap::new(&wanted.iter().map(|(action, key)| ((*action).to_owned(), vec![(*key).to_owned()])).collect())
    }

    #[test]
    fn an_action_has_the_key_that_it_was_given_and_no_longer_its_own() {
        let keymap = keymap(&[("find", "Ctrl-f"), ("hold", "f12")]).expect("these keys are free");
        let means = |code, modifiers| meaning(&keymap, KeyEvent::new(code, modifiers), Screen::Sessions, 0);
        assert!(matches!(means(KeyCode::Char('f'), KeyModifiers::CONTROL), Some(Action::Search)));
        assert!(means(KeyCode::Char('F'), KeyModifiers::NONE).is_none());
        assert!(matches!(means(KeyCode::F(12), KeyModifiers::NONE), Some(Action::Hold)));
    }

    #[test]
    fn two_actions_of_one_place_may_change_their_keys_but_never_share_one() {
        assert!(keymap(&[("sort", "p"), ("hold", "s")]).is_ok());
        let clash = keymap(&[("sort", "p")]).expect_err("p is taken");
        assert!(clash.contains("on Sessions p would be"), "{clash}");
        let behind =
            keymap(&[("test request", "p")]).expect_err("p is taken in the part that lies in the place of the others");
        assert!(behind.contains("on ACL p would be"), "{behind}");
    }

    #[test]
    fn what_is_no_action_and_what_is_no_key_is_said() {
        assert!(keymap(&[("fly", "x")]).is_err_and(|why| why.contains("\"fly\"")));
        assert!(keymap(&[("hold", "Alt-x")]).is_err_and(|why| why.contains("\"Alt-x\"")));
        assert!(keymap(&[("hold", "Ctrl-c")]).is_err(), "it ends whatever is written, everywhere");
    }

    #[test]
    fn every_key_of_the_table_can_be_written_as_it_is_shown() {
        for (screen, pane) in every_pane() {
            for key in bindings(screen, pane).flat_map(|binding| binding.keys) {
                assert_eq!(Key::named(&key.name()), Some(*key));
            }
        }
    }
}
