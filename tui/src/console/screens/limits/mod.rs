//! Who has which part of the bandwidth, who waits for it, and what operators let somebody have for a while.

mod change;
mod draw;

use ratatui::layout::{Position, Rect};
use serde_json::{Value, json};
use wire::admin::{Refusal, Role};

use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::{About, Effect};
use crate::console::keys::Key::Char;
use crate::console::keys::{Action, Binding, On, bind};
use crate::console::listing::{Columns, Listing};
use crate::console::live::{Live, View};
use crate::console::model::{moment, until};
use crate::console::room::{self, Rows};
use crate::console::screen::Screen;
use crate::console::screens::sessions;
use crate::console::ui::Overlay;
use crate::console::update::TICKS;
use crate::megabits;
use crate::output::{Kind, raw};
use crate::past::both;

pub(crate) use self::change::{told, unreadable};

/// The classes, and the overrides beside them.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) live: Live,
    overrides: Listing,
    /// Ticks of this visit.
    ticks: u32,
}

/// Seconds after which what holds for a while is asked again: it ends by itself.
const AGAIN: u32 = 10;

impl Limits {
    /// Those that were held back longest come first.
    pub(crate) fn new() -> Self {
        Self { live: Live::new(View::Limits, "throttled"), overrides: Listing::default(), ticks: 0 }
    }

    /// The class that is meant.
    fn name(&self) -> Option<String> {
        let line = self.live.line()?;
        self.live.table.cell(line, "name").map(raw)
    }
}

const OVERRIDES: Columns = &[
    ("id", Kind::Text),
    ("target", Kind::Text),
    ("rate", Kind::Rate),
    ("max_connections", Kind::Count),
    ("bytes", Kind::Bytes),
    ("left", Kind::Seconds),
    ("until", Kind::Text),
    ("by", Kind::Text),
    ("reason", Kind::Text),
];

const KEYS: &[Binding] = &[
    bind(
        Action::Run(change::lay_over),
        &[Char('o')],
        On::Everywhere,
        "override",
        "another limit for a while, which ends by itself",
    )
    .role(Role::Operate)
    .hint("override")
    .command("rustsocks-cli limits set TARGET --rate 512K --for 1h"),
    bind(
        Action::Run(change::write),
        &[Char('e')],
        On::Everywhere,
        "change limit",
        "another limit for good, written in a file",
    )
    .role(Role::Admin)
    .hint("change")
    .command("rustsocks-cli limits set TARGET --rate 512K"),
    bind(
        Action::Run(change::reset),
        &[Char('R')],
        On::Rows,
        "reset",
        "takes grants and overrides back, below only one; asks first",
    )
    .role(Role::Operate)
    .hint("reset")
    .command("rustsocks-cli limits reset TARGET"),
    bind(Action::Run(past), &[Char('H')], On::Rows, "past", "what this user or source did before")
        .command("rustsocks-cli history query user=NAME"),
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
        if pane == 0 { Rows::Live(View::Limits) } else { Rows::Listing }
    }

    fn enter(&self, app: &mut App) -> Vec<Effect> {
        let visible = self.visible(app, 0);
        let mut effects = app.limits.live.entered(visible);
        effects.push(overrides(app));
        effects
    }

    fn ticked(&self, app: &mut App) -> Vec<Effect> {
        app.limits.ticks = app.limits.ticks.wrapping_add(1);
        let holds_something = !app.limits.overrides.objects.is_empty();
        let is_time = app.limits.ticks.is_multiple_of(AGAIN * TICKS);
        if is_time && holds_something { vec![overrides(app)] } else { Vec::new() }
    }

    /// To the sessions of the class; of what holds for a while, everything about it.
    fn opened(&self, app: &mut App) -> Vec<Effect> {
        let filter = app.limits.name().filter(|_| app.ui.pane == 0).as_deref().and_then(of_class);
        let Some((filter, _)) = filter else {
            app.ui.overlay = Some(Overlay::Detail { scroll: 0 });
            return Vec::new();
        };
        let visible = sessions::visible(app);
        let mut effects = app.sessions.live.filtered(visible, filter);
        effects.push(Effect::Go(Screen::Sessions));
        effects
    }

    fn listing<'a>(&self, app: &'a App) -> Option<&'a Listing> {
        Some(&app.limits.overrides)
    }

    fn listing_mut<'a>(&self, app: &'a mut App) -> Option<&'a mut Listing> {
        Some(&mut app.limits.overrides)
    }

    fn columns(&self) -> Columns {
        OVERRIDES
    }

    fn record(&self, app: &App) -> (String, Value) {
        if app.ui.pane == 1 {
            return ("Override".to_owned(), app.limits.overrides.record());
        }
        let live = &app.limits.live;
        let known = live.line().map(|line| live.table.record(line));
        (format!("Class {}", app.limits.name().unwrap_or_default()), known.unwrap_or_default())
    }

    fn visible(&self, app: &App, pane: usize) -> usize {
        if pane == 0 { draw::rows_of_classes(app) } else { app.visible() }
    }

    fn answered(&self, app: &mut App, what: &'static str, answer: Result<Value, Refusal>) -> Vec<Effect> {
        match (what, answer) {
            ("overrides", Ok(answer)) => {
                let now = app.model.now;
                let held = answer["concessions"].as_array().cloned().unwrap_or_default();
                app.limits.overrides.fill(OVERRIDES, held.into_iter().map(|it| with_rest(it, now)).collect());
            }
            ("overrides", Err(refusal)) => app.limits.overrides.refused(refusal.with_code()),
            ("of file", answer) => return change::known(app, answer.ok().as_ref()),
            (_, Err(refusal)) => app.ui.answered(Err(&refusal.with_code())),
            ("written", Ok(answer)) => {
                app.ui.answered(Ok(&format!("generation {} is in force", answer["gen"])));
            }
            (_, Ok(answer)) => app.ui.answered(Ok(&format!("{}: done", raw(&answer["target"])))),
        }
        if what == "overrides" { Vec::new() } else { vec![overrides(app)] }
    }

    fn draw(&self, app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
        draw::draw(app, canvas, area)
    }
}

