//! Another text of the configuration: written in the operator's editor as often as it takes, and then put in force.

use serde_json::{Value, json};
use wire::admin::{Code, Refusal, Role};

use super::{SETTINGS, ask, ask_latest};
use crate::command::remarks;
use crate::console::app::App;
use crate::console::event::Effect;
use crate::console::form::{Entries, Entry, Form, Purpose};
use crate::console::model::{Link, number};
use crate::console::screen::Screen;
use crate::console::ui::Overlay;
use crate::editor::{based, with_base};
use crate::output::raw;

/// Under which name it is kept on this machine.
pub(crate) const AUTOSAVE: &str = "console-draft-config.toml";

/// Seconds within which somebody confirms, if nothing else is written.
const USUAL: &str = "120";

const WRITING: &str = "changing the configuration";

/// A text, and the generation on which it builds.
#[derive(Debug)]
pub(super) struct Draft {
    base: u64,
    text: String,
    /// Somebody has changed it.
    is_written: bool,
    /// Whether it could be in force, as far as that is known.
    pub(super) is_valid: Option<bool>,
}

/// What was kept on this machine is a draft again; whoever sees the screen sees that there is one.
pub(super) fn found(app: &mut App) -> Option<Effect> {
    let is_admin = app.model.is_admin();
    let (base, text) = app.config.kept.take_if(|_| is_admin && app.config.draft.is_none())?;
    app.ui.say("a draft of yours was kept on this machine: e goes on, X forgets it");
    let validate = ask("txn.validate", &json!({ "store": "config", "text": text }), "validated");
    app.config.draft = Some(Draft { base, text, is_written: true, is_valid: None });
    Some(validate)
}

/// What was written before goes on; otherwise the text in force is asked for.
pub(super) fn edit(app: &mut App) -> Vec<Effect> {
    if !app.may(Role::Admin, WRITING) {
        return Vec::new();
    }
    if let Some((base, text)) = app.config.kept.take().filter(|_| app.config.draft.is_none()) {
        app.ui.say("this is what was kept on this machine");
        app.config.draft = Some(Draft { base, text, is_written: true, is_valid: None });
    }
    match &app.config.draft {
        Some(draft) => vec![editor(draft)],
        None if std::mem::replace(&mut app.config.is_asked, true) => Vec::new(),
        None => vec![ask("txn.get", &json!({ "store": "config" }), "text")],
    }
}

fn editor(draft: &Draft) -> Effect {
    Effect::Edit { name: AUTOSAVE, text: with_base(draft.base, &draft.text) }
}

/// The editor was left.
pub(crate) fn edited(app: &mut App, outcome: Result<String, String>) -> Vec<Effect> {
    let text = match outcome {
        Err(why) => {
            app.ui.warn(format!("{why}; what was written is kept, and e goes on with it"));
            return Vec::new();
        }
        Ok(text) => text,
    };
    let Some(draft) = &mut app.config.draft else { return Vec::new() };
    let written = based(&text).map_or_else(|| text.clone(), |(_, text)| text);
    if written == draft.text && !draft.is_written {
        app.config.draft = None;
        app.ui.say("nothing has changed");
        return vec![Effect::Forget(AUTOSAVE)];
    }
    (draft.text, draft.is_written, draft.is_valid) = (written, true, None);
    if app.model.link != Link::Live {
        app.ui.warn("the daemon is not there; what was written is kept, and e goes on with it");
        return Vec::new();
    }
    vec![ask("txn.validate", &json!({ "store": "config", "text": draft.text }), "validated")]
}

/// How it differs from what is in force.
pub(super) fn compared(app: &mut App) -> Vec<Effect> {
    let text = app.config.draft.as_ref().map(|draft| draft.text.clone());
    vec![ask_latest(app, "txn.diff", &json!({ "store": "config", "text": text }), "difference")]
}

pub(super) fn answered(app: &mut App, what: &'static str, answer: Result<Value, Refusal>) -> Vec<Effect> {
    app.config.is_asked &= what != "text";
    match (what, answer) {
        // Whoever does something else by now asks again.
        ("text", Ok(_)) if app.ui.screen != Screen::Config || app.ui.overlay.is_some() => {}
        ("text", Ok(answer)) => {
            let (base, text) = (number(&answer["gen"]), raw(&answer["text"]));
            let draft = Draft { base, text, is_written: false, is_valid: None };
            let effect = editor(&draft);
            app.config.draft = Some(draft);
            return vec![effect];
        }
        ("validated", Ok(answer)) => validated(app, &answer),
        ("applied", Ok(answer)) => return applied(app, &answer),
        ("applied", Err(refusal)) if refusal.code == Code::Conflict => {
            app.ui.answered(Err(&format!("{}; your text goes into a file of its own, and e begins anew", refusal.msg)));
            let draft = app.config.draft.take();
            let text = draft.map(|draft| with_base(draft.base, &draft.text)).unwrap_or_default();
            return vec![Effect::SetAside { name: AUTOSAVE, text }, Effect::Forget(AUTOSAVE)];
        }
        (_, Err(refusal)) => app.ui.answered(Err(&refusal.with_code())),
        _ => {}
    }
    Vec::new()
}

