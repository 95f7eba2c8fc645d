//! What waits to be confirmed, in whichever of the operator's files: kept by a key, or taken back at once.

use serde_json::{Value, json};
use wire::admin::{Refusal, Role};

use super::app::App;
use super::event::{About, Effect};
use super::form::Question;
use super::model::number;
use super::screen::Screen;
use super::screens::acl;
use super::ui::Overlay;
use crate::output::raw;

/// What was asked about a file other than the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    Confirmed,
    TakenBack,
}

/// A generation that goes again unless somebody keeps it.
#[derive(Debug)]
struct Pending {
    store: String,
    generation: u64,
    before: u64,
}

impl Pending {
    /// What goes first; on the screen of rules, the rules.
    fn of(app: &App) -> Option<Self> {
        let (rules, first) = (&app.acl.state["confirm"], &app.model.status["confirm"]);
        let is_of_rules = |told: &Value| told["store"] == "acl";
        let means_rules = first.is_null() || is_of_rules(first) || app.ui.screen == Screen::Acl && !rules.is_null();
        let (store, told) = if means_rules { ("acl".to_owned(), rules) } else { (raw(&first["store"]), first) };
        Some(Self { store, generation: told["gen"].as_u64()?, before: told["back_to"].as_u64()? })
    }

    fn ask(&self, op: &'static str, mut p: Value, topic: Topic) -> Effect {
        p["store"] = self.store.as_str().into();
        p["idem"] = uuid::Uuid::now_v7().to_string().into();
        let about = match topic {
            _ if self.store != "acl" => About::Pending(topic),
            Topic::Confirmed => About::Acl(acl::Topic::Confirmed),
            Topic::TakenBack => About::Acl(acl::Topic::RolledBack),
        };
        Effect::Ask { op, p, about }
    }
}

/// Keeps it.
pub(crate) fn confirm(app: &mut App) -> Vec<Effect> {
    let Some(pending) = meant(app) else { return Vec::new() };
    vec![pending.ask("txn.confirm", json!({ "gen": pending.generation }), Topic::Confirmed)]
}

/// Takes it back now, after a question.
pub(crate) fn take_back(app: &mut App) -> Vec<Effect> {
    let Some(pending) = meant(app) else { return Vec::new() };
    let Pending { store, before, .. } = &pending;
    let lines = vec![format!("Generation {before} comes back at once ({store}).")];
    let deed =
        vec![pending.ask("txn.rollback", json!({ "to": before, "despite_tests": store == "acl" }), Topic::TakenBack)];
    let command = format!("rustsocks-cli {store} rollback {before}");
    let question = Question::new("Take it back now?", lines, command, deed);
    app.ui.overlay = Some(Overlay::Question(Box::new(question)));
    Vec::new()
}

fn meant(app: &mut App) -> Option<Pending> {
    let pending = Pending::of(app);
    if pending.is_none() {
        app.ui.say("nothing waits to be confirmed");
    }
    pending.filter(|_| app.may(Role::Admin, "confirming changes"))
}

/// Users or the configuration stay as they are, or are as they were. The next status says what still waits.
pub(crate) fn came(app: &mut App, topic: Topic, answer: Result<Value, Refusal>) {
    let Some(answer) = app.granted(answer) else { return };
    app.model.status["confirm"] = Value::Null;
    let generation = number(&answer["gen"]);
    app.ui.answered(Ok(&match topic {
        Topic::Confirmed => format!("generation {generation} stays"),
        Topic::TakenBack => format!("what was before is in force again, as generation {generation}"),
    }));
}
