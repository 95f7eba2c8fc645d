//! The pages of the screen that are lines: differences, generations, a merge, what was said to a request.

use ratatui::layout::{Position, Rect};
use serde_json::Value;

use super::model::Page;
use super::{affected, merging, saved};
use crate::command::effect;
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::pointer::{Target, away};
use crate::console::theme::Role;
use crate::output::raw;
use crate::shown::{self, facts, visible, wrapped};

/// Draws the page; the line that is meant is marked where there is something to choose.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    match app.acl.page {
        Page::Affected => affected::draw(app, canvas, area),
        Page::Trial if app.model.knows("acl.tests.get") => {
            let below = (area.height / 3).clamp(4, 9);
            let above = Rect { height: area.height - below, ..area };
            let meant = of_lines(app, canvas, above);
            let tests = saved_tests(app, canvas, Rect { y: area.y + above.height, height: below, ..area });
            tests.or(meant)
        }
        Page::Merge => merging::draw(app, canvas, area),
        Page::Rules | Page::Change | Page::Generations | Page::Trial => of_lines(app, canvas, area),
    }
}

/// Below the request that was tried.
fn saved_tests(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let is_here = app.ui.pane == 1;
    let sign = if is_here { "> " } else { "" };
    let keys = if is_here { "   a add  e edit  d remove  Enter into the form" } else { "" };
    let title = format!("{sign}{}{keys}", saved::summary(app));
    let inner = framed(app, canvas, area, &title);
    canvas.spot(inner, Target::Pane(1));
    let first = (app.acl.test + 1).saturating_sub(usize::from(inner.height));
    let mut meant = None;
    for ((place, line), y) in saved::lines(app).iter().enumerate().skip(first).zip(0..inner.height) {
        let role = if line.starts_with("FAIL") { Role::Bad } else { Role::Text };
        let line = canvas.seen(line);
        canvas.text(inner, 0, y, &line, role);
        canvas.line_spot(inner, y, Target::Own(1, away(place, app.acl.test)));
        if is_here && place == app.acl.test {
            canvas.mark_line(inner, y, Role::Select);
            meant = Some(Position { x: inner.x, y: inner.y + y });
        }
    }
    meant
}

pub(super) fn framed(app: &App, canvas: &mut Canvas<'_>, area: Rect, title: &str) -> Rect {
    if app.has_boxes() {
        return canvas.framed(area, title);
    }
    canvas.facts(area, (1, 0), title, Role::Header);
    Rect { x: area.x + 1, y: area.y + 1, width: area.width - 2, height: area.height - 1 }
}

pub(super) fn of_lines(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let inner = framed(app, canvas, area, &title(app));
    canvas.spot(inner, Target::Pane(if app.acl.page == Page::Trial { 0 } else { app.ui.pane }));
    let lines = lines(app);
    let chooses = matches!(app.acl.page, Page::Generations | Page::Merge);
    let room = usize::from(inner.height);
    let head = heads(app.acl.page);
    let chosen = app.acl.line + head;
    let cells = usize::from(inner.width);
    // What is only read is read whole, and so is the generation that is meant; of a merge both sides stand below.
    let parts = |place: usize, line: &str| match app.acl.page {
        Page::Merge => vec![facts(&visible(line), cells).into_owned()],
        Page::Generations if place != chosen => vec![line.to_owned()],
        Page::Rules | Page::Change | Page::Generations | Page::Trial | Page::Affected => wrapped(&visible(line), cells),
    };
    let first = if chooses {
        let taken = lines.get(chosen).map_or(1, |line| parts(chosen, line).len());
        (chosen + taken).saturating_sub(room).min(chosen)
    } else {
        app.acl.line.min(lines.len().saturating_sub(1))
    };
    let mut meant = None;
    let parts = lines
        .iter()
        .enumerate()
        .skip(first)
        .flat_map(|(place, line)| parts(place, line).into_iter().map(move |part| (place, part, role(line))));
    for ((place, line, role), y) in parts.zip(0..inner.height) {
        canvas.text(inner, 0, y, &line, role);
        if chooses && place >= head {
            canvas.line_spot(inner, y, Target::Own(app.ui.pane, away(place, chosen)));
        }
        if chooses && place == chosen {
            canvas.mark_line(inner, y, Role::Select);
            meant = meant.or(Some(Position { x: inner.x, y: inner.y + y }));
        }
    }
    meant
}

