//! What the screen asks the daemon, and where the answers belong.

use serde_json::{Value, json};
use wire::admin::{Push, Refusal};

use super::apply::ask_to_apply;
use super::model::{Comeback, Draft, Hits, Page, Written};
use super::{AUTOSAVE, deeds, saved};
use crate::console::app::App;
use crate::console::event::{About, Effect};
use crate::console::form::Question;
use crate::console::model::{Link, number};
use crate::console::screen::Screen;
use crate::console::ui::Overlay;
use crate::editor::with_base;
use crate::output::raw;

/// What is said of a file that the monitor may not write.
const UNWRITTEN: &str = "cannot write ";

/// How often the hits are looked at.
const HITS_MS: u64 = 2_000;

/// Users who may log in no more that are marked.
const MOST_DISABLED: usize = 1_000;

/// What a request was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    Watch,
    Running,
    Drafts,
    Draft,
    /// A draft is to be opened, for the changes that wait.
    Opened,
    Discarded,
    Remarks,
    Hits,
    Groups,
    Difference,
    Effect,
    /// The effect of the draft that is to be applied.
    ToApply,
    Generations,
    Merge,
    Merged,
    /// What the rules in force said to a request.
    Trial,
    /// What the draft said.
    DraftTrial,
    Applied,
    Confirmed,
    RolledBack,
    /// The saved tests, and what was said to each.
    Tests,
    TestsRun,
    TestsPut,
    /// Users who may log in no more.
    Disabled,
}

impl Topic {
    /// Whether nothing is lost when it is taken back.
    pub(crate) fn is_question(self) -> bool {
        matches!(self, Self::Effect | Self::ToApply)
    }

    /// Whether the draft may be another once the answer is there, or a question about it is open.
    fn is_of_change(self) -> bool {
        match self {
            Self::Draft | Self::Opened | Self::Discarded | Self::ToApply | Self::Merged | Self::Applied => true,
            Self::Watch
            | Self::Running
            | Self::Drafts
            | Self::Remarks
            | Self::Hits
            | Self::Groups
            | Self::Difference
            | Self::Effect
            | Self::Generations
            | Self::Merge
            | Self::Trial
            | Self::DraftTrial
            | Self::Confirmed
            | Self::RolledBack
            | Self::Tests
            | Self::TestsRun
            | Self::TestsPut
            | Self::Disabled => false,
        }
    }
}

/// Whether the draft is about to be another by these.
pub(crate) fn noted(app: &mut App, effects: &[Effect]) {
    let is_of_change =
        |effect: &Effect| matches!(effect, Effect::Ask { about: About::Acl(topic), .. } if topic.is_of_change());
    app.acl.is_changing |= app.model.link == Link::Live && effects.iter().any(is_of_change);
}

pub(super) fn ask(op: &'static str, p: &Value, topic: Topic) -> Effect {
    Effect::ask(op, p, About::Acl(topic))
}

/// From the first moment on, whatever the screen: the badges need it.
pub(crate) fn watch(app: &mut App) -> Vec<Effect> {
    let is_known = app.model.knows("txn.sub");
    let watched = is_known.then(|| ask("txn.sub", &json!({ "store": "acl" }), Topic::Watch));
    watched.into_iter().chain(gone_on(app)).collect()
}

/// The same once more, because news of it were let go of.
pub(crate) fn watch_anew(app: &mut App) -> Vec<Effect> {
    let Some(sub) = app.acl.sub.take() else { return Vec::new() };
    let close = Effect::ask("meta.close", &json!({ "sub": sub }), About::Own(Screen::Acl, "closed"));
    [close].into_iter().chain(watch(app)).collect()
}

/// The draft of this console, in another run of the daemon: nobody needs to be asked.
fn gone_on(app: &mut App) -> Option<Effect> {
    let comes_back = std::mem::take(&mut app.acl.comes_back);
    let (base, text) = app.acl.kept.as_ref().filter(|_| comes_back == Comeback::ByItself)?;
    let open = json!({ "store": "acl", "base": base, "text": text });
    app.ui.say("reconnected to another run of the daemon: your draft goes on");
    Some(ask("txn.draft.open", &open, Topic::Opened))
}

