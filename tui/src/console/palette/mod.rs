//! The palette: everything by its name, and what can be said about somebody or something.

mod draw;
mod phrases;

pub(crate) use self::draw::draw;
use self::phrases::Object;
pub(crate) use self::phrases::{PHRASES, Phrase};
use super::app::App;
use super::field::Field;
use super::keys::Binding;
use super::room::Rows;
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
    /// A phrase, and what it is about.
    Phrase(&'static Phrase, String),
    /// More of the line.
    Text(String),
}

/// Everything that goes on from what is said.
pub(crate) fn offers(app: &App, said: &str) -> Vec<Offer> {
    let begun = PHRASES.iter().find_map(|phrase| Some((phrase, said.strip_prefix(phrase.words)?.strip_prefix(' ')?)));
    if let Some((phrase, object)) = begun {
        let mut offers = vec![Offer::Phrase(phrase, object.trim().to_owned())];
        offers.extend(
            endings(app, phrase, object).into_iter().map(|whole| format!("{} {whole}", phrase.words)).map(Offer::Text),
        );
        return offers;
    }
    let search = said.to_lowercase();
    let phrases = PHRASES.iter().filter(|phrase| !search.is_empty() && phrase.words.starts_with(&search));
    let bound = bindings(app.ui.screen, app.ui.pane).filter(|binding| has_letters(binding.name, &search));
    bound.map(Offer::Binding).chain(phrases.map(|phrase| Offer::Text(format!("{} ", phrase.words)))).collect()
}

fn has_letters(name: &str, letters: &str) -> bool {
    let mut rest = name.chars();
    letters.chars().all(|letter| rest.any(|other| other == letter))
}

/// What the object can go on with: its last word, whole.
fn endings(app: &App, phrase: &Phrase, object: &str) -> Vec<String> {
    let start = object.rfind([' ', '(']).map_or(0, |space| space + 1);
    let (before, word) = object.split_at(start);
    let words: Vec<String> = match phrase.object {
        Object::Rows(fields) => match word.split_once('=') {
            Some((field, begun)) => {
                return names(app, field, begun).map(|name| format!("{before}{field}={name}")).collect();
            }
            None => fields.iter().map(|field| format!("{}=", field.name)).collect(),
        },
        Object::Name => app.names.users.clone(),
        Object::Column => columns(app),
        Object::Theme => ["auto16", "mono", "high-contrast", "dark", "light"].map(str::to_owned).into(),
        Object::Text => Vec::new(),
    };
    let goes_on = |whole: &String| whole.starts_with(word) && whole != word;
    words.into_iter().filter(goes_on).map(|whole| format!("{before}{whole}")).collect()
}

/// Names that go on from what is begun, as values of a filter.
fn names(app: &App, field: &str, begun: &str) -> impl Iterator<Item = String> {
    let begun = begun.trim_start_matches('"');
    let known = app.names.of(field).filter(move |name| name.starts_with(begun) && *name != begun);
    known.map(|name| plain_or_quoted(name))
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

/// Names that the daemon knows, for what is being said.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) users: Vec<String>,
    pub(crate) groups: Vec<String>,
}

impl Names {
    fn of(&self, field: &str) -> impl Iterator<Item = &String> {
        let names: &[String] = match field {
            "user" | "name" => &self.users,
            "group" => &self.groups,
            _ => &[],
        };
        names.iter()
    }
}