fn title(app: &App) -> String {
    match app.acl.page {
        Page::Rules => "Rules".to_owned(),
        Page::Change => app.acl.of_generation.map_or_else(
            || "The draft against what is in force   Enter whom it is about  A applies it   Esc back".to_owned(),
            |number| format!("Generation {number} against what is in force   R brings it back   Esc back"),
        ),
        Page::Generations => "Generations   Enter shows one, R brings it back   Esc back".to_owned(),
        Page::Merge => {
            format!("Your draft and generation {}   m mine  t theirs  b both  e other   A takes it over", app.acl.onto)
        }
        Page::Trial => {
            let sign = if app.ui.pane == 0 { "> " } else { "" };
            format!("{sign}What the rules would say   t another request  s save as test   Esc back")
        }
        Page::Affected => String::new(),
    }
}

/// Lines above those that are chosen from.
fn heads(page: Page) -> usize {
    match page {
        Page::Generations => 1,
        Page::Rules | Page::Change | Page::Merge | Page::Trial | Page::Affected => 0,
    }
}

fn role(line: &str) -> Role {
    match line.as_bytes().first() {
        Some(b'+') => Role::Ok,
        Some(b'-' | b'!') => Role::Bad,
        Some(b'@' | b'=') => Role::Header,
        Some(_) | None => Role::Text,
    }
}

pub(super) fn lines(app: &App) -> Vec<String> {
    match app.acl.page {
        Page::Rules | Page::Affected => Vec::new(),
        Page::Change => change(app),
        Page::Generations => generations(app),
        Page::Merge => merge(app),
        Page::Trial => trial(app),
    }
}

fn change(app: &App) -> Vec<String> {
    let mut lines = match &app.acl.effect {
        Some(effect) => effect::lines(effect),
        None => vec![match app.acl.progress {
            Some((done, of)) => format!("{} of {} judged   Esc stops", shown::count(done), shown::count(of)),
            None => "what it would change is being asked, or your role may not know".to_owned(),
        }],
    };
    lines.push(String::new());
    let Some(difference) = &app.acl.difference else {
        lines.push("asking ...".to_owned());
        return lines;
    };
    for item in difference["items"].as_array().into_iter().flatten() {
        let sign = match item["kind"].as_str() {
            Some("add") => "+",
            Some("del") => "-",
            Some("mov") => ">",
            Some(_) | None => "~",
        };
        let about = if item["ref"].is_null() { raw(&item["owner"]) } else { raw(&item["ref"]) };
        let said = |side: &str| item[side].as_object().map(|_| of_rule(&item[side])).unwrap_or_default();
        lines.push(format!("= {sign} {about}"));
        lines.extend(
            ["before", "after"]
                .map(|side| (side, said(side)))
                .into_iter()
                .filter(|(_, said)| !said.is_empty())
                .map(|(side, said)| format!("    {side:<6} {said}")),
        );
    }
    lines.push(String::new());
    let text = difference["text"].as_str().unwrap_or_default();
    lines.extend(text.lines().map(str::to_owned));
    if text.is_empty() {
        lines.push("There is no difference.".to_owned());
    }
    lines
}

fn of_rule(rule: &Value) -> String {
    let keys = rule.as_object().into_iter().flatten();
    keys.map(|(key, value)| format!("{key} {}", raw(value))).collect::<Vec<_>>().join("; ")
}