/// What the rules page needs.
pub(super) fn refresh(app: &mut App) -> Vec<Effect> {
    app.acl.is_waiting = true;
    if app.acl.page == Page::Affected {
        (app.acl.page, app.ui.pane) = (Page::Change, 0);
    }
    let mut effects = vec![ask("txn.get", &json!({ "store": "acl" }), Topic::Running)];
    effects.extend(hits_wanted(app));
    if app.acl.draft.is_none() {
        effects.push(ask("txn.drafts", &json!({ "store": "acl" }), Topic::Drafts));
    } else {
        effects.extend(about_draft(app, "txn.validate", Topic::Remarks));
    }
    if app.acl.page == Page::Trial {
        effects.extend(saved::wanted(app));
    }
    if app.model.knows("users.get") {
        let win = json!({ "off": 0, "len": MOST_DISABLED });
        let view = json!({ "of": "users", "filter": "state=disabled", "cols": ["name"], "win": win });
        effects.push(ask("view.open", &view, Topic::Disabled));
    }
    effects
}

/// How far the question is.
pub(crate) fn progressed(app: &mut App, topic: Topic, part: &Value) {
    if topic.is_question() {
        app.acl.progress = Some((number(&part["done"]), number(&part["of"])));
    }
}

/// A question about the draft.
pub(super) fn about_draft(app: &App, op: &'static str, topic: Topic) -> Vec<Effect> {
    let draft = app.acl.draft.as_ref();
    draft.map(|draft| ask(op, &json!({ "store": "acl", "draft": draft.id }), topic)).into_iter().collect()
}

pub(crate) fn came(app: &mut App, topic: Topic, answer: Result<Value, Refusal>) -> Vec<Effect> {
    if topic.is_of_change() {
        app.acl.is_changing = false;
    }
    match answer {
        Ok(answer) => fulfilled(app, topic, answer),
        Err(refusal) => refused(app, topic, &refusal),
    }
}

fn fulfilled(app: &mut App, topic: Topic, answer: Value) -> Vec<Effect> {
    match topic {
        Topic::Watch => {
            app.acl.sub = answer["sub"].as_u64();
            app.acl.state = answer["state"].clone();
        }
        Topic::Running => {
            app.acl.is_waiting = false;
            app.acl.fault = None;
            app.acl.running = answer["text"].as_str().map(|text| Written::of(text.to_owned()));
            app.acl.of = number(&answer["gen"]);
            if app.ui.screen == Screen::Acl && app.acl.find_sought() {
                app.ui.pane = 1;
            }
            if app.acl.draft.is_none() && app.model.knows("acl.remarks") {
                return vec![ask("acl.remarks", &json!({}), Topic::Remarks)];
            }
        }
        Topic::Drafts => return offer(app, &answer),
        Topic::Draft | Topic::Opened | Topic::Merged => return drafted(app, topic, &answer),
        Topic::Discarded => return discarded(app),
        Topic::Remarks => {
            app.acl.is_valid = answer["ok"].as_bool();
            app.acl.remarks = answer["diag"].as_array().cloned().unwrap_or_default();
            app.acl.tested = answer["tests"].clone();
        }
        Topic::Tests => {
            app.acl.tests_sha = answer["sha"].clone();
            let known = app.acl.tests.len();
            let tests = answer["tests"].as_array().cloned().unwrap_or_default();
            // What was said to each is on its way, or cannot be had.
            if tests.len() != known || app.acl.tests.iter().all(|test| test["pass"].is_null()) {
                app.acl.tests = tests;
            }
        }
        Topic::TestsRun => {
            app.acl.tests = answer["tests"].as_array().cloned().unwrap_or_default();
            app.acl.test = app.acl.test.min(app.acl.tests.len().saturating_sub(1));
        }
        Topic::TestsPut => return saved::written(app, number(&answer["count"])),
        Topic::Disabled => {
            let rows = answer["rows"].as_array().into_iter().flatten();
            app.acl.disabled = rows.filter_map(|row| row.get(1).or(row.get(0)).map(raw)).collect();
            let sub = json!({ "sub": answer["sub"] });
            return vec![Effect::ask("view.close", &sub, About::Own(Screen::Acl, "closed"))];
        }
        Topic::Hits => {
            told_hits(app, &answer);
            let Some(sub) = answer["sub"].as_u64() else { return Vec::new() };
            // One that was asked for twice, or that nobody looks at any more.
            let mut effects = hits_closed(app);
            app.acl.hits_sub = Some(sub);
            if app.ui.screen != Screen::Acl {
                effects.extend(hits_closed(app));
            }
            return effects;
        }
        Topic::Groups => {
            let groups = answer["groups"].as_array().into_iter().flatten().map(raw).collect();
            app.acl.groups.insert(raw(&answer["name"]), groups);
        }
        Topic::Difference => app.acl.difference = Some(answer),
        Topic::Effect => {
            app.acl.progress = None;
            app.acl.effect = Some(answer);
        }
        Topic::ToApply => ask_to_apply(app, &answer),
        Topic::Generations => app.acl.generations = answer.as_array().cloned().unwrap_or_default(),
        Topic::Merge => {
            app.acl.onto = number(&answer["onto"]);
            app.acl.merge = answer["items"].as_array().cloned().unwrap_or_default();
            app.acl.picks.clear();
        }
        Topic::Trial => {
            app.ui.done();
            app.acl.trials[0] = Some(answer);
        }
        Topic::DraftTrial => app.acl.trials[1] = Some(answer),
        Topic::Applied => return applied(app, &answer),
        Topic::Confirmed => {
            app.acl.state["confirm"] = Value::Null;
            app.ui.answered(Ok(&format!("generation {} stays", number(&answer["gen"]))));
        }
        Topic::RolledBack => {
            app.ui
                .answered(Ok(&format!("what was before is in force again, as generation {}", number(&answer["gen"]))));
            app.acl.page = Page::Rules;
            app.acl.came_into_force(&answer);
            return refresh(app);
        }
    }
    Vec::new()
}

