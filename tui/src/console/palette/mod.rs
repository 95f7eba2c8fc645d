//! The palette: everything by its name, and what can be said about somebody or something.

mod count;
mod draw;
mod phrases;

pub(crate) use self::count::{Count, counted, recount};
pub(crate) use self::draw::draw;
use self::phrases::Object;
pub(crate) use self::phrases::{PHRASES, Phrase};
use super::app::App;
use super::field::Field;
use super::keys::Binding;
use super::room::Rows;
use super::screen::Screen;
use super::screens::{bindings, room};

/// What is being said.
#[derive(Debug, Default)]
pub(crate) struct Palette {
    pub(crate) said: Field,
    pub(crate) choice: usize,
    /// How far back the line was taken from those that were said before; 0 for none of them.
    pub(crate) recalled: usize,
}

/// What can be chosen.
#[derive(Debug, Clone)]
pub(crate) enum Offer {
    /// Something that a key does as well.
    Binding(&'static Binding),
    /// The same on another part of this screen, or on another screen.
    Elsewhere(Screen, usize, &'static Binding),
    /// A phrase, and what it is about.
    Phrase(&'static Phrase, String),
    /// More of the line, and how many sessions there are of whoever it names.
    Text(String, Option<u64>),
}

/// Everything that goes on from what is said.
pub(crate) fn offers(app: &App, said: &str) -> Vec<Offer> {
    if let Some((phrase, object)) = begun(said) {
        let mut offers = vec![Offer::Phrase(phrase, object.trim().to_owned())];
        let more = |(whole, sessions)| Offer::Text(format!("{} {whole}", phrase.words), sessions);
        offers.extend(endings(app, phrase, object).into_iter().map(more));
        return offers;
    }
    let search = said.to_lowercase();
    let phrases = PHRASES.iter().filter(|phrase| !search.is_empty() && phrase.words.starts_with(&search));
    let bound = bindings(app.ui.screen, app.ui.pane).filter(|binding| has_letters(binding.name, &search));
    let mut offers: Vec<Offer> = bound.map(Offer::Binding).collect();
    offers.extend(phrases.map(|phrase| Offer::Text(format!("{} ", phrase.words), None)));
    offers.extend(elsewhere(app, &search));
    offers
}

/// What keys do on other parts and screens, by whole pieces of their names; nothing before something is said.
fn elsewhere(app: &App, search: &str) -> Vec<Offer> {
    let here = (app.ui.screen, app.ui.pane);
    let mut found: Vec<(Screen, usize, &'static Binding)> = Vec::new();
    for screen in app.screens().filter(|_| !search.is_empty()) {
        for binding in room(screen).keys().iter().filter(|binding| binding.name.contains(search)) {
            let has = |pane: &usize| bindings(screen, *pane).any(|known| std::ptr::eq(known, binding));
            let is_here = screen == here.0 && has(&here.1);
            let pane = (0..room(screen).panes()).find(has).filter(|_| !is_here);
            found.extend(pane.map(|pane| (screen, pane, binding)));
        }
    }
    found.sort_by_key(|(screen, _, binding)| (!binding.name.starts_with(search), *screen != here.0));
    found.into_iter().map(|(screen, pane, binding)| Offer::Elsewhere(screen, pane, binding)).collect()
}

/// The phrase that is being said, and its object as far as it goes.
fn begun(said: &str) -> Option<(&'static Phrase, &str)> {
    PHRASES.iter().find_map(|phrase| Some((phrase, said.strip_prefix(phrase.words)?.strip_prefix(' ')?)))
}

fn has_letters(name: &str, letters: &str) -> bool {
    let mut rest = name.chars();
    letters.chars().all(|letter| rest.any(|other| other == letter))
}

/// What the object can go on with: its last word, whole, and how many sessions there are of whoever that is.
fn endings(app: &App, phrase: &Phrase, object: &str) -> Vec<(String, Option<u64>)> {
    let start = object.rfind([' ', '(']).map_or(0, |space| space + 1);
    let (before, word) = object.split_at(start);
    let goes_on = |whole: &String| whole.starts_with(word) && whole != word;
    let words: Vec<String> = match phrase.object {
        Object::Rows(fields) => match word.split_once('=') {
            Some((field, begun)) => {
                let whole = |(name, sessions)| (format!("{before}{field}={name}"), sessions);
                return names(app, field, begun).map(whole).collect();
            }
            None => fields.iter().map(|field| format!("{}=", field.name)).collect(),
        },
        Object::Name => {
            let of_users = app.names.users.iter().filter(|named| goes_on(&named.name));
            return of_users.map(|named| (format!("{before}{}", named.name), named.sessions)).collect();
        }
        Object::Column => columns(app),
        Object::Theme => ["auto16", "mono", "high-contrast", "dark", "light"].map(str::to_owned).into(),
        Object::Text => Vec::new(),
    };
    words.into_iter().filter(goes_on).map(|whole| (format!("{before}{whole}"), None)).collect()
}

/// Names that go on from what is begun, as values of a filter.
fn names(app: &App, field: &str, begun: &str) -> impl Iterator<Item = (String, Option<u64>)> {
    let begun = begun.trim_start_matches('"');
    let known = app.names.of(field).iter().filter(move |named| named.name.starts_with(begun) && named.name != begun);
    known.map(|named| (plain_or_quoted(&named.name), named.sessions))
}

/// Columns of the table that has the keys, the greatest first too.
fn columns(app: &App) -> Vec<String> {
    let Rows::Live(view) = room(app.ui.screen).rows(app.ui.pane) else { return Vec::new() };
    app.live(view).names().into_iter().flat_map(|name| [format!("-{name}"), name]).collect()
}

fn plain_or_quoted(name: &str) -> String {
    let is_plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
    if is_plain && !name.is_empty() { name.to_owned() } else { filter::quoted(name) }
}

/// Names that the daemon knows, for what is being said, and how much is meant by it.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) users: Vec<Named>,
    pub(crate) groups: Vec<Named>,
    pub(crate) count: Count,
}

/// A name, and how many sessions there are of it.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) sessions: Option<u64>,
}

impl Names {
    fn of(&self, field: &str) -> &[Named] {
        match field {
            "user" | "name" => &self.users,
            "group" => &self.groups,
            _ => &[],
        }
    }
}
