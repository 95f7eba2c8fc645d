//! Everything that the filter lets through, into a file of the operator's.

use serde_json::json;
use wire::admin::Role;

use crate::console::app::App;
use crate::console::event::Effect;
use crate::console::form::{Entries, Entry, Form, Purpose};
use crate::console::shell::word;
use crate::console::ui::Overlay;

/// Which sessions.
#[derive(Debug)]
struct Export {
    filter: String,
}

/// First it is asked where to.
pub(super) fn asked(app: &mut App) -> Vec<Effect> {
    if !app.may(Role::Operate, "taking the history away") {
        return Vec::new();
    }
    let export = Export { filter: app.history.condition() };
    let entries = vec![Entry::text("file", "file", "history.ndjson"), Entry::button("write")];
    let form = Form::new("Write sessions into a new file, a document for each", entries, export);
    app.ui.overlay = Some(Overlay::Form(Box::new(form)));
    Vec::new()
}

impl Purpose for Export {
    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        let is_missing = entries.text("file").is_empty();
        is_missing.then(|| ("file", "a name is needed".to_owned())).into_iter().collect()
    }

    fn command(&self, entries: &Entries) -> String {
        format!("rustsocks-cli history export {} > {}", word(&self.filter), word(&entries.text("file")))
    }

    fn taken(&self, app: &mut App, entries: &Entries) -> Vec<Effect> {
        app.ui.say("writing ...");
        vec![Effect::Save(json!({ "filter": self.filter }), entries.text("file"))]
    }
}
