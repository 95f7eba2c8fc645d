//! Forms: what an operator fills in, what is wrong with it, and how it is taken.
//!
//! What can be taken back is taken by a button, to which Enter is pressed; what ends or deletes something takes a word that is typed.

mod draw;
mod hand;
mod question;
mod secret;

use std::fmt::Debug;

pub(crate) use self::draw::{draw, draw_question, same, working};
pub(crate) use self::hand::{answered, pasted, pressed};
pub(crate) use self::question::{Consent, Question};
pub(crate) use self::secret::Secret;
use super::app::App;
use super::event::Effect;
use super::field::Field;
use crate::password::LONGEST;

/// A form that is being filled in.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) title: String,
    pub(crate) entries: Entries,
    /// Which one has the keys.
    pub(crate) at: usize,
    /// The first line that is seen of what would come of it.
    pub(crate) scroll: usize,
    /// Whether it was taken, and the answer is not there yet.
    pub(crate) is_given: bool,
    /// What was said against the whole of it.
    pub(crate) fault: Option<String>,
    pub(crate) purpose: Box<dyn Purpose>,
}

/// What a form is for.
pub(crate) trait Purpose: Debug {
    /// What is wrong, each with the name of its entry. A form with faults is not taken.
    fn faults(&self, _entries: &Entries) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Whether it names what only this run of the daemon knows by that name. With another run such a form is over.
    fn is_of_run(&self) -> bool {
        false
    }

    /// Whether nothing comes of it but another sight, so that Enter takes it in every field.
    fn is_look(&self) -> bool {
        false
    }

    /// Whether it can be taken only while the daemon is there.
    fn needs_daemon(&self) -> bool {
        true
    }

    /// What one choice brings along for others, after each key.
    fn follow(&self, _entries: &mut Entries) {}

    /// What would come of it, line by line.
    fn preview(&self, _entries: &Entries) -> Vec<String> {
        Vec::new()
    }

    /// The same for a shell.
    fn command(&self, entries: &Entries) -> String;

    /// What is done with it. While something is asked of the daemon the form stays, until the answer closes it.
    fn taken(&self, app: &mut App, entries: &Entries) -> Vec<Effect>;
}

/// What can be filled in, in the order of Tab.
#[derive(Debug, Default)]
pub(crate) struct Entries(pub(crate) Vec<Entry>);

/// One thing to fill in.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) input: Input,
    pub(crate) fault: Option<String>,
}

/// How it is filled in.
#[derive(Debug)]
pub(crate) enum Input {
    Text(Field),
    /// Shown as stars, and wiped.
    Secret(Secret),
    Choice {
        options: Vec<String>,
        at: usize,
    },
    Check(bool),
    /// Several texts, each on a line.
    List {
        items: Vec<Field>,
        at: usize,
    },
    /// Taken by Enter.
    Button,
    /// Taken as soon as the word stands there.
    Word {
        wanted: String,
        typed: Field,
    },
}

impl Form {
    pub(crate) fn new(title: impl Into<String>, entries: Vec<Entry>, purpose: impl Purpose + 'static) -> Self {
        let purpose = Box::new(purpose);
        Self { title: title.into(), entries: Entries(entries), at: 0, scroll: 0, is_given: false, fault: None, purpose }
    }

    /// The daemon would not have it so.
    pub(crate) fn refused(&mut self, why: String) {
        self.is_given = false;
        self.fault = Some(why);
        self.unsay();
    }

    /// A word that was of no use is typed again.
    fn unsay(&mut self) {
        for entry in &mut self.entries.0 {
            if let Input::Word { typed, .. } = &mut entry.input {
                typed.clear();
            }
        }
    }

    /// Looks again for what is wrong.
    fn check(&mut self) {
        let mut faults = self.purpose.faults(&self.entries);
        for entry in &mut self.entries.0 {
            let place = faults.iter().position(|(name, _)| *name == entry.name);
            entry.fault = place.map(|place| faults.swap_remove(place).1);
            if let Input::Secret(secret) = &entry.input
                && secret.is_long()
            {
                entry.fault = Some(format!("at most {LONGEST} bytes; Ctrl-U clears it"));
            }
        }
    }

    fn is_sound(&self) -> bool {
        self.entries.0.iter().all(|entry| entry.fault.is_none())
    }
}

impl Entry {
    pub(crate) fn text(name: &'static str, label: &'static str, text: &str) -> Self {
        Self::new(name, label, Input::Text(Field::of(text)))
    }

    pub(crate) fn secret(name: &'static str, label: &'static str) -> Self {
        Self::new(name, label, Input::Secret(Secret::default()))
    }

    /// One of these, the one that is given at first.
    pub(crate) fn choice(name: &'static str, label: &'static str, options: &[&str], chosen: &str) -> Self {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let at = options.iter().position(|option| option == chosen).unwrap_or(0);
        Self::new(name, label, Input::Choice { options, at })
    }

    pub(crate) fn check(name: &'static str, label: &'static str, is_set: bool) -> Self {
        Self::new(name, label, Input::Check(is_set))
    }

    pub(crate) fn list(name: &'static str, label: &'static str, items: &[String]) -> Self {
        let mut items: Vec<Field> = items.iter().map(|item| Field::of(item)).collect();
        if items.is_empty() {
            items.push(Field::default());
        }
        Self::new(name, label, Input::List { items, at: 0 })
    }

    pub(crate) fn button(label: &'static str) -> Self {
        Self::new("", label, Input::Button)
    }

    pub(crate) fn word(label: &'static str, wanted: impl Into<String>) -> Self {
        Self::new("", label, Input::Word { wanted: wanted.into(), typed: Field::default() })
    }

    fn new(name: &'static str, label: &'static str, input: Input) -> Self {
        Self { name, label, input, fault: None }
    }
}

impl Entries {
    fn of(&self, name: &str) -> Option<&Input> {
        self.0.iter().find(|entry| entry.name == name).map(|entry| &entry.input)
    }

    /// A text, or what was chosen; without spaces around it.
    pub(crate) fn text(&self, name: &str) -> String {
        match self.of(name) {
            Some(Input::Text(field)) => field.text().trim().to_owned(),
            Some(Input::Choice { options, at }) => options.get(*at).cloned().unwrap_or_default(),
            Some(Input::Secret(_) | Input::Check(_) | Input::List { .. } | Input::Button | Input::Word { .. })
            | None => String::new(),
        }
    }

    /// The lines of a list that say something.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let Some(Input::List { items, .. }) = self.of(name) else { return Vec::new() };
        items.iter().map(|item| item.text().trim().to_owned()).filter(|item| !item.is_empty()).collect()
    }

    /// Sets a mark.
    pub(crate) fn mark(&mut self, name: &str) {
        let input = self.0.iter_mut().find(|entry| entry.name == name).map(|entry| &mut entry.input);
        if let Some(Input::Check(is_set)) = input {
            *is_set = true;
        }
    }

    pub(crate) fn is_set(&self, name: &str) -> bool {
        matches!(self.of(name), Some(Input::Check(true)))
    }

    pub(crate) fn secret(&self, name: &str) -> &str {
        match self.of(name) {
            Some(Input::Secret(secret)) => secret.text(),
            Some(_) | None => "",
        }
    }
}
