//! What can be done with groups and with who is in which; each is a form or a question, and counts at once.

use serde_json::{Value, json};
use wire::admin::Role;

use super::change::{open, quick, writable};
use crate::console::app::App;
use crate::console::event::Effect;
use crate::console::form::{Entries, Entry, Form, Purpose, Question};
use crate::console::shell::word;
use crate::console::ui::Overlay;
use crate::output::raw;

/// A new group.
#[derive(Debug)]
struct New;

/// Another name for this one, which has so many members.
#[derive(Debug)]
struct Rename {
    name: String,
    members: usize,
}

/// In which groups a user is, and which there are.
#[derive(Debug)]
struct Membership {
    user: String,
    before: Vec<String>,
    known: Vec<String>,
}

pub(super) fn add(app: &mut App) -> Vec<Effect> {
    if !app.may(Role::Admin, "making groups") {
        return Vec::new();
    }
    let entries =
        vec![Entry::text("name", "name", ""), Entry::list("members", "members", &[]), Entry::button("make it")];
    open(app, Form::new("A new group, which is there as long as somebody is in it", entries, New))
}

pub(super) fn rename(app: &mut App) -> Vec<Effect> {
    let Some((name, members)) = meant(app, "renaming groups") else { return Vec::new() };
    let entries = vec![Entry::text("to", "name", &name), Entry::button("rename it")];
    open(app, Form::new(format!("Another name for the group {name}"), entries, Rename { name, members }))
}

pub(super) fn remove(app: &mut App) -> Vec<Effect> {
    let Some((name, members)) = meant(app, "deleting groups") else { return Vec::new() };
    let deed = vec![quick(&json!([{ "op": "group.del", "name": name }]))];
    let lines = vec![
        format!("All {members} who are in {name} are in it no more; a rollback brings it back."),
        "Rules and limits that name the group stay, and are about nobody.".to_owned(),
    ];
    let command = format!("rustsocks-cli groups del {} --yes", word(&name));
    let question = Question::new(format!("Delete the group {name}"), lines, command, deed).by_word(name);
    app.ui.overlay = Some(Overlay::Question(Box::new(question)));
    Vec::new()
}

pub(super) fn membership(app: &mut App) -> Vec<Effect> {
    let Some(user) = writable(app, "changing groups") else { return Vec::new() };
    let before = app.users.meant("groups").and_then(Value::as_array);
    let before: Vec<String> = before.into_iter().flatten().map(raw).collect();
    let known = app.users.groups.objects.iter().map(|group| raw(&group["name"])).collect();
    let entries = vec![Entry::list("groups", "groups", &before), Entry::button("apply")];
    open(app, Form::new(format!("Groups of {user}, as they are to be"), entries, Membership { user, before, known }))
}

/// The group that is meant and how many are in it, if it is one of the users file and the operator may write that.
fn meant(app: &mut App, what: &str) -> Option<(String, usize)> {
    let groups = &app.users.groups;
    let group = groups.objects.get(groups.cursor)?;
    let (name, members) = (raw(&group["name"]), group["members"].as_array().map_or(0, Vec::len));
    if !app.may(Role::Admin, what) {
        return None;
    }
    if members == 0 {
        app.ui.warn(format!("nobody of the users file is in {name}; only rules name it"));
        return None;
    }
    Some((name, members))
}

impl Purpose for New {
    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        let name = entries.text("name").is_empty().then(|| ("name", "a name is needed".to_owned()));
        let members = entries.lines("members").is_empty().then(|| ("members", "at least one".to_owned()));
        name.into_iter().chain(members).collect()
    }

    fn command(&self, entries: &Entries) -> String {
        let (name, members) = (entries.text("name"), entries.lines("members"));
        let words: Vec<_> = std::iter::once(&name).chain(&members).map(|text| word(text)).collect();
        format!("rustsocks-cli groups add {} --yes", words.join(" "))
    }

    fn taken(&self, _: &mut App, entries: &Entries) -> Vec<Effect> {
        let (name, members) = (entries.text("name"), entries.lines("members"));
        vec![quick(&json!([{ "op": "group.add", "name": name, "members": members }]))]
    }
}

impl Purpose for Rename {
    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        let to = entries.text("to");
        let is_same = to.is_empty() || to == self.name;
        is_same.then(|| ("to", "another name".to_owned())).into_iter().collect()
    }

    fn preview(&self, _: &Entries) -> Vec<String> {
        vec![format!("{} are in it; rules and limits that name it do not follow", self.members)]
    }

    fn command(&self, entries: &Entries) -> String {
        format!("rustsocks-cli groups rename {} {} --yes", word(&self.name), word(&entries.text("to")))
    }

    fn taken(&self, _: &mut App, entries: &Entries) -> Vec<Effect> {
        vec![quick(&json!([{ "op": "group.rename", "name": self.name, "to": entries.text("to") }]))]
    }
}

impl Membership {
    /// The groups that the user joins, and those that the user leaves.
    fn changes(&self, entries: &Entries) -> (Vec<String>, Vec<String>) {
        let groups = entries.lines("groups");
        let left = self.before.iter().filter(|group| !groups.contains(group)).cloned().collect();
        (groups.into_iter().filter(|group| !self.before.contains(group)).collect(), left)
    }
}

impl Purpose for Membership {
    fn preview(&self, entries: &Entries) -> Vec<String> {
        let (joined, left) = self.changes(entries);
        let news = |group: &String| if self.known.contains(group) { "" } else { "   a new group" };
        let mut lines: Vec<String> = joined.iter().map(|group| format!("+ {group}{}", news(group))).collect();
        lines.extend(left.iter().map(|group| format!("- {group}")));
        lines.push(format!("there are {}", self.known.join(", ")));
        lines
    }

    fn command(&self, entries: &Entries) -> String {
        let ((joined, left), user) = (self.changes(entries), word(&self.user));
        let add = joined.iter().map(|group| format!("rustsocks-cli groups add {} {user} --yes", word(group)));
        let del = left.iter().map(|group| format!("rustsocks-cli groups del {} {user} --yes", word(group)));
        let commands: Vec<String> = add.chain(del).collect();
        if commands.is_empty() { format!("rustsocks-cli users get {user}") } else { commands.join(" && ") }
    }

    fn taken(&self, app: &mut App, entries: &Entries) -> Vec<Effect> {
        let (joined, left) = self.changes(entries);
        let op = |op: &str, group: &String| json!({ "op": op, "group": group, "name": self.user });
        let joined = joined.iter().map(|group| op("member.add", group));
        let ops: Vec<Value> = joined.chain(left.iter().map(|group| op("member.del", group))).collect();
        if ops.is_empty() {
            app.ui.say("nothing was changed");
            return Vec::new();
        }
        vec![quick(&ops.into())]
    }
}
