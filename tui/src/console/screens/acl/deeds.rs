//! What keys do to the rules: everything happens to a draft, which counts for nothing until it is applied.

use policy::Owner;
use serde_json::{Value, json};
use wire::admin::Role;

use super::answers::{Topic, about_draft, ask, kept, refresh, set_aside};
use super::draw::everything;
use super::model::{Acl, Line, Page, Sign, is_allowing};
use super::{AUTOSAVE, affected, merging, owner, rule, saved};
use crate::console::app::App;
use crate::console::event::Effect;
use crate::console::form::Question;
use crate::console::model::{Link, number};
use crate::console::screen::Screen;
use crate::console::screens::sessions;
use crate::console::ui::Overlay;

/// How far back the history is asked for what a draft would have changed.
const HOURS: u32 = 24;

/// A line that begins so is none of the text.
const REMARK: &str = "#! ";

const WRITING: &str = "changing rules";

impl Acl {
    pub(super) fn forget_draft(&mut self) {
        self.draft = None;
        self.kept = None;
        self.remarks.clear();
        self.is_valid = None;
        self.effect = None;
        self.difference = None;
        self.wanted.clear();
    }
}

/// Changes the draft; the first change opens one on the generation in which it was meant, whatever is in force by now.
pub(super) fn changed(app: &mut App, base: u64, ops: Vec<Value>) -> Vec<Effect> {
    let Some(draft) = &app.acl.draft else {
        app.acl.wanted = ops;
        return vec![ask("txn.draft.open", &json!({ "store": "acl", "base": base }), Topic::Opened)];
    };
    vec![ask("txn.draft.op", &json!({ "store": "acl", "draft": draft.id, "ops": ops }), Topic::Draft)]
}

/// Whether the draft is what it seems: while a change of it is under way, the places of its rules are not known.
pub(super) fn is_settled(app: &mut App) -> bool {
    if app.acl.is_changing {
        app.ui.say("one moment: the draft is with the daemon");
    }
    !app.acl.is_changing
}

/// Whether this operator can change the draft now.
fn can_write(app: &mut App) -> bool {
    app.may(Role::Admin, WRITING) && is_settled(app)
}

/// Changes what is meant at once, if there is somebody to be told.
fn change(app: &mut App, op: Value, done: String) -> Vec<Effect> {
    if app.model.link != Link::Live {
        app.ui.warn("the daemon is not there; nothing was done");
        return Vec::new();
    }
    app.ui.say(done);
    let base = app.acl.base();
    changed(app, base, vec![op])
}

pub(super) fn moved(app: &mut App, by: isize) -> Vec<Effect> {
    let step = |at: usize, count: usize| at.saturating_add_signed(by).min(count.saturating_sub(1));
    match (app.acl.page, app.ui.pane) {
        (Page::Rules, 0) => {
            app.acl.owner = step(app.acl.owner, app.acl.holders().len());
            app.acl.rule = 0;
            return groups(app);
        }
        (Page::Rules, _) => app.acl.rule = step(app.acl.rule, app.acl.lines().len()),
        (Page::Generations, _) => app.acl.line = step(app.acl.line, app.acl.generations.len()),
        (Page::Merge, _) => app.acl.line = step(app.acl.line, app.acl.merge.len()),
        (Page::Trial, 1) => app.acl.test = step(app.acl.test, app.acl.tests.len()),
        (Page::Change | Page::Trial, _) => app.acl.line = step(app.acl.line, super::pages::lines(app).len()),
        // Its own pane moves by itself; from elsewhere it is gone back to.
        (Page::Affected, _) => {
            app.ui.pane = affected::PANE;
            let visible = app.visible();
            return app.acl.affected.moved(visible, by);
        }
    }
    Vec::new()
}

/// Into what is meant: an owner's rules, a rule's live sessions, a generation's difference.
pub(super) fn opened(app: &mut App) -> Vec<Effect> {
    match (app.acl.page, app.ui.pane) {
        (Page::Rules, 0) => app.ui.pane = 1,
        (Page::Rules, _) => {
            let Some(line) = app.acl.line() else { return Vec::new() };
            let visible = sessions::visible(app);
            let mut effects = app.sessions.live.filtered(visible, format!("rule=\"{}\"", line.place));
            effects.push(Effect::Go(Screen::Sessions));
            return effects;
        }
        (Page::Generations, _) => {
            let Some(chosen) = app.acl.generations.get(app.acl.line) else { return Vec::new() };
            let number = number(&chosen["gen"]);
            app.acl.of_generation = Some(number);
            return change_page(app, &json!({ "store": "acl", "gen": number }));
        }
        (Page::Change, _) => return affected::open(app),
        (Page::Trial, 1) => return saved::load(app),
        (Page::Affected, _) => return affected::into_session(app),
        (Page::Merge, _) => merging::opened(app),
        (Page::Trial, _) => {}
    }
    Vec::new()
}

