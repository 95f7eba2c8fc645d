//! What an operator has written down about the console: its look, its keys and its tables.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use serde::Deserialize;
use toml::Spanned;
use wire::admin::{Direction, TABLES};

use super::app::App;
use super::keymap::Keymap;
use super::live::View;
use crate::args::{Console, ThemeName};
use crate::failure::Failure;

/// The file, among those of the operator's programs.
const FILE: &str = "rustsocks/console.toml";

/// Everything that can be written there.
#[expect(clippy::struct_excessive_bools, reason = "each is a word of its own in the file")]
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Preferences {
    theme: Option<ThemeName>,
    ascii: bool,
    a11y: bool,
    braille: bool,
    low_bandwidth: bool,
    pub(crate) mouse: bool,
    keys: BTreeMap<String, Keys>,
    tables: BTreeMap<String, Table>,
}

/// One key, or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Keys {
    One(String),
    Several(Vec<String>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Table {
    /// `-NAME` has the greatest first.
    sort: Option<Spanned<String>>,
    /// Those that are shown, in this order.
    columns: Option<Vec<Spanned<String>>>,
}

/// What a file that is not this operator's is met with.
const NOBODYS: [io::ErrorKind; 3] =
    [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory, io::ErrorKind::PermissionDenied];

impl Preferences {
    /// What is written; nothing where there is no file.
    ///
    /// # Errors
    /// The file cannot be read, or says what makes no sense; with its name and the place.
    pub(crate) fn read() -> Result<Self, Failure> {
        let Some(path) = place() else { return Ok(Self::default()) };
        match fs::read_to_string(&path) {
            Ok(text) => Self::of(&text).map_err(|why| told(&path, &why)),
            // Whoever became somebody else without a home of his own has none.
            Err(error) if NOBODYS.contains(&error.kind()) => Ok(Self::default()),
            Err(error) => Err(told(&path, &error.to_string())),
        }
    }

    fn of(text: &str) -> Result<Self, String> {
        let preferences: Self = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        preferences.keymap()?;
        for (name, table) in &preferences.tables {
            table.sound(text, view(name)?)?;
        }
        Ok(preferences)
    }

    /// The look that is asked for, where nothing else is asked for on the command line.
    pub(crate) fn below(&self, look: &Console) -> Console {
        Console {
            color: look.color,
            theme: look.theme.or(self.theme),
            ascii: look.ascii || self.ascii,
            a11y: look.a11y || self.a11y,
            braille: look.braille || self.braille,
            low_bandwidth: look.low_bandwidth || self.low_bandwidth,
        }
    }

    /// Keys and tables of a console are as they are wanted.
    pub(crate) fn settle(&self, app: &mut App) -> Result<(), Failure> {
        app.keymap = self.keymap().map_err(Failure::Usage)?;
        app.ui.has_mouse = self.mouse;
        for (name, table) in &self.tables {
            let live = app.live_mut(view(name).map_err(Failure::Usage)?);
            if let Some(sort) = &table.sort {
                let (name, direction) = sorted(sort.get_ref());
                live.sort = (name.to_owned(), direction);
            }
            let columns = |columns: &Vec<Spanned<String>>| columns.iter().map(|name| name.get_ref().clone()).collect();
            live.only = table.columns.as_ref().map(columns);
            live.order = live.only.clone().unwrap_or_default();
        }
        Ok(())
    }

    fn keymap(&self) -> Result<Keymap, String> {
        let several = |keys: &Keys| match keys {
            Keys::One(key) => vec![key.clone()],
            Keys::Several(keys) => keys.clone(),
        };
        Keymap::new(&self.keys.iter().map(|(action, keys)| (action.clone(), several(keys))).collect())
    }
}

impl Table {
    /// Whether the table has these columns.
    ///
    /// # Errors
    /// It has not; with the line, and those that it has.
    fn sound(&self, text: &str, view: View) -> Result<(), String> {
        let known = TABLES.iter().find(|(name, _)| *name == view.name()).map(|(_, columns)| *columns);
        let known = known.unwrap_or_default();
        let sort = self.sort.iter().map(|sort| (sorted(sort.get_ref()).0, sort.span().start));
        let shown = self.columns.iter().flatten().map(|column| (column.get_ref().as_str(), column.span().start));
        let Some((name, place)) = sort.chain(shown).find(|(name, _)| !known.contains(name)) else { return Ok(()) };
        let line = text[..place].matches('\n').count() + 1;
        let (table, known) = (view.name(), known.join(", "));
        Err(format!("line {line}: tables.{table}: there is no column {name:?}; there are {known}"))
    }
}

/// A column, and which of its rows come first.
fn sorted(sort: &str) -> (&str, Direction) {
    match sort.strip_prefix('-') {
        Some(name) => (name, Direction::Desc),
        None => (sort, Direction::Asc),
    }
}

fn view(name: &str) -> Result<View, String> {
    let names = || View::ALL.iter().map(|view| view.name()).collect::<Vec<_>>().join(", ");
    let found = View::ALL.iter().copied().find(|view| view.name() == name);
    found.ok_or_else(|| format!("tables: there is no {name:?}; there are {}", names()))
}

fn told(path: &Path, why: &str) -> Failure {
    Failure::Usage(format!("{}: {why}", path.display()))
}

/// By the conventions of the desktop: what a person has chosen.
fn place() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let directory = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
    Some(directory?.join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::caps::Caps;
    use crate::console::theme::Theme;

    const TEXT: &str = "theme = \"light\"\nmouse = true\n[keys]\nfind = [\"F\", \"Ctrl-f\"]\n\
                        [tables.sessions]\nsort = \"-down\"\ncolumns = [\"user\", \"down\"]\n";

    fn why(text: &str) -> String {
        Preferences::of(text).expect_err("it makes no sense")
    }

    #[test]
    fn what_is_written_is_so_unless_the_command_line_says_otherwise() {
        let preferences = Preferences::of(TEXT).expect("it makes sense");
        let look = |theme| preferences.below(&Console { theme, ..Console::default() }).theme;
        assert_eq!((look(None), look(Some(ThemeName::Mono))), (Some(ThemeName::Light), Some(ThemeName::Mono)));
        let caps = Caps { theme: Theme::Mono, is_ascii: true, has_braille: false, follows: false };
        let mut app = App::new(caps, String::new());
        preferences.settle(&mut app).expect("it makes sense");
        let sessions = &app.sessions.live;
        assert_eq!(sessions.sort, ("down".to_owned(), Direction::Desc));
        assert!(sessions.shows("user") && !sessions.shows("src") && app.ui.has_mouse);
    }

    #[test]
    fn the_example_of_the_page_makes_sense() {
        let page = include_str!("../../../docs/console.md");
        let section = page.split("## Preferences").nth(1).expect("the page has the section");
        let example =
            section.split("```text").nth(1).and_then(|rest| rest.split("```").next()).expect("with an example");
        let preferences = Preferences::of(example).expect("it makes sense");
        assert_eq!((preferences.theme, preferences.mouse), (Some(ThemeName::Dark), true));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_place() {
        assert!(why("thme = \"light\"\n").contains("thme"));
        assert!(why("theme = \"pink\"\n").contains("line 1"));
        assert!(why("[tables.flights]\n").contains("there is no \"flights\"; there are sessions,"));
        assert!(why("[keys]\nhold = \"\"\n").contains("is no key"));
        for (line, column) in [("sort = \"-dwn\"", "dwn"), ("columns = [\"id\", \"usr\"]", "usr")] {
            let why = why(&format!("mouse = true\n[tables.bans]\n{line}\n"));
            let expected = format!(
                "line 3: tables.bans: there is no column {column:?}; there are id, src, age, left, turned_away"
            );
            assert_eq!(why, expected);
        }
    }
}
