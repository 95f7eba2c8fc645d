//! The way of the draft into force: what it changes is shown, the word is typed, and it goes again unless somebody confirms.

use std::cell::Cell;

use serde_json::{Map, Value, json};
use wire::admin::Role;

use super::answers::{Topic, ask};
use super::deeds::{effect_of, is_settled, needs_draft};
use super::model::Page;
use crate::command::effect;
use crate::console::app::App;
use crate::console::event::Effect;
use crate::console::form::{Entries, Entry, Form, Purpose};
use crate::console::screen::Screen;
use crate::console::ui::Overlay;
use crate::output::raw;

const KEEP: &str = "keep to their end";
const END: &str = "end those that are denied";

/// Seconds within which somebody confirms, if nothing else is written.
const USUAL: &str = "120";

/// A draft that is to be in force.
#[derive(Debug)]
struct Applying {
    draft: u64,
    /// Live sessions that it denies, as they were shown.
    denied: u64,
    /// Saved tests that it fails.
    failing: usize,
    /// Sessions were to end when the form was looked at last.
    was_ending: Cell<bool>,
    shown: Vec<String>,
}

/// First the daemon says what would change; a merge is taken over.
pub(super) fn asked(app: &mut App) -> Vec<Effect> {
    if !app.may(Role::Admin, "applying rules") || !is_settled(app) {
        return Vec::new();
    }
    if app.acl.page == Page::Merge {
        return merged(app);
    }
    needs_draft(app, |app| {
        if app.acl.has_conflict() {
            app.ui.warn("other rules came into force meanwhile; m merges, and then it is looked at again");
            return Vec::new();
        }
        if app.acl.is_valid == Some(false) {
            app.ui.warn("the draft could not be in force; its faults stand below the rules");
            return Vec::new();
        }
        let draft = app.acl.draft.as_ref().map_or(0, |draft| draft.id);
        effect_of(app, &json!({ "store": "acl", "draft": draft }), Topic::ToApply).into_iter().collect()
    })
}

/// What it changes is known: the question, if the operator is still there and does nothing else.
pub(super) fn ask_to_apply(app: &mut App, effect: &Value) {
    let is_elsewhere = app.ui.screen != Screen::Acl || app.ui.overlay.is_some();
    let Some(draft) = app.acl.draft.as_ref().filter(|_| !is_elsewhere) else { return };
    let denied = effect["live"]["now_denied"].as_u64().unwrap_or(0);
    let is_daring = effect["live"]["mine_denied"].as_u64().unwrap_or(0) > 0 || changes_default(app);
    let mut shown = vec![format!("{} changes to generation {}", app.acl.changes(), draft.base)];
    shown.extend(effect::lines(effect).into_iter().filter(|line| !line.is_empty()));
    let failing = app.acl.failing();
    let mut fields = vec![
        Entry::choice("existing", "live sessions", &[KEEP, END], KEEP),
        Entry::check("confirm", "goes again", is_daring),
        Entry::text("seconds", "seconds for Y", USUAL),
        Entry::text("comment", "comment", ""),
    ];
    if failing > 0 {
        let failed = app.acl.remarks.iter().filter(|remark| raw(&remark["path"]).starts_with("tests/"));
        shown.extend(failed.map(|remark| format!("! {}", raw(&remark["msg"]))));
        fields.push(Entry::check("despite", "tests off", false));
    }
    fields.push(Entry::word("to go on", "apply"));
    let form = Form::new(
        "Apply the draft?",
        fields,
        Applying { draft: draft.id, denied, failing, was_ending: Cell::new(false), shown },
    );
    app.ui.overlay = Some(Overlay::Form(Box::new(form)));
}

fn changes_default(app: &App) -> bool {
    let says = |text: &super::model::Written| text.outline.default_policy.clone();
    app.acl.running.as_ref().map(says) != app.acl.draft.as_ref().map(|draft| says(&draft.is))
}

/// The merge as it was settled.
fn merged(app: &mut App) -> Vec<Effect> {
    let conflicts = app.acl.merge.iter().enumerate().filter(|(_, item)| item["state"] == "conflict");
    let open = conflicts.filter(|(place, _)| !app.acl.picks.contains_key(place)).count();
    if open > 0 {
        app.ui.warn(format!("{open} conflicts are left: m takes mine, t theirs, b both"));
        return Vec::new();
    }
    let Some(draft) = &app.acl.draft else { return Vec::new() };
    let picks: Map<String, Value> =
        app.acl.picks.iter().map(|(place, pick)| (place.to_string(), pick.clone())).collect();
    vec![ask("txn.merge.pick", &json!({ "store": "acl", "draft": draft.id, "picks": picks }), Topic::Merged)]
}

impl Purpose for Applying {
    /// It names a draft.
    fn is_of_run(&self) -> bool {
        true
    }

    fn faults(&self, entries: &Entries) -> Vec<(&'static str, String)> {
        let is_time = entries.text("seconds").parse::<u64>().is_ok_and(|seconds| seconds > 0);
        let is_wrong = entries.is_set("confirm") && !is_time;
        let wrong = is_wrong.then(|| ("seconds", "a number of seconds".to_owned()));
        let fails = self.failing > 0 && !entries.is_set("despite");
        let fails =
            fails.then(|| ("despite", format!("{} saved tests fail; Space has them switched off", self.failing)));
        wrong.into_iter().chain(fails).collect()
    }

    /// Whoever ends sessions has the rules of before come back by themselves, unless that is unmarked again.
    fn follow(&self, entries: &mut Entries) {
        let is_ending = entries.text("existing") == END;
        if is_ending && !self.was_ending.replace(is_ending) {
            entries.mark("confirm");
        }
        self.was_ending.set(is_ending);
    }

    fn preview(&self, _entries: &Entries) -> Vec<String> {
        self.shown.clone()
    }

    fn command(&self, entries: &Entries) -> String {
        let is_waiting = entries.is_set("confirm");
        let confirm =
            if is_waiting { format!(" --confirm-within {}s", entries.text("seconds")) } else { String::new() };
        let end = if entries.text("existing") == END { " --end-denied" } else { "" };
        let despite = if entries.is_set("despite") { " --despite-tests" } else { "" };
        format!("rustsocks-cli acl apply FILE --expect-denied {}{confirm}{end}{despite}", self.denied)
    }

    fn taken(&self, _app: &mut App, entries: &Entries) -> Vec<Effect> {
        let seconds = entries.text("seconds").parse::<u64>().ok().filter(|_| entries.is_set("confirm"));
        let existing = if entries.text("existing") == END { "end_denied" } else { "keep" };
        let order = json!({
            "store": "acl", "draft": self.draft, "existing": existing, "confirm_s": seconds.unwrap_or(0),
            "expect_denied": self.denied, "despite_tests": entries.is_set("despite"), "comment": entries.text("comment"), "idem": uuid::Uuid::now_v7().to_string(),
        });
        vec![ask("txn.apply", &order, Topic::Applied)]
    }
}
