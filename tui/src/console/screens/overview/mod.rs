//! What the daemon does, at a glance: numbers with their past, who and what has the most, what to look at, and what was changed.

mod audit;
mod draw;

use filter::Field;
use ratatui::layout::{Position, Rect};
use serde_json::{Value, json};
use wire::admin::{Push, Refusal, Role};

use self::audit::Audit;
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::Effect;
use crate::console::keys::Key::Char;
use crate::console::keys::{Action, Binding, On, bind};
use crate::console::listing::Listing;
use crate::console::room::{self, Rows};
use crate::console::screen::Screen;
use crate::output::raw;

/// What is drawn as a curve, by its name in the daemon's series.
const CURVES: [&str; 7] = ["sessions", "new", "up", "down", "denied", "auth_fail", "conn_p99"];

/// How far the curves go back: the length of a moment, how many there are, and what that is called.
const PASTS: [(u64, usize, &str); 3] = [(1, 300, "5 min"), (10, 360, "1 h"), (60, 1_440, "24 h")];

/// The parts with rows, in the order of Tab.
const USERS: usize = 0;
const DESTINATIONS: usize = 1;
const DENIALS: usize = 2;
const ATTENTION: usize = 3;
const CHANGES: usize = 4;

/// Behind them, in the place of all: it is left by Esc.
const AUDIT: usize = 5;

/// What the tables of the most are of, as the daemon calls it.
const RANKINGS: [&str; 3] = ["user", "dst", "denied"];

/// What makes the users and destinations of these tables come first, as the daemon calls it.
const MEASURES: [&str; 3] = ["rate", "sessions", "bytes"];

/// Rows of each.
const MOST: usize = 20;

/// Everything that came for this screen.
#[derive(Debug, Default)]
pub(crate) struct Overview {
    /// The place in [`PASTS`].
    past: usize,
    /// The place in [`MEASURES`].
    measure: usize,
    /// In the order of [`CURVES`]; nothing where nothing was measured.
    curves: Vec<Vec<Option<f64>>>,
    series: Option<u64>,
    /// The subscriptions of the rankings.
    rankings: [Option<u64>; RANKINGS.len()],
    attention: Option<u64>,
    /// The rows of each part.
    rows: [Vec<Value>; CHANGES + 1],
    cursors: [usize; CHANGES + 1],
    audit: Audit,
}

const KEYS: &[Binding] = &[
    bind(Action::Run(next_past), &[Char('w')], On::Own, "window", "curves of five minutes, an hour or a day")
        .hint("window")
        .command("rustsocks-cli raw '{\"op\":\"series.get\",\"p\":{\"keys\":[\"up\"],\"res\":60}}'"),
    bind(Action::Run(next_measure), &[Char('s')], On::Own, "sort", "the most by rate, sessions or bytes")
        .hint("sort")
        .command("rustsocks-cli top --key rate"),
    bind(Action::Run(again), &[Char('r')], On::Own, "refresh", "ask again").command("rustsocks-cli status"),
    bind(Action::Run(audit::open), &[Char('a')], On::Rows, "audit log", "who did what, with a filter; Esc goes back")
        .role(Role::Admin)
        .hint("audit log")
        .command("rustsocks-cli audit query"),
];

/// The screen.
#[derive(Debug)]
pub(crate) struct Room;

