//! What keys do to the files that are there: reading them again, or saying what that would do; and earlier ones brought back.

use serde_json::{Value, json};
use wire::admin::Role;

use super::{FILES, GENERATIONS, ask, ask_latest, draft, draw};
use crate::command::reload::report;
use crate::console::app::App;
use crate::console::event::Effect;
use crate::console::form::{Entries, Entry, Form, Purpose, Question};
use crate::console::model::number;
use crate::console::ui::Overlay;
use crate::output::raw;

/// What can be read again, as the daemon calls it, and what that is.
const EXTENTS: [(&str, &str); 3] = [
    ("all", "The configuration, the users, the rules and whatever else it names are read again."),
    ("acl", "The rules alone are read again."),
    ("users", "The users file alone is read again."),
];

/// Files that are to be read again.
#[derive(Debug)]
struct Reloading;

impl Purpose for Reloading {
    fn preview(&self, entries: &Entries) -> Vec<String> {
        let chosen = entries.text("what");
        let extent = EXTENTS.iter().find(|(word, _)| *word == chosen).map(|(_, about)| (*about).to_owned());
        let rest = ["What is wrong stays as it was, and no session is touched", "unless acl.on_revoke says so."];
        extent.into_iter().chain(rest.map(str::to_owned)).collect()
    }

    fn command(&self, entries: &Entries) -> String {
        match entries.text("what").as_str() {
            "all" => "rustsocks-cli reload".to_owned(),
            part => format!("rustsocks-cli reload {part}"),
        }
    }

    fn taken(&self, _app: &mut App, entries: &Entries) -> Vec<Effect> {
        let p = json!({ "what": entries.text("what"), "idem": uuid::Uuid::now_v7().to_string() });
        vec![ask("reload.run", &p, "reload")]
    }
}

/// Asks which files; where generations are shown, one of those comes back.
pub(super) fn reload(app: &mut App) -> Vec<Effect> {
    if app.ui.pane == GENERATIONS {
        return roll_back(app);
    }
    if app.may(Role::Operate, "reloading") {
        let words = EXTENTS.map(|(word, _)| word);
        let entries = vec![Entry::choice("what", "what", &words, words[0]), Entry::word("to go on", "reload")];
        app.ui.overlay = Some(Overlay::Form(Box::new(Form::new("Reload?", entries, Reloading))));
    }
    Vec::new()
}

/// What came of the last one, whole.
pub(super) fn last_reload(app: &mut App) -> Vec<Effect> {
    let lines = draw::reload(app.config.reloads.first()).into_iter().map(|(line, _)| line).collect();
    app.ui.lay("Last reload   Esc back", lines);
    Vec::new()
}

pub(super) fn rehearse(app: &mut App) -> Vec<Effect> {
    if !app.may(Role::Operate, "a dry run") {
        return Vec::new();
    }
    vec![ask_latest(app, "reload.run", &json!({ "what": "all", "dry": true }), "rehearsal")]
}

pub(super) fn rehearsed(app: &mut App, told: &Value) {
    let mut lines = report(told);
    lines.push(String::new());
    lines.push("Nothing was changed. same as: rustsocks-cli reload --dry-run".to_owned());
    app.ui.lay("What a reload would do   Esc back", lines);
}

/// Of the draft; of the file that is meant, or of the first that says something else.
pub(super) fn difference(app: &mut App) -> Vec<Effect> {
    let files = &app.config.files;
    let meant = files.objects.get(files.cursor).filter(|_| app.ui.pane == FILES);
    if meant.is_none() && app.config.draft.is_some() {
        return draft::compared(app);
    }
    let drifts = |file: &&Value| file["state"] != "same" && !file["store"].is_null();
    let Some(store) = meant.or(files.objects.iter().find(drifts)).map(|file| raw(&file["store"])) else {
        app.ui.say("every file says what is in force");
        return Vec::new();
    };
    if store.is_empty() {
        app.ui.say("what that file says is shown to nobody");
        return Vec::new();
    }
    vec![ask_latest(app, "txn.diff", &json!({ "store": store, "file": true }), "difference")]
}

/// Shows a difference from what is in force.
pub(super) fn differs(app: &mut App, answer: &Value) {
    let text = answer["text"].as_str().unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        lines.push("There is no difference.".to_owned());
    }
    app.ui.lay("What differs from what is in force   Esc back", lines);
}

pub(super) fn generations(app: &mut App) -> Vec<Effect> {
    app.ui.pane = GENERATIONS;
    app.config.generations.is_waiting = true;
    vec![ask_latest(app, "txn.history", &json!({ "store": "config" }), "generations")]
}

/// The one that is meant.
fn chosen(app: &App) -> Option<u64> {
    let generations = &app.config.generations;
    generations.objects.get(generations.cursor).map(|chosen| number(&chosen["gen"]))
}

pub(super) fn of_generation(app: &mut App) -> Vec<Effect> {
    let Some(number) = chosen(app) else { return Vec::new() };
    vec![ask_latest(app, "txn.diff", &json!({ "store": "config", "gen": number }), "difference")]
}

fn roll_back(app: &mut App) -> Vec<Effect> {
    let Some(number) = chosen(app) else { return Vec::new() };
    if !app.may(Role::Admin, "rolling back") {
        return Vec::new();
    }
    let order = json!({ "store": "config", "to": number, "idem": uuid::Uuid::now_v7().to_string() });
    let lines = vec![
        format!("The configuration of generation {number} is written again, as a new generation."),
        "Keys that only a start can change wait for one.".to_owned(),
    ];
    let command = format!("rustsocks-cli config rollback {number}");
    let question = Question::new("Roll back?", lines, command, vec![ask("txn.rollback", &order, "rolled back")]);
    app.ui.overlay = Some(Overlay::Question(Box::new(question.by_word(number.to_string()))));
    Vec::new()
}