/// Everything about the rule that is meant.
pub(super) fn whole(app: &mut App) -> Vec<Effect> {
    match app.acl.line().filter(|_| app.acl.page == Page::Rules) {
        Some(line) => app.ui.lay(line.place.to_string(), everything(app).into_iter().map(|(line, _)| line).collect()),
        None => app.ui.say("no rule is meant"),
    }
    Vec::new()
}

pub(super) fn add(app: &mut App) -> Vec<Effect> {
    if app.acl.page == Page::Trial {
        return saved::add(app);
    }
    if can_write(app) {
        rule::open(app, None);
    }
    Vec::new()
}

pub(super) fn edit(app: &mut App) -> Vec<Effect> {
    match app.acl.page {
        Page::Trial => return saved::edit(app),
        Page::Merge => return rule::of_conflict(app),
        Page::Rules | Page::Change | Page::Generations | Page::Affected => {}
    }
    let is_of_owner = app.acl.page == Page::Rules && app.ui.pane == 0;
    if !can_write(app) {
        return Vec::new();
    }
    if is_of_owner {
        return owner::open(app);
    }
    match meant(app) {
        Some(line) => rule::open(app, Some(line)),
        None => app.ui.say("no rule is meant"),
    }
    Vec::new()
}

pub(super) fn remove(app: &mut App) -> Vec<Effect> {
    if app.acl.page == Page::Trial {
        return saved::remove(app);
    }
    if app.acl.page == Page::Rules && app.ui.pane == 0 {
        return remove_owner(app);
    }
    let Some(line) = meant(app).filter(|_| can_write(app)) else { return Vec::new() };
    let done = format!("{} is gone from the draft; u takes it back", line.place);
    change(app, json!({ "op": "rule.del", "ref": line.place }), done)
}

/// The owner that is meant, with all of its rules.
fn remove_owner(app: &mut App) -> Vec<Effect> {
    let is_there = |owner: &Owner| app.acl.shown().is_some_and(|shown| shown.outline.share(owner).is_some());
    let Some(owner) = app.acl.holder().filter(is_there) else {
        app.ui.say("no owner is meant");
        return Vec::new();
    };
    if !can_write(app) {
        return Vec::new();
    }
    let done = format!("{owner} is gone from the draft with all rules; u takes it back");
    change(app, json!({ "op": "owner.del", "owner": owner }), done)
}

pub(super) fn earlier(app: &mut App) -> Vec<Effect> {
    shifted(app, |index| index.checked_sub(1), |index| index.checked_sub(1))
}

pub(super) fn later(app: &mut App) -> Vec<Effect> {
    shifted(app, |index| Some(index + 1), |index| Some(index + 2))
}

/// From one place among an owner's rules to another.
type Step = fn(usize) -> Option<usize>;

/// Moves a rule past its neighbour if both decide alike, since nothing else would change at all.
fn shifted(app: &mut App, neighbour: Step, next: Step) -> Vec<Effect> {
    let Some(line) = meant(app).filter(|_| can_write(app)) else { return Vec::new() };
    let lines = app.acl.lines();
    let of = |index: usize| lines.iter().find(|other| other.place == line.place.owner.rule(index));
    let other = neighbour(line.place.index).and_then(of).filter(|other| other.sign != Sign::Gone);
    let Some(other) = other.filter(|_| !app.acl.is_effective) else {
        app.ui.say("there is nothing to move it past among the owner's own rules");
        return Vec::new();
    };
    if is_allowing(&other.entry) != is_allowing(&line.entry) {
        app.ui.say("its neighbour decides otherwise: their order means nothing");
        return Vec::new();
    }
    let next = next(line.place.index).and_then(of).filter(|next| next.sign != Sign::Gone);
    let next = next.map(|next| next.place.clone());
    app.acl.rule = other.place.index;
    let op = json!({ "op": "rule.move", "ref": line.place, "before": next });
    change(app, op, "who is credited changes, and no verdict".to_owned())
}

/// The rule that is meant, if it can be changed.
fn meant(app: &App) -> Option<Line> {
    app.acl.line().filter(|line| app.acl.page == Page::Rules && line.sign != Sign::Gone)
}

