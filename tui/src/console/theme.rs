//! What things look like by what they mean. No state is told by colour alone.

use ratatui::style::{Color, Modifier, Style};

/// A set of looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    /// The terminal's own colours on its own background.
    Auto16,
    Mono,
    HighContrast,
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
        Role::Bad | Role::InputBad => style.fg(Color::LightRed).add_modifier(Modifier::BOLD),
        Role::Select => Style::new().fg(Color::Black).bg(Color::White).add_modifier(Modifier::BOLD),
    }
}
