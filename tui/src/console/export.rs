//! Everything that a filter lets through, into a new file of the operator's.

use super::app::App;
use super::event::Effect;
use super::form::{Entries, Entry, Form, Purpose};
use super::shell::word;
use super::ui::Overlay;
use crate::output::Kind;
use crate::past::Taken;

/// How rows are written.
const DOCUMENTS: &str = "ndjson";
const LINES: &str = "csv";

/// Which rows, and what they are taken from.
#[derive(Debug)]
pub(crate) struct Export {
    /// `history.export` or `sessions.export`.
    pub(crate) op: &'static str,
    pub(crate) filter: String,
    /// What each row has where it is a line.
    pub(crate) columns: Vec<(String, Kind)>,
    /// The same for a shell, which prints it.
    pub(crate) command: String,
}

impl Export {
    /// First it is asked where to.
    pub(crate) fn ask(self, app: &mut App, title: &str, file: &str) -> Vec<Effect> {
        let entries = vec![
            Entry::text("file", "file", file),
            Entry::choice("form", "as", &[DOCUMENTS, LINES], DOCUMENTS),
            Entry::button("write"),
        ];
        app.ui.overlay = Some(Overlay::Form(Box::new(Form::new(title, entries, self))));
        Vec::new()
    }
}

impl Purpose for Export {
    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        let is_missing = entries.text("file").is_empty();
        is_missing.then(|| ("file", "a name is needed".to_owned())).into_iter().collect()
    }

    fn command(&self, entries: &Entries) -> String {
        format!("rustsocks-cli -o {} {} > {}", entries.text("form"), self.command, word(&entries.text("file")))
    }

    fn taken(&self, app: &mut App, entries: &Entries) -> Vec<Effect> {
        app.ui.say("writing ...");
        let columns = (entries.text("form") == LINES).then(|| self.columns.clone());
        let taken = Taken { op: self.op, filter: self.filter.clone(), columns };
        vec![Effect::Save(taken, entries.text("file"))]
    }
}
