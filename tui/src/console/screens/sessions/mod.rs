//! Sessions that are in, and who comes and goes.

mod comings;
mod detail;
mod draw;
mod export;
mod kill;

use std::collections::BTreeMap;

use ratatui::layout::{Position, Rect};
use serde_json::Value;
use wire::admin::{Push, Refusal, Role};

use self::comings::{COMINGS, Comings};
pub(crate) use self::detail::Known;
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::Effect;
use crate::console::keys::Key::Char;
use crate::console::keys::{Action, Binding, On, bind};
use crate::console::listing::Listing;
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
    comings: Comings,
}

impl Sessions {
    pub(crate) fn new() -> Self {
        Self { live: Live::new(View::Sessions, "rate"), known: Known::default(), comings: Comings::default() }
    }
}

const KEYS: &[Binding] = &[
    bind(
        Action::Run(follow),
        &[Char('f')],
        On::Live,
        "follow",
        "only this user, then this destination, then this rule",
    )
    .hint("follow"),
    bind(
        Action::Run(kill::asked),
        &[Char('K')],
        On::Live,
        "end sessions",
        "end the marked sessions, or this one; asks first",
    )
    .role(Role::Operate)
    .hint("end")
    .command("rustsocks-cli sessions kill ID..."),
    bind(Action::Run(export::asked), &[Char('E')], On::Live, "export", "all that the filter lets in, into a file")
        .command("rustsocks-cli -o csv sessions list --filter EXPR"),
    bind(Action::Run(past_of_user), &[Char('H')], On::Live, "history of user", "what this user did before")
        .command("rustsocks-cli history query user=NAME"),
    bind(
        Action::Run(comings::open),
        &[Char('w')],
        On::Live,
        "comings",
        "who comes and who goes, as it happens; Esc goes back",
    )
    .command("rustsocks-cli sessions watch"),
];

/// The screen.
#[derive(Debug)]
pub(crate) struct Room;

impl room::Room for Room {
    fn keys(&self) -> &'static [Binding] {
        KEYS
    }

    fn rows(&self, pane: usize) -> Rows {
        if pane == COMINGS { Rows::Listing } else { Rows::Live(View::Sessions) }
    }

    fn aside(&self) -> Option<usize> {
        Some(COMINGS)
    }

    fn keeps_aside(&self, _app: &App) -> bool {
        false
    }

    fn enter(&self, app: &mut App) -> Vec<Effect> {
        let visible = visible(app);
        app.sessions.known.forget();
        let mut effects = app.sessions.live.entered(visible);
        effects.extend((app.ui.pane == COMINGS).then(|| comings::wanted(app)));
        effects
    }

    fn leave(&self, app: &mut App) -> Vec<Effect> {
        comings::closed(app)
    }

    /// The table is looked at as every one is; of those who came and went it is said how many are missing.
    fn missed(&self, app: &mut App, missed: &BTreeMap<u64, u64>) -> Vec<Effect> {
        comings::missed(app, missed);
        Vec::new()
    }

    fn ticked(&self, app: &mut App) -> Vec<Effect> {
        if app.ui.pane == COMINGS { Vec::new() } else { detail::ticked(app) }
    }

    fn back(&self, app: &mut App) -> Vec<Effect> {
        if app.ui.pane == COMINGS {
            return comings::back(app);
        }
        let visible = visible(app);
        let live = &mut app.sessions.live;
        if live.filter.is_empty() {
            live.marks.clear();
            return Vec::new();
        }
        live.filtered(visible, String::new())
    }

    fn listing<'a>(&self, app: &'a App) -> Option<&'a Listing> {
        (app.ui.pane == COMINGS).then_some(&app.sessions.comings.listing)
    }

    fn listing_mut<'a>(&self, app: &'a mut App) -> Option<&'a mut Listing> {
        (app.ui.pane == COMINGS).then_some(&mut app.sessions.comings.listing)
    }

    fn pushed(&self, app: &mut App, push: &Push) -> Vec<Effect> {
        comings::pushed(app, push);
        Vec::new()
    }

    fn answered(&self, app: &mut App, what: &'static str, answer: Result<Value, Refusal>) -> Vec<Effect> {
        if let Some(answer) = app.granted(answer).filter(|_| what == "comings") {
            comings::begun(app, &answer);
        }
        Vec::new()
    }

    fn opened(&self, app: &mut App) -> Vec<Effect> {
        app.ui.overlay = Some(Overlay::Detail { scroll: 0 });
        if app.ui.pane == COMINGS {
            return Vec::new();
        }
        match app.sessions.live.line() {
            Some(line) if line.over.is_none() => {
                let id = line.id.clone();
                detail::ask(app, &id)
            }
            Some(_) | None => Vec::new(),
        }
    }

    fn record(&self, app: &App) -> (String, Value) {
        if let Some(listing) = self.listing(app) {
            let meant = listing.record();
            return (format!("Session {}", raw(&meant["id"])), meant);
        }
        let live = &app.sessions.live;
        let id = live.cursor.clone().unwrap_or_default();
        // Of one that is over the daemon knows no more: what the row has is the rest of it.
        let over = live.line().filter(|line| line.over.is_some());
        let known = app.sessions.known.of(&id).map(detail::record);
        let known = known.or_else(|| over.map(|line| live.table.record(line))).unwrap_or_default();
        let end = over.and_then(|line| line.over.as_ref()).map(|(_, why)| format!(", over: {why}; H has it"));
        (format!("Session {id}{}", end.unwrap_or_default()), known)
    }

    /// Of one that is meant everything is asked for, as long as it is in.
    fn is_coming(&self, app: &App) -> bool {
        if let Some(listing) = self.listing(app) {
            return listing.is_coming();
        }
        detail::is_coming(app)
    }

    fn curves(&self, app: &App) -> Vec<(&'static str, Vec<u64>)> {
        if app.ui.pane == COMINGS {
            return Vec::new();
        }
        let rates = &app.sessions.known.rates;
        let (up, down) = rates.iter().copied().unzip();
        vec![("up, this minute", up), ("down, this minute", down)]
    }

    fn rule(&self, app: &App) -> Option<String> {
        if let Some(listing) = self.listing(app) {
            return listing.objects.get(listing.cursor)?["rule"].as_str().map(str::to_owned);
        }
        let live = &app.sessions.live;
        live.table.cell(live.line()?, "rule")?.as_str().map(str::to_owned)
    }

    fn visible(&self, app: &App, _pane: usize) -> usize {
        visible(app)
    }

    fn draw(&self, app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
        if app.ui.pane == COMINGS {
            return comings::draw(app, canvas, area);
        }
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
