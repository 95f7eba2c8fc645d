//! The rules on the screen: owners on the left, their rules beside them, what there is to say about one below.

use policy::Owner;
use ratatui::layout::{Position, Rect};
use serde_json::Value;

use super::model::{Holder, Line, Page, Sign, is_allowing, says};
use super::pages;
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::pointer::{Target, away};
use crate::console::theme::Role;
use crate::output::raw;
use crate::shown::{self, fitted};

/// Lines for the rule that is meant.
const BELOW: u16 = 9;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    if app.acl.page != Page::Rules {
        return pages::draw(app, canvas, area);
    }
    if let Some(fault) = &app.acl.fault {
        canvas.text(area, 1, 1, &format!("! {fault}"), Role::Bad);
        canvas.text(area, 1, 2, "r asks again", Role::Text);
        return None;
    }
    if app.acl.shown().is_none() {
        canvas.text(area, 1, 1, "asking ...", Role::Text);
        return None;
    }
    let foot = Rect { y: area.y + area.height - 1, height: 1, ..area };
    canvas.text(foot, 1, 0, &summary(app), Role::Dim);
    let area = Rect { height: area.height - 1, ..area };
    let is_narrow = area.width < 80;
    let left = if is_narrow { area.width } else { 27 };
    if is_narrow && app.ui.pane == 0 {
        return owners(app, canvas, area);
    }
    let right = if is_narrow { area } else { Rect { x: area.x + left, width: area.width - left, ..area } };
    let below = if area.height > BELOW + 8 { BELOW } else { 4 };
    let above = Rect { height: right.height - below, ..right };
    let chosen = (!is_narrow).then(|| owners(app, canvas, Rect { width: left, ..area })).flatten();
    let meant = rules(app, canvas, above);
    facts(app, canvas, Rect { y: right.y + above.height, height: below, ..right });
    if app.ui.pane == 0 { chosen } else { meant }
}

fn summary(app: &App) -> String {
    let writing = editors(app);
    let state = match &app.acl.draft {
        None => format!("generation {} is in force", app.acl.generation()),
        Some(draft) => {
            let verdict = match app.acl.is_valid {
                Some(true) => "valid",
                Some(false) => "NOT VALID",
                None => "being judged",
            };
            format!("draft of generation {}: {} changes, {verdict}, not applied", draft.base, app.acl.changes())
        }
    };
    format!("{state}{writing}")
}

/// Who is writing: you, and others with where they are and since when they rest.
fn editors(app: &App) -> String {
    let ours = app.acl.draft.as_ref().map(|draft| draft.id);
    let editor = |draft: &Value| {
        if draft["draft"].as_u64() == ours && ours.is_some() {
            return "you".to_owned();
        }
        let place = draft["tty"].as_str().map(|tty| format!(" {tty}")).unwrap_or_default();
        let rest = draft["idle_s"].as_u64().filter(|idle| *idle >= 60).map(|idle| format!(" ({} min)", idle / 60));
        format!("{}{place}{}", raw(&draft["by"]), rest.unwrap_or_default())
    };
    let mut editors: Vec<String> = app.acl.state["drafts"].as_array().into_iter().flatten().map(editor).collect();
    editors.sort_by_key(|editor| editor != "you");
    match editors.as_slice() {
        [] => String::new(),
        [one] if one == "you" => String::new(),
        [one] => format!("   1 editor: {one}"),
        [..] => format!("   {} editors: {}", editors.len(), editors.join(", ")),
    }
}

/// A pane with its title; the one that has the keys says so.
fn pane(app: &App, canvas: &mut Canvas<'_>, area: Rect, title: &str, is_here: bool) -> Rect {
    let title = if is_here { format!("> {title}") } else { title.to_owned() };
    if app.has_boxes() {
        return canvas.framed(area, &title);
    }
    canvas.facts(area, (1, 0), &title, Role::Header);
    Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2), height: area.height.saturating_sub(1) }
}

