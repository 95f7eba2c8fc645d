//! Logins: by which methods, how they go, who is turned away, and whether one would work.

mod draw;
mod trial;

use std::collections::VecDeque;

use filter::Field;
use ratatui::layout::{Position, Rect};
use serde_json::{Value, json};
use wire::admin::{Push, Refusal, Role};

pub(crate) use self::trial::tried;
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::{About, Effect};
use crate::console::form::Question;
use crate::console::keys::Key::Char;
use crate::console::keys::{Action, Binding, On, bind};
use crate::console::listing::{Columns, Listing};
use crate::console::live::{Live, View};
use crate::console::room::{self, Rows};
use crate::console::screen::Screen;
use crate::console::trail::Kept;
use crate::console::ui::Overlay;
use crate::output::{Kind, raw};

/// Logins that are kept.
const MOST: usize = 1_000;

/// What is known of logins, and how it is looked at.
#[derive(Debug)]
pub(crate) struct Auth {
    status: Value,
    /// The status has been asked for and not come.
    is_asking: bool,
    /// The subscription to logins.
    sub: Option<u64>,
    /// The latest first.
    last: VecDeque<Value>,
    /// The same as rows.
    listing: Listing,
    failures_only: bool,
    filter: String,
    /// Rows stay as they are.
    is_paused: bool,
    /// Logins that nobody was told of.
    lost: u64,
    /// What came of logins, second by second; in the order of [`CURVES`].
    curves: [VecDeque<u64>; CURVES.len()],
    /// The subscription to them.
    series: Option<u64>,
    /// Sources that are turned away.
    pub(crate) bans: Live,
}

/// What is drawn as a curve, by its name in the daemon's series.
const CURVES: [&str; 3] = ["auth_ok", "auth_fail", "auth_err"];

/// Seconds of a curve, as the numbers beside them are about.
const SECONDS: usize = 300;

impl Auth {
    pub(crate) fn new() -> Self {
        Self {
            status: Value::Null,
            is_asking: false,
            sub: None,
            last: VecDeque::new(),
            listing: Listing::default(),
            failures_only: false,
            filter: String::new(),
            is_paused: false,
            lost: 0,
            curves: [const { VecDeque::new() }; CURVES.len()],
            series: None,
            bans: Live::new(View::Bans, "left"),
        }
    }

    /// The past came, whole.
    fn filled(&mut self, answer: &Value) {
        for (curve, key) in self.curves.iter_mut().zip(CURVES) {
            *curve = answer["data"][key].as_array().into_iter().flatten().map(tenth_parts).collect();
        }
    }

    /// A second is over.
    fn measured(&mut self, news: &Value) {
        for (curve, value) in self.curves.iter_mut().zip(news["v"].as_array().into_iter().flatten()) {
            curve.push_back(tenth_parts(value));
            if curve.len() > SECONDS {
                curve.pop_front();
            }
        }
    }

    /// Everything that came; what is meant stays, and who is at the top has the latest.
    fn show(&mut self) {
        let meant = self.listing.objects.get(self.listing.cursor).filter(|_| self.listing.cursor > 0).cloned();
        self.listing.fill(COLUMNS, self.last.iter().cloned().collect());
        let place = meant.and_then(|meant| self.last.iter().position(|login| *login == meant));
        self.listing.cursor = place.unwrap_or(self.listing.cursor);
    }
}

const COLUMNS: Columns = &[
    ("t", Kind::Time),
    ("result", Kind::Text),
    ("user", Kind::Text),
    ("src", Kind::Text),
    ("method", Kind::Text),
    ("why", Kind::Text),
    ("ms", Kind::Count),
    ("listener", Kind::Text),
];

