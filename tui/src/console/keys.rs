//! Every key and what it does: the one table that is obeyed, shown as hints, explained in the help and searched in the palette.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::ui::Screen;

/// What an operator can want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Go(Screen),
    NextScreen,
    PreviousScreen,
    Up,
    Down,
    PageUp,
    PageDown,
    HalfUp,
    HalfDown,
    First,
    Last,
    Open,
    Back,
    Filter,
    Sort,
    Reverse,
    Columns,
    Follow,
    Mark,
    MarkAll,
    Hold,
    Kill,
    PastOfUser,
    Copy,
    Refresh,
    Help,
    Palette,
    Redraw,
    Suspend,
    Quit,
}

/// Where a key means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Everywhere,
    /// Screens with rows.
    Rows,
    Only(Screen),
    /// The list of these screens is asked for anew.
    Listings,
}

/// A key as it is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Char(char),
    Ctrl(char),
    Code(KeyCode),
}

/// A line of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Binding {
    pub(crate) action: Action,
    pub(crate) keys: &'static [Key],
    pub(crate) on: On,
    /// In the palette.
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    /// In the last line of the screen; nothing where there is no room for it.
    pub(crate) hint: &'static str,
    /// The same for a shell, where it does something to the daemon or asks it.
    pub(crate) command: Option<&'static str>,
}

const fn bind(action: Action, keys: &'static [Key], on: On, name: &'static str, help: &'static str) -> Binding {
    Binding { action, keys, on, name, help, hint: "", command: None }
}

impl Binding {
    const fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    const fn command(self, command: &'static str) -> Self {
        Self { command: Some(command), ..self }
    }
}

use Key::{Char, Code, Ctrl};

/// The table.
pub(crate) const BINDINGS: &[Binding] = &[
    bind(Action::Go(Screen::Overview), &[Char('1')], On::Everywhere, "overview", "what the daemon does, at a glance")
        .command("rustsocks-cli status"),
    bind(Action::Go(Screen::Sessions), &[Char('2')], On::Everywhere, "sessions", "sessions that are in")
        .command("rustsocks-cli sessions list"),
    bind(Action::Go(Screen::History), &[Char('3')], On::Everywhere, "history", "sessions that were")
        .command("rustsocks-cli history query"),
    bind(Action::Go(Screen::Acl), &[Char('4')], On::Everywhere, "acl", "the rules in force")
        .command("rustsocks-cli acl rules"),
    bind(Action::Go(Screen::Health), &[Char('0')], On::Everywhere, "health", "what is well and what is not")
        .command("rustsocks-cli health"),
    bind(Action::NextScreen, &[Code(KeyCode::Tab)], On::Everywhere, "next screen", "the next screen"),
    bind(Action::PreviousScreen, &[Code(KeyCode::BackTab)], On::Everywhere, "previous screen", "the screen before"),
    bind(Action::Open, &[Code(KeyCode::Enter)], On::Rows, "detail", "everything about it").hint("detail"),
    bind(
        Action::Filter,
        &[Char('/')],
        On::Only(Screen::Sessions),
        "filter",
        "only rows that an expression lets through",
    )
    .hint("filter")
    .command("rustsocks-cli sessions list --filter EXPR"),
    bind(
        Action::Filter,
        &[Char('/')],
        On::Only(Screen::History),
        "filter history",
        "only rows that an expression lets through",
    )
    .hint("filter")
    .command("rustsocks-cli history query EXPR"),
    bind(Action::Sort, &[Char('s')], On::Only(Screen::Sessions), "sort", "by which column the rows are sorted")
        .hint("sort")
        .command("rustsocks-cli sessions list --sort COLUMN"),
    bind(Action::Reverse, &[Char('S')], On::Only(Screen::Sessions), "reverse", "the same the other way round")
        .command("rustsocks-cli sessions list --sort -COLUMN"),
    bind(Action::Columns, &[Char('c')], On::Only(Screen::Sessions), "columns", "which columns are shown")
        .hint("columns")
        .command("rustsocks-cli sessions list --fields NAME,..."),
    bind(
        Action::Follow,
        &[Char('f')],
        On::Only(Screen::Sessions),
        "follow",
        "only this user, then this destination, then this rule",
    )
    .hint("follow"),
    bind(Action::Mark, &[Char(' ')], On::Only(Screen::Sessions), "mark", "mark it, or not any more"),
    bind(
        Action::MarkAll,
        &[Char('*')],
        On::Only(Screen::Sessions),
        "mark all",
        "mark every row of the window; again: none",
    ),
    bind(
        Action::Kill,
        &[Char('K')],
        On::Only(Screen::Sessions),
        "end sessions",
        "end the marked sessions, or this one; asks first",
    )
    .hint("end")
    .command("rustsocks-cli sessions kill ID..."),
    bind(Action::Hold, &[Char('p')], On::Only(Screen::Sessions), "hold", "rows keep their places, numbers go on")
        .hint("hold"),
    bind(Action::PastOfUser, &[Char('H')], On::Only(Screen::Sessions), "history of user", "what this user did before")
        .command("rustsocks-cli history query user=NAME"),
    bind(Action::Copy, &[Char('y')], On::Rows, "copy", "the row, to the terminal's clipboard"),
    bind(Action::Refresh, &[Char('r')], On::Listings, "refresh", "ask again").hint("refresh"),
    bind(Action::Up, &[Code(KeyCode::Up), Char('k')], On::Rows, "up", "the row above"),
    bind(Action::Down, &[Code(KeyCode::Down), Char('j')], On::Rows, "down", "the row below"),
    bind(Action::PageUp, &[Code(KeyCode::PageUp)], On::Rows, "page up", "a screenful up"),
    bind(Action::PageDown, &[Code(KeyCode::PageDown)], On::Rows, "page down", "a screenful down"),
    bind(Action::HalfUp, &[Ctrl('u')], On::Rows, "half up", "half a screenful up"),
    bind(Action::HalfDown, &[Ctrl('d')], On::Rows, "half down", "half a screenful down"),
    bind(Action::First, &[Char('g'), Code(KeyCode::Home)], On::Rows, "first", "the first row"),
    bind(Action::Last, &[Char('G'), Code(KeyCode::End)], On::Rows, "last", "the last row"),
    bind(Action::Palette, &[Char(':')], On::Everywhere, "palette", "everything by its name").hint("command"),
    bind(Action::Help, &[Char('?')], On::Everywhere, "help", "what the keys do").hint("help"),
    bind(
        Action::Back,
        &[Code(KeyCode::Esc)],
        On::Everywhere,
        "back",
        "close what lies over it, clear the filter, unmark",
    ),
    bind(Action::Redraw, &[Ctrl('l')], On::Everywhere, "redraw", "draw everything again"),
    bind(Action::Suspend, &[Ctrl('z')], On::Everywhere, "suspend", "back to the shell; fg comes back"),
    bind(Action::Quit, &[Char('q')], On::Everywhere, "quit", "close what lies over it, or leave the console")
        .hint("quit"),
];

