//! Keys and what they do: the one table that is obeyed, shown as hints, explained in the help and searched in the palette.
//!
//! Here is what is the same for many screens; `screens` joins it with what each has of its own.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use wire::admin::Role;

use super::app::App;
use super::event::Effect;
use super::pending;
use super::screen::Screen;

/// What an operator can want.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Action {
    /// Something of one screen.
    Run(fn(&mut App) -> Vec<Effect>),
    Go(Screen),
    NextPane,
    PreviousPane,
    Up,
    Down,
    Search,
    NextMatch,
    PreviousMatch,
    Leftwards,
    Rightwards,
    PageUp,
    PageDown,
    HalfUp,
    HalfDown,
    First,
    Last,
    Open,
    Back,
    /// Back in the history of places, and forward again.
    Earlier,
    Later,
    Filter,
    Sort,
    Reverse,
    Columns,
    Mark,
    MarkAll,
    Hold,
    Copy,
    Refresh,
    Help,
    Palette,
    Mouse,
    Messages,
    Redraw,
    Suspend,
    Quit,
}

/// Where a key means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Everywhere,
    /// Where there are rows.
    Rows,
    /// Where a filter chooses among them.
    Filtered,
    /// Where they are the screen's own.
    Own,
    /// Where they are a table that the daemon keeps.
    Live,
    /// Where they are a list that was asked for.
    Listings,
    /// Where they are either.
    Tables,
    /// Where they are a table or a list, whole and not page by page.
    Searched,
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
    /// What it takes.
    pub(crate) role: Role,
}

/// A line with what it cannot do without.
pub(crate) const fn bind(
    action: Action,
    keys: &'static [Key],
    on: On,
    name: &'static str,
    help: &'static str,
) -> Binding {
    Binding { action, keys, on, name, help, hint: "", command: None, role: Role::Read }
}

impl Binding {
    /// The same for a shell, in a part of a screen: filter and columns are those of what that part has.
    pub(crate) fn command_on(&self, screen: Screen, pane: usize) -> Option<&'static str> {
        match (self.action, screen, pane) {
            (Action::Filter, Screen::History, _) => Some("rustsocks-cli history query EXPR"),
            (Action::Filter, Screen::Users, _) => Some("rustsocks-cli users list --filter EXPR"),
            (Action::Filter, Screen::Limits, _) => Some("rustsocks-cli limits show --filter EXPR"),
            (Action::Filter, Screen::Overview, _) => Some("rustsocks-cli audit query EXPR"),
            (Action::Filter, Screen::Auth, 0) => Some("rustsocks-cli auth log --filter EXPR"),
            (Action::Filter, Screen::Auth, _) => Some("rustsocks-cli auth bans --filter EXPR"),
            (Action::Columns, Screen::Users, _) => Some("rustsocks-cli users list --fields NAME,..."),
            (Action::Columns, Screen::Limits, _) => Some("rustsocks-cli limits show --fields NAME,..."),
            (Action::Columns, Screen::Auth, _) => Some("rustsocks-cli auth bans --fields NAME,..."),
            (_, Screen::Sessions, _) => self.command,
            // No other command has a filter or an order of its own.
            (Action::Filter | Action::Columns | Action::Sort | Action::Reverse, ..) => None,
            (..) => self.command,
        }
    }

    /// With a word in the last line.
    pub(crate) const fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    /// With the same for a shell.
    pub(crate) const fn command(self, command: &'static str) -> Self {
        Self { command: Some(command), ..self }
    }

    /// The same for those alone who have this role.
    pub(crate) const fn role(self, role: Role) -> Self {
        Self { role, ..self }
    }
}

use Key::{Char, Code, Ctrl};

