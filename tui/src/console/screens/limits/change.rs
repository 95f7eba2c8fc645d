//! Another limit for a while or for good, and the way back.

use jiff::{SignedDuration, Timestamp};
use policy::Rate;
use serde_json::{Map, Value, json};
use wire::admin::Role;

use crate::console::app::App;
use crate::console::event::{About, Effect};
use crate::console::form::{Entries, Entry, Form, Purpose, Question};
use crate::console::model::{moment, number};
use crate::console::room;
use crate::console::screen::Screen;
use crate::console::screens::users::Written;
use crate::console::shell::{flag, word};
use crate::console::ui::Overlay;
use crate::megabits;
use crate::output::raw;
use crate::shown;

/// For a while.
#[derive(Debug)]
struct LayOver(Present);

/// In a file.
#[derive(Debug)]
struct Write(Present);

/// What holds now for the one that is meant.
#[derive(Debug, Default)]
struct Present {
    target: String,
    /// In words, with where it comes from.
    words: Vec<String>,
    /// Of an operator's override, as it would be written in the form.
    laid_over: (String, String),
    /// What stands in the file that the form writes: as far as the row says it, or as the daemon has said.
    written: Written,
}

pub(super) fn lay_over(app: &mut App) -> Vec<Effect> {
    if !app.may(Role::Operate, "overriding limits") {
        return Vec::new();
    }
    let present = present(app);
    let (rate, conns) = &present.laid_over;
    let entries = vec![
        Entry::text("target", "target", &present.target),
        Entry::text("rate", "rate", rate),
        Entry::text("conns", "sessions at once", conns),
        Entry::text("for", "for", "1h"),
        Entry::text("reason", "reason", ""),
        Entry::button("let it hold"),
    ];
    open(app, Form::new("Another limit for a while; what is empty stays", entries, LayOver(present)))
}

/// What the file says is asked first, for an override may hide it.
pub(super) fn write(app: &mut App) -> Vec<Effect> {
    if !app.may(Role::Admin, "writing limits") {
        return Vec::new();
    }
    let (op, p) = match target(app).split_once('/') {
        Some(("user", user)) => ("users.get", json!({ "name": user })),
        Some(_) => ("txn.get", json!({ "store": "config" })),
        None => return written(app, None),
    };
    if app.model.knows(op) {
        vec![room::ask_latest(app, op, &p, (Screen::Limits, "of file"))]
    } else {
        written(app, None)
    }
}

/// The daemon has said what the file says; of somebody else than who is meant by now nobody wants it.
pub(super) fn known(app: &mut App, record: Option<&Value>) -> Vec<Effect> {
    let is_of = |record: &Value| match target(app).split_once('/') {
        Some(("user", user)) => record["name"] == *user,
        Some(_) => record["store"] == "config",
        None => false,
    };
    let is_meant = record.is_none_or(is_of);
    let is_here = app.ui.screen == Screen::Limits && app.ui.overlay.is_none();
    if is_here && is_meant { written(app, record) } else { Vec::new() }
}

fn written(app: &mut App, record: Option<&Value>) -> Vec<Effect> {
    let mut present = present(app);
    let of_file = |record: &Value| match present.target.strip_prefix("group/") {
        Some(group) => Written::of_group(record["text"].as_str()?, group),
        None => Written::of(record),
    };
    if let Some(written) = record.and_then(of_file) {
        present.written = written;
    }
    let Written { rate, conns, .. } = &present.written;
    let entries = vec![
        Entry::text("target", "target", &present.target),
        Entry::text("rate", "rate", rate),
        Entry::text("guaranteed", "guaranteed", ""),
        Entry::text("conns", "sessions at once", conns),
        Entry::text("within", "back after", ""),
        Entry::word("type apply", "apply"),
    ];
    open(app, Form::new("Another limit for good; what is empty or not changed stays", entries, Write(present)))
}

pub(super) fn reset(app: &mut App) -> Vec<Effect> {
    if !app.may(Role::Operate, "taking overrides back") {
        return Vec::new();
    }
    let target = target(app);
    if target.is_empty() {
        app.ui.say("users and groups have overrides, and nobody else");
        return Vec::new();
    }
    let overrides = &app.limits.overrides;
    let id = overrides.objects.get(overrides.cursor).filter(|_| app.ui.pane == 1).map(|it| raw(&it["id"]));
    let (p, line) = match &id {
        Some(id) => (json!({ "target": target, "id": id }), format!("{id}, of {target}, is void; all else holds on.")),
        None => (
            json!({ "target": target }),
            format!("What operators let {target} have is void; what is written holds again."),
        ),
    };
    let deed = vec![Effect::ask("limits.reset", &p, About::Own(Screen::Limits, "done"))];
    let command = format!("rustsocks-cli limits reset {}{}", word(&target), flag("id", &id.unwrap_or_default()));
    let question = Question::new("Reset", vec![line], command, deed);
    app.ui.overlay = Some(Overlay::Question(Box::new(question)));
    Vec::new()
}