impl room::Room for Room {
    fn keys(&self) -> &'static [Binding] {
        KEYS
    }

    fn panes(&self) -> usize {
        CHANGES + 1
    }

    fn aside(&self) -> Option<usize> {
        Some(AUDIT)
    }

    fn rows(&self, pane: usize) -> Rows {
        if pane == AUDIT { Rows::Listing } else { Rows::Own }
    }

    /// The status comes by itself, whatever the screen.
    fn enter(&self, app: &mut App) -> Vec<Effect> {
        let overview = &mut app.overview;
        overview.series = None;
        overview.attention = None;
        overview.rankings = [None; RANKINGS.len()];
        let mut effects = vec![past(app)];
        let subscribe = |op, p: &Value, what| room::subscribe(app, op, p, (Screen::Overview, what));
        effects.push(subscribe("series.sub", &json!({ "keys": CURVES }), "series"));
        effects.push(subscribe("attention.sub", &json!({}), "attention"));
        for by in RANKINGS {
            let p = json!({ "by": by, "key": MEASURES[app.overview.measure], "n": MOST });
            effects.push(subscribe("top.sub", &p, by));
        }
        if app.ui.pane == AUDIT {
            effects.extend(audit::asked(app));
        }
        if app.model.is_admin() {
            let p = json!({ "n": 2 * MOST });
            effects.push(room::ask_latest(app, "audit.tail", &p, (Screen::Overview, "audit")));
        }
        effects
    }

    fn leave(&self, app: &mut App) -> Vec<Effect> {
        let Overview { series, rankings, attention, .. } = &mut app.overview;
        let subs = [series.take(), attention.take()].into_iter().chain(rankings.iter_mut().map(Option::take));
        let subs: Vec<u64> = subs.flatten().collect();
        room::unsubscribe(app, Screen::Overview, subs)
    }

    fn moved(&self, app: &mut App, by: isize) -> Vec<Effect> {
        let pane = app.ui.pane;
        let last = app.overview.rows[pane].len().saturating_sub(1);
        let cursor = &mut app.overview.cursors[pane];
        *cursor = cursor.saturating_add_signed(by).min(last);
        Vec::new()
    }

    /// To the screen that says more, with a filter for this row.
    fn opened(&self, app: &mut App) -> Vec<Effect> {
        if app.ui.pane == AUDIT {
            app.ui.overlay = Some(crate::console::ui::Overlay::Detail { scroll: 0 });
            return Vec::new();
        }
        let Some(row) = meant(app).cloned() else { return Vec::new() };
        match app.ui.pane {
            USERS => narrowed(app, "user", &raw(&row[0])),
            DESTINATIONS => narrowed(app, "dst", &host_of(&raw(&row[0]))),
            DENIALS => {
                let (user, host) = (filter::quoted(&raw(&row[0])), filter::quoted(&host_of(&raw(&row[1]))));
                app.history.filter = format!("user={user} and dst={host} and status=rejected");
                vec![Effect::Go(Screen::History)]
            }
            ATTENTION => led_on(app, &row),
            _ => {
                app.ui.overlay = Some(crate::console::ui::Overlay::Detail { scroll: 0 });
                Vec::new()
            }
        }
    }

    fn back(&self, app: &mut App) -> Vec<Effect> {
        if app.ui.pane == AUDIT { audit::back(app) } else { Vec::new() }
    }

    fn listing<'a>(&self, app: &'a App) -> Option<&'a Listing> {
        (app.ui.pane == AUDIT).then_some(&app.overview.audit.listing)
    }

    fn listing_mut<'a>(&self, app: &'a mut App) -> Option<&'a mut Listing> {
        (app.ui.pane == AUDIT).then_some(&mut app.overview.audit.listing)
    }

    fn filter(&self, app: &App) -> Option<String> {
        (app.ui.pane == AUDIT).then(|| app.overview.audit.filter.clone())
    }

    fn fields(&self, pane: usize) -> &'static [Field] {
        if pane == AUDIT { filter::AUDIT } else { &[] }
    }

    fn filtered(&self, app: &mut App, text: String) -> Result<Vec<Effect>, String> {
        app.overview.audit.filter = text;
        Ok(audit::asked(app))
    }

    fn record(&self, app: &App) -> (String, Value) {
        if let Some(listing) = self.listing(app) {
            return ("What was done".to_owned(), listing.record());
        }
        ("What was changed".to_owned(), meant(app).cloned().unwrap_or_default())
    }

    fn rule(&self, app: &App) -> Option<String> {
        let row = meant(app).filter(|_| app.ui.pane == DENIALS)?;
        row[2].as_str().map(str::to_owned)
    }

    fn copied(&self, app: &App) -> Vec<String> {
        if let Some(listing) = self.listing(app) {
            return listing.row();
        }
        let cells = |row: &Value| match row.as_array() {
            Some(cells) => cells.iter().map(raw).collect(),
            None => vec![raw(row)],
        };
        meant(app).map(cells).unwrap_or_default()
    }

    fn answered(&self, app: &mut App, what: &'static str, answer: Result<Value, Refusal>) -> Vec<Effect> {
        if what == "audit log" {
            audit::answered(app, answer);
            return Vec::new();
        }
        let Some(answer) = app.granted(answer) else { return Vec::new() };
        let overview = &mut app.overview;
        let sub = answer["sub"].as_u64();
        match what {
            "past" => overview.filled(&answer),
            "series" => overview.series = sub,
            "attention" => {
                overview.attention = sub;
                overview.told(ATTENTION, &answer["items"]);
            }
            "audit" => overview.told(CHANGES, &changes(&answer["records"])),
            by => {
                if let Some(place) = RANKINGS.iter().position(|known| *known == by) {
                    overview.rankings[place] = sub;
                    overview.told(place, &answer["rows"]);
                }
            }
        }
        Vec::new()
    }

    fn pushed(&self, app: &mut App, push: &Push) -> Vec<Effect> {
        let (overview, sub) = (&mut app.overview, Some(push.sub));
        if overview.series == sub && push.ev == "series" {
            let is_over = overview.measured(&push.d);
            return is_over.then(|| past(app)).into_iter().collect();
        }
        if overview.attention == sub && push.ev == "attention" {
            overview.told(ATTENTION, &push.d["items"]);
        }
        if let Some(place) = overview.rankings.iter().position(|known| *known == sub).filter(|_| push.ev == "top") {
            overview.told(place, &push.d["rows"]);
        }
        Vec::new()
    }

    fn draw(&self, app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
        draw::draw(app, canvas, area)
    }
}