fn owners(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let inner = pane(app, canvas, area, "Owners", app.ui.pane == 0);
    canvas.spot(inner, Target::Pane(0));
    let holders = app.acl.holders();
    let first = (app.acl.owner + 1).saturating_sub(usize::from(inner.height));
    let mut meant = None;
    for ((place, holder), y) in holders.iter().enumerate().skip(first).zip(0..inner.height) {
        let is_meant = place == app.acl.owner;
        let line = holder_line(app, canvas, holder, usize::from(inner.width).saturating_sub(2));
        canvas.text(inner, 0, y, if is_meant { ">" } else { " " }, Role::Mark);
        canvas.text(inner, 2, y, &line, Role::Text);
        canvas.line_spot(inner, y, Target::Own(0, away(place, app.acl.owner)));
        if is_meant {
            canvas.mark_line(inner, y, if app.ui.pane == 0 { Role::Select } else { Role::Mark });
            meant = Some(Position { x: inner.x, y: inner.y + y });
        }
    }
    meant
}

fn holder_line(app: &App, canvas: &Canvas<'_>, holder: &Holder, room: usize) -> String {
    let Some(owner) = &holder.owner else {
        let policy = app.acl.shown().and_then(|shown| shown.outline.default_policy.clone());
        return format!("* default {}", policy.unwrap_or_else(|| "deny".to_owned()));
    };
    let signs = [(Sign::New, holder.new), (Sign::Changed, holder.changed), (Sign::Gone, holder.gone)];
    let signs = signs.into_iter().filter(|(_, count)| *count > 0);
    let signs: Vec<String> = signs.map(|(sign, count)| format!("{}{count}", sign.letter())).collect();
    let is_off = matches!(owner, Owner::User(name) if app.acl.disabled.contains(name));
    let signs = if is_off && signs.is_empty() { vec!["off".to_owned()] } else { signs };
    let tail = format!("{:>3} {:<5}", holder.rules, signs.join(" "));
    format!("{} {tail}", fitted(&canvas.seen(&short(owner)), room.saturating_sub(tail.len() + 1), false))
}

/// As in sudoers: groups with a percent sign.
fn short(owner: &Owner) -> String {
    match owner {
        Owner::Group(name) => format!("%{name}"),
        Owner::User(name) => name.clone(),
    }
}

fn rules(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let owner = app.acl.holder();
    let title = match (&owner, app.acl.is_effective) {
        (None, _) => "What no rule decides".to_owned(),
        (Some(owner), false) => format!("Rules of {owner}"),
        (Some(owner), true) => format!("{owner}   block, then allow, then the default"),
    };
    let inner = pane(app, canvas, area, &canvas.seen(&title), app.ui.pane == 1);
    canvas.spot(inner, Target::Pane(1));
    let lines = app.acl.lines();
    if lines.is_empty() {
        let why = if owner.is_none() {
            "The default decides. The owners below it have rules."
        } else {
            "No rules. a adds one."
        };
        let below = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        canvas.read(below, [(why.to_owned(), Role::Text)], "?");
        return None;
    }
    canvas.text(
        inner,
        0,
        0,
        &cells(inner.width, ["  RULE", "ACT", "DESTINATIONS", "PORTS", "PR", "PRIO", "HIT/h"]),
        Role::Header,
    );
    let room = usize::from(inner.height.saturating_sub(1)).max(1);
    let first = (app.acl.rule + 1).saturating_sub(room);
    let mut meant = None;
    for ((place, line), y) in lines.iter().enumerate().skip(first).zip(1..inner.height) {
        let is_meant = place == app.acl.rule;
        let (text, role) = rule_line(app, canvas, line, is_meant, inner.width);
        canvas.text(inner, 0, y, &text, role);
        canvas.line_spot(inner, y, Target::Own(1, away(place, app.acl.rule)));
        if is_meant {
            canvas.mark_line(inner, y, if app.ui.pane == 1 { Role::Select } else { Role::Mark });
            meant = Some(Position { x: inner.x, y: inner.y + y });
        }
    }
    meant
}

