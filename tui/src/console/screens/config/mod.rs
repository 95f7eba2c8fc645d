//! The settings in force and the files that they come from: what those say that is not in force, reloads, and another text.

mod deeds;
mod draft;
mod draw;

use ratatui::layout::{Position, Rect};
use serde_json::{Value, json};
use wire::admin::{Code, Push, Refusal, Role};

use self::draft::Draft;
pub(crate) use self::draft::{AUTOSAVE, edited};
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::{About, Effect};
use crate::console::keys::Key::Char;
use crate::console::keys::{Action, Binding, On, bind};
use crate::console::listing::{Columns, Listing};
use crate::console::room::{self, Rows};
use crate::console::screen::Screen;
use crate::console::ui::Overlay;
use crate::output::Kind;

/// The parts, in the order of Tab; the generations take the place of the settings and are left by Esc.
const SETTINGS: usize = 0;
const FILES: usize = 1;
const GENERATIONS: usize = 2;

/// What is known of the configuration.
#[derive(Debug, Default)]
pub(crate) struct Config {
    listing: Listing,
    settings: Vec<Value>,
    /// Only those that are not what they would be without the operator.
    only_written: bool,
    /// Each file, and whether it says what is in force.
    files: Listing,
    /// The texts that were in force.
    generations: Listing,
    /// The latest first.
    reloads: Vec<Value>,
    sub: Option<u64>,
    /// Another text, which is in no file of the daemon's yet.
    draft: Option<Draft>,
    /// The text in force is on its way, to be edited.
    is_asked: bool,
    /// One that was kept on this machine, on which generation it builds and what it says.
    pub(crate) kept: Option<(u64, String)>,
}

const COLUMNS: Columns = &[
    ("key", Kind::Text),
    ("value", Kind::Text),
    ("from", Kind::Text),
    ("reload", Kind::Text),
    ("waiting", Kind::Text),
    ("place", Kind::Text),
];

const OF_FILES: Columns = &[
    ("component", Kind::Text),
    ("state", Kind::Text),
    ("file", Kind::Text),
    ("mtime", Kind::Time),
    ("gen", Kind::Count),
];

const OF_GENERATIONS: Columns =
    &[("gen", Kind::Count), ("t", Kind::Time), ("by", Kind::Text), ("source", Kind::Text), ("comment", Kind::Text)];