/// What an editor left while there was no daemon goes on; any other text that was kept is set aside.
pub(super) fn edit_text(app: &mut App) -> Vec<Effect> {
    if !can_write(app) {
        return Vec::new();
    }
    let left = app.acl.kept.clone().filter(|_| app.model.link != Link::Live);
    let shown = app.acl.shown().map(|shown| (app.acl.base(), shown.text.clone()));
    let Some((base, text)) = left.or(shown) else { return Vec::new() };
    let mut effects: Vec<Effect> = set_aside(app, &text).into_iter().collect();
    effects.push(Effect::Edit { name: AUTOSAVE, text: kept(base, &text) });
    effects
}

/// The operator's editor was left. The text is kept until the daemon has it.
pub(crate) fn edited(app: &mut App, outcome: Result<String, String>) -> Vec<Effect> {
    let (base, text) = match outcome {
        Ok(text) => (base_of(&text).unwrap_or_else(|| app.acl.base()), without_remarks(&text)),
        Err(why) => {
            app.ui.warn(why);
            return Vec::new();
        }
    };
    if app.acl.shown().is_some_and(|shown| shown.text == text) {
        app.ui.say("nothing has changed");
        return if app.acl.draft.is_none() { vec![Effect::Forget(AUTOSAVE)] } else { Vec::new() };
    }
    app.acl.kept = Some((base, text.clone()));
    if app.model.link != Link::Live {
        app.acl.draft = None;
        app.ui.warn("the daemon is not there; your text is kept and offered again");
        return Vec::new();
    }
    let p = json!({ "store": "acl", "text": text });
    match &app.acl.draft {
        Some(draft) => vec![ask("txn.draft.put", &with(p, "draft", draft.id), Topic::Draft)],
        None => vec![ask("txn.draft.open", &with(p, "base", base), Topic::Draft)],
    }
}

/// The generation that the text says it builds on, whatever came into force while it was edited.
fn base_of(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(REMARK)?.strip_prefix("base ")?.trim().parse().ok())
}

fn without_remarks(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with(REMARK)).collect()
}

fn with(mut p: Value, name: &str, value: u64) -> Value {
    p[name] = value.into();
    p
}

pub(super) fn undo(app: &mut App) -> Vec<Effect> {
    if !can_write(app) {
        return Vec::new();
    }
    match &app.acl.draft {
        Some(draft) if draft.undo > 0 => about_draft(app, "txn.draft.undo", Topic::Draft),
        Some(_) | None => {
            app.ui.say("there is nothing to take back");
            Vec::new()
        }
    }
}

pub(super) fn redo(app: &mut App) -> Vec<Effect> {
    if !can_write(app) {
        return Vec::new();
    }
    match &app.acl.draft {
        Some(draft) if draft.redo > 0 => about_draft(app, "txn.draft.redo", Topic::Draft),
        Some(_) | None => {
            app.ui.say("there is nothing to make again");
            Vec::new()
        }
    }
}

pub(super) fn validate(app: &mut App) -> Vec<Effect> {
    needs_draft(app, |app| about_draft(app, "txn.validate", Topic::Remarks))
}

pub(super) fn what_if(app: &mut App) -> Vec<Effect> {
    if !app.may(Role::Operate, "asking what would change") {
        return Vec::new();
    }
    difference(app)
}

pub(super) fn difference(app: &mut App) -> Vec<Effect> {
    needs_draft(app, |app| {
        let draft = app.acl.draft.as_ref().map_or(0, |draft| draft.id);
        app.acl.of_generation = None;
        change_page(app, &json!({ "store": "acl", "draft": draft }))
    })
}

/// How a text differs from the rules in force, and what it would change for those who are in and were.
fn change_page(app: &mut App, subject: &Value) -> Vec<Effect> {
    app.acl.page = Page::Change;
    app.acl.line = 0;
    app.acl.difference = None;
    app.acl.effect = None;
    app.acl.progress = None;
    let mut effects = vec![ask("txn.diff", subject, Topic::Difference)];
    effects.extend(effect_of(app, subject, Topic::Effect));
    effects
}

/// What it would change, if the operator may know.
pub(super) fn effect_of(app: &App, subject: &Value, topic: Topic) -> Option<Effect> {
    let may = app.model.welcome.as_ref().is_some_and(|welcome| welcome.role >= Role::Operate);
    let mut question = subject.clone();
    question["hours"] = if app.model.knows("history.query") { HOURS.into() } else { 0.into() };
    question["mine"] = json!(app.here);
    may.then(|| ask("acl.whatif", &question, topic))
}