fn rule_line(app: &App, canvas: &Canvas<'_>, line: &Line, is_meant: bool, width: u16) -> (String, Role) {
    let action = if is_allowing(&line.entry) { "allow" } else { "BLOCK" };
    let name = format!("{}#{}", short(&line.place.owner), line.place.index + 1);
    let name = format!("{}{} {name}", if is_meant { ">" } else { " " }, line.sign.letter());
    let hits = app.acl.hits.get(&line.place.to_string()).map_or(0, |hits| hits.hour);
    let or = |key: &str, usual: &str| {
        Some(says(&line.entry, key)).filter(|text| !text.is_empty()).unwrap_or_else(|| usual.to_owned())
    };
    let values = [
        name,
        action.to_owned(),
        or("destinations", "*"),
        or("ports", "*"),
        or("protocols", "any"),
        or("priority", "0"),
        shown::count(hits),
    ];
    let values = values.map(|value| canvas.seen(&value));
    let role = match line.sign {
        Sign::Gone => Role::Dim,
        Sign::New | Sign::Changed => Role::Accent,
        Sign::Same => Role::Text,
    };
    (cells(width, values.each_ref().map(String::as_str)), role)
}

/// The columns of a rule; the destinations take what room is left, and the last ones are left out first.
fn cells(width: u16, values: [&str; 7]) -> String {
    let room = usize::from(width);
    let [name, action, destinations, ports, protocols, priority, hits] = values;
    let (for_name, for_ports) = if room >= 70 { (18, 12) } else { (14, 8) };
    let mut tail = fitted(ports, for_ports, false);
    if room >= 60 {
        tail =
            format!("{tail} {} {} {}", fitted(protocols, 3, false), fitted(priority, 4, true), fitted(hits, 6, true));
    }
    let rest = room.saturating_sub(for_name + 8 + tail.len() + 1).max(6);
    format!(
        "{} {} {} {tail}",
        fitted(name, for_name, false),
        fitted(action, 5, false),
        fitted(destinations, rest, false)
    )
}

/// What there is to say about the rule that is meant, and what the daemon says about the draft.
fn facts(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let line = app.acl.line();
    let title = line.as_ref().map_or_else(|| "Nothing is meant".to_owned(), |line| format!("Rule {}", line.place));
    let inner = pane(app, canvas, area, &canvas.seen(&title), false);
    canvas.read(inner, everything(app), "i");
}

/// The hits of the rule, its faults, and what it says.
pub(super) fn everything(app: &App) -> Vec<(String, Role)> {
    let line = app.acl.line();
    let mut facts: Vec<(String, Role)> = Vec::new();
    if let Some(fault) = app.acl.shown().and_then(|shown| shown.fault.as_ref()) {
        facts.push((format!("! the draft is no TOML: {fault}; T edits it again"), Role::Bad));
    }
    let about = line.as_ref().map(|line| line.place.to_string()).unwrap_or_default();
    let is_about = |remark: &&Value| !about.is_empty() && raw(&remark["path"]).contains(&about);
    let remarks = || app.acl.remarks.iter();
    let own: Vec<&Value> = remarks().filter(is_about).collect();
    let errors = remarks().filter(|remark| remark["sev"] == "error" && !own.contains(remark));
    for remark in own.iter().copied().chain(errors) {
        let role = if remark["sev"] == "error" { Role::Bad } else { Role::Warn };
        facts.push((
            format!("! line {}: {}: {}", raw(&remark["line"]), raw(&remark["path"]), raw(&remark["msg"])),
            role,
        ));
    }
    if let Some(line) = &line {
        let hits = app.acl.hits.get(&about).copied().unwrap_or_default();
        let last = hits.last.map_or_else(|| "never".to_owned(), shown::time);
        let [all, now] = [hits.all, hits.live].map(shown::count);
        let hits = format!("decided {all} times, last {last}   {now} live sessions: Enter");
        facts.insert(0, (hits, Role::Text));
        let keys = line.entry.0.iter().map(|(key, value)| (format!("{key:<13} {}", raw(value)), Role::Text));
        facts.extend(keys);
    }
    facts
}
