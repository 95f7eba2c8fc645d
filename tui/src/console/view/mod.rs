//! The screen as a function of what is known.

mod frame;
mod kill;
mod overlay;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::app::App;
use super::canvas::Canvas;
use super::pointer::Picture;
use super::screens::room;
use super::theme::Role;

/// The least that a screen can be.
const LEAST: (u16, u16) = (60, 16);

/// Draws everything, and says what of it can be pressed.
pub(crate) fn view(app: &App, frame: &mut Frame<'_>) -> Picture {
    let area = frame.area();
    let mut canvas = Canvas::new(frame.buffer_mut(), app.caps);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(&mut canvas, area);
        return canvas.picture;
    }
    canvas.fill(area);
    frame::draw(app, &mut canvas, area);
    let inner = Rect { y: area.y + 2, height: app.height(), ..area };
    let cursor = room(app.ui.screen).draw(app, &mut canvas, inner);
    frame::told(app, &mut canvas, area);
    let typed = overlay::draw(app, &mut canvas, area);
    let picture = canvas.picture;
    if let Some(place) = typed.or(cursor.filter(|_| app.caps.follows && app.ui.overlay.is_none())) {
        frame.set_cursor_position(place);
    }
    picture
}

fn too_small(canvas: &mut Canvas<'_>, area: Rect) {
    let text = format!("needs {}x{}, has {}x{}; q quits", LEAST.0, LEAST.1, area.width, area.height);
    canvas.text(area, 0, 0, &text, Role::Text);
}
