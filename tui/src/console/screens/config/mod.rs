//! The settings in force, and what came of the last reload.

mod draw;

use ratatui::layout::{Position, Rect};
use serde_json::{Value, json};
use wire::admin::{Push, Refusal, Role};

use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::{About, Effect};
use crate::console::form::Question;
use crate::console::keys::Key::Char;
use crate::console::keys::{Action, Binding, On, bind};
use crate::console::listing::{Columns, Listing};
use crate::console::room::{self, Rows};
use crate::console::screen::Screen;
use crate::console::ui::Overlay;
use crate::output::Kind;

/// What is known of the configuration.
#[derive(Debug, Default)]
pub(crate) struct Config {
    listing: Listing,
    settings: Vec<Value>,
    /// Only those that are not what they would be without the operator.
    only_written: bool,
    /// The latest first.
    reloads: Vec<Value>,
    sub: Option<u64>,
}

const COLUMNS: Columns = &[
    ("key", Kind::Text),
    ("value", Kind::Text),
    ("from", Kind::Text),
    ("reload", Kind::Text),
    ("waiting", Kind::Text),
    ("place", Kind::Text),
];

const KEYS: &[Binding] = &[
    bind(Action::Run(reload), &[Char('R')], On::Everywhere, "reload", "read the files again; asks first")
        .hint("reload")
        .command("rustsocks-cli reload"),
    bind(Action::Run(reload_rules), &[Char('A')], On::Everywhere, "reload rules", "read the rules again; asks first")
        .command("rustsocks-cli reload acl"),
    bind(Action::Run(only), &[Char('o')], On::Everywhere, "only written", "only what somebody wrote, or everything")
        .hint("only written")
        .command("rustsocks-cli config effective --changed"),
];

/// The screen.
#[derive(Debug)]
pub(crate) struct Room;

impl room::Room for Room {
    fn keys(&self) -> &'static [Binding] {
        KEYS
    }

    fn rows(&self, _pane: usize) -> Rows {
        Rows::Listing
    }

    /// Whatever was told before belongs to another subscription.
    fn enter(&self, app: &mut App) -> Vec<Effect> {
        app.config.sub = None;
        app.config.listing.is_waiting = true;
        vec![settings(), history(), room::subscribe(app, "reload.sub", &json!({}), (Screen::Config, "watch"))]
    }

    fn leave(&self, app: &mut App) -> Vec<Effect> {
        let sub = app.config.sub.take();
        room::unsubscribe(app, Screen::Config, sub)
    }

    fn refresh(&self, _app: &mut App) -> Vec<Effect> {
        vec![settings(), history()]
    }

    fn listing<'a>(&self, app: &'a App) -> Option<&'a Listing> {
        Some(&app.config.listing)
    }

    fn listing_mut<'a>(&self, app: &'a mut App) -> Option<&'a mut Listing> {
        Some(&mut app.config.listing)
    }

    fn columns(&self) -> Columns {
        COLUMNS
    }

    fn pushed(&self, app: &mut App, push: &Push) -> Vec<Effect> {
        if push.ev != "reload" || app.config.sub != Some(push.sub) {
            return Vec::new();
        }
        app.config.reloads.insert(0, push.d.clone());
        vec![settings()]
    }

    fn answered(&self, app: &mut App, what: &'static str, answer: Result<Value, Refusal>) -> Vec<Effect> {
        match (what, answer) {
            ("settings", Ok(mut answer)) => {
                app.config.settings = answer["settings"].as_array_mut().map(std::mem::take).unwrap_or_default();
                app.config.show();
            }
            ("settings", Err(refusal)) => app.config.listing.refused(refusal.with_code()),
            ("history", Ok(mut answer)) => {
                app.config.reloads = answer["reloads"].as_array_mut().map(std::mem::take).unwrap_or_default();
            }
            ("watch", Ok(answer)) => app.config.sub = answer["sub"].as_u64(),
            ("reload", Ok(answer)) => {
                app.ui.answered(Ok(&format!("reloaded, generation {}", answer["generation"])));
            }
            ("reload", Err(refusal)) => app.ui.answered(Err(&refusal.with_code())),
            (_, Err(refusal)) => app.ui.warn(refusal.with_code()),
            _ => {}
        }
        Vec::new()
    }

    fn draw(&self, app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
        draw::draw(app, canvas, area)
    }
}

impl Config {
    fn show(&mut self) {
        let is_shown =
            |setting: &&Value| !self.only_written || setting["from"] != "default" || !setting["waiting"].is_null();
        let shown = self.settings.iter().filter(is_shown).cloned().collect();
        self.listing.fill(COLUMNS, shown);
    }
}

fn settings() -> Effect {
    Effect::ask("config.effective", &json!({}), About::Own(Screen::Config, "settings"))
}

fn history() -> Effect {
    Effect::ask("reload.history", &json!({ "n": 10 }), About::Own(Screen::Config, "history"))
}

fn only(app: &mut App) -> Vec<Effect> {
    app.config.only_written = !app.config.only_written;
    app.config.listing.cursor = 0;
    app.config.show();
    Vec::new()
}

fn reload(app: &mut App) -> Vec<Effect> {
    asked(
        app,
        "all",
        "The configuration, the users, the rules and whatever else it names are read again.",
        "rustsocks-cli reload",
    )
}

fn reload_rules(app: &mut App) -> Vec<Effect> {
    asked(app, "acl", "The rules alone are read again.", "rustsocks-cli reload acl")
}

fn asked(app: &mut App, what: &str, effect: &str, command: &str) -> Vec<Effect> {
    if !app.may(Role::Operate, "reloading") {
        return Vec::new();
    }
    let p = json!({ "what": what, "idem": uuid::Uuid::now_v7().to_string() });
    let deed = vec![Effect::ask("reload.run", &p, About::Own(Screen::Config, "reload"))];
    let lines = vec![
        effect.to_owned(),
        "What is wrong stays as it was, and no session is touched unless acl.on_revoke says so.".to_owned(),
    ];
    let question = Question::new("Reload?", lines, command.to_owned(), deed);
    app.ui.overlay = Some(Overlay::Question(Box::new(question)));
    Vec::new()
}