fn generations(app: &App) -> Vec<String> {
    let mut lines =
        vec![format!("= {:>5}  {:<20} {:<12} {:<9} {:<11} {}", "GEN", "SINCE", "BY", "HOW", "STATE", "COMMENT")];
    lines.extend(app.acl.generations.iter().map(|generation| {
        let of = |name: &str| raw(&generation[name]);
        let since: String = of("t").chars().take(19).collect();
        let state = of("state").replace('_', " ");
        format!("  {:>5}  {since:<20} {:<12} {:<9} {state:<11} {}", of("gen"), of("by"), of("source"), of("comment"))
    }));
    lines
}

fn merge(app: &App) -> Vec<String> {
    let line = |(place, item): (usize, &Value)| {
        let about = merging::about(item);
        let said = |side: &str| {
            Some(of_rule(&item[side])).filter(|said| !said.is_empty()).unwrap_or_else(|| "gone".to_owned())
        };
        if item["state"] == "clean" {
            return format!("  clean     {about:<24} kept: {}", raw(&item["kept"]));
        }
        let picked = app.acl.picks.get(&place).map_or("? m, t, b or e", |pick| pick.as_str().unwrap_or("other"));
        format!("! CONFLICT  {about:<24} [{picked}]   theirs: {}   mine: {}", said("theirs"), said("mine"))
    };
    let lines: Vec<String> = app.acl.merge.iter().enumerate().map(line).collect();
    if lines.is_empty() { vec!["Nothing came in between.".to_owned()] } else { lines }
}

fn trial(app: &App) -> Vec<String> {
    if app.acl.request.is_null() {
        return vec!["No request was tried yet: t asks for one, L takes one of the second screen.".to_owned()];
    }
    let of = |name: &str| raw(&app.acl.request[name]);
    let mut lines = vec![format!("{} > {}:{} {}", of("user"), of("dest"), of("port"), of("protocol")), String::new()];
    let [running, draft] = &app.acl.trials;
    lines.push(format!("= in force, generation {}: {}", app.acl.generation(), verdict(running.as_ref())));
    if app.acl.draft.is_some() {
        lines.push(format!("= draft: {}", verdict(draft.as_ref())));
    }
    let Some(why) = draft.as_ref().or(running.as_ref()) else { return lines };
    lines.push(String::new());
    let head = if draft.is_some() { "draft" } else { "in force" };
    lines.push(format!("= why ({head}), rule by rule"));
    for explanation in why["explanations"].as_array().into_iter().flatten() {
        if let Some(address) = explanation["address"].as_str() {
            lines.push(format!("  {address}"));
        }
        for rule in explanation["rules"].as_array().into_iter().flatten() {
            let of = |name: &str| raw(&rule[name]);
            lines.push(format!("    {:<24} {:<6} {:<10} {}", of("name"), of("action"), of("finding"), of("reason")));
        }
    }
    for limit in why["limits"].as_array().into_iter().flatten() {
        let keys = limit.as_object().into_iter().flatten().filter(|(key, _)| *key != "of");
        let said = keys.map(|(key, value)| format!("{} {}", key.replace('_', " "), raw(value)));
        lines.push(format!("  limit of {}: {}", raw(&limit["of"]), said.collect::<Vec<_>>().join(", ")));
    }
    lines.extend(why["notes"].as_array().into_iter().flatten().map(|note| format!("  {}", raw(note))));
    lines
}

fn verdict(answer: Option<&Value>) -> String {
    let Some(answer) = answer else { return "asking ...".to_owned() };
    let rule = answer["decision"]["rule"]["name"].as_str().map_or_else(|| "the default".to_owned(), str::to_owned);
    format!("{} by {rule}", raw(&answer["verdict"]).to_uppercase())
}

/// What is meant, for the clipboard.
pub(super) fn copied(app: &App) -> Vec<String> {
    if app.acl.page == Page::Rules {
        return app
            .acl
            .line()
            .map(|line| vec![line.place.to_string(), serde_json::to_string(&line.entry).unwrap_or_default()])
            .unwrap_or_default();
    }
    lines(app)
        .into_iter()
        .nth(app.acl.line + heads(app.acl.page))
        .into_iter()
        .map(|line| visible(&line).into_owned())
        .collect()
}
