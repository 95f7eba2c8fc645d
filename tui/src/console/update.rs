//! What an event changes, and what is to be done about it. Pure: no clock, no socket, no terminal.

mod answers;
mod hand;
mod pointed;
mod trail;

use serde_json::json;

use super::app::App;
use super::event::{About, Effect, Event};
use super::live::View;
use super::model::{Link, Model, SLOW_EVERY};
use super::palette::{Count, recount};
use super::room::Rows;
use super::screen::Screen;
use super::screens::{acl, config, room};
use super::trail::Place;
use super::ui::Overlay;

/// Ticks of a second.
pub(crate) const TICKS: u32 = 4;

/// Takes an event in. `about` says what an answer is to.
pub(crate) fn update(app: &mut App, event: Event, about: Option<About>) -> Vec<Effect> {
    let said = app.ui.message.clone();
    if let (Event::Answer(..), Some(about)) = (&event, &about) {
        app.waiting.answered(about);
    }
    let effects = happened(app, event, about);
    let mut effects = gone_to(app, effects);
    if app.ui.overlay.is_none() {
        app.ui.overlay = app.ui.behind.take();
    }
    app.ui.remember(said.as_ref(), app.model.now);
    if app.model.is_slow {
        effects.iter_mut().for_each(seldom);
    }
    acl::noted(app, &effects);
    if app.model.link == Link::Live {
        app.waiting.note(&effects);
    }
    // What is being written is obeyed at once in places; it is no step before it is taken.
    if app.ui.overlay.is_none() {
        let here = Place::here(app);
        app.trail.note(here);
    }
    effects
}

/// News that are asked for come less often.
fn seldom(effect: &mut Effect) {
    if let Effect::Ask { op: "view.open" | "view.set" | "status.sub" | "top.sub" | "presence.sub", p, .. } = effect {
        p["every_ms"] = (1_000 * SLOW_EVERY).into();
    }
}

/// Opens the screens to which the effects go; what they need joins the rest.
fn gone_to(app: &mut App, effects: Vec<Effect>) -> Vec<Effect> {
    let mut rest = Vec::new();
    for effect in effects {
        if let Effect::Go(screen) = effect {
            rest.extend(enter(app, screen));
        } else {
            rest.push(effect);
        }
    }
    rest
}

fn happened(app: &mut App, event: Event, about: Option<About>) -> Vec<Effect> {
    match event {
        Event::Key(key) => hand::pressed(app, key),
        Event::Paste(text) => {
            hand::pasted(app, &text);
            Vec::new()
        }
        Event::Pointed(gesture, at) => pointed::pointed(app, gesture, at),
        Event::Resized => resized(app),
        Event::Connected(welcome, _, socket) => {
            app.socket = socket.display().to_string();
            connected(app, *welcome)
        }
        Event::Lost { why, attempt, retry_ms, is_refused } => {
            lost(app, Link::Down { why, attempt, retry_ms, is_refused });
            Vec::new()
        }
        Event::Answer(_, answer) => about.map_or_else(Vec::new, |about| answers::came(app, about, answer)),
        Event::Part(_, part) => {
            if let Some(About::Acl(topic)) = about {
                acl::progressed(app, topic, &part);
            }
            Vec::new()
        }
        Event::Push(push) => answers::pushed(app, push),
        Event::Missed(missed) => answers::missed(app, &missed),
        Event::Saved(outcome) => {
            match outcome {
                Ok(done) => app.ui.say(done),
                Err(why) => app.ui.warn(why),
            }
            Vec::new()
        }
        Event::Edited(config::AUTOSAVE, outcome) => config::edited(app, outcome),
        Event::Edited(_, outcome) => acl::edited(app, outcome),
        Event::Unit(state) => {
            app.model.unit = state;
            Vec::new()
        }
        Event::Told(title, told) => {
            show(app, title, told);
            Vec::new()
        }
        Event::Tick => ticked(app),
        Event::InputEnded | Event::Signal(_) => vec![Effect::Quit],
    }
}

/// Another program has said something; its last lines are what matters.
fn show(app: &mut App, title: &str, told: Result<String, String>) {
    match told {
        Ok(text) => {
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            let scroll = lines.len().saturating_sub(usize::from(app.ui.size.1).saturating_sub(4));
            app.ui.bring(Overlay::Lines { title: title.to_owned(), lines, scroll });
        }
        Err(why) => app.ui.warn(why),
    }
}

