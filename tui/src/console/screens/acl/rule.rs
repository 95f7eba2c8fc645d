//! The form of a rule. Keys that it has no field for stay as they are.

use policy::{Document, Edit, Entry, Owner};
use serde_json::{Value, json};

use super::deeds::changed;
use super::model::{Line, says};
use crate::console::app::App;
use crate::console::event::Effect;
use crate::console::form::Entry as Field;
use crate::console::form::{Entries, Form, Purpose};
use crate::console::ui::Overlay;
use crate::output::raw;

/// A rule that is written, and what it was if it is there already.
#[derive(Debug)]
struct Writing {
    line: Option<Line>,
    /// The generation on which the text builds in which the rule has its place.
    base: u64,
}

/// Opens the form for a rule, or for a new one of the owner that is meant.
pub(super) fn open(app: &mut App, line: Option<Line>) {
    let owner = app.acl.holder();
    let entry = line.as_ref().map(|line| line.entry.clone()).unwrap_or_default();
    let of = |key: &str| says(&entry, key);
    let mut fields = Vec::new();
    if line.is_none() {
        let owner = owner.as_ref().map_or_else(|| "users/".to_owned(), ToString::to_string);
        fields.push(Field::text("owner", "owner", &owner));
    }
    let is_block = ["block", "deny"].contains(&of("action").as_str());
    fields.extend([
        Field::choice("action", "action", &["allow", "block"], if is_block { "block" } else { "allow" }),
        Field::text("description", "description", &of("description")),
        Field::list("destinations", "destinations", &several(&entry, "destinations")),
        Field::text("ports", "ports", &several(&entry, "ports").join(", ")),
        Field::choice("protocols", "protocols", &["both", "tcp", "udp"], &protocols(&entry)),
        Field::text("priority", "priority", &of("priority")),
        Field::button("into the draft"),
    ]);
    let title = line.as_ref().map_or_else(|| "A new rule".to_owned(), |line| format!("Rule {}", line.place));
    let form = Form::new(title, fields, Writing { line, base: app.acl.base() });
    app.ui.overlay = Some(Overlay::Form(Box::new(form)));
}

impl Purpose for Writing {
    /// It names a place in a draft.
    fn is_of_run(&self) -> bool {
        true
    }

    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        if self.line.is_none()
            && let Err(fault) = entries.text("owner").parse::<Owner>()
        {
            faults.push(("owner", fault.to_string()));
        }
        if entries.lines("destinations").is_empty() {
            faults.push(("destinations", "at least one is needed; * is everything".to_owned()));
        }
        if let Some(gap) = entries.lines("destinations").iter().find(|one| one.contains(char::is_whitespace)) {
            faults.push(("destinations", format!("{gap:?} has a gap; each stands on a line of its own")));
        }
        if let Some(port) = split(&entries.text("ports")).iter().find(|port| port.contains(char::is_whitespace)) {
            faults.push(("ports", format!("{port:?} has a gap; commas stand between them")));
        }
        let priority = entries.text("priority");
        if !priority.is_empty() && priority.parse::<i32>().is_err() {
            faults.push(("priority", "is a whole number, 0 without one".to_owned()));
        }
        faults
    }

    /// As it would stand in the file.
    fn preview(&self, entries: &Entries) -> Vec<String> {
        let Ok(mut document) = Document::parse("") else { return Vec::new() };
        let owner = Owner::User("*".to_owned());
        match document.apply(&Edit::AddRule { owner, rule: self.entry(entries), before: None }) {
            Ok(()) => {
                let text = document.text();
                let lines = text.lines().skip_while(|line| !line.trim_start().starts_with("[[users.rules]]")).skip(1);
                lines.filter(|line| !line.trim().is_empty()).map(|line| line.trim().to_owned()).collect()
            }
            Err(misfit) => vec![misfit.to_string()],
        }
    }

    fn command(&self, _entries: &Entries) -> String {
        "rustsocks-cli acl edit".to_owned()
    }

    fn taken(&self, app: &mut App, entries: &Entries) -> Vec<Effect> {
        let rule = self.entry(entries);
        let op = match &self.line {
            Some(line) => json!({ "op": "rule.set", "ref": line.place, "rule": rule }),
            None => json!({ "op": "rule.add", "owner": entries.text("owner"), "rule": rule }),
        };
        changed(app, self.base, vec![op])
    }
}

impl Writing {
    /// The rule with what was filled in; a field that is empty is a key less, and an unchanged one stays as it is written.
    fn entry(&self, entries: &Entries) -> Entry {
        let mut rule = self.line.as_ref().map(|line| line.entry.clone()).unwrap_or_default();
        let mut write = |key: &str, value: Option<Value>| {
            if value.as_ref().map(raw) == rule.get(key).map(raw) {
                return;
            }
            match value {
                Some(value) => drop(rule.0.insert(key.to_owned(), value)),
                None => drop(rule.0.remove(key)),
            }
        };
        let text = |name: &str| Some(entries.text(name)).filter(|text| !text.is_empty());
        let list = |items: Vec<String>| (!items.is_empty()).then(|| json!(items));
        write("action", text("action").map(Value::from));
        write("description", text("description").map(Value::from));
        write("destinations", list(entries.lines("destinations")));
        write("ports", list(split(&entries.text("ports"))));
        let protocols = entries.text("protocols");
        write("protocols", list(if protocols == "both" { Vec::new() } else { vec![protocols] }));
        write("priority", text("priority").and_then(|text| text.parse::<i64>().ok()).map(Value::from));
        rule
    }
}

/// What a key lists, whether it is written as a list or as one text.
fn several(entry: &Entry, key: &str) -> Vec<String> {
    match entry.get(key) {
        Some(Value::Array(items)) => items.iter().map(raw).collect(),
        Some(one) => vec![raw(one)],
        None => Vec::new(),
    }
}

fn protocols(entry: &Entry) -> String {
    match several(entry, "protocols").as_slice() {
        [one] if one == "tcp" || one == "udp" => one.clone(),
        _ => "both".to_owned(),
    }
}

fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