/// What the rows say of the one that is meant.
fn present(app: &App) -> Present {
    let target = target(app);
    let limits = &app.limits;
    let held = limits.overrides.objects.iter().find(|it| raw(&it["target"]) == target && it["bytes"].is_null());
    let line = limits.live.table.line(&target);
    let cell = |name: &str| line.and_then(|line| limits.live.table.cell(line, name)).filter(|value| !value.is_null());
    let (rate, origin) = (cell("limit").and_then(Value::as_u64), cell("origin").map(raw));
    let mut words = Vec::new();
    if line.is_some() {
        let rate = rate.map_or_else(|| "no limit".to_owned(), |rate| format!("{}/s", shown::bytes(rate)));
        let from = origin.as_ref().map(|origin| format!(", from {origin}")).unwrap_or_default();
        let most = cell("most_sessions").map(|most| format!(" of {}", raw(most))).unwrap_or_default();
        words.push(format!("now {rate}{from}; {}{most} sessions", cell("sessions").map_or(0, number)));
    }
    words.extend(held.map(told));
    let laid_over = held.map(|held| {
        let rate = held["bandwidth_limit_mbps"].as_f64().map(|rate| megabits::exact(megabits::bytes_a_second(rate)));
        (rate.unwrap_or_default(), held["max_connections"].as_u64().map(|most| most.to_string()).unwrap_or_default())
    });
    let is_written = origin.as_deref() == Some(if target.starts_with("user/") { "users" } else { "config" });
    let rate = rate.filter(|_| is_written).map(megabits::exact).unwrap_or_default();
    let written = Written { rate, ..Written::default() };
    Present { target, words, laid_over: laid_over.unwrap_or_default(), written }
}

/// An override in words.
pub(crate) fn told(held: &Value) -> String {
    let (by, reason) = (raw(&held["by"]), raw(&held["reason"]));
    let until = moment(&held["until"]).map_or_else(|| raw(&held["until"]), |until| until.to_string());
    let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    format!("an override of {by} holds until {until}{why}")
}

/// Of whom the row that is meant is, if that one can have something of its own.
fn target(app: &App) -> String {
    let limits = &app.limits;
    let name = if app.ui.pane == 0 {
        limits.name()
    } else {
        limits.overrides.objects.get(limits.overrides.cursor).map(|it| raw(&it["target"]))
    };
    let is_target = |name: &String| name.starts_with("user/") || name.starts_with("group/");
    name.filter(|name| is_target(name) && !name.contains(" by ")).unwrap_or_default()
}

fn open(app: &mut App, form: Form) -> Vec<Effect> {
    app.ui.overlay = Some(Overlay::Form(Box::new(form)));
    Vec::new()
}

fn seconds(text: &str) -> Option<u64> {
    filter::read_duration(text).map(|micros| micros.div_ceil(1_000_000)).filter(|seconds| *seconds > 0)
}

/// What is wrong with what both forms have.
fn faults(entries: &Entries) -> Vec<(&'static str, String)> {
    let target = entries.text("target").is_empty().then(|| ("target", "user/NAME or group/NAME".to_owned()));
    target.into_iter().chain(unreadable(entries)).collect()
}

/// Limits that cannot be read, of those that a form has; an empty one says nothing.
pub(crate) fn unreadable(entries: &Entries) -> impl Iterator<Item = (&'static str, String)> {
    type IsRead = fn(&str) -> bool;
    let looks: [(&str, IsRead, &str); 4] = [
        ("rate", |text| megabits::each_way(text).is_some(), megabits::FAULT_EACH_WAY),
        ("guaranteed", |text| megabits::read(text).is_some(), megabits::FAULT),
        ("conns", |text| text.parse::<u32>().is_ok(), "a number; 0 is no limit"),
        ("within", |text| seconds(text).is_some(), "a duration: 2m; empty for never"),
    ];
    looks.into_iter().filter_map(|(name, is_read, why)| {
        let text = entries.text(name);
        (!text.is_empty() && !is_read(&text)).then(|| (name, why.to_owned()))
    })
}

/// What is wrong with a rate that holds for a while, which is one for both directions.
fn fault_of_one(rate: &str) -> Option<(&'static str, String)> {
    let why = match megabits::each_way(rate) {
        Some(Rate::Both(_)) => return None,
        Some(Rate::Each(_)) => "for a while, both directions have one rate: 512K; 0 is no limit",
        None => megabits::FAULT,
    };
    (!rate.is_empty()).then(|| ("rate", why.to_owned()))
}

