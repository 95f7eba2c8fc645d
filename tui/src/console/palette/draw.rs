//! How the palette looks.

use ratatui::layout::{Position, Rect};

use super::{Offer, Palette, offers};
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::form::same;
use crate::console::pointer::Target;
use crate::console::theme::Role;
use crate::shown::{self, visible, width, wrapped};

/// Says where it is being written.
pub(crate) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect, palette: &Palette) -> Position {
    let inner = canvas.opened(area, (78, 18), "Command");
    let said = palette.said.text();
    let (seen, at) = palette.said.seen(usize::from(inner.width.saturating_sub(3)));
    canvas.text(inner, 0, 0, &format!(": {seen}"), Role::Text);
    let offers = offers(app, &said);
    let chosen = offers.get(palette.choice);
    let mut below = below(app, &said, chosen, usize::from(inner.width));
    if let Some(help) = chosen.and_then(|offer| cut_off(app, offer, usize::from(inner.width))) {
        below.splice(0..0, help.into_iter().map(|line| (line, Role::Text)));
    }
    let foot = inner.height.saturating_sub(u16::try_from(below.len()).unwrap_or(0));
    let room = usize::from(foot.saturating_sub(2));
    let first = (palette.choice + 1).saturating_sub(room);
    for ((place, offer), y) in offers.iter().enumerate().skip(first).zip(2..foot) {
        let role = if is_allowed(app, needed(offer)) { Role::Text } else { Role::Dim };
        let takes = takes(offer);
        let right = u16::try_from(takes.len()).unwrap_or(u16::MAX).min(inner.width);
        canvas.text(Rect { width: inner.width - right, ..inner }, 0, y, &line(app, offer), role);
        canvas.text_right(inner, y, &takes, role);
        canvas.line_spot(inner, y, Target::Choice(place));
        if place == palette.choice {
            canvas.mark_line(inner, y, Role::Select);
        }
    }
    for ((text, role), y) in below.iter().zip(foot..inner.height) {
        canvas.text(inner, 0, y, text, *role);
    }
    let x = u16::try_from(at).unwrap_or(u16::MAX).saturating_add(2);
    Position { x: inner.x + x.min(inner.width.saturating_sub(1)), y: inner.y }
}

/// What stands below the lines: the same for a shell, and what can be done, or why it cannot.
fn below(app: &App, said: &str, chosen: Option<&Offer>, cells: usize) -> Vec<(String, Role)> {
    let Some(offer) = chosen else {
        let nothing = format!("nothing is called {said:?} on any screen; Ctrl-C clears it, ? has every key");
        return wrapped(&nothing, cells).into_iter().map(|line| (line, Role::Warn)).collect();
    };
    let same = command(app, offer).map(|command| same(&command, cells)).unwrap_or_default();
    let mut lines: Vec<(String, Role)> = same.into_iter().map(|line| (line, Role::Dim)).collect();
    if is_allowed(app, needed(offer)) {
        let keys = "Enter does it   Tab goes on   Up at the first line: what was said before";
        lines.extend(wrapped(keys, cells).into_iter().map(|line| (line, Role::Dim)));
    } else {
        let why_not = wrapped(&why_not_by(app, needed(offer)), cells);
        lines.extend(why_not.into_iter().map(|line| (line, Role::Warn)));
    }
    lines
}

/// The role that stands on the right.
fn takes(offer: &Offer) -> String {
    let needed = needed(offer);
    if needed > wire::admin::Role::Read { format!("  {needed}") } else { String::new() }
}

/// What it does, where its line has no room for all of that.
fn cut_off(app: &App, offer: &Offer, cells: usize) -> Option<Vec<String>> {
    let line = line(app, offer);
    let has_room = width(&visible(&line)) + takes(offer).len() <= cells;
    let help = match offer {
        Offer::Binding(binding) | Offer::Elsewhere(_, _, binding) => binding.help.to_owned(),
        Offer::Phrase(..) | Offer::Text(..) => line,
    };
    (!has_room).then(|| wrapped(&visible(&help), cells))
}

fn line(app: &App, offer: &Offer) -> String {
    match offer {
        Offer::Elsewhere(screen, _, binding) => {
            let key = format!("{} {}", screen.title(), app.keymap.of(binding)[0].name());
            format!("{:<18} {key:<10} {}", binding.name, binding.help)
        }
        Offer::Binding(binding) => {
            format!("{:<18} {:<10} {}", binding.name, app.keymap.of(binding)[0].name(), binding.help)
        }
        Offer::Phrase(phrase, object) => {
            let count = phrase.counts.and_then(|view| app.names.count.rows(view, object));
            let about = count.map_or_else(
                || phrase.help.to_owned(),
                |(matched, total)| format!("{} of {} match", shown::count(matched), shown::count(total)),
            );
            let object = if object.is_empty() { phrase.called } else { object };
            format!("{} {object}   {about}", phrase.words)
        }
        Offer::Text(text, sessions) => {
            let begun = super::PHRASES.iter().find(|phrase| text.strip_suffix(' ') == Some(phrase.words));
            begun.map_or_else(
                || {
                    sessions.map_or_else(
                        || text.clone(),
                        |sessions| format!("{text}   {} sessions", shown::count(sessions)),
                    )
                },
                |phrase| format!("{:<18} {:<10} {}", format!("{} {}", phrase.words, phrase.called), "", phrase.help),
            )
        }
    }
}

/// What it takes.
fn needed(offer: &Offer) -> wire::admin::Role {
    match offer {
        Offer::Binding(binding) | Offer::Elsewhere(_, _, binding) => binding.role,
        Offer::Phrase(phrase, _) => phrase.role,
        Offer::Text(text, _) => super::begun(text).map_or(wire::admin::Role::Read, |(phrase, _)| phrase.role),
    }
}

fn is_allowed(app: &App, needed: wire::admin::Role) -> bool {
    app.model.welcome.as_ref().is_none_or(|welcome| welcome.role >= needed)
}

/// Why the operator may not, and who could.
fn why_not_by(app: &App, needed: wire::admin::Role) -> String {
    let welcome = app.model.welcome.as_ref();
    let has = welcome.map(|welcome| format!("{} has the role {}", welcome.you.user, welcome.role)).unwrap_or_default();
    format!("not by you: {has}, and it takes {needed}")
}

/// The same for a shell.
fn command(app: &App, offer: &Offer) -> Option<String> {
    match offer {
        Offer::Binding(binding) => binding.command_on(app.ui.screen, app.ui.pane).map(str::to_owned),
        Offer::Elsewhere(screen, _, binding) => binding.command_on(*screen, 0).map(str::to_owned),
        Offer::Phrase(phrase, object) => phrase.command.map(|command| command(object)),
        Offer::Text(..) => None,
    }
}