/// How often each rule decided, by its name.
fn told_hits(app: &mut App, told: &Value) {
    let of = |told: &Value| Hits {
        all: number(&told["hits"]),
        hour: number(&told["per_h"]),
        last: told["last"].as_f64(),
        live: number(&told["live"]),
    };
    let name = |told: &Value| told["ref"].as_str().map_or_else(|| raw(&told["name"]), str::to_owned);
    let refs = told["refs"].as_array().into_iter().flatten();
    app.acl.hits = refs.map(|told| (name(told), of(told))).collect();
}

/// Nobody looks at the hits any more.
pub(super) fn hits_closed(app: &mut App) -> Vec<Effect> {
    let close = |sub: u64| Effect::ask("meta.close", &json!({ "sub": sub }), About::Own(Screen::Acl, "closed"));
    app.acl.hits_sub.take().map(close).into_iter().collect()
}

/// Again and again, where the daemon tells them so; once for every visit.
fn hits_wanted(app: &App) -> Option<Effect> {
    let is_told = app.model.knows("acl.hits.sub");
    let once = || ask("acl.hits", &json!({}), Topic::Hits);
    let again = || ask("acl.hits.sub", &json!({ "every_ms": HITS_MS }), Topic::Hits);
    (!is_told).then(once).or_else(|| app.acl.hits_sub.is_none().then(again))
}

/// The daemon has the draft so now; it is judged again, and kept on this machine too.
fn drafted(app: &mut App, topic: Topic, answer: &Value) -> Vec<Effect> {
    let Some(draft) = Draft::of(answer) else { return Vec::new() };
    let kept = kept(draft.base, &draft.is.text);
    let aside = set_aside(app, &draft.is.text);
    app.acl.draft = Some(draft);
    if app.acl.wanted.is_empty() {
        app.ui.done();
    }
    app.acl.effect = None;
    app.acl.difference = None;
    if topic == Topic::Merged {
        app.acl.page = Page::Rules;
        app.ui.say("merged; look at the difference again before you apply it");
    }
    let wanted = std::mem::take(&mut app.acl.wanted);
    let mut effects: Vec<Effect> = aside.into_iter().collect();
    if !wanted.is_empty() {
        let base = app.acl.base();
        effects.extend(deeds::changed(app, base, wanted));
        return effects;
    }
    app.acl.rule = app.acl.rule.min(app.acl.lines().len().saturating_sub(1));
    effects.extend(about_draft(app, "txn.validate", Topic::Remarks));
    if app.acl.page == Page::Trial {
        effects.extend(saved::wanted(app));
    }
    effects.push(Effect::Keep { name: AUTOSAVE, text: kept });
    effects
}

