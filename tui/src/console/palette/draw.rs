//! How the palette looks.

use ratatui::layout::{Position, Rect};

use super::{Offer, Palette, offers};
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::pointer::Target;
use crate::console::theme::Role;
use crate::shown::{visible, width};

/// Says where it is being written.
pub(crate) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect, palette: &Palette) -> Position {
    let inner = canvas.opened(area, (78, 18), "Command");
    canvas.text(inner, 0, 0, &format!(": {}", palette.said.text()), Role::Text);
    let foot = inner.height.saturating_sub(2);
    let room = usize::from(foot.saturating_sub(2));
    let first = (palette.choice + 1).saturating_sub(room);
    let mut same = None;
    for ((place, offer), y) in offers(app, &palette.said.text()).iter().enumerate().skip(first).zip(2..foot) {
        canvas.text(inner, 0, y, &line(app, offer), Role::Text);
        canvas.line_spot(inner, y, Target::Choice(place));
        if place == palette.choice {
            canvas.mark_line(inner, y, Role::Select);
            same = command(offer);
        }
    }
    if let Some(command) = same {
        canvas.text(inner, 0, foot, &format!("same as: {command}"), Role::Dim);
    }
    canvas.text(
        inner,
        0,
        foot + 1,
        "Enter does it   Tab goes on   Up at the first line: what was said before",
        Role::Dim,
    );
    let x = u16::try_from(width(&visible(&palette.said.before()))).unwrap_or(u16::MAX).saturating_add(2);
    Position { x: inner.x + x.min(inner.width.saturating_sub(1)), y: inner.y }
}

fn line(app: &App, offer: &Offer) -> String {
    match offer {
        Offer::Binding(binding) => {
            format!("{:<18} {:<10} {}", binding.name, app.keymap.of(binding)[0].name(), binding.help)
        }
        Offer::Phrase(phrase, object) => {
            let object = if object.is_empty() { phrase.called } else { object };
            format!("{} {object}   {}   role {}", phrase.words, phrase.help, phrase.role)
        }
        Offer::Text(text) => {
            let begun = super::PHRASES.iter().find(|phrase| text.strip_suffix(' ') == Some(phrase.words));
            begun.map_or_else(
                || text.clone(),
                |phrase| format!("{:<18} {:<10} {}", format!("{} {}", phrase.words, phrase.called), "", phrase.help),
            )
        }
    }
}

/// The same for a shell.
fn command(offer: &Offer) -> Option<String> {
    match offer {
        Offer::Binding(binding) => binding.command.map(str::to_owned),
        Offer::Phrase(phrase, object) => phrase.command.map(|command| command(object)),
        Offer::Text(_) => None,
    }
}
