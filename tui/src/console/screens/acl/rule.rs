//! The form of a rule. Keys that it has no field for stay as they are.

use policy::{Document, Edit, Entry, Owner};
use serde_json::{Value, json};

use super::deeds::changed;
use super::merging::{self, Outcome};
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
    /// The conflict that is settled by it, and as what it was written.
    conflict: Option<(usize, Entry)>,
    /// The generation on which the text builds in which the rule has its place.
    base: u64,
}

/// Opens the form for a rule, or for a new one of the owner that is meant.
pub(super) fn open(app: &mut App, line: Option<Line>) {
    let entry = line.as_ref().map(|line| line.entry.clone()).unwrap_or_default();
    let mut entries = Vec::new();
    if line.is_none() {
        let owner = app.acl.holder().as_ref().map_or_else(|| "users/".to_owned(), ToString::to_string);
        entries.push(Field::text("owner", "owner", &owner));
    }
    entries.extend(fields(&entry));
    let title = line.as_ref().map_or_else(|| "A new rule".to_owned(), |line| format!("Rule {}", line.place));
    let form = Form::new(title, entries, Writing { line, conflict: None, base: app.acl.base() });
    app.ui.overlay = Some(Overlay::Form(Box::new(form)));
}

/// Another text for a rule on which both sides of a merge differ, beginning with what was chosen, or with mine.
pub(super) fn of_conflict(app: &mut App) -> Vec<Effect> {
    let Some(item) = app.acl.merge.get(app.acl.line).filter(|item| item["state"] == "conflict").cloned() else {
        app.ui.say("there is no conflict here");
        return Vec::new();
    };
    let side = |side: &str| serde_json::from_value::<Entry>(item[side].clone()).ok();
    let chosen = match merging::outcome(app, &item) {
        Some(Outcome::Says(entry)) => Some(entry),
        Some(Outcome::Gone) | None => None,
    };
    let Some(entry) = chosen.or_else(|| side("mine")).or_else(|| side("theirs")).filter(|_| !item["ref"].is_null())
    else {
        app.ui.say("this is no rule: m takes mine, t theirs, b both");
        return Vec::new();
    };
    let entries = fields(&entry);
    let writing = Writing { line: None, conflict: Some((app.acl.line, entry)), base: app.acl.base() };
    let form = Form::new(format!("Rule {}, merged", raw(&item["ref"])), entries, writing);
    app.ui.overlay = Some(Overlay::Form(Box::new(form)));
    Vec::new()
}

fn fields(entry: &Entry) -> Vec<Field> {
    let of = |key: &str| says(entry, key);
    let is_block = ["block", "deny"].contains(&of("action").as_str());
    vec![
        Field::choice("action", "action", &["allow", "block"], if is_block { "block" } else { "allow" }),
        Field::text("description", "description", &of("description")),
        Field::list("destinations", "destinations", &several(entry, "destinations")),
        Field::text("ports", "ports", &several(entry, "ports").join(", ")),
        Field::choice("protocols", "protocols", &["both", "tcp", "udp"], &protocols(entry)),
        Field::text("priority", "priority", &of("priority")),
        Field::button("into the draft"),
    ]
}

impl Purpose for Writing {
    /// It names a place in a draft.
    fn is_of_run(&self) -> bool {
        true
    }

    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        if self.line.is_none()
            && self.conflict.is_none()
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
        if let Some((item, _)) = &self.conflict {
            app.acl.picks.insert(*item, json!({ "rule": rule }));
            return Vec::new();
        }
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
        let written = self.line.as_ref().map(|line| &line.entry).or(self.conflict.as_ref().map(|(_, entry)| entry));
        let mut rule = written.cloned().unwrap_or_default();
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