/// A text with the generation on which it builds, as it is kept on this machine and given to the editor.
pub(super) fn kept(base: u64, text: &str) -> String {
    with_base(base, text)
}

/// A text that was kept, if it is not the one that goes on, goes into a file of its own: it is no draft any more, and not lost.
pub(super) fn set_aside(app: &mut App, goes_on: &str) -> Option<Effect> {
    let (base, text) = app.acl.kept.take().filter(|(_, text)| text != goes_on)?;
    Some(Effect::SetAside { name: AUTOSAVE, text: kept(base, &text) })
}

/// A draft of ours that the daemon still has, or one that was kept here, is not forgotten. Neither ever replaces the other.
fn offer(app: &mut App, answer: &Value) -> Vec<Effect> {
    let is_busy = app.ui.screen != Screen::Acl || app.ui.overlay.is_some() || app.acl.is_changing;
    if is_busy || app.acl.draft.is_some() {
        return Vec::new();
    }
    let me = app.model.welcome.as_ref().map(|welcome| welcome.you.user.clone()).unwrap_or_default();
    let mine: Vec<&Value> = answer.as_array().into_iter().flatten().filter(|draft| raw(&draft["by"]) == me).collect();
    // What is in force by now needs no draft.
    let running = app.acl.running.as_ref().map(|running| &running.text);
    app.acl.kept.take_if(|(_, text)| running == Some(text));
    let kept = app.acl.kept.as_ref();
    let same = kept.and_then(|(_, text)| mine.iter().find(|draft| draft["text"] == **text));
    let (lines, deed) = match (same.or(mine.last().filter(|_| kept.is_none())), kept) {
        (Some(draft), _) => of_daemon(draft, &me),
        (None, Some((base, text))) => of_here(*base, text, &mine),
        (None, None) => return Vec::new(),
    };
    let question = Question::new("Go on with your draft?", lines, "rustsocks-cli acl edit".to_owned(), vec![deed]);
    app.ui.overlay = Some(Overlay::Question(Box::new(question.of_run())));
    Vec::new()
}

fn of_daemon(draft: &Value, me: &str) -> (Vec<String>, Effect) {
    let lines = vec![
        format!("The daemon has draft {} of {me}, on generation {}.", draft["draft"], draft["base"]),
        format!("Another console of {me} may be writing it."),
        "If not, it stays there for half an hour, and you are asked again.".to_owned(),
    ];
    (lines, ask("txn.draft.get", &json!({ "store": "acl", "draft": draft["draft"] }), Topic::Draft))
}

fn of_here(base: u64, text: &str, others: &[&Value]) -> (Vec<String>, Effect) {
    let mut lines = vec![
        format!("A text of yours is kept on this machine, on generation {base}."),
        "If not, you are asked again; another draft puts it into a file of its own.".to_owned(),
    ];
    if let Some(other) = others.last() {
        lines.push(format!("Draft {} that the daemon has says something else, and stays.", other["draft"]));
    }
    (lines, ask("txn.draft.open", &json!({ "store": "acl", "base": base, "text": text }), Topic::Draft))
}

fn discarded(app: &mut App) -> Vec<Effect> {
    let aside = set_aside(app, "");
    app.acl.forget_draft();
    app.ui.answered(Ok("the draft is gone"));
    aside.into_iter().chain([Effect::Forget(AUTOSAVE)]).collect()
}

