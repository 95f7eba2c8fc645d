//! Keys for whoever has lost the daemon.

use crate::console::app::App;
use crate::console::event::Effect;
use crate::console::form::{Entries, Entry, Form, Purpose};
use crate::console::shell::word;
use crate::console::ui::Overlay;
use crate::console::update::elsewhere;

/// Another socket.
#[derive(Debug)]
struct Elsewhere;

impl Purpose for Elsewhere {
    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        let is_missing = entries.text("socket").is_empty();
        is_missing.then(|| ("socket", "a path is needed".to_owned())).into_iter().collect()
    }

    fn command(&self, entries: &Entries) -> String {
        format!("rustsocks-cli --socket {} console", word(&entries.text("socket")))
    }

    fn needs_daemon(&self) -> bool {
        false
    }

    fn taken(&self, app: &mut App, entries: &Entries) -> Vec<Effect> {
        app.ui.overlay = None;
        elsewhere(app, &entries.text("socket"))
    }
}

/// What the letter does while there is no daemon; nothing for one that means what it always does.
pub(super) fn pressed(app: &mut App, letter: char) -> Option<Vec<Effect>> {
    match letter {
        'r' => Some(vec![Effect::RetryNow]),
        'o' => {
            let entries = vec![Entry::text("socket", "socket", &app.socket), Entry::button("go there")];
            app.ui.overlay = Some(Overlay::Form(Box::new(Form::new("Another socket", entries, Elsewhere))));
            Some(Vec::new())
        }
        'j' => {
            app.ui.say("asking the journal ...");
            Some(vec![Effect::Journal])
        }
        _ => None,
    }
}
