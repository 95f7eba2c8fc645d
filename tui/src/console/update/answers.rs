//! What the daemon says, and where it belongs.

use std::collections::BTreeMap;

use serde_json::Value;
use wire::admin::{Kill, Killed, Push, Refusal, ViewOpened};

use super::hand;
use crate::console::app::App;
use crate::console::event::{About, Effect};
use crate::console::live::View;
use crate::console::model::Link;
use crate::console::palette::{self, Named};
use crate::console::pending;
use crate::console::room::{Rows, unwanted};
use crate::console::screen::Screen;
use crate::console::screens::{acl, room, users};
use crate::output::raw;

pub(super) fn came(app: &mut App, about: About, answer: Result<Value, Refusal>) -> Vec<Effect> {
    if let About::Own(screen, what) = about {
        return room(screen).answered(app, what, answer);
    }
    if let About::Visit(screen, what, visit) = about {
        let is_over = visit != app.ui.visit;
        return if is_over { unwanted(screen, answer) } else { room(screen).answered(app, what, answer) };
    }
    if let About::Latest(screen, what, number) = about {
        let is_wanted = app.ui.waits_for(screen, what, number);
        return if is_wanted { room(screen).answered(app, what, answer) } else { unwanted(screen, answer) };
    }
    if let About::Counted(view, expr) = about {
        return palette::counted(app, (view, expr), answer);
    }
    if let About::Found(view) = about {
        return hand::found_row(app, view, answer);
    }
    if let About::Acl(topic) = about {
        return acl::came(app, topic, answer);
    }
    if let About::Leaver(name) = about {
        return users::disabled(app, &name, answer);
    }
    if let About::LeaverFirst(order, number) = about {
        return disabled(app, &order, number, answer);
    }
    if let About::Pending(topic) = about {
        pending::came(app, topic, answer);
        return Vec::new();
    }
    match answer {
        Ok(answer) => fulfilled(app, about, answer),
        Err(refusal) => {
            refused(app, &about, &refusal);
            Vec::new()
        }
    }
}

fn fulfilled(app: &mut App, about: About, answer: Value) -> Vec<Effect> {
    match about {
        About::Ops => {
            let ops = answer.as_array().or(answer["ops"].as_array());
            let names = ops.into_iter().flatten().filter_map(|op| op.as_str().or(op["op"].as_str()));
            app.model.ops = names.map(str::to_owned).collect();
            tell_missing(app);
            return acl::watch(app);
        }
        About::Window(view) => {
            if let Ok(window) = serde_json::from_value::<ViewOpened>(answer) {
                return opened(app, view, window);
            }
            app.live_mut(view).is_asking = false;
        }
        About::Marks(view, filter) => marked(app, view, &filter, &answer),
        About::Session(id) => app.sessions.known.told(id, Some(answer)),
        About::KillDry(number) => {
            let role = app.model.welcome.as_ref().map(|welcome| welcome.role);
            if let Some(dialog) = app.ui.dialog(number) {
                dialog.told(serde_json::from_value(answer).ok(), role);
            }
        }
        About::Killed(number) => killed(app, number, answer),
        About::Listing(screen) => listed(app, screen, &answer),
        About::Names => named(app, &answer),
        About::Status => app.model.told_status(answer),
        About::Found(_)
        | About::Own(..)
        | About::Visit(..)
        | About::Latest(..)
        | About::Counted(..)
        | About::Acl(_)
        | About::Leaver(_)
        | About::LeaverFirst(..)
        | About::Pending(_) => {}
    }
    Vec::new()
}

/// Screens that an older daemon cannot fill are said once.
fn tell_missing(app: &mut App) {
    let there: Vec<Screen> = app.screens().collect();
    let missing = Screen::ALL.iter().filter(|screen| !there.contains(screen));
    let missing: Vec<&str> = missing.map(|screen| screen.title()).collect();
    if !missing.is_empty() {
        app.ui.say(format!("this daemon has nothing for {}", missing.join(", ")));
    }
}

/// Users or groups by their names.
fn named(app: &mut App, answer: &Value) {
    let of_row = |row: &Value| {
        let name = row["name"].as_str()?.to_owned();
        Some(Named { name, sessions: row["sessions"].as_u64() })
    };
    let names =
        |list: &str| -> Option<Vec<Named>> { Some(answer[list].as_array()?.iter().filter_map(of_row).collect()) };
    app.names.users = names("users").unwrap_or_else(|| std::mem::take(&mut app.names.users));
    app.names.groups = names("groups").unwrap_or_else(|| std::mem::take(&mut app.names.groups));
}

/// All that the filter let in are marked, as many as one answer names; by another filter they are not meant any more.
fn marked(app: &mut App, view: View, filter: &str, answer: &Value) {
    let live = app.live_mut(view);
    if live.filter != filter {
        return;
    }
    live.marks.extend(answer["ids"].as_array().into_iter().flatten().map(raw));
    let (marked, matched) = (live.marks.len(), &answer["matched"]);
    let rest = if answer["truncated"] == true { "; the others take a narrower filter" } else { "" };
    app.ui.say(format!("{marked} of {matched} marked{rest}"));
}