/// With the rate as the table above has rates, the seconds for which it holds on, and its end no more exact than that.
fn with_rest(mut held: Value, now: f64) -> Value {
    if let Some(rate) = held["bandwidth_limit_mbps"].as_f64() {
        held["rate"] = megabits::bytes_a_second(rate).into();
    }
    if let Some(end) = moment(&held["until"]) {
        held["left"] = until(end, now).into();
        held["until"] = end.to_string().into();
    }
    held
}

/// What says in a filter whose a class is, for those who are in and for those who were; nothing where no filter can.
fn of_class(name: &str) -> Option<(String, Option<String>)> {
    if let Some((whose, rule)) = name.rsplit_once(" by ") {
        let (whose, _) = of_class(whose)?;
        let rule = format!("rule={}", filter::quoted(rule));
        return Some((both(&whose, &rule), None));
    }
    match name.split_once('/') {
        _ if name == "global" || name == "session" => Some((String::new(), Some(String::new()))),
        Some(("user", user)) => {
            let user = format!("user={}", filter::quoted(user));
            Some((user.clone(), Some(user)))
        }
        Some(("group", group)) => Some((format!("group={}", filter::quoted(group)), None)),
        _ => {
            let source = format!("src={}", filter::quoted(name));
            filter::Filter::parse(&source, filter::SESSIONS).ok()?;
            Some((source.clone(), Some(source)))
        }
    }
}

fn past(app: &mut App) -> Vec<Effect> {
    let limits = &app.limits;
    let held = limits.overrides.objects.get(limits.overrides.cursor).map(|held| raw(&held["target"]));
    let name = if app.ui.pane == 1 { held } else { limits.name() }.unwrap_or_default();
    let Some(filter) = of_class(&name).and_then(|(_, past)| past) else {
        app.ui.say("the history knows users and sources, and no groups");
        return Vec::new();
    };
    app.history.filter = filter;
    vec![Effect::Go(Screen::History)]
}

fn overrides(app: &mut App) -> Effect {
    app.limits.overrides.is_waiting = true;
    Effect::ask("limits.concessions", &json!({}), About::Own(Screen::Limits, "overrides"))
}
