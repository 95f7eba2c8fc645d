//! Lists that were asked for: history, rules, settings, checks.

use ratatui::layout::{Position, Rect};

use super::Listing;
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::pointer::{Target, away};
use crate::console::theme::Role;
use crate::past;
use crate::shown::{fitted, width};

/// The widest that a text is made for the others' sake.
const WIDEST: usize = 34;

/// Where the row that is meant is, on a screen whose first part this is.
pub(crate) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect, listing: &Listing) -> Option<Position> {
    let title = format!("{} {}", app.ui.screen.title(), listing.sheet.rows.len());
    let inner = if app.has_boxes() { canvas.framed(area, &title) } else { area };
    rows(canvas, inner, (listing, 0))
}

/// The same without a frame of its own, for the part of the screen with this number.
pub(crate) fn rows(canvas: &mut Canvas<'_>, inner: Rect, (listing, pane): (&Listing, usize)) -> Option<Position> {
    if let Some(fault) = &listing.fault {
        canvas.text(inner, 0, 1, &format!("! {fault}"), Role::Bad);
        canvas.text(inner, 0, 2, "r asks again", Role::Text);
        return None;
    }
    if listing.sheet.rows.is_empty() {
        canvas.text(inner, 0, 1, if listing.is_waiting { "asking ..." } else { "There is nothing." }, Role::Text);
        return None;
    }
    canvas.spot(inner, Target::Pane(pane));
    let visible_rows = usize::from(inner.height.saturating_sub(1)).max(1);
    let first = (listing.cursor + 1).saturating_sub(visible_rows);
    let shown: Vec<Vec<String>> = listing.sheet.rows[first..]
        .iter()
        .take(visible_rows)
        .map(|row| {
            row.iter().zip(&listing.sheet.columns).map(|(value, (_, kind))| canvas.seen(&kind.shown(value))).collect()
        })
        .collect();
    let widths = widths(listing, &shown, usize::from(inner.width));
    let names = listing.sheet.columns.iter().map(|(name, _)| past::title(name).to_uppercase()).collect();
    line(listing, canvas, inner, (0, &names), &widths);
    canvas.mark_line(inner, 0, Role::Header);
    let mut meant = None;
    for ((y, row), place) in (1..).zip(&shown).zip(first..) {
        line(listing, canvas, inner, (y, row), &widths);
        canvas.line_spot(inner, y, Target::Listed(pane, away(place, listing.cursor)));
        if place == listing.cursor {
            canvas.mark_line(inner, y, Role::Select);
            meant = Some(Position { x: inner.x, y: inner.y + y });
        }
    }
    meant
}

fn line(listing: &Listing, canvas: &mut Canvas<'_>, area: Rect, (y, cells): (u16, &Vec<String>), widths: &[usize]) {
    let mut x = 1;
    for ((cell, cells), (_, kind)) in cells.iter().zip(widths).zip(&listing.sheet.columns) {
        canvas.text(area, x, y, &fitted(cell, *cells, kind.is_number()), Role::Text);
        x += u16::try_from(*cells).unwrap_or(u16::MAX).saturating_add(2);
    }
}

/// What each column needs of what is seen; the last ones are left out if there is no room.
fn widths(listing: &Listing, rows: &[Vec<String>], room: usize) -> Vec<usize> {
    let columns = &listing.sheet.columns;
    let last = columns.len().saturating_sub(1);
    let mut left = room.saturating_sub(1);
    let mut widths = Vec::new();
    for (place, (name, _)) in columns.iter().enumerate() {
        let longest = rows.iter().filter_map(|row| row.get(place)).map(|cell| width(cell)).max().unwrap_or(0);
        let wanted = longest.max(width(past::title(name)));
        let wanted = if place == last { wanted } else { wanted.min(WIDEST) };
        if left < 4 {
            break;
        }
        widths.push(wanted.min(left));
        left = left.saturating_sub(wanted + 2);
    }
    widths
}
