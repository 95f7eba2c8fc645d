//! What a console keeps on this machine of what is written in it, for each daemon apart.

use std::path::Path;

use super::app::App;
use super::screens::{acl, config};
use crate::editor::{self, Slot};

/// A place of this console's own, with what was kept there before for the daemon at this socket.
pub(super) fn taken_up(app: &mut App, socket: &Path) -> Slot {
    let slot = Slot::take(&[acl::AUTOSAVE, config::AUTOSAVE], socket);
    app.acl.kept = editor::draft(&slot.name(acl::AUTOSAVE));
    app.config.kept = editor::draft(&slot.name(config::AUTOSAVE));
    slot
}

pub(super) fn keep(app: &mut App, (slot, socket): (&Slot, &Path), name: &str, text: &str) {
    let text = editor::with_socket(text, socket);
    if let Err(error) = editor::kept(&slot.name(name), text.as_bytes()) {
        app.ui.warn(format!("the draft is not kept on this machine: {error}"));
    }
}

pub(super) fn forget(app: &mut App, slot: &Slot, name: &str) {
    if let Err(error) = editor::forget(&slot.name(name)) {
        app.ui.warn(format!("{name} is still kept on this machine: {error}"));
    }
}
