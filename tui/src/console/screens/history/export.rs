//! What of the history is taken away.

use wire::admin::Role;

use crate::console::app::App;
use crate::console::event::Effect;
use crate::console::export::Export;
use crate::console::shell::word;
use crate::past;

pub(super) fn asked(app: &mut App) -> Vec<Effect> {
    if !app.may(Role::Operate, "taking the history away") {
        return Vec::new();
    }
    let filter = app.history.condition();
    let command = format!("history export {}", word(&filter));
    let export = Export { op: "history.export", filter, columns: past::columns(), command };
    export.ask(app, "Write sessions that were into a new file", "history.ndjson")
}