fn connected(app: &mut App, welcome: wire::admin::Welcome) -> Vec<Effect> {
    let is_other = app.model.welcome.as_ref().is_some_and(|before| before.epoch != welcome.epoch);
    if is_other {
        // Ids of another run mean nothing in this one.
        for view in View::ALL {
            app.live_mut(*view).forget();
        }
        app.trail.forget_rows();
        app.sessions.known.forget();
        app.acl.restarted();
        if app.ui.overlay.as_ref().is_some_and(Overlay::is_of_run) {
            app.ui.overlay = None;
        }
        app.ui.say("the daemon was started anew; marks are gone");
    }
    app.model.welcome = Some(welcome);
    app.model.link = Link::Live;
    app.waiting.clear();
    app.model.silent = 0;
    app.model.unit = None;
    for view in View::ALL {
        app.live_mut(*view).closed();
    }
    // Subscriptions of the conversation before are over: there is nothing to close.
    drop(room(app.ui.screen).leave(app));
    let mut effects = vec![
        Effect::Ask { op: "meta.ops", p: json!({}), about: About::Ops },
        Effect::Ask { op: "status.sub", p: json!({ "every_ms": 1000 }), about: About::Status },
    ];
    effects.extend(enter(app, app.ui.screen));
    effects
}

fn lost(app: &mut App, link: Link) {
    app.model.link = link;
    app.names.count = Count::default();
    app.waiting.clear();
    for view in View::ALL {
        app.live_mut(*view).closed();
    }
    if app.acl.lost() {
        app.ui.warn("the daemon was lost before the change was made");
    }
    // An order whose answer was lost is not repeated: it may have been done.
    if app.ui.overlay.as_ref().is_some_and(Overlay::is_given) {
        app.ui.overlay = None;
        app.ui.warn("the answer to the order was lost; look whether it was done");
    }
}

/// Another daemon is wanted: what is known of the one before, and what was written for it, means nothing to that one.
pub(crate) fn elsewhere(app: &mut App, socket: &str) -> Vec<Effect> {
    if socket == app.socket {
        return vec![Effect::RetryNow];
    }
    socket.clone_into(&mut app.socket);
    let is_slow = app.model.is_slow;
    app.model = Model::new(app.caps.follows);
    app.model.is_slow = is_slow;
    for view in View::ALL {
        let live = app.live_mut(*view);
        live.forget();
        live.closed();
    }
    app.trail.forget_rows();
    app.sessions.known.forget();
    app.waiting.clear();
    app.ui.leaves();
    app.ui.pane = 0;
    (app.acl, app.config) = (acl::Acl::new(), config::Config::default());
    vec![Effect::Elsewhere(socket.to_owned())]
}

fn ticked(app: &mut App) -> Vec<Effect> {
    app.model.silent = app.model.silent.saturating_add(1);
    app.ui.ending = app.ui.ending.saturating_sub(1);
    if let Some(message) = &mut app.ui.message {
        message.stays = message.stays.saturating_sub(1);
        if message.stays == 0 {
            app.ui.message = None;
        }
    }
    if let Link::Down { retry_ms, .. } = &mut app.model.link {
        *retry_ms = retry_ms.saturating_sub(1000 / u64::from(TICKS));
    }
    app.waiting.ticked();
    let now = app.model.now;
    for view in View::ALL {
        let live = app.live_mut(*view);
        live.table.forget(now, live.cursor.as_deref());
    }
    if app.model.link != Link::Live {
        return Vec::new();
    }
    let mut effects = room(app.ui.screen).ticked(app);
    app.ui.ticks = app.ui.ticks.wrapping_add(1);
    if app.ui.ticks.is_multiple_of(TICKS) {
        effects.extend(recount(app));
    }
    effects
}

/// What a screen needs when it is opened.
pub(super) fn enter(app: &mut App, screen: Screen) -> Vec<Effect> {
    let mut effects = room(app.ui.screen).leave(app);
    if app.ui.screen != screen {
        app.ui.pane = 0;
        app.ui.leaves();
        app.waiting.leave();
    }
    app.ui.screen = screen;
    if app.model.link != Link::Live {
        return Vec::new();
    }
    effects.extend(room(screen).enter(app));
    effects
}

/// The windows on this screen are as large as the screen.
fn resized(app: &mut App) -> Vec<Effect> {
    let here = room(app.ui.screen);
    if app.model.link != Link::Live {
        return Vec::new();
    }
    let mut effects = Vec::new();
    for pane in 0..here.panes() {
        if let Rows::Live(view) = here.rows(pane) {
            let visible = here.visible(app, pane);
            effects.extend(app.live_mut(view).ask(visible));
        }
    }
    effects
}