impl Overview {
    /// The past came, whole.
    fn filled(&mut self, answer: &Value) {
        let values = |key: &&str| -> Vec<Option<f64>> {
            answer["data"][*key].as_array().into_iter().flatten().map(Value::as_f64).collect()
        };
        self.curves = CURVES.iter().map(values).collect();
    }

    /// A second is over. Says whether a longer moment is, for these are asked for.
    fn measured(&mut self, news: &Value) -> bool {
        let (length, most, _) = PASTS[self.past];
        if length > 1 {
            return news["t"].as_u64().is_some_and(|second| second.is_multiple_of(length));
        }
        let values = news["v"].as_array().into_iter().flatten().map(Value::as_f64);
        for (curve, value) in self.curves.iter_mut().zip(values) {
            curve.push(value);
            if curve.len() > most {
                curve.remove(0);
            }
        }
        false
    }

    /// Other rows for a part.
    fn told(&mut self, part: usize, rows: &Value) {
        self.rows[part] = rows.as_array().cloned().unwrap_or_default();
        self.cursors[part] = self.cursors[part].min(self.rows[part].len().saturating_sub(1));
    }
}

/// Asks for the curves as far as they go back.
fn past(app: &mut App) -> Effect {
    let (res, n, _) = PASTS[app.overview.past];
    let p = json!({ "keys": CURVES, "res": res, "n": n });
    room::ask_latest(app, "series.get", &p, (Screen::Overview, "past"))
}

/// What was done, or would have been; the latest first.
fn changes(records: &Value) -> Value {
    let is_over = |record: &&Value| record["phase"] != "intent";
    records.as_array().into_iter().flatten().rev().filter(is_over).cloned().collect()
}

fn meant(app: &App) -> Option<&Value> {
    let Overview { rows, cursors, .. } = &app.overview;
    rows.get(app.ui.pane)?.get(cursors[app.ui.pane])
}

fn next_past(app: &mut App) -> Vec<Effect> {
    app.overview.past = (app.overview.past + 1) % PASTS.len();
    vec![past(app)]
}

fn next_measure(app: &mut App) -> Vec<Effect> {
    app.overview.measure = (app.overview.measure + 1) % MEASURES.len();
    again(app)
}

fn again(app: &mut App) -> Vec<Effect> {
    room::Room::refresh(&Room, app)
}

/// A destination without its port.
fn host_of(destination: &str) -> String {
    let host = destination.rsplit_once(':').map_or(destination, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

/// To the sessions that have this.
fn narrowed(app: &mut App, field: &str, value: &str) -> Vec<Effect> {
    let visible = app.visible();
    let mut effects = app.sessions.live.filtered(visible, format!("{field}={}", filter::quoted(value)));
    effects.push(Effect::Go(Screen::Sessions));
    effects
}

/// To the screen that the daemon names, if there is one.
fn led_on(app: &mut App, item: &Value) -> Vec<Effect> {
    let named = raw(&item["screen"]);
    let found = app.screens().find(|screen| screen.title().eq_ignore_ascii_case(&named));
    if found.is_none() {
        app.ui.say("there is no screen for it");
    }
    found.map(Effect::Go).into_iter().collect()
}
