//! Who has which part of the bandwidth, who waits for it, and what operators let somebody have for a while.

mod change;
mod draw;

use ratatui::layout::{Position, Rect};
use serde_json::{Value, json};
use wire::admin::Refusal;

use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::{About, Effect};
use crate::console::keys::Key::Char;
use crate::console::keys::{Action, Binding, On, bind};
use crate::console::listing::{Columns, Listing};
use crate::console::live::{Live, View};
use crate::console::room::{self, Rows};
use crate::console::screen::Screen;
use crate::output::{Kind, raw};

/// The classes, and the overrides beside them.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) live: Live,
    overrides: Listing,
}

impl Limits {
    /// Those that somebody waits in come first.
    pub(crate) fn new() -> Self {
        Self { live: Live::new(View::Limits, "waiting"), overrides: Listing::default() }
    }

    /// The class that is meant.
    fn name(&self) -> Option<String> {
        let line = self.live.line()?;
        self.live.table.cell(line, "name").map(raw)
    }
}

const OVERRIDES: Columns = &[
    ("target", Kind::Text),
    ("bandwidth_limit_mbps", Kind::Text),
    ("max_connections", Kind::Count),
    ("bytes", Kind::Bytes),
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
    .hint("override")
    .command("rustsocks-cli limits set TARGET --rate 512K --for 1h"),
    bind(
        Action::Run(change::write),
        &[Char('e')],
        On::Everywhere,
        "change limit",
        "another limit for good, written in a file",
    )
    .hint("change")
    .command("rustsocks-cli limits set TARGET --rate 512K"),
    bind(Action::Run(change::reset), &[Char('R')], On::Rows, "reset", "takes grants and overrides back; asks first")
        .hint("reset")
        .command("rustsocks-cli limits reset TARGET"),
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
            let overrides = &app.limits.overrides;
            return ("Override".to_owned(), overrides.objects.get(overrides.cursor).cloned().unwrap_or_default());
        }
        let live = &app.limits.live;
        let cells = live.line().map(|line| {
            let names = live.table.columns.iter().map(|column| column.name.clone());
            Value::Object(names.zip(line.cells.iter().cloned()).collect())
        });
        (format!("Class {}", app.limits.name().unwrap_or_default()), cells.unwrap_or_default())
    }

    fn visible(&self, app: &App, pane: usize) -> usize {
        if pane == 0 { draw::rows_of_classes(app) } else { app.visible() }
    }

    fn answered(&self, app: &mut App, what: &'static str, answer: Result<Value, Refusal>) -> Vec<Effect> {
        match (what, answer) {
            ("overrides", Ok(answer)) => {
                app.limits.overrides.fill(OVERRIDES, answer["concessions"].as_array().cloned().unwrap_or_default());
            }
            ("overrides", Err(refusal)) => app.limits.overrides.refused(refusal.with_code()),
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

fn overrides(app: &mut App) -> Effect {
    app.limits.overrides.is_waiting = true;
    Effect::ask("limits.concessions", &json!({}), About::Own(Screen::Limits, "overrides"))
}