const KEYS: &[Binding] = &[
    bind(Action::Run(trial::asked), &[Char('t')], On::Everywhere, "test login", "try a name and a password")
        .role(Role::Admin)
        .hint("test login")
        .command("rustsocks-cli auth test NAME"),
    bind(Action::Run(unban), &[Char('u')], On::Everywhere, "unblock", "let a source that is turned away come again")
        .role(Role::Operate)
        .hint("unblock")
        .command("rustsocks-cli auth unban ADDRESS"),
    bind(Action::Run(failures), &[Char('!')], On::Everywhere, "failures", "only logins that failed, or all")
        .hint("failures")
        .command("rustsocks-cli auth log --failures"),
    bind(Action::Run(pause), &[Char('P')], On::Everywhere, "pause", "the list of logins stays as it is")
        .command("rustsocks-cli auth log"),
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
        if pane == 0 { Rows::Listing } else { Rows::Live(View::Bans) }
    }

    /// Whatever was told before belongs to another subscription.
    fn enter(&self, app: &mut App) -> Vec<Effect> {
        let visible = self.visible(app, 1);
        app.auth.is_asking = true;
        app.auth.series = None;
        let mut effects = vec![
            status(),
            subscribed(app),
            Effect::ask(
                "series.get",
                &json!({ "keys": CURVES, "res": 1, "n": SECONDS }),
                About::Own(Screen::Auth, "past"),
            ),
            room::subscribe(app, "series.sub", &json!({ "keys": CURVES }), (Screen::Auth, "series")),
        ];
        effects.extend(app.auth.bans.entered(visible));
        effects
    }

    fn leave(&self, app: &mut App) -> Vec<Effect> {
        let subs = [app.auth.sub.take(), app.auth.series.take()];
        room::unsubscribe(app, Screen::Auth, subs.into_iter().flatten())
    }

    fn listing<'a>(&self, app: &'a App) -> Option<&'a Listing> {
        (app.ui.pane == 0).then_some(&app.auth.listing)
    }

    fn listing_mut<'a>(&self, app: &'a mut App) -> Option<&'a mut Listing> {
        Some(&mut app.auth.listing)
    }

    fn columns(&self) -> Columns {
        COLUMNS
    }

    fn record(&self, app: &App) -> (String, Value) {
        if app.ui.pane == 0 {
            return ("Login".to_owned(), app.auth.listing.record());
        }
        let bans = &app.auth.bans;
        ("Turned away".to_owned(), bans.line().map(|line| bans.table.record(line)).unwrap_or_default())
    }

    fn filter(&self, app: &App) -> Option<String> {
        Some(if app.ui.pane == 0 { app.auth.filter.clone() } else { app.auth.bans.filter.clone() })
    }

    fn fields(&self, pane: usize) -> &'static [Field] {
        if pane == 0 { filter::LOGINS } else { filter::BANS }
    }

    fn filtered(&self, app: &mut App, text: String) -> Result<Vec<Effect>, String> {
        if app.ui.pane == 1 {
            let visible = self.visible(app, 1);
            return Ok(app.auth.bans.filtered(visible, text));
        }
        app.auth.filter = text;
        Ok(anew(app))
    }

    fn filters_at_once(&self, app: &App) -> bool {
        app.ui.pane == 1
    }

    fn kept(&self, app: &App) -> Kept {
        Kept { what: json!({ "filter": app.auth.filter, "failures": app.auth.failures_only }), at: Value::Null }
    }

    fn resumed(&self, app: &mut App, kept: &Kept) {
        app.auth.filter = raw(&kept.what["filter"]);
        app.auth.failures_only = kept.what["failures"] == true;
    }

    fn visible(&self, app: &App, pane: usize) -> usize {
        draw::visible(app, pane)
    }

    fn pushed(&self, app: &mut App, push: &Push) -> Vec<Effect> {
        if app.auth.series == Some(push.sub) && push.ev == "series" {
            app.auth.measured(&push.d);
            return Vec::new();
        }
        if app.auth.sub != Some(push.sub) {
            return Vec::new();
        }
        match push.ev.as_str() {
            "auth" => {
                app.auth.last.push_front(push.d.clone());
                app.auth.last.truncate(MOST);
                if !app.auth.is_paused {
                    app.auth.listing.add_first(COLUMNS, push.d.clone(), MOST);
                }
            }
            "gap" => app.auth.lost = app.auth.lost.saturating_add(push.d["lost"].as_u64().unwrap_or(0)),
            _ => return Vec::new(),
        }
        if app.auth.is_paused {
            return Vec::new();
        }
        // What is said of all of them has changed too; one question for many news.
        if std::mem::replace(&mut app.auth.is_asking, true) { Vec::new() } else { vec![status()] }
    }

    fn answered(&self, app: &mut App, what: &'static str, answer: Result<Value, Refusal>) -> Vec<Effect> {
        if what == "status" {
            app.auth.is_asking = false;
        }
        match (what, answer) {
            ("status", Ok(status)) => app.auth.status = status,
            ("logins", Ok(answer)) => {
                app.auth.sub = answer["sub"].as_u64();
                app.auth.last = answer["logins"].as_array().into_iter().flatten().rev().cloned().collect();
                app.auth.show();
            }
            ("series", Ok(answer)) => app.auth.series = answer["sub"].as_u64(),
            ("past", Ok(answer)) => app.auth.filled(&answer),
            ("test", Ok(told)) => tried(app, &told),
            ("unban", Ok(told)) => {
                let owed = if told["forgiven"] == true { "may come again" } else { "owed nothing" };
                app.ui.answered(Ok(&format!("{} {owed}", raw(&told["source"]))));
            }
            ("test" | "unban", Err(refusal)) => app.ui.answered(Err(&refusal.with_code())),
            (_, Err(refusal)) => app.ui.warn(refusal.with_code()),
            _ => {}
        }
        Vec::new()
    }

    fn draw(&self, app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
        draw::draw(app, canvas, area)
    }
}

