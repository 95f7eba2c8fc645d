//! What the terminal can do, and what its user wants of it.

use crate::args::{Color, Console, ThemeName};
use crate::console::theme::Theme;

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caps {
    pub(crate) theme: Theme,
    pub(crate) is_ascii: bool,
    /// Whether curves are drawn with braille.
    pub(crate) has_braille: bool,
    /// Whether the terminal's cursor follows the selection.
    pub(crate) follows: bool,
}

/// The variables that say what a terminal is.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    pub(crate) no_color: bool,
    pub(crate) term: String,
    pub(crate) locale: String,
    pub(crate) has_256_colours: bool,
    /// A program between us and the terminal, which keeps what it does not know from it.
    pub(crate) multiplexer: Option<Multiplexer>,
}

/// What a terminal may be inside of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Multiplexer {
    Tmux,
    Screen,
}

impl Environment {
    pub(crate) fn of_process() -> Self {
        let value = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(value).unwrap_or_default();
        let term = value("TERM").unwrap_or_default();
        let has_256_colours = term.contains("256color") || value("COLORTERM").is_some();
        let multiplexer = match value("TMUX") {
            Some(_) => Some(Multiplexer::Tmux),
            None if value("STY").is_some() => Some(Multiplexer::Screen),
            None => None,
        };
        Self { no_color: value("NO_COLOR").is_some(), term, locale, has_256_colours, multiplexer }
    }

    fn is_unicode(&self) -> bool {
        let locale = self.locale.to_ascii_lowercase();
        let knows_letters = locale.contains("utf-8") || locale.contains("utf8");
        knows_letters && !["linux", "vt100", "vt220", "dumb"].contains(&self.term.as_str())
    }
}

impl Caps {
    pub(crate) fn new(look: &Console, environment: &Environment) -> Self {
        let is_colourless = match look.color {
            Some(Color::Never) => true,
            Some(Color::Always) => false,
            Some(Color::Auto) | None => environment.no_color,
        };
        let theme = match look.theme {
            _ if is_colourless => Theme::Mono,
            Some(ThemeName::Dark | ThemeName::Light) if !environment.has_256_colours => Theme::Auto16,
            Some(name) => Theme::from(name),
            None => Theme::Auto16,
        };
        let is_ascii = look.ascii || look.a11y || !environment.is_unicode();
        Self { theme, is_ascii, has_braille: look.braille && !is_ascii, follows: look.a11y }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_what_it_can_show() {
        let on = |term: &str, locale: &str, no_color| {
            let (term, locale) = (term.to_owned(), locale.to_owned());
            let environment = Environment { no_color, term, locale, ..Environment::default() };
            let Caps { theme, is_ascii, .. } = Caps::new(&Console::default(), &environment);
            (theme, is_ascii)
        };
        assert_eq!(on("xterm-256color", "pl_PL.UTF-8", false), (Theme::Auto16, false));
        assert_eq!(on("xterm-256color", "C", false), (Theme::Auto16, true));
        assert_eq!(on("linux", "C.utf8", false), (Theme::Auto16, true));
        assert_eq!(on("xterm", "C.utf8", true), (Theme::Mono, false));
        let always = Console { color: Some(Color::Always), ..Console::default() };
        let environment = Environment { no_color: true, ..Environment::default() };
        assert_eq!(Caps::new(&always, &environment).theme, Theme::Auto16);
        let light = Console { theme: Some(ThemeName::Light), ..Console::default() };
        let with = |has_256_colours| Environment { has_256_colours, ..Environment::default() };
        assert_eq!(Caps::new(&light, &with(true)).theme, Theme::Light);
        assert_eq!(Caps::new(&light, &with(false)).theme, Theme::Auto16, "sixteen colours are all there is");
    }
}
