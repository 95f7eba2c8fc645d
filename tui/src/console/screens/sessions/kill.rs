//! Which sessions are to be ended: the marked ones, or the one that is meant.

use wire::admin::{Kill, Role};

use crate::console::app::App;
use crate::console::dialog::KillDialog;
use crate::console::event::Effect;

/// Sessions that one order may name, and so many are marked at most.
const MOST_IDS: usize = 10_000;

/// First the daemon says what would be ended.
pub(super) fn asked(app: &mut App) -> Vec<Effect> {
    if !app.may(Role::Operate, "ending sessions") {
        return Vec::new();
    }
    let live = &app.sessions.live;
    let ids: Vec<String> = if live.marks.is_empty() {
        match live.line() {
            Some(meant) if meant.over.is_none() => vec![meant.id.clone()],
            Some(_) => {
                app.ui.say("this session is over already");
                return Vec::new();
            }
            None => return Vec::new(),
        }
    } else {
        live.marks.iter().take(MOST_IDS).cloned().collect()
    };
    let epoch = app.model.welcome.as_ref().map(|welcome| welcome.epoch.clone());
    KillDialog::open(app, Kill { ids: Some(ids), epoch, ..Kill::default() })
}
