//! What of the sessions that are in is taken away: all that the filter lets in, not only those on the screen.

use crate::console::app::App;
use crate::console::event::Effect;
use crate::console::export::Export;
use crate::console::shell::flag;
use crate::output::Sheet;

pub(super) fn asked(app: &mut App) -> Vec<Effect> {
    let live = &app.sessions.live;
    let filter = live.filter.clone();
    let command = format!("sessions list{}", flag("filter", &filter));
    let columns = Sheet::of_view(&live.table.columns).columns;
    let export = Export { op: "sessions.export", filter, columns, command };
    export.ask(app, "Write sessions that are in into a new file", "sessions.ndjson")
}
