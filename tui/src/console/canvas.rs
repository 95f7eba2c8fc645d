//! What can be drawn: texts, boxes, bars and curves, in looks by their meaning, and nothing outside of its place.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::caps::Caps;
use crate::console::pointer::{Picture, Spot, Target};
use crate::console::theme::Role;
use crate::shown::{cut, facts, visible, width, wrapped};

/// Levels of a curve, the lowest first.
const BLOCKS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const SIGNS: [&str; 8] = [".", ":", "-", "=", "+", "*", "#", "@"];

/// A buffer and how to draw on it.
pub(crate) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    pub(crate) caps: Caps,
    pub(crate) picture: Picture,
}

impl<'a> Canvas<'a> {
    pub(crate) fn new(buffer: &'a mut Buffer, caps: Caps) -> Self {
        Self { buffer, caps, picture: Picture::default() }
    }

    /// Says that there is something to press.
    pub(crate) fn spot(&mut self, area: Rect, target: Target) {
        self.picture.spots.push(Spot { area, target });
    }

    /// The same for one line of a place.
    pub(crate) fn line_spot(&mut self, area: Rect, y: u16, target: Target) {
        self.spot(Rect { y: area.y + y, height: 1, ..area }, target);
    }

    /// Empties a place.
    pub(crate) fn fill(&mut self, area: Rect) {
        let style = self.caps.theme.style(Role::Text);
        let area = area.intersection(self.buffer.area);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                self.buffer[(x, y)].reset();
                self.buffer[(x, y)].set_style(style);
            }
        }
    }

    /// Writes a text at a column and a line of a place, cut to it. Returns the column behind it.
    pub(crate) fn text(&mut self, area: Rect, x: u16, y: u16, text: &str, role: Role) -> u16 {
        let style = self.caps.theme.style(role);
        self.styled(area, (x, y), text, style)
    }

    /// The same of parts that three spaces keep apart: what does not fit whole is left out, from the end.
    pub(crate) fn facts(&mut self, area: Rect, (x, y): (u16, u16), text: &str, role: Role) -> u16 {
        let text = self.seen(text);
        let room = area.intersection(self.buffer.area).width.saturating_sub(x);
        self.text(area, x, y, &facts(&text, usize::from(room)), role)
    }

    fn styled(&mut self, area: Rect, (x, y): (u16, u16), text: &str, style: Style) -> u16 {
        let area = area.intersection(self.buffer.area);
        if y >= area.height || x >= area.width {
            return x;
        }
        let text = self.seen(text);
        let text = cut(&text, usize::from(area.width - x));
        let (end, _) = self.buffer.set_stringn(area.x + x, area.y + y, &text, usize::from(area.width - x), style);
        end - area.x
    }

    /// Lines, each whole on as many as it takes; where there is too little room, the last one says which key shows all.
    pub(crate) fn read(&mut self, area: Rect, lines: impl IntoIterator<Item = (String, Role)>, key: &str) {
        let cells = usize::from(area.width);
        let parts = lines.into_iter().flat_map(|(line, role)| {
            wrapped(&self.seen(&line), cells).into_iter().map(move |part| (part, role)).collect::<Vec<_>>()
        });
        let mut parts: Vec<(String, Role)> = parts.collect();
        let room = usize::from(area.height);
        if parts.len() > room && room > 0 {
            parts.truncate(room - 1);
            parts.push((format!("... {key} shows all of it"), Role::Warn));
        }
        for ((part, role), y) in parts.iter().zip(0..area.height) {
            self.text(area, 0, y, part, *role);
        }
    }

    /// A text that ends at the right side of its place.
    pub(crate) fn text_right(&mut self, area: Rect, y: u16, text: &str, role: Role) {
        let cells = u16::try_from(width(&visible(text))).unwrap_or(u16::MAX);
        self.text(area, area.width.saturating_sub(cells), y, text, role);
    }

    /// The first of some lines that is seen of them, each of so many cells, in a place; the last one is at its end at most.
    pub(crate) fn scrolled(
        &mut self,
        area: Rect,
        heights: impl DoubleEndedIterator<Item = usize> + ExactSizeIterator,
        wanted: usize,
    ) -> usize {
        let count = heights.len();
        let mut left = usize::from(area.height);
        let fits = |height: &usize| {
            let is_room = *height <= left;
            left = left.saturating_sub(*height);
            is_room
        };
        let last = count.saturating_sub(heights.rev().take_while(fits).count().max(1));
        self.picture.below = last;
        wanted.min(last)
    }

    /// Changes the look of a line.
    pub(crate) fn mark_line(&mut self, area: Rect, y: u16, role: Role) {
        let line = Rect { y: area.y + y, height: 1, ..area }.intersection(self.buffer.area);
        self.buffer.set_style(line, self.caps.theme.style(role));
    }

    /// Dims a whole place: what stands there may no longer be so.
    pub(crate) fn dim(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        self.buffer.set_style(area, self.caps.theme.style(Role::Dim));
    }

    /// A frame with a title; returns what is inside.
    pub(crate) fn framed(&mut self, area: Rect, title: &str) -> Rect {
        let area = area.intersection(self.buffer.area);
        if area.width < 4 || area.height < 3 {
            return area;
        }
        let [horizontal, vertical, corners @ ..] = if self.caps.is_ascii {
            ["-", "|", "+", "+", "+", "+"]
        } else {
            ["─", "│", "┌", "┐", "└", "┘"]
        };
        let style = self.caps.theme.style(Role::Border);
        let (left, right, top, bottom) = (area.left(), area.right() - 1, area.top(), area.bottom() - 1);
        for x in left..=right {
            self.buffer[(x, top)].set_symbol(horizontal).set_style(style);
            self.buffer[(x, bottom)].set_symbol(horizontal).set_style(style);
        }
        for y in top..=bottom {
            self.buffer[(left, y)].set_symbol(vertical).set_style(style);
            self.buffer[(right, y)].set_symbol(vertical).set_style(style);
        }
        for ((x, y), corner) in [(left, top), (right, top), (left, bottom), (right, bottom)].into_iter().zip(corners) {
            self.buffer[(x, y)].set_symbol(corner).set_style(style);
        }
        let room = Rect { x: left + 2, y: top, width: area.width - 4, height: 1 };
        let title = self.seen(title);
        let title = facts(&title, usize::from(room.width.saturating_sub(2)));
        self.text(room, 0, 0, &format!(" {title} "), Role::Header);
        Rect { x: left + 2, y: top + 1, width: area.width - 4, height: area.height - 2 }
    }

    /// A place in the middle, of this size at most, emptied and with a frame around it; returns what is inside.
    pub(crate) fn opened(&mut self, area: Rect, (width, height): (u16, u16), title: &str) -> Rect {
        let (width, height) = (width.min(area.width), height.min(area.height));
        let place =
            Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
        self.fill(place);
        self.framed(place, title)
    }

    /// The latest values as a curve, as many as there is room for.
    pub(crate) fn curve(&mut self, area: Rect, x: u16, y: u16, values: impl DoubleEndedIterator<Item = u64> + Clone) {
        let cells = usize::from(area.width.saturating_sub(x));
        let room = if self.caps.has_braille { 2 * cells } else { cells };
        let highest = values.clone().rev().take(room).max().unwrap_or(0).max(1);
        let levels = if self.caps.is_ascii { SIGNS } else { BLOCKS };
        let mut latest: Vec<u64> = values.rev().take(room).collect();
        latest.reverse();
        if self.caps.has_braille {
            self.text(area, x, y, &braille(&latest, highest), Role::Accent);
            return;
        }
        let level = |value: u64| levels[usize::try_from(value.saturating_mul(7) / highest).unwrap_or(7).min(7)];
        let curve: String = latest.into_iter().map(level).collect();
        self.text(area, x, y, &curve, Role::Accent);
    }

    /// A text as this terminal can show it, with nothing hidden; as many cells as it will take.
    pub(crate) fn seen(&self, text: &str) -> String {
        let text = visible(text);
        if !self.caps.is_ascii || text.is_ascii() {
            return text.into_owned();
        }
        text.chars().fold(String::new(), |mut shown, letter| {
            if letter.is_ascii() {
                shown.push(letter);
            } else {
                shown.extend(letter.escape_unicode());
            }
            shown
        })
    }
}

/// Two values in a cell, four steps each; the last ones of all are in the last cell.
fn braille(values: &[u64], highest: u64) -> String {
    /// The dots of a column from below, for the first value of a cell and for the second.
    const DOTS: [[u32; 4]; 2] = [[0x40, 0x04, 0x02, 0x01], [0x80, 0x20, 0x10, 0x08]];
    let column = |value: u64, dots: [u32; 4]| -> u32 {
        let steps = 1 + usize::try_from(value.saturating_mul(3) / highest).unwrap_or(3).min(3);
        dots.iter().take(steps).sum()
    };
    let (odd, pairs) = values.split_at(values.len() % 2);
    let first = odd.iter().map(|value| column(*value, DOTS[1]));
    let rest = pairs.chunks(2).map(|pair| column(pair[0], DOTS[0]) + column(pair[1], DOTS[1]));
    first.chain(rest).filter_map(|dots| char::from_u32(0x2800 + dots)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braille_has_two_values_in_a_cell() {
        assert_eq!(braille(&[0, 9, 3, 6], 9), "\u{28f8}\u{28f4}");
        assert_eq!(braille(&[9, 0, 0], 9), "\u{28b8}\u{28c0}");
    }
}
