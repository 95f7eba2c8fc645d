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

/// With less than this many cells a column says nothing.
const LEAST: usize = 8;

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
        canvas.text(inner, 0, 1, if listing.is_coming() { "asking ..." } else { "There is nothing." }, Role::Text);
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
    let wanted = wanted(listing, &shown);
    let reach = reach(&wanted, usize::from(inner.width));
    canvas.picture.lists.push((pane, reach));
    let columns = fitting(listing, &wanted, (listing.aside.min(reach), usize::from(inner.width)));
    let names = listing.sheet.columns.iter().map(|(name, _)| past::title(name).to_uppercase()).collect();
    line(listing, canvas, inner, (0, &names), &columns);
    canvas.mark_line(inner, 0, Role::Header);
    let mut meant = None;
    for ((y, row), place) in (1..).zip(&shown).zip(first..) {
        line(listing, canvas, inner, (y, row), &columns);
        canvas.line_spot(inner, y, Target::Listed(pane, away(place, listing.cursor)));
        if place == listing.cursor {
            canvas.mark_line(inner, y, Role::Select);
            meant = Some(Position { x: inner.x, y: inner.y + y });
        }
    }
    meant
}

/// The columns that are seen, each with its place among all and the cells it has.
fn line(
    listing: &Listing,
    canvas: &mut Canvas<'_>,
    area: Rect,
    (y, cells): (u16, &Vec<String>),
    columns: &[(usize, usize)],
) {
    let mut x = 1;
    for (place, room) in columns {
        let is_number = listing.sheet.columns.get(*place).is_some_and(|(_, kind)| kind.is_number());
        let cell = cells.get(*place).map(String::as_str).unwrap_or_default();
        canvas.text(area, x, y, &fitted(cell, *room, is_number), Role::Text);
        x += u16::try_from(*room).unwrap_or(u16::MAX).saturating_add(2);
    }
}

/// The cells that each column needs for what is seen of it.
fn wanted(listing: &Listing, rows: &[Vec<String>]) -> Vec<usize> {
    let last = listing.sheet.columns.len().saturating_sub(1);
    let of_column = |(place, (name, _)): (usize, &(String, _))| {
        let longest = rows.iter().filter_map(|row| row.get(place)).map(|cell| width(cell)).max().unwrap_or(0);
        let wanted = longest.max(width(past::title(name)));
        if place == last { wanted } else { wanted.min(WIDEST) }
    };
    listing.sheet.columns.iter().enumerate().map(of_column).collect()
}

/// So many columns behind the first have to be left out for the last one to be seen.
fn reach(wanted: &[usize], room: usize) -> usize {
    let Some((first, rest)) = wanted.split_first() else { return 0 };
    let fits = |left_out: &usize| 1 + first + rest[*left_out..].iter().map(|cells| cells + 2).sum::<usize>() <= room;
    (0..rest.len()).find(fits).unwrap_or(rest.len().saturating_sub(1))
}

/// Which columns there is room for without those that are left of the screen, and how wide each is. A number that is cut
/// would be another number.
fn fitting(listing: &Listing, wanted: &[usize], (aside, room): (usize, usize)) -> Vec<(usize, usize)> {
    let mut left = room.saturating_sub(1);
    let mut columns = Vec::new();
    for (place, cells) in wanted.iter().enumerate().filter(|(place, _)| *place == 0 || *place > aside) {
        let is_number = listing.sheet.columns.get(place).is_some_and(|(_, kind)| kind.is_number());
        let least = if is_number { *cells } else { LEAST.min(*cells) };
        if left < least {
            break;
        }
        columns.push((place, (*cells).min(left)));
        left = left.saturating_sub(cells + 2);
    }
    columns
}
