//! Keys for forms and questions.
#![expect(clippy::wildcard_enum_match_arm, reason = "there are many keys, and most of them mean nothing here")]

use crossterm::event::{KeyCode, KeyEvent};

use super::draw::{most_of_question, most_scrolled};
use super::question::Heard;
use super::{Entries, Form, Input, Question};
use crate::console::app::App;
use crate::console::event::Effect;
use crate::console::field::Field;
use crate::console::model::Link;
use crate::console::ui::Overlay;

/// What is said where nobody can be told.
const GONE: &str = "the daemon is not there; nothing was done";

/// A key for the form; it stays open unless it was taken and nothing is asked about it.
pub(crate) fn pressed(app: &mut App, mut form: Box<Form>, key: KeyEvent) -> Vec<Effect> {
    if form.is_given {
        app.ui.overlay = Some(Overlay::Form(form));
        return Vec::new();
    }
    if let Some(by) = leafed(key.code) {
        form.scroll = form.scroll.saturating_add_signed(by).min(most_scrolled(app, &form));
        app.ui.overlay = Some(Overlay::Form(form));
        return Vec::new();
    }
    let is_taken = form.press(key);
    let Form { purpose, entries, .. } = &mut *form;
    purpose.follow(entries);
    form.check();
    if is_taken && form.is_sound() {
        return taken(app, form);
    }
    if is_taken {
        form.unsay();
    }
    app.ui.overlay = Some(Overlay::Form(form));
    Vec::new()
}

/// How far a key goes through lines of which not all are seen.
fn leafed(code: KeyCode) -> Option<isize> {
    match code {
        KeyCode::PageDown => Some(5),
        KeyCode::PageUp => Some(-5),
        _ => None,
    }
}

fn taken(app: &mut App, mut form: Box<Form>) -> Vec<Effect> {
    if form.purpose.needs_daemon() && app.model.link != Link::Live {
        form.refused(GONE.to_owned());
        app.ui.overlay = Some(Overlay::Form(form));
        return Vec::new();
    }
    form.fault = None;
    let effects = form.purpose.taken(app, &form.entries);
    if app.ui.overlay.is_none() && effects.iter().any(|effect| matches!(effect, Effect::Ask { .. })) {
        form.is_given = true;
        app.ui.overlay = Some(Overlay::Form(form));
    }
    effects
}

/// Text that came at once.
pub(crate) fn pasted(form: &mut Form, text: &str) {
    match form.entries.0.get_mut(form.at).map(|entry| &mut entry.input) {
        Some(Input::Text(field)) => field.paste(text),
        Some(Input::Secret(secret)) => secret.paste(text),
        Some(Input::List { items, at }) => items[*at].paste(text),
        // A word is a yes, which is typed.
        Some(Input::Choice { .. } | Input::Check(_) | Input::Button | Input::Word { .. }) | None => {}
    }
    form.check();
}

impl Form {
    /// Whether the key takes the form.
    fn press(&mut self, key: KeyEvent) -> bool {
        let is_look = self.purpose.is_look();
        let Entries(entries) = &mut self.entries;
        let last = entries.len().saturating_sub(1);
        let Some(entry) = entries.get_mut(self.at) else { return false };
        if let Input::List { items, at } = &mut entry.input
            && in_list(key.code, items, at)
        {
            return false;
        }
        match (key.code, &mut entry.input) {
            (KeyCode::Tab, _) => self.at = if self.at == last { 0 } else { self.at + 1 },
            (KeyCode::BackTab, _) => self.at = self.at.checked_sub(1).unwrap_or(last),
            (KeyCode::Enter, Input::Button) => return true,
            (KeyCode::Enter, _) if is_look => return true,
            (KeyCode::Enter | KeyCode::Down, _) => self.at = (self.at + 1).min(last),
            (KeyCode::Up, _) => self.at = self.at.saturating_sub(1),
            (_, Input::Text(field)) => drop(field.takes(key)),
            (_, Input::Secret(secret)) => drop(secret.takes(key)),
            (_, Input::List { items, at }) => drop(items[*at].takes(key)),
            (KeyCode::Right | KeyCode::Char(' '), Input::Choice { options, at }) => {
                *at = (*at + 1) % options.len().max(1);
            }
            (KeyCode::Left, Input::Choice { options, at }) => *at = at.checked_sub(1).unwrap_or(options.len() - 1),
            (KeyCode::Char(' '), Input::Check(is_set)) => *is_set = !*is_set,
            (_, Input::Word { wanted, typed }) => {
                let before = typed.text();
                typed.takes(key);
                return typed.text() != before && typed.text() == *wanted;
            }
            (_, Input::Choice { .. } | Input::Check(_) | Input::Button) => {}
        }
        false
    }

    /// What is being written is wiped; nothing if there was nothing.
    pub(crate) fn clear(&mut self) -> bool {
        match self.entries.0.get_mut(self.at).map(|entry| &mut entry.input) {
            Some(Input::Text(field) | Input::Word { typed: field, .. }) if !field.is_empty() => field.clear(),
            Some(Input::Secret(secret)) if !secret.text().is_empty() => secret.clear(),
            Some(Input::List { items, at }) if !items[*at].is_empty() => items[*at].clear(),
            Some(_) | None => return false,
        }
        true
    }
}

/// Whether the key was one for the lines of a list: up and down within it, Enter for another line, Backspace to lose an empty one.
fn in_list(code: KeyCode, items: &mut Vec<Field>, at: &mut usize) -> bool {
    match code {
        KeyCode::Up if *at > 0 => *at -= 1,
        KeyCode::Down if *at + 1 < items.len() => *at += 1,
        KeyCode::Enter if !items[*at].is_empty() => {
            *at += 1;
            items.insert(*at, Field::default());
        }
        KeyCode::Backspace if items[*at].is_empty() && items.len() > 1 => {
            items.remove(*at);
            *at = at.saturating_sub(1);
        }
        _ => return false,
    }
    true
}

/// A key for a question.
pub(crate) fn answered(app: &mut App, mut question: Box<Question>, key: KeyEvent) -> Vec<Effect> {
    let most = most_of_question(app, &question);
    let by = leafed(key.code).or(match key.code {
        KeyCode::Down => Some(1),
        KeyCode::Up => Some(-1),
        _ => None,
    });
    if let Some(by) = by.filter(|_| most > 0) {
        question.scroll = question.scroll.saturating_add_signed(by).min(most);
        app.ui.overlay = Some(Overlay::Question(question));
        return Vec::new();
    }
    match question.hear(key) {
        Heard::NotYet => {
            app.ui.overlay = Some(Overlay::Question(question));
            Vec::new()
        }
        Heard::No => {
            app.ui.say("nothing was done");
            Vec::new()
        }
        Heard::Yes if question.asks_daemon() && app.model.link != Link::Live => {
            app.ui.warn(GONE);
            Vec::new()
        }
        Heard::Yes => {
            question.is_given = true;
            let deed = std::mem::take(&mut question.deed);
            app.ui.overlay = Some(Overlay::Question(question));
            deed
        }
    }
}
