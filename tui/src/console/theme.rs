//! What things look like by what they mean. No state is told by colour alone.

use ratatui::style::{Color, Modifier, Style};

use crate::args::ThemeName;

/// A set of looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    /// The terminal's own colours on its own background.
    Auto16,
    Mono,
    HighContrast,
    Dark,
    Light,
}

/// What something means; all that a screen may say about its look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Text,
    Dim,
    Accent,
    Header,
    Ok,
    Warn,
    Bad,
    Select,
    Mark,
    Badge,
    Border,
    InputBad,
}

impl Theme {
    pub(crate) fn style(self, role: Role) -> Style {
        match self {
            Self::Auto16 => in_colour(role),
            Self::Mono => without(role),
            Self::HighContrast => in_contrast(role),
            Self::Dark => DARK.style(role),
            Self::Light => LIGHT.style(role),
        }
    }
}

impl From<ThemeName> for Theme {
    fn from(name: ThemeName) -> Self {
        match name {
            ThemeName::Auto16 => Self::Auto16,
            ThemeName::Mono => Self::Mono,
            ThemeName::HighContrast => Self::HighContrast,
            ThemeName::Dark => Self::Dark,
            ThemeName::Light => Self::Light,
        }
    }
}

fn in_colour(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Text | Role::Border => style,
        Role::Dim => style.add_modifier(Modifier::DIM),
        Role::Accent => style.fg(Color::Cyan),
        Role::Header => style.fg(Color::Cyan).add_modifier(Modifier::BOLD),
        Role::Ok => style.fg(Color::Green),
        Role::Warn => style.fg(Color::Yellow),
        Role::Bad | Role::InputBad => style.fg(Color::Red),
        Role::Select => style.add_modifier(Modifier::REVERSED),
        Role::Mark | Role::Badge => style.add_modifier(Modifier::BOLD),
    }
}

fn without(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Text | Role::Border | Role::Ok => style,
        Role::Dim => style.add_modifier(Modifier::DIM),
        Role::Accent | Role::Header | Role::Warn | Role::Mark | Role::Badge => style.add_modifier(Modifier::BOLD),
        Role::Bad | Role::InputBad => style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        Role::Select => style.add_modifier(Modifier::REVERSED),
    }
}

fn in_contrast(role: Role) -> Style {
    let style = Style::new().fg(Color::White).bg(Color::Black);
    match role {
        Role::Text | Role::Dim | Role::Border => style,
        Role::Accent | Role::Header => style.add_modifier(Modifier::BOLD),
        Role::Ok => style.fg(Color::LightGreen).add_modifier(Modifier::BOLD),
        Role::Warn | Role::Mark | Role::Badge => style.fg(Color::LightYellow).add_modifier(Modifier::BOLD),
        // No red is bright enough on black.
        Role::Bad | Role::InputBad => style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        Role::Select => Style::new().fg(Color::Black).bg(Color::White).add_modifier(Modifier::BOLD),
    }
}

/// The colours of a theme with a background of its own, by their numbers among the 256.
struct Palette {
    back: u8,
    text: u8,
    dim: u8,
    border: u8,
    accent: u8,
    ok: u8,
    warn: u8,
    bad: u8,
    /// Behind the row that is meant.
    select: u8,
}

const DARK: Palette =
    Palette { back: 234, text: 253, dim: 248, border: 246, accent: 117, ok: 114, warn: 221, bad: 217, select: 153 };

const LIGHT: Palette =
    Palette { back: 255, text: 235, dim: 239, border: 242, accent: 24, ok: 22, warn: 58, bad: 88, select: 24 };

impl Palette {
    fn style(&self, role: Role) -> Style {
        let of = |colour: u8| Style::new().fg(Color::Indexed(colour)).bg(Color::Indexed(self.back));
        match role {
            Role::Text => of(self.text),
            Role::Dim => of(self.dim),
            Role::Border => of(self.border),
            Role::Accent => of(self.accent),
            Role::Header => of(self.accent).add_modifier(Modifier::BOLD),
            Role::Ok => of(self.ok),
            Role::Warn => of(self.warn),
            Role::Bad => of(self.bad).add_modifier(Modifier::BOLD),
            Role::InputBad => of(self.bad).add_modifier(Modifier::UNDERLINED),
            Role::Select => Style::new().fg(Color::Indexed(self.back)).bg(Color::Indexed(self.select)),
            Role::Mark | Role::Badge => of(self.text).add_modifier(Modifier::BOLD),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [Role; 12] = [
        Role::Text,
        Role::Dim,
        Role::Accent,
        Role::Header,
        Role::Ok,
        Role::Warn,
        Role::Bad,
        Role::Select,
        Role::Mark,
        Role::Badge,
        Role::Border,
        Role::InputBad,
    ];

    /// The share of red, green and blue, from 0 to 1; the first sixteen as xterm has them.
    fn light_of(colour: Color) -> [f64; 3] {
        let named = [(Color::Black, 16), (Color::White, 231), (Color::LightYellow, 226), (Color::LightGreen, 46)];
        let number = named.into_iter().find(|(known, _)| *known == colour).map(|(_, number)| number);
        let indexed = if let Color::Indexed(number @ 16..) = colour { Some(number) } else { None };
        let number = number.or(indexed).unwrap_or_else(|| panic!("{colour:?} looks different on every terminal"));
        let level = |step: u8| if step == 0 { 0.0 } else { f64::from(55 + 40 * step) / 255.0 };
        match number {
            grey @ 232.. => [f64::from(8 + 10 * (grey - 232)) / 255.0; 3],
            cube => [level((cube - 16) / 36), level((cube - 16) / 6 % 6), level((cube - 16) % 6)],
        }
    }

    /// How well one can be read on the other (WCAG 2.2, 1.4.3).
    fn contrast(style: Style) -> f64 {
        let linear = |share: f64| if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) };
        let luminance = |colour: Option<Color>| {
            let [red, green, blue] = light_of(colour.expect("both are set")).map(linear);
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (one, other) = (luminance(style.fg), luminance(style.bg));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn every_word_of_a_theme_with_a_background_can_be_read_on_it() {
        for (theme, least) in [(Theme::HighContrast, 7.0), (Theme::Dark, 4.5), (Theme::Light, 4.5)] {
            for role in ROLES {
                let ratio = contrast(theme.style(role));
                assert!(ratio >= least, "{theme:?} {role:?}: {ratio:.1}");
            }
        }
    }

    #[test]
    fn the_terminals_own_colours_are_left_alone_where_nothing_is_to_be_said() {
        for theme in [Theme::Auto16, Theme::Mono] {
            for role in ROLES {
                let style = theme.style(role);
                let is_dangerous =
                    [Color::Black, Color::White, Color::DarkGray, Color::Gray].map(Some).contains(&style.fg);
                assert!(style.bg.is_none() && !is_dangerous, "{theme:?} {role:?}");
            }
        }
        assert_eq!(Theme::Auto16.style(Role::Text), Style::new());
    }
}
