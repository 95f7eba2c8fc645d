//! Parts of a screen, each under its title; the one that has the keys says so.

use ratatui::layout::Rect;

use super::app::App;
use super::canvas::Canvas;
use super::theme::Role;

/// Draws the title, and the frame if there is room for one; what is inside is left.
pub(crate) fn pane(app: &App, canvas: &mut Canvas<'_>, area: Rect, (title, number): (&str, usize)) -> Rect {
    let has_keys = app.ui.pane == number;
    let title = if has_keys { format!("> {title}") } else { title.to_owned() };
    if app.has_boxes() {
        return canvas.framed(area, &title);
    }
    canvas.facts(area, (1, 0), &title, Role::Header);
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}