/// The command with what `text` has of each entry.
fn flags(entries: &Entries, text: &dyn Fn(&str) -> String) -> String {
    let known = [
        ("rate", "rate"),
        ("guaranteed", "guaranteed"),
        ("conns", "conns"),
        ("for", "for"),
        ("reason", "comment"),
        ("within", "confirm-within"),
    ];
    let flags = known.map(|(name, name_of_flag)| flag(name_of_flag, &text(name)));
    format!("rustsocks-cli limits set {}{}", word(&entries.text("target")), flags.concat())
}

impl Purpose for LayOver {
    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        // Of an entry, the first fault is shown.
        let mut faults: Vec<_> = fault_of_one(&entries.text("rate")).into_iter().chain(faults(entries)).collect();
        if ["rate", "conns"].iter().all(|name| entries.text(name).is_empty()) {
            faults.push(("rate", "say a rate, a number of sessions, or both".to_owned()));
        }
        if seconds(&entries.text("for")).is_none() {
            faults.push(("for", "a duration: 15m, 1h30m".to_owned()));
        }
        faults
    }

    fn preview(&self, entries: &Entries) -> Vec<String> {
        self.0.of(entries)
    }

    fn command(&self, entries: &Entries) -> String {
        flags(entries, &|name| entries.text(name))
    }

    fn taken(&self, _: &mut App, entries: &Entries) -> Vec<Effect> {
        let seconds = i64::try_from(seconds(&entries.text("for")).unwrap_or(0)).unwrap_or(i64::MAX);
        let until = Timestamp::now().saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
        let mut p = Map::new();
        p.insert("target".to_owned(), entries.text("target").into());
        p.insert("until".to_owned(), until.to_string().into());
        p.insert("reason".to_owned(), entries.text("reason").into());
        if let Some(rate) = megabits::read(&entries.text("rate")) {
            p.insert("bandwidth_limit_mbps".to_owned(), rate.into());
        }
        if let Ok(conns) = entries.text("conns").parse::<u32>() {
            p.insert("max_connections".to_owned(), conns.into());
        }
        let about = About::Own(Screen::Limits, "done");
        vec![Effect::Ask { op: "limits.override", p: Value::Object(p), about }]
    }
}

impl Purpose for Write {
    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        let mut faults = faults(entries);
        if ["rate", "guaranteed", "conns"].iter().all(|name| self.text(entries, name).is_empty()) {
            faults.push(("rate", "say another rate, another number of sessions, or both".to_owned()));
        }
        faults
    }

    fn preview(&self, entries: &Entries) -> Vec<String> {
        let mut lines = self.0.of(entries);
        lines.extend(self.limits(entries).iter().map(|(key, value)| format!("{key} = {value}")));
        lines
    }

    fn command(&self, entries: &Entries) -> String {
        flags(entries, &|name| self.text(entries, name))
    }

    fn taken(&self, _: &mut App, entries: &Entries) -> Vec<Effect> {
        let target = entries.text("target");
        let store = if target.starts_with("user/") { "users" } else { "config" };
        let ops = json!([{ "op": "limit.set", "target": target, "limits": self.limits(entries) }]);
        let p = json!({ "store": store, "ops": ops, "confirm_s": seconds(&entries.text("within")).unwrap_or(0) });
        vec![Effect::ask("txn.quick", &p, About::Own(Screen::Limits, "written"))]
    }
}

impl Present {
    /// Nothing once somebody else is meant than the one that it was asked about.
    fn of(&self, entries: &Entries) -> Vec<String> {
        if entries.text("target") == self.target { self.words.clone() } else { Vec::new() }
    }
}

impl Write {
    /// What was written into an entry; nothing if it is what was shown there, whoever is meant by now.
    fn text(&self, entries: &Entries, name: &str) -> String {
        let Written { rate, conns, .. } = &self.0.written;
        let shown = match name {
            "rate" => rate,
            "conns" => conns,
            _ => "",
        };
        Some(entries.text(name)).filter(|text| text != shown).unwrap_or_default()
    }

    fn limits(&self, entries: &Entries) -> Map<String, Value> {
        let mut limits = Map::new();
        if let Some(rate) = megabits::each_way(&self.text(entries, "rate")) {
            limits.insert("rate_mbps".to_owned(), json!(rate));
        }
        if let Some(rate) = megabits::read(&self.text(entries, "guaranteed")) {
            limits.insert("guaranteed_mbps".to_owned(), rate.into());
        }
        if let Ok(conns) = self.text(entries, "conns").parse::<u32>() {
            limits.insert("conns".to_owned(), conns.into());
        }
        limits
    }
}