/// What is the same everywhere, or wherever there are rows; the screens have lines of their own.
pub(crate) const BINDINGS: &[Binding] = &[
    bind(Action::Go(Screen::Overview), &[Char('1')], On::Everywhere, "overview", "what the daemon does, at a glance")
        .command("rustsocks-cli status"),
    bind(Action::Go(Screen::Sessions), &[Char('2')], On::Everywhere, "sessions", "sessions that are in")
        .command("rustsocks-cli sessions list"),
    bind(Action::Go(Screen::History), &[Char('3')], On::Everywhere, "history", "sessions that were")
        .command("rustsocks-cli history query"),
    bind(Action::Go(Screen::Acl), &[Char('4')], On::Everywhere, "acl", "the rules in force")
        .command("rustsocks-cli acl rules"),
    bind(Action::Go(Screen::Users), &[Char('5')], On::Everywhere, "users", "users, their groups and passwords")
        .command("rustsocks-cli users list"),
    bind(Action::Go(Screen::Limits), &[Char('6')], On::Everywhere, "limits", "who has which part of the bandwidth")
        .command("rustsocks-cli limits show"),
    bind(Action::Go(Screen::Auth), &[Char('7')], On::Everywhere, "auth", "how clients log in, and who is turned away")
        .command("rustsocks-cli auth status"),
    bind(Action::Go(Screen::Logs), &[Char('8')], On::Everywhere, "logs", "the daemon's own log")
        .command("rustsocks-cli logs"),
    bind(
        Action::Go(Screen::Config),
        &[Char('9')],
        On::Everywhere,
        "config",
        "the settings in force, and the last reload",
    )
    .command("rustsocks-cli config effective"),
    bind(Action::Go(Screen::Health), &[Char('0')], On::Everywhere, "health", "what is well and what is not")
        .command("rustsocks-cli health"),
    bind(
        Action::NextPane,
        &[Code(KeyCode::Tab)],
        On::Everywhere,
        "next pane",
        "the next part of the screen, or the next screen",
    ),
    bind(
        Action::PreviousPane,
        &[Code(KeyCode::BackTab)],
        On::Everywhere,
        "previous pane",
        "the part before, or the screen before",
    ),
    bind(Action::Open, &[Code(KeyCode::Enter)], On::Rows, "detail", "everything about it").hint("detail"),
    bind(Action::Filter, &[Char('/')], On::Filtered, "filter", "only rows that an expression lets through")
        .hint("filter")
        .command("rustsocks-cli sessions list --filter EXPR"),
    bind(Action::Sort, &[Char('s')], On::Live, "sort", "by which column the rows are sorted")
        .hint("sort")
        .command("rustsocks-cli sessions list --sort COLUMN"),
    bind(Action::Reverse, &[Char('S')], On::Live, "reverse", "the same the other way round")
        .command("rustsocks-cli sessions list --sort -COLUMN"),
    bind(Action::Columns, &[Char('c')], On::Live, "columns", "which columns are shown")
        .hint("columns")
        .command("rustsocks-cli sessions list --fields NAME,..."),
    bind(Action::Mark, &[Char(' ')], On::Live, "mark", "mark it, or not any more"),
    bind(Action::MarkAll, &[Char('*')], On::Live, "mark all", "mark every row that the filter lets in; again: none"),
    bind(Action::Hold, &[Char('p')], On::Live, "hold", "rows keep their places, numbers go on").hint("hold"),
    bind(
        Action::Copy,
        &[Char('y')],
        On::Rows,
        "copy",
        "the row, its parts, the table or the filter, to the terminal's clipboard",
    ),
    bind(Action::Refresh, &[Char('r')], On::Listings, "refresh", "ask again").hint("refresh"),
    bind(
        Action::Run(pending::confirm),
        &[Char('Y')],
        On::Everywhere,
        "confirm",
        "keep what waits to be confirmed: rules, users or the configuration",
    )
    .role(Role::Admin)
    .command("rustsocks-cli acl confirm"),
    bind(
        Action::Run(pending::take_back),
        &[Char('U')],
        On::Everywhere,
        "take back",
        "bring back what was before it, now; asks first",
    )
    .role(Role::Admin)
    .command("rustsocks-cli acl rollback N"),
    bind(Action::Up, &[Code(KeyCode::Up), Char('k')], On::Rows, "up", "the row above"),
    bind(Action::Down, &[Code(KeyCode::Down), Char('j')], On::Rows, "down", "the row below"),
    bind(
        Action::Search,
        &[Char('F')],
        On::Tables,
        "find",
        "to the next row that has a text, or that an expression means",
    ),
    bind(Action::NextMatch, &[Char('n')], On::Searched, "find next", "the next row that has it"),
    bind(Action::PreviousMatch, &[Char('N')], On::Searched, "find previous", "the row before that has it"),
    bind(
        Action::Leftwards,
        &[Code(KeyCode::Left), Char('h')],
        On::Tables,
        "columns to the left",
        "back to the columns that were left out",
    ),
    bind(
        Action::Rightwards,
        &[Code(KeyCode::Right), Char('l')],
        On::Tables,
        "columns to the right",
        "the columns for which there is no room; the first one stays",
    ),
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
    bind(Action::Earlier, &[Char('[')], On::Everywhere, "go back", "the place before, with its filter, order and row"),
    bind(Action::Later, &[Char(']')], On::Everywhere, "go forward", "the place from which somebody went back"),
    bind(
        Action::Messages,
        &[Ctrl('p')],
        On::Everywhere,
        "messages",
        "everything that was said on the line of messages",
    ),
    bind(Action::Mouse, &[Char('M')], On::Everywhere, "mouse", "the mouse works here, or selects text as usual"),
    bind(Action::Redraw, &[Ctrl('l')], On::Everywhere, "redraw", "draw everything again"),
    bind(Action::Suspend, &[Ctrl('z')], On::Everywhere, "suspend", "back to the shell; fg comes back"),
    bind(Action::Quit, &[Char('q')], On::Everywhere, "quit", "close what lies over it, or leave the console")
        .hint("quit"),
];