/// Whoever's sessions these are begins no others any more; or may, and then nothing is ended.
fn disabled(app: &mut App, order: &Kill, number: u64, answer: Result<Value, Refusal>) -> Vec<Effect> {
    match answer {
        Ok(_) => vec![Effect::ask("sessions.kill", order, About::Killed(number))],
        Err(refusal) => {
            app.ui.done();
            app.ui.warn(format!("the user was not disabled, and no session was ended: {}", refusal.with_code()));
            Vec::new()
        }
    }
}

/// The order was carried out: what it named is marked no more.
fn killed(app: &mut App, number: u64, answer: Value) {
    let killed: Killed = serde_json::from_value(answer).unwrap_or_default();
    if let Some(dialog) = app.ui.dialog(number) {
        let named = dialog.order.ids.take().unwrap_or_default();
        app.ui.overlay = None;
        for id in &named {
            app.sessions.live.marks.remove(id);
        }
    }
    app.ui.say(format!("ended {}, over before {}", killed.killed, killed.gone));
}

fn opened(app: &mut App, view: View, window: ViewOpened) -> Vec<Effect> {
    if let Some(error) = &window.filter_error {
        let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        app.ui.warn(format!("column {}: {}{hint}", error.col, error.msg));
    }
    let visible = visible(app, view);
    app.live_mut(view).opened(visible, window)
}

/// Rows of the view that fit on the screen.
pub(super) fn visible(app: &App, view: View) -> usize {
    let here = room(app.ui.screen);
    let pane = (0..here.panes()).find(|pane| here.rows(*pane) == Rows::Live(view));
    pane.map_or_else(|| app.visible(), |pane| here.visible(app, pane))
}

/// The rows are a list, or the only list of the answer.
fn listed(app: &mut App, screen: Screen, answer: &Value) {
    let lists = answer.as_array().or_else(|| answer.as_object()?.values().find_map(Value::as_array));
    let objects = lists.cloned().unwrap_or_default();
    let room = room(screen);
    if let Some(listing) = room.listing_mut(app) {
        listing.fill(room.columns(), objects);
    }
}

fn refused(app: &mut App, about: &About, refusal: &Refusal) {
    let why = refusal.with_code();
    match about {
        About::Window(view) => {
            let live = app.live_mut(*view);
            live.is_asking = false;
            live.fault = live.table.sub.is_none().then(|| why.clone());
        }
        About::KillDry(number) | About::Killed(number) if app.ui.dialog(*number).is_some() => app.ui.overlay = None,
        About::Listing(screen) => {
            if let Some(listing) = room(*screen).listing_mut(app) {
                return listing.refused(why);
            }
        }
        About::Session(id) => {
            app.sessions.known.told(id.clone(), None);
            if refusal.code == wire::admin::Code::NotFound {
                return;
            }
        }
        About::KillDry(_)
        | About::Killed(_)
        | About::Marks(..)
        | About::Ops
        | About::Names
        | About::Status
        | About::Found(_)
        | About::Own(..)
        | About::Visit(..)
        | About::Latest(..)
        | About::Counted(..)
        | About::Acl(_)
        | About::Leaver(_)
        | About::LeaverFirst(..)
        | About::Pending(_) => {}
    }
    app.ui.warn(why);
}

/// News were let go of while the operator was elsewhere: everything is looked at once, as it is now.
pub(super) fn missed(app: &mut App, missed: &BTreeMap<u64, u64>) -> Vec<Effect> {
    if app.model.link != Link::Live {
        return Vec::new();
    }
    let mut effects = acl::watch_anew(app);
    for view in View::ALL {
        let visible = visible(app, *view);
        effects.extend(app.live_mut(*view).ask(visible));
    }
    effects.extend(room(app.ui.screen).missed(app, missed));
    effects
}

/// News of a subscription.
pub(super) fn pushed(app: &mut App, push: Push) -> Vec<Effect> {
    app.model.silent = 0;
    if push.t > 0.0 {
        app.model.now = push.t;
    }
    if push.ev == "status" {
        app.model.told_status(push.d);
        return Vec::new();
    }
    let gapped = View::ALL.iter().copied().find(|view| app.live(*view).table.sub == Some(push.sub));
    if let Some(view) = gapped.filter(|_| push.ev == "gap") {
        // A patch that no line holds: the window as it is now is asked for instead.
        let visible = visible(app, view);
        return app.live_mut(view).ask(visible);
    }
    let patched = View::ALL.iter().copied().find(|view| app.live(*view).table.sub == Some(push.sub));
    let Some(view) = patched.filter(|_| push.ev == "patch") else {
        return app
            .screens()
            .collect::<Vec<_>>()
            .into_iter()
            .flat_map(|screen| room(screen).pushed(app, &push))
            .collect();
    };
    let Ok(patch) = serde_json::from_value(push.d) else { return Vec::new() };
    let visible = visible(app, view);
    let live = app.live_mut(view);
    live.table.apply(patch, push.t);
    live.patched(visible)
}