/// So that a tenth is more than nothing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates; negative is none")]
fn tenth_parts(value: &Value) -> u64 {
    value.as_f64().map_or(0, |value| (value * 10.0) as u64)
}

fn status() -> Effect {
    Effect::ask("auth.status", &json!({}), About::Own(Screen::Auth, "status"))
}

fn subscribed(app: &mut App) -> Effect {
    let auth = &mut app.auth;
    (auth.sub, auth.is_paused) = (None, false);
    auth.last.clear();
    auth.lost = 0;
    auth.show();
    auth.listing.is_waiting = true;
    let p = json!({ "filter": auth.filter, "failures_only": auth.failures_only, "backlog": MOST });
    room::subscribe(app, "auth.sub", &p, (Screen::Auth, "logins"))
}

/// Other logins are wanted than before.
fn anew(app: &mut App) -> Vec<Effect> {
    let mut effects = room::Room::leave(&Room, app);
    effects.extend(room::Room::enter(&Room, app));
    effects
}

fn failures(app: &mut App) -> Vec<Effect> {
    app.auth.failures_only = !app.auth.failures_only;
    anew(app)
}

fn pause(app: &mut App) -> Vec<Effect> {
    app.auth.is_paused = !app.auth.is_paused;
    if !app.auth.is_paused {
        app.auth.show();
    }
    Vec::new()
}

/// The source that is meant: of the list of them, or of the login.
fn unban(app: &mut App) -> Vec<Effect> {
    if !app.may(Role::Operate, "letting a source come again") {
        return Vec::new();
    }
    let bans = &app.auth.bans;
    let banned = bans.line().and_then(|line| bans.table.cell(line, "src")).map(raw);
    let tried = app.auth.listing.objects.get(app.auth.listing.cursor).map(|login| raw(&login["src"]));
    let source = if app.ui.pane == 1 { banned } else { tried };
    // A network is named by any address of it.
    let address = source.map(|source| source.split('/').next().unwrap_or_default().to_owned());
    let Some(address) = address.filter(|address| address.parse::<std::net::IpAddr>().is_ok()) else {
        app.ui.say("there is no address here");
        return Vec::new();
    };
    let p = json!({ "src": address, "idem": uuid::Uuid::now_v7().to_string() });
    let deed = vec![Effect::ask("auth.unban", &p, About::Own(Screen::Auth, "unban"))];
    let lines = vec![format!("Clients from {address} may try to log in again, and owe nothing.")];
    let question =
        Question::new(format!("Let {address} come again?"), lines, format!("rustsocks-cli auth unban {address}"), deed);
    app.ui.overlay = Some(Overlay::Question(Box::new(question)));
    Vec::new()
}