/// What is wrong is shown, and the text is there to be written again.
fn validated(app: &mut App, answer: &Value) {
    let Some(draft) = &mut app.config.draft else { return };
    let is_valid = answer["ok"] == Value::Bool(true);
    draft.is_valid = Some(is_valid);
    let mut lines = remarks(answer);
    if is_valid {
        // Where D is about the draft, and not about the file that is meant.
        if app.ui.screen == Screen::Config {
            app.ui.pane = SETTINGS;
        }
        app.ui.say("the draft could be in force: D shows how it differs, A applies it");
    }
    if lines.is_empty() {
        return;
    }
    let title = if is_valid { "The draft could be in force" } else { "The draft could NOT be in force" };
    lines.push(String::new());
    lines.push("e goes on writing, X forgets it".to_owned());
    app.ui.lay(title, lines);
}

/// A text that is to be in force.
#[derive(Debug)]
struct Applying;

impl Purpose for Applying {
    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        let is_time = entries.text("seconds").parse::<u64>().is_ok_and(|seconds| seconds > 0);
        let is_wrong = entries.is_set("confirm") && !is_time;
        is_wrong.then(|| ("seconds", "a number of seconds".to_owned())).into_iter().collect()
    }

    fn command(&self, entries: &Entries) -> String {
        let is_waiting = entries.is_set("confirm");
        let confirm =
            if is_waiting { format!(" --confirm-within {}s", entries.text("seconds")) } else { String::new() };
        format!("rustsocks-cli config apply FILE{confirm}")
    }

    fn taken(&self, app: &mut App, entries: &Entries) -> Vec<Effect> {
        let Some(draft) = &app.config.draft else { return Vec::new() };
        let seconds = entries.text("seconds").parse::<u64>().ok().filter(|_| entries.is_set("confirm"));
        let order = json!({
            "store": "config", "text": draft.text, "base": draft.base, "confirm_s": seconds.unwrap_or(0),
            "comment": entries.text("comment"), "idem": uuid::Uuid::now_v7().to_string(),
        });
        vec![ask("txn.apply", &order, "applied")]
    }
}

pub(super) fn apply(app: &mut App) -> Vec<Effect> {
    if !app.may(Role::Admin, WRITING) {
        return Vec::new();
    }
    match &app.config.draft {
        None => app.ui.say("there is no draft; e begins one"),
        Some(draft) if draft.is_valid != Some(true) => {
            app.ui.warn("the draft could not be in force; e goes on writing");
        }
        Some(_) => {
            let entries = vec![
                Entry::check("confirm", "goes again", false),
                Entry::text("seconds", "seconds for Y", USUAL),
                Entry::text("comment", "comment", ""),
                Entry::word("to go on", "apply"),
            ];
            app.ui.overlay = Some(Overlay::Form(Box::new(Form::new("Apply the configuration?", entries, Applying))));
        }
    }
    Vec::new()
}

fn applied(app: &mut App, answer: &Value) -> Vec<Effect> {
    let waiting = answer["needs_restart"].as_array().into_iter().flatten().map(raw).collect::<Vec<_>>().join(", ");
    let waiting = if waiting.is_empty() { waiting } else { format!("; waits for a start: {waiting}") };
    let confirm = if answer["confirm"].is_null() { "" } else { "; Y keeps it, U takes it back" };
    app.ui.answered(Ok(&format!("generation {} is in force{waiting}{confirm}", number(&answer["gen"]))));
    app.config.draft = None;
    let mut effects = super::asked(app);
    effects.push(Effect::Forget(AUTOSAVE));
    effects
}

/// A text that nobody wants any more.
#[derive(Debug)]
struct Discarding;

impl Purpose for Discarding {
    fn command(&self, _entries: &Entries) -> String {
        "rustsocks-cli config edit".to_owned()
    }

    fn taken(&self, app: &mut App, _entries: &Entries) -> Vec<Effect> {
        (app.config.draft, app.config.kept) = (None, None);
        app.ui.say("the draft is gone");
        vec![Effect::Forget(AUTOSAVE)]
    }
}

pub(super) fn discard(app: &mut App) -> Vec<Effect> {
    if app.config.draft.is_none() && app.config.kept.is_none() {
        app.ui.say("there is no draft");
        return Vec::new();
    }
    let entries = vec![Entry::word("to go on", "forget")];
    app.ui.overlay = Some(Overlay::Form(Box::new(Form::new("Forget what was written?", entries, Discarding))));
    Vec::new()
}