const KEYS: &[Binding] = &[
    bind(
        Action::Run(deeds::reload),
        &[Char('R')],
        On::Everywhere,
        "reload",
        "read files again, or bring the generation that is meant back; asks first",
    )
    .role(Role::Operate)
    .hint("reload")
    .command("rustsocks-cli reload"),
    bind(Action::Run(deeds::rehearse), &[Char('v')], On::Everywhere, "dry run", "what a reload would do")
        .role(Role::Operate)
        .hint("dry run")
        .command("rustsocks-cli reload --dry-run"),
    bind(
        Action::Run(deeds::last_reload),
        &[Char('L')],
        On::Everywhere,
        "last reload",
        "what came of the last reload, whole",
    )
    .command("rustsocks-cli raw '{\"op\":\"reload.history\",\"p\":{\"n\":1}}'"),
    bind(
        Action::Run(deeds::difference),
        &[Char('D')],
        On::Everywhere,
        "difference",
        "how the draft or the file that is meant differs from what is in force",
    )
    .hint("diff")
    .command("rustsocks-cli config diff"),
    bind(
        Action::Run(draft::edit),
        &[Char('e')],
        On::Everywhere,
        "edit",
        "the configuration in $VISUAL or $EDITOR, as a draft; again: go on with it",
    )
    .role(Role::Admin)
    .hint("edit")
    .command("rustsocks-cli config edit"),
    bind(Action::Run(draft::apply), &[Char('A')], On::Everywhere, "apply", "put the draft in force; asks first")
        .role(Role::Admin)
        .command("rustsocks-cli config apply FILE"),
    bind(Action::Run(draft::discard), &[Char('X')], On::Everywhere, "discard", "forget the draft; asks first")
        .command("rustsocks-cli config edit"),
    bind(
        Action::Run(deeds::generations),
        &[Char('H')],
        On::Everywhere,
        "generations",
        "the configurations that were in force; Enter shows how one differs",
    )
    .hint("history")
    .command("rustsocks-cli config history"),
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

    fn panes(&self) -> usize {
        2
    }

    fn rows(&self, _pane: usize) -> Rows {
        Rows::Listing
    }

    fn aside(&self) -> Option<usize> {
        Some(GENERATIONS)
    }

    /// Whatever was told before belongs to another subscription.
    fn enter(&self, app: &mut App) -> Vec<Effect> {
        app.config.sub = None;
        app.config.listing.is_waiting = true;
        let mut effects = asked(app);
        effects.extend(draft::found(app));
        effects.push(room::subscribe(app, "reload.sub", &json!({}), (Screen::Config, "watch")));
        effects
    }

    fn leave(&self, app: &mut App) -> Vec<Effect> {
        let sub = app.config.sub.take();
        room::unsubscribe(app, Screen::Config, sub)
    }

    fn refresh(&self, app: &mut App) -> Vec<Effect> {
        asked(app)
    }

    /// Into a generation's difference, or what is known of what is meant.
    fn opened(&self, app: &mut App) -> Vec<Effect> {
        if app.ui.pane == GENERATIONS {
            return deeds::of_generation(app);
        }
        app.ui.overlay = Some(Overlay::Detail { scroll: 0 });
        Vec::new()
    }

    fn back(&self, app: &mut App) -> Vec<Effect> {
        if app.ui.pane == GENERATIONS {
            app.ui.pane = SETTINGS;
        }
        Vec::new()
    }

    fn listing<'a>(&self, app: &'a App) -> Option<&'a Listing> {
        Some(match app.ui.pane {
            FILES => &app.config.files,
            GENERATIONS => &app.config.generations,
            _ => &app.config.listing,
        })
    }

    fn listing_mut<'a>(&self, app: &'a mut App) -> Option<&'a mut Listing> {
        Some(match app.ui.pane {
            FILES => &mut app.config.files,
            GENERATIONS => &mut app.config.generations,
            _ => &mut app.config.listing,
        })
    }

    fn columns(&self) -> Columns {
        COLUMNS
    }

    fn pushed(&self, app: &mut App, push: &Push) -> Vec<Effect> {
        if app.config.sub != Some(push.sub) {
            return Vec::new();
        }
        match push.ev.as_str() {
            "reload" => {
                app.config.reloads.insert(0, push.d.clone());
                asked(app)
            }
            "drift" => files(app),
            _ => Vec::new(),
        }
    }

    fn answered(&self, app: &mut App, what: &'static str, answer: Result<Value, Refusal>) -> Vec<Effect> {
        match (what, answer) {
            ("settings", Ok(mut answer)) => {
                app.config.settings = answer["settings"].as_array_mut().map(std::mem::take).unwrap_or_default();
                app.config.show();
            }
            ("settings", Err(refusal)) => app.config.listing.refused(refusal.with_code()),
            ("files", Ok(answer)) => {
                app.config.files.fill(OF_FILES, answer["components"].as_array().cloned().unwrap_or_default());
            }
            ("files", Err(refusal)) => app.config.files.refused(refusal.with_code()),
            ("generations", Ok(answer)) => {
                app.config.generations.fill(OF_GENERATIONS, answer.as_array().cloned().unwrap_or_default());
            }
            ("generations", Err(refusal)) => app.config.generations.refused(refusal.with_code()),
            ("history", Ok(mut answer)) => {
                app.config.reloads = answer["reloads"].as_array_mut().map(std::mem::take).unwrap_or_default();
            }
            ("watch", Ok(answer)) => app.config.sub = answer["sub"].as_u64(),
            ("reload", Ok(answer)) => {
                app.ui.answered(Ok(&format!("reload {} is done", answer["generation"])));
            }
            ("rehearsal", Ok(answer)) => deeds::rehearsed(app, &answer),
            ("difference", Ok(answer)) => deeds::differs(app, &answer),
            ("difference", Err(refusal)) if refusal.code == Code::NotFound => app.ui.say(refusal.msg),
            ("rolled back", Ok(answer)) => {
                app.ui.answered(Ok(&format!("what was before is in force again, as generation {}", answer["gen"])));
                app.ui.pane = SETTINGS;
                return asked(app);
            }
            ("text" | "validated" | "compared" | "applied", answer) => return draft::answered(app, what, answer),
            ("reload" | "rolled back", Err(refusal)) => app.ui.answered(Err(&refusal.with_code())),
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
    pub(crate) fn has_draft(&self) -> bool {
        self.draft.is_some()
    }

    fn show(&mut self) {
        let is_shown =
            |setting: &&Value| !self.only_written || setting["from"] != "default" || !setting["waiting"].is_null();
        let shown = self.settings.iter().filter(is_shown).cloned().collect();
        self.listing.fill(COLUMNS, shown);
    }
}

/// Asks for everything on the screen.
fn asked(app: &mut App) -> Vec<Effect> {
    let mut effects =
        vec![ask("config.effective", &json!({}), "settings"), ask("reload.history", &json!({ "n": 10 }), "history")];
    effects.extend(files(app));
    effects
}

/// Asks what the files say, if the daemon knows.
fn files(app: &mut App) -> Vec<Effect> {
    let is_known = app.model.ops.is_empty() || app.model.knows("config.drift");
    is_known.then(|| ask("config.drift", &json!({}), "files")).into_iter().collect()
}

fn ask(op: &'static str, p: &Value, what: &'static str) -> Effect {
    Effect::ask(op, p, About::Own(Screen::Config, what))
}

/// The same for what is shown as soon as it has come, unless it is asked for again or the screen is left.
fn ask_latest(app: &mut App, op: &'static str, p: &Value, what: &'static str) -> Effect {
    room::ask_latest(app, op, p, (Screen::Config, what))
}

fn only(app: &mut App) -> Vec<Effect> {
    app.config.only_written = !app.config.only_written;
    app.config.listing.cursor = 0;
    app.config.show();
    Vec::new()
}