pub(super) fn needs_draft(app: &mut App, deed: impl FnOnce(&mut App) -> Vec<Effect>) -> Vec<Effect> {
    if app.acl.draft.is_some() {
        return deed(app);
    }
    app.ui.say("there is no draft; a, e and T begin one");
    Vec::new()
}

pub(super) fn discard(app: &mut App) -> Vec<Effect> {
    if !can_write(app) {
        return Vec::new();
    }
    needs_draft(app, |app| {
        let lines = vec![format!("{} changes are gone for good.", app.acl.changes())];
        let deed = about_draft(app, "txn.draft.discard", Topic::Discarded);
        let question = Question::new("Discard the draft?", lines, "rustsocks-cli acl edit".to_owned(), deed);
        app.ui.overlay = Some(Overlay::Question(Box::new(question.of_run())));
        Vec::new()
    })
}

pub(super) fn effective(app: &mut App) -> Vec<Effect> {
    app.acl.is_effective = !app.acl.is_effective;
    app.acl.rule = 0;
    groups(app)
}

/// Groups of the users file count too.
fn groups(app: &App) -> Vec<Effect> {
    let Some(Owner::User(name)) = app.acl.holder().filter(|_| app.acl.is_effective) else { return Vec::new() };
    let is_asked = !app.acl.groups.contains_key(&name) && app.model.knows("users.get");
    is_asked.then(|| ask("users.get", &json!({ "name": name }), Topic::Groups)).into_iter().collect()
}

pub(super) fn generations(app: &mut App) -> Vec<Effect> {
    app.acl.page = Page::Generations;
    app.acl.line = 0;
    vec![ask("txn.history", &json!({ "store": "acl" }), Topic::Generations)]
}

pub(super) fn roll_back(app: &mut App) -> Vec<Effect> {
    let chosen = match app.acl.page {
        Page::Generations => app.acl.generations.get(app.acl.line).map(|chosen| number(&chosen["gen"])),
        Page::Change => app.acl.of_generation,
        Page::Rules | Page::Merge | Page::Trial | Page::Affected => None,
    };
    match chosen {
        Some(chosen) if app.may(Role::Admin, "rolling back") => back_to(app, chosen),
        Some(_) => {}
        None => app.ui.say("choose one of the generations first: H shows them"),
    }
    Vec::new()
}

fn back_to(app: &mut App, generation: u64) {
    let order = json!({ "store": "acl", "to": generation, "idem": uuid::Uuid::now_v7().to_string() });
    let lines = vec![
        format!("The rule file of generation {generation} is written again, as a new generation."),
        "Sessions go on unless acl.on_revoke says otherwise.".to_owned(),
    ];
    let deed = vec![ask("txn.rollback", &order, Topic::RolledBack)];
    let command = format!("rustsocks-cli acl rollback {generation}");
    let question = Question::new("Roll back?", lines, command, deed).by_word(generation.to_string());
    app.ui.overlay = Some(Overlay::Question(Box::new(question)));
}

pub(super) fn merge(app: &mut App) -> Vec<Effect> {
    if app.acl.page == Page::Merge {
        return picked(app, "mine");
    }
    needs_draft(app, |app| {
        if !app.acl.has_conflict() {
            app.ui.say("nothing came in between");
            return Vec::new();
        }
        app.acl.page = Page::Merge;
        app.acl.line = 0;
        about_draft(app, "txn.merge", Topic::Merge)
    })
}

pub(super) fn both(app: &mut App) -> Vec<Effect> {
    picked(app, "both")
}

/// Settles the conflict that is meant.
pub(super) fn picked(app: &mut App, side: &'static str) -> Vec<Effect> {
    let is_conflict = app.acl.merge.get(app.acl.line).is_some_and(|item| item["state"] == "conflict");
    if app.acl.page == Page::Merge && is_conflict {
        app.acl.picks.insert(app.acl.line, side.into());
    } else {
        app.ui.say("there is no conflict here");
    }
    Vec::new()
}

pub(super) fn again(app: &mut App) -> Vec<Effect> {
    match app.acl.page {
        Page::Rules | Page::Trial | Page::Merge => refresh(app),
        Page::Generations => generations(app),
        Page::Change => difference(app),
        Page::Affected => {
            let visible = app.visible();
            app.acl.affected.ask(visible)
        }
    }
}
