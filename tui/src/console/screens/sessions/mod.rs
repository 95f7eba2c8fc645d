//! Sessions that are in.

mod detail;
mod draw;
mod export;
mod kill;

use ratatui::layout::{Position, Rect};
use serde_json::Value;

pub(crate) use self::detail::Known;
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::Effect;
use crate::console::keys::Key::Char;
use crate::console::keys::{Action, Binding, On, bind};
use crate::console::live::{Live, View};
use crate::console::room::{self, Rows};
use crate::console::screen::Screen;
use crate::console::ui::Overlay;
use crate::output::raw;

/// The table, and everything about the one that is meant.
#[derive(Debug)]
pub(crate) struct Sessions {
    pub(crate) live: Live,
    pub(crate) known: Known,
}

impl Sessions {
    pub(crate) fn new() -> Self {
        Self { live: Live::new(View::Sessions, "rate"), known: Known::default() }
    }
}

const KEYS: &[Binding] = &[
    bind(
        Action::Run(follow),
        &[Char('f')],
        On::Rows,
        "follow",
        "only this user, then this destination, then this rule",
    )
    .hint("follow"),
    bind(
        Action::Run(kill::asked),
        &[Char('K')],
        On::Rows,
        "end sessions",
        "end the marked sessions, or this one; asks first",
    )
    .hint("end")
    .command("rustsocks-cli sessions kill ID..."),
    bind(Action::Run(export::asked), &[Char('E')], On::Rows, "export", "all that the filter lets in, into a file")
        .command("rustsocks-cli -o csv sessions list --filter EXPR"),
    bind(Action::Run(past_of_user), &[Char('H')], On::Rows, "history of user", "what this user did before")
        .command("rustsocks-cli history query user=NAME"),
];

/// The screen.
#[derive(Debug)]
pub(crate) struct Room;

impl room::Room for Room {
    fn keys(&self) -> &'static [Binding] {
        KEYS
    }

    fn rows(&self, _pane: usize) -> Rows {
        Rows::Live(View::Sessions)
    }

    fn enter(&self, app: &mut App) -> Vec<Effect> {
        let visible = visible(app);
        app.sessions.known.forget();
        app.sessions.live.entered(visible)
    }

    fn ticked(&self, app: &mut App) -> Vec<Effect> {
        detail::ticked(app)
    }

    fn opened(&self, app: &mut App) -> Vec<Effect> {
        app.ui.overlay = Some(Overlay::Detail { scroll: 0 });
        let Some(id) = app.sessions.live.cursor.clone() else { return Vec::new() };
        detail::ask(app, &id)
    }

    fn record(&self, app: &App) -> (String, Value) {
        let id = app.sessions.live.cursor.clone().unwrap_or_default();
        let known = app.sessions.known.of(&id).map(detail::record);
        (format!("Session {id}"), known.unwrap_or_default())
    }

    fn curves(&self, app: &App) -> Vec<(&'static str, Vec<u64>)> {
        let rates = &app.sessions.known.rates;
        let (up, down) = rates.iter().copied().unzip();
        vec![("up, this minute", up), ("down, this minute", down)]
    }

    fn rule(&self, app: &App) -> Option<String> {
        let live = &app.sessions.live;
        live.table.cell(live.line()?, "rule")?.as_str().map(str::to_owned)
    }

    fn visible(&self, app: &App, _pane: usize) -> usize {
        visible(app)
    }

    fn draw(&self, app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
        draw::draw(app, canvas, area)
    }
}

/// Rows of the table that fit.
pub(crate) fn visible(app: &App) -> usize {
    app.visible().saturating_sub(draw::taken(app)).max(1)
}

/// Narrows the view to what the row has; each press another of its sides.
fn follow(app: &mut App) -> Vec<Effect> {
    let visible = visible(app);
    let live = &mut app.sessions.live;
    let Some(meant) = live.line() else { return Vec::new() };
    let condition = |(field, column): (&str, &str)| {
        let value = live.table.cell(meant, column).map(raw).filter(|value| !value.is_empty())?;
        Some(format!("{field}={}", filter::quoted(&value)))
    };
    let conditions: Vec<String> =
        [("user", "user"), ("dst", "host"), ("rule", "rule")].into_iter().filter_map(condition).collect();
    let next = conditions.iter().position(|condition| *condition == live.filter).map_or(0, |place| place + 1);
    let filter = conditions.into_iter().nth(next).unwrap_or_default();
    live.filtered(visible, filter)
}

fn past_of_user(app: &mut App) -> Vec<Effect> {
    let live = &app.sessions.live;
    let user = live.line().and_then(|line| live.table.cell(line, "user")).map(raw).filter(|user| !user.is_empty());
    let Some(user) = user else { return Vec::new() };
    app.history.filter = format!("user={}", filter::quoted(&user));
    vec![Effect::Go(Screen::History)]
}
