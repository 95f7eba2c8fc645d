//! Who comes and who goes, as it happens.

use std::collections::HashMap;

use serde_json::Value;
use wire::admin::{Direction, Patch, ViewOpen, ViewOpened, Window};

use super::Desk;
use crate::failure::Failure;
use crate::output::{Format, Kind, Output, Sheet, raw};

/// How many sessions are watched at once: the latest ones.
const WATCHED: usize = 1000;

impl Desk {
    /// A line for each session that comes or goes, among the latest thousand.
    pub(super) fn watch(&mut self, filter: Option<String>) -> Result<(), Failure> {
        let cols = ["id", "user", "src", "dst", "proto", "rule", "start"].map(str::to_owned).to_vec();
        let open = ViewOpen {
            of: "sessions".to_owned(),
            filter,
            sort: vec![("start".to_owned(), Direction::Desc)],
            cols: Some(cols),
            win: Window::At { off: 0, len: WATCHED },
            every_ms: Some(1000),
            hold: None,
            digest: None,
        };
        let view: ViewOpened = self.connection.call("view.open", &open)?;
        let columns = Sheet::of_view(&view.cols);
        let mut known: HashMap<String, Value> = HashMap::new();
        for session in objects(&columns, view.rows) {
            self.told("in", &session)?;
            known.insert(raw(&session["id"]), session);
        }
        loop {
            let push = self.connection.next_push()?;
            if push.sub != view.sub || push.ev != "patch" {
                continue;
            }
            let patch: Patch =
                serde_json::from_value(push.d).map_err(|error| Failure::Conversation(error.to_string()))?;
            for session in objects(&columns, patch.add) {
                let id = raw(&session["id"]);
                if !known.contains_key(&id) {
                    self.told("came", &session)?;
                }
                known.insert(id, session);
            }
            for (id, reason) in patch.gone {
                if let Some(mut session) = known.remove(&id) {
                    session["reason"] = Value::from(reason);
                    self.told("went", &session)?;
                }
            }
            if let Some(order) = patch.order {
                known.retain(|id, _| order.contains(id));
            }
        }
    }

    fn told(&self, event: &str, session: &Value) -> Result<(), Failure> {
        let mut line = session.clone();
        line["event"] = Value::from(event);
        match self.output.format {
            Format::Json | Format::Ndjson => Output::document(&line),
            Format::Table | Format::Plain | Format::Csv | Format::Tsv => {
                let of = |name: &str| raw(&session[name]);
                let reason = if session["reason"].is_null() { String::new() } else { format!(" ({})", of("reason")) };
                let text =
                    format!("{event} {} {} {} > {} {}{reason}", of("id"), of("user"), of("src"), of("dst"), of("rule"));
                Output::line(&text)
            }
        }
    }
}

fn objects(columns: &Sheet, rows: Vec<Vec<Value>>) -> Vec<Value> {
    let columns = columns.columns.iter().map(|(name, _)| (name.clone(), Kind::Text)).collect();
    Sheet { columns, rows }.objects()
}