fn applied(app: &mut App, answer: &Value) -> Vec<Effect> {
    let ended = number(&answer["ended"]);
    let ended = if ended > 0 { format!(", {ended} sessions ended") } else { String::new() };
    let waits = if answer["confirm"].is_null() { "" } else { "; Y keeps it, U takes it back" };
    app.ui.answered(Ok(&format!("generation {} is in force{ended}{waits}", number(&answer["gen"]))));
    let aside = set_aside(app, "");
    // Whoever writes on before the daemon has shown it again builds on this generation.
    if let Some(draft) = app.acl.draft.take() {
        (app.acl.running, app.acl.of) = (Some(draft.is), number(&answer["gen"]));
    }
    app.acl.forget_draft();
    app.acl.came_into_force(answer);
    app.acl.page = Page::Rules;
    let mut effects = refresh(app);
    effects.extend(aside);
    effects.push(Effect::Forget(AUTOSAVE));
    effects
}

fn refused(app: &mut App, topic: Topic, refusal: &Refusal) -> Vec<Effect> {
    let why = refusal.with_code();
    match topic {
        Topic::Running => {
            app.acl.is_waiting = false;
            app.acl.fault = Some(why);
        }
        // A daemon without written rules has no state, and whoever may not look at it has no badge.
        Topic::Watch
        | Topic::Drafts
        | Topic::Groups
        | Topic::Hits
        | Topic::Tests
        | Topic::TestsRun
        | Topic::Disabled => {}
        Topic::Draft | Topic::Opened | Topic::Discarded | Topic::Merge | Topic::Merged => {
            app.acl.wanted.clear();
            app.ui.answered(Err(&why));
            if refusal.code == wire::admin::Code::NotFound {
                return lost(app);
            }
        }
        Topic::Effect | Topic::ToApply => {
            app.acl.progress = None;
            app.ui.warn(why);
        }
        Topic::Remarks | Topic::Difference | Topic::Generations => app.ui.warn(why),
        Topic::Applied if why.contains(UNWRITTEN) => {
            app.ui.answered(Err(&why));
            return handed_over(app);
        }
        Topic::Trial | Topic::TestsPut | Topic::DraftTrial | Topic::Applied | Topic::Confirmed | Topic::RolledBack => {
            app.ui.answered(Err(&why));
        }
    }
    Vec::new()
}

/// The daemon cannot write the rule file: the text goes into a file of the operator's, who may be somebody who can.
fn handed_over(app: &App) -> Vec<Effect> {
    let text = app.acl.draft.as_ref().map(|draft| draft.is.text.clone());
    text.map(|text| Effect::SetAside { name: AUTOSAVE, text }).into_iter().collect()
}

/// The daemon has no such draft any more: it is opened anew with the text that is known here.
pub(super) fn lost(app: &mut App) -> Vec<Effect> {
    if app.acl.draft.is_none() {
        return Vec::new();
    }
    app.acl.keep_draft();
    let open = |(base, text): &(u64, String)| {
        ask("txn.draft.open", &json!({ "store": "acl", "base": base, "text": text }), Topic::Opened)
    };
    app.acl.kept.iter().map(open).collect()
}

/// News of what is in force and who is writing.
pub(super) fn pushed(app: &mut App, push: &Push) -> Vec<Effect> {
    if app.acl.hits_sub == Some(push.sub) && push.ev == "hits" {
        told_hits(app, &push.d);
    }
    if app.acl.sub != Some(push.sub) || push.ev != "policy" {
        return Vec::new();
    }
    let before = app.acl.generation();
    let waited = app.acl.state["confirm"].clone();
    app.acl.state = push.d.clone();
    let current = &app.acl.state["current"];
    let now = app.acl.generation();
    if before == now {
        return Vec::new();
    }
    let (by, source) = (raw(&current["by"]), raw(&current["source"]));
    if source == "rollback" && !waited.is_null() {
        app.ui.warn(format!("rolled back: generation {now} says what was before"));
    } else if app.acl.has_conflict() {
        app.ui.warn(format!("{by} has put generation {now} in force while you were writing; m merges"));
    } else if app.acl.draft.is_some() {
        app.ui.warn(format!("generation {now} is in force, by {by} ({source})"));
    }
    let running = ask("txn.get", &json!({ "store": "acl" }), Topic::Running);
    [running].into_iter().chain(hits_wanted(app)).collect()
}
