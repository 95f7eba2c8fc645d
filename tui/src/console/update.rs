//! What an event changes, and what is to be done about it. Pure: no clock, no socket, no terminal.

mod answers;
mod hand;
mod rows;

use serde_json::{Value, json};

pub(crate) use self::hand::found;
use super::app::App;
use super::event::{About, Effect, Event};
use super::model::Link;
use super::ui::{Overlay, Screen};

/// Ticks of a second.
pub(crate) const TICKS: u32 = 4;

/// Takes an event in. `about` says what an answer is to.
pub(crate) fn update(app: &mut App, event: Event, about: Option<About>) -> Vec<Effect> {
    match event {
        Event::Key(key) => hand::pressed(app, key),
        Event::Paste(text) => {
            hand::pasted(app, &text);
            Vec::new()
        }
        Event::Resized => rows::resized(app),
        Event::Connected(welcome, _) => connected(app, *welcome),
        Event::Lost { why, attempt, retry_ms } => {
            lost(app, why, attempt, retry_ms);
            Vec::new()
        }
        Event::Answer(_, answer) => about.map_or_else(Vec::new, |about| answers::came(app, about, answer)),
        Event::Push(push) => answers::pushed(app, push),
        Event::Tick => ticked(app),
        Event::InputEnded | Event::Signal(_) => vec![Effect::Quit],
    }
}

fn connected(app: &mut App, welcome: wire::admin::Welcome) -> Vec<Effect> {
    let is_other = app.model.welcome.as_ref().is_some_and(|before| before.epoch != welcome.epoch);
    if is_other {
        // Ids of another run mean nothing in this one.
        app.ui.marks.clear();
        app.ui.cursor = None;
        app.ui.top = 0;
        app.ui.goal = None;
        app.model.detail = None;
        app.model.sessions.lines.clear();
        if matches!(app.ui.overlay, Some(Overlay::Kill(_) | Overlay::Detail { .. })) {
            app.ui.overlay = None;
        }
        app.ui.say("the daemon was started anew; marks are gone");
    }
    app.model.welcome = Some(welcome);
    app.model.link = Link::Live;
    app.model.silent = 0;
    app.model.sessions.sub = None;
    app.model.listing.is_waiting = false;
    app.ui.is_asking = false;
    let mut effects = vec![
        Effect::Ask { op: "meta.ops", p: json!({}), about: About::Ops },
        Effect::Ask { op: "status.sub", p: json!({ "every_ms": 1000 }), about: About::Status },
    ];
    effects.extend(enter(app, app.ui.screen));
    effects
}

fn lost(app: &mut App, why: String, attempt: u32, retry_ms: u64) {
    app.model.link = Link::Down { why, attempt, retry_ms };
    app.model.sessions.sub = None;
    app.ui.is_asking = false;
    // An order whose answer was lost is not repeated: it may have been done.
    if let Some(Overlay::Kill(dialog)) = &app.ui.overlay
        && dialog.is_given
    {
        app.ui.overlay = None;
        app.ui.warn("the answer to the order was lost; look whether it was done");
    }
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
    let now = app.model.now;
    app.model.sessions.forget(now, app.ui.cursor.as_deref());
    Vec::new()
}

/// What a screen needs when it is opened.
pub(super) fn enter(app: &mut App, screen: Screen) -> Vec<Effect> {
    if app.ui.screen != screen {
        app.model.listing = super::listing::Listing::default();
    }
    app.ui.screen = screen;
    if app.model.link != Link::Live {
        return Vec::new();
    }
    match screen {
        Screen::Overview => Vec::new(),
        Screen::Sessions if app.model.sessions.sub.is_some() => Vec::new(),
        Screen::Sessions => rows::open(app),
        Screen::History | Screen::Acl | Screen::Health => refresh(app),
    }
}

/// Asks for the rows of a listing.
pub(super) fn refresh(app: &mut App) -> Vec<Effect> {
    if app.model.link != Link::Live {
        return Vec::new();
    }
    let (op, p) = match app.ui.screen {
        Screen::History => ("history.query", past(&app.ui.past_filter, app.model.now)),
        Screen::Acl => ("acl.rules", json!({})),
        Screen::Health => ("health.get", json!({})),
        Screen::Overview | Screen::Sessions => return Vec::new(),
    };
    app.model.listing.is_waiting = true;
    vec![Effect::Ask { op, p, about: About::Listing }]
}

/// The latest that the filter lets through; one that the daemon cannot be asked was refused when it was written.
fn past(filter: &str, now: f64) -> Value {
    let mut p = crate::past::question(filter, now).unwrap_or_default();
    p.insert("limit".to_owned(), 200.into());
    Value::Object(p)
}
