//! What is well and what is not: each check with what it means, what was not well lately, and which program this is.

mod bundle;
mod draw;

use ratatui::layout::{Position, Rect};
use serde_json::{Value, json};
use wire::admin::{Push, Refusal, Role};

use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::{About, Effect};
use crate::console::keys::Key::Char;
use crate::console::keys::{Action, Binding, On, bind};
use crate::console::listing::{Columns, Listing};
use crate::console::model::{moment, number, since};
use crate::console::room::{self, Rows};
use crate::console::screen::Screen;
use crate::console::ui::{NOTHING, Overlay};
use crate::output::Kind;

/// The parts, in the order of Tab.
const OF_CHECKS: usize = 0;
const OF_INCIDENTS: usize = 1;

const INCIDENTS: Columns =
    &[("t", Kind::Time), ("name", Kind::Text), ("state", Kind::Text), ("dur_s", Kind::Seconds), ("text", Kind::Text)];

/// The limit is said of the one that is meant, so that there is room for what was measured.
const CHECKS: Columns = &[("state", Kind::Text), ("name", Kind::Text), ("measured", Kind::Text)];

/// Incidents that are asked for.
const MOST: usize = 200;

/// The checks, and what was not well lately.
#[derive(Debug, Default)]
pub(crate) struct Health {
    sub: Option<u64>,
    checks: Listing,
    incidents: Listing,
}

const KEYS: &[Binding] = &[
    bind(Action::Run(to_incidents), &[Char('i')], On::Everywhere, "incidents", "what was not well, and since when")
        .hint("incidents")
        .command("rustsocks-cli incidents"),
    bind(
        Action::Run(bundle::asked),
        &[Char('B')],
        On::Everywhere,
        "support bundle",
        "what the daemon says of itself, into a file for whoever helps",
    )
    .role(Role::Admin)
    .hint("support bundle")
    .command("rustsocks-cli support bundle"),
];

/// The screen.
#[derive(Debug)]
pub(crate) struct Room;

impl room::Room for Room {
    fn keys(&self) -> &'static [Binding] {
        KEYS
    }

    fn panes(&self) -> usize {
        2
    }

    fn rows(&self, pane: usize) -> Rows {
        if pane == OF_INCIDENTS { Rows::Own } else { Rows::Listing }
    }

    fn moved(&self, app: &mut App, by: isize) -> Vec<Effect> {
        app.health.incidents.moved(by);
        Vec::new()
    }

    fn copied(&self, app: &App) -> Vec<String> {
        if app.ui.pane == OF_INCIDENTS { app.health.incidents.row() } else { app.health.checks.row() }
    }

    fn enter(&self, app: &mut App) -> Vec<Effect> {
        app.health.sub = None;
        app.health.checks.is_waiting = true;
        vec![
            Effect::ask("health.get", &json!({}), About::Listing(Screen::Health)),
            room::subscribe(app, "health.sub", &json!({ "every_ms": 1000 }), (Screen::Health, "checks")),
            incidents(),
        ]
    }

    fn leave(&self, app: &mut App) -> Vec<Effect> {
        let sub = app.health.sub.take();
        room::unsubscribe(app, Screen::Health, sub)
    }

    fn listing<'a>(&self, app: &'a App) -> Option<&'a Listing> {
        Some(&app.health.checks)
    }

    fn listing_mut<'a>(&self, app: &'a mut App) -> Option<&'a mut Listing> {
        Some(&mut app.health.checks)
    }

    fn record(&self, app: &App) -> (String, Value) {
        let (title, listing) = if app.ui.pane == OF_INCIDENTS {
            ("Incident", &app.health.incidents)
        } else {
            ("Check", &app.health.checks)
        };
        (title.to_owned(), listing.record())
    }

    fn columns(&self) -> Columns {
        CHECKS
    }

    fn answered(&self, app: &mut App, what: &'static str, answer: Result<Value, Refusal>) -> Vec<Effect> {
        let Some(answer) = app.granted(answer) else { return Vec::new() };
        match what {
            "checks" => {
                app.health.sub = answer["sub"].as_u64();
                app.health.told(&answer);
            }
            "incidents" => {
                let incidents = answer["incidents"].as_array().cloned().unwrap_or_default();
                app.health.incidents.fill(INCIDENTS, incidents);
            }
            _ => {}
        }
        Vec::new()
    }

    /// A check that stands otherwise than before is an incident, or the end of one.
    fn pushed(&self, app: &mut App, push: &Push) -> Vec<Effect> {
        let health = &mut app.health;
        if health.sub != Some(push.sub) || push.ev != "health" {
            return Vec::new();
        }
        let before = health.states();
        health.told(&push.d);
        if health.states() == before { Vec::new() } else { vec![incidents()] }
    }

    fn opened(&self, app: &mut App) -> Vec<Effect> {
        if app.ui.pane == OF_INCIDENTS && app.health.incidents.objects.is_empty() {
            app.ui.say(NOTHING);
        } else {
            app.ui.overlay = Some(Overlay::Detail { scroll: 0 });
        }
        Vec::new()
    }

    fn ticked(&self, app: &mut App) -> Vec<Effect> {
        app.health.aged(app.model.now);
        Vec::new()
    }

    fn draw(&self, app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
        draw::draw(app, canvas, area)
    }
}

impl Health {
    fn told(&mut self, answer: &Value) {
        self.checks.fill(CHECKS, answer["checks"].as_array().cloned().unwrap_or_default());
    }

    /// What is not over goes on.
    fn aged(&mut self, now: f64) {
        let age = |incident: &Value| moment(&incident["t"]).map(|began| since(began, now));
        let mut is_older = false;
        for incident in self.incidents.objects.iter_mut().filter(|incident| incident["state"] == "open") {
            let dur = age(incident).filter(|dur| *dur > number(&incident["dur_s"]));
            is_older |= dur.is_some();
            incident["dur_s"] = dur.map_or_else(|| incident["dur_s"].take(), Value::from);
        }
        if is_older {
            let incidents = std::mem::take(&mut self.incidents.objects);
            self.incidents.fill(INCIDENTS, incidents);
        }
    }

    fn states(&self) -> Vec<Value> {
        self.checks.objects.iter().map(|check| check["state"].clone()).collect()
    }
}

fn to_incidents(app: &mut App) -> Vec<Effect> {
    app.ui.pane = if app.ui.pane == OF_INCIDENTS { OF_CHECKS } else { OF_INCIDENTS };
    Vec::new()
}

fn incidents() -> Effect {
    Effect::ask("incidents.list", &json!({ "n": MOST }), About::Own(Screen::Health, "incidents"))
}