impl Key {
    /// Whether it is the one that was pressed.
    pub(crate) fn is(self, pressed: KeyEvent) -> bool {
        let is_control = pressed.modifiers.contains(KeyModifiers::CONTROL);
        match (self, pressed.code) {
            (Self::Char(wanted), KeyCode::Char(letter)) => !is_control && wanted == letter,
            (Self::Ctrl(wanted), KeyCode::Char(letter)) => is_control && wanted == letter,
            (Self::Code(wanted), code) => wanted == code,
            (Self::Char(_) | Self::Ctrl(_), _) => false,
        }
    }

    /// The one that people call so; nothing for what can be no key of an action.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let mut letters = name.chars();
        if let (Some(letter), None) = (letters.next(), letters.next()) {
            return (!letter.is_control() && letter != ' ').then_some(Self::Char(letter));
        }
        if let Some(letter) = name.strip_prefix("Ctrl-") {
            let letter = letter.parse::<char>().ok().filter(char::is_ascii_lowercase);
            // That one ends whatever is being done, everywhere.
            return letter.filter(|letter| *letter != 'c').map(Self::Ctrl);
        }
        if let Some(number) = name.strip_prefix(['f', 'F']).and_then(|number| number.parse::<u8>().ok()) {
            return (1..=12).contains(&number).then_some(Self::Code(KeyCode::F(number)));
        }
        let code = match name.to_ascii_lowercase().as_str() {
            "space" => return Some(Self::Char(' ')),
            "tab" => KeyCode::Tab,
            "shift-tab" => KeyCode::BackTab,
            "enter" => KeyCode::Enter,
            "esc" => KeyCode::Esc,
            "up" => KeyCode::Up,
            "down" => KeyCode::Down,
            "left" => KeyCode::Left,
            "right" => KeyCode::Right,
            "pgup" => KeyCode::PageUp,
            "pgdn" => KeyCode::PageDown,
            "home" => KeyCode::Home,
            "end" => KeyCode::End,
            "insert" => KeyCode::Insert,
            "delete" => KeyCode::Delete,
            "backspace" => KeyCode::Backspace,
            _ => return None,
        };
        Some(Self::Code(code))
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
            Self::Code(KeyCode::F(number)) => format!("F{number}"),
            Self::Code(code) => format!("{code:?}"),
        }
    }
}