impl On {
    pub(crate) fn covers(self, screen: Screen) -> bool {
        let is_listing = matches!(screen, Screen::History | Screen::Acl | Screen::Health);
        match self {
            Self::Everywhere => true,
            Self::Only(only) => only == screen,
            Self::Listings => is_listing,
            Self::Rows => is_listing || screen == Screen::Sessions,
        }
    }
}

impl Key {
    fn is(self, pressed: KeyEvent) -> bool {
        let is_control = pressed.modifiers.contains(KeyModifiers::CONTROL);
        match (self, pressed.code) {
            (Self::Char(wanted), KeyCode::Char(letter)) => !is_control && wanted == letter,
            (Self::Ctrl(wanted), KeyCode::Char(letter)) => is_control && wanted == letter,
            (Self::Code(wanted), code) => wanted == code,
            (Self::Char(_) | Self::Ctrl(_), _) => false,
        }
    }

    /// As people call it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Char(' ') => "Space".to_owned(),
            Self::Char(letter) => letter.to_string(),
            Self::Ctrl(letter) => format!("Ctrl-{letter}"),
            Self::Code(KeyCode::BackTab) => "Shift-Tab".to_owned(),
            Self::Code(KeyCode::PageUp) => "PgUp".to_owned(),
            Self::Code(KeyCode::PageDown) => "PgDn".to_owned(),
            Self::Code(code) => format!("{code:?}"),
        }
    }
}

/// What the pressed key means on this screen.
pub(crate) fn meaning(pressed: KeyEvent, screen: Screen) -> Option<Action> {
    let here = BINDINGS.iter().filter(|binding| binding.on.covers(screen));
    here.clone().find(|binding| binding.keys.iter().any(|key| key.is(pressed))).map(|binding| binding.action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_on_one_screen() {
        for screen in Screen::ALL {
            let mut taken: Vec<Key> = Vec::new();
            for key in BINDINGS.iter().filter(|binding| binding.on.covers(screen)).flat_map(|binding| binding.keys) {
                assert!(!taken.contains(key), "{} on {}", key.name(), screen.title());
                taken.push(*key);
            }
        }
    }

    #[test]
    fn everything_has_a_name_of_its_own_and_words_that_fit() {
        for (i, binding) in BINDINGS.iter().enumerate() {
            assert!(
                !binding.keys.is_empty() && !binding.help.is_empty() && binding.help.len() <= 80,
                "{}",
                binding.name
            );
            assert!(BINDINGS[..i].iter().all(|other| other.name != binding.name), "{} stands twice", binding.name);
        }
    }

    #[test]
    fn what_is_done_to_the_daemon_can_be_done_in_a_shell() {
        for action in [Action::Kill, Action::Filter, Action::Sort] {
            let lines = BINDINGS.iter().filter(|binding| binding.action == action);
            assert!(
                lines.clone().count() > 0 && lines.into_iter().all(|binding| binding.command.is_some()),
                "{action:?}"
            );
        }
    }

    #[test]
    fn no_action_has_only_a_key_that_terminals_take_for_themselves() {
        for binding in BINDINGS {
            let is_taken = |key: &Key| matches!(key, Ctrl('b' | 'a' | 'h' | 'i' | 'j' | 'm' | 's' | 'q'));
            assert!(!binding.keys.iter().all(is_taken), "{}", binding.name);
        }
    }

    #[test]
    fn the_page_about_the_console_has_every_key() {
        let page = include_str!("../../../docs/console.md");
        let name = |key: &Key| if *key == Char(' ') { "`Space`".to_owned() } else { format!("`{}`", key.name()) };
        let rows = BINDINGS.iter().map(|binding| {
            let keys: Vec<String> = binding.keys.iter().map(name).collect();
            let place = match binding.on {
                On::Only(screen) => format!(" ({})", screen.title()),
                On::Everywhere | On::Rows | On::Listings => String::new(),
            };
            format!("| {} | {}{place} |\n", keys.join(" "), binding.help)
        });
        let missing: String = rows.filter(|row| !page.contains(row)).collect();
        assert!(missing.is_empty(), "not in docs/console.md:\n{missing}");
    }

    #[test]
    fn every_screen_has_the_key_that_its_tab_shows() {
        for screen in Screen::ALL {
            let pressed = KeyEvent::new(KeyCode::Char(screen.digit()), KeyModifiers::NONE);
            assert_eq!(meaning(pressed, Screen::Overview), Some(Action::Go(screen)));
        }
    }
}
