//! Users of the users file and whoever else is in, and the groups beside them.

mod change;
mod detail;
mod draw;
mod groups;

use ratatui::layout::{Position, Rect};
use serde_json::{Value, json};
use wire::admin::{Refusal, Role};

pub(crate) use self::change::{disable, disabled, enable};
pub(crate) use self::detail::Written;
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::{About, Effect};
use crate::console::keys::Key::Char;
use crate::console::keys::{Action, Binding, On, bind};
use crate::console::listing::{Columns, Listing};
use crate::console::live::{Live, View};
use crate::console::rest::Rest;
use crate::console::room::{self, Rows};
use crate::console::screen::Screen;
use crate::console::screens::auth;
use crate::console::ui::Overlay;
use crate::console::update::TICKS;
use crate::output::{Kind, raw};

/// The table, the groups, and everything about the one that is meant.
#[derive(Debug)]
pub(crate) struct Users {
    pub(crate) live: Live,
    groups: Listing,
    detail: Option<(String, Value)>,
    rest: Rest,
    /// Whether the daemon was asked about somebody and has not answered.
    is_asking: bool,
    /// Ticks of this visit.
    ticks: u32,
}

/// Seconds after which the groups are asked again: they are counted, and nobody tells of them.
const AGAIN: u32 = 5;

impl Users {
    pub(crate) fn new() -> Self {
        Self {
            live: Live::new(View::Users, "rate"),
            groups: Listing::default(),
            detail: None,
            rest: Rest::default(),
            is_asking: false,
            ticks: 0,
        }
    }

    /// What the user that is meant has in a column.
    fn meant(&self, column: &str) -> Option<&Value> {
        self.live.line().and_then(|line| self.live.table.cell(line, column))
    }

    /// The groups came; the one that is meant stays so.
    fn grouped(&mut self, answer: &Value) {
        let groups = answer["groups"].as_array().cloned().unwrap_or_default();
        let meant = self.groups.objects.get(self.groups.cursor).map(|group| &group["name"]);
        let place = meant.and_then(|meant| groups.iter().position(|group| group["name"] == *meant));
        self.groups.cursor = place.unwrap_or(self.groups.cursor);
        self.groups.fill(GROUPS, groups.into_iter().map(counted).collect());
    }

    /// Who is meant.
    fn name(&self) -> Option<String> {
        self.meant("name").map(raw).filter(|name| !name.is_empty())
    }
}

const GROUPS: Columns = &[
    ("name", Kind::Text),
    ("users", Kind::Count),
    ("rules", Kind::Count),
    ("sessions", Kind::Count),
    ("members", Kind::Text),
];

const KEYS: &[Binding] = &[
    bind(Action::Run(change::add), &[Char('a')], On::Live, "add user", "a new user in the users file")
        .role(Role::Admin)
        .hint("add")
        .command("rustsocks-cli users add NAME --group GROUP"),
    bind(Action::Run(change::edit), &[Char('e')], On::Live, "edit user", "groups, expiry and limits of this user")
        .role(Role::Admin)
        .hint("edit")
        .command("rustsocks-cli groups add GROUP NAME"),
    bind(Action::Run(groups::membership), &[Char('m')], On::Live, "membership", "in which groups this user is")
        .role(Role::Admin)
        .hint("groups")
        .command("rustsocks-cli groups add GROUP NAME"),
    bind(Action::Run(groups::add), &[Char('a')], On::Listings, "new group", "a new group of users")
        .role(Role::Admin)
        .hint("new group")
        .command("rustsocks-cli groups add NAME MEMBER..."),
    bind(Action::Run(groups::rename), &[Char('R')], On::Listings, "rename group", "another name for this group")
        .role(Role::Admin)
        .hint("rename")
        .command("rustsocks-cli groups rename NAME TO"),
    bind(Action::Run(groups::remove), &[Char('d')], On::Listings, "delete group", "takes everybody out of this group")
        .role(Role::Admin)
        .hint("delete")
        .command("rustsocks-cli groups del NAME"),
    bind(Action::Run(change::password), &[Char('P')], On::Live, "password", "another password, given or made")
        .role(Role::Admin)
        .hint("password")
        .command("rustsocks-cli users passwd NAME"),
    bind(
        Action::Run(change::switch),
        &[Char('x')],
        On::Live,
        "disable or enable",
        "lets this user log in no more, or again",
    )
    .role(Role::Admin)
    .hint("disable")
    .command("rustsocks-cli users disable NAME --end-sessions"),
    bind(
        Action::Run(change::try_login),
        &[Char('t')],
        On::Live,
        "test login",
        "whether a password lets this user in, and why not",
    )
    .role(Role::Admin)
    .command("rustsocks-cli auth test NAME"),
    bind(Action::Run(change::remove), &[Char('D')], On::Live, "delete user", "takes this user out of the users file")
        .role(Role::Admin)
        .command("rustsocks-cli users del NAME"),
    bind(Action::Run(change::end), &[Char('K')], On::Live, "end sessions", "end the sessions of this user; asks first")
        .role(Role::Operate)
        .command("rustsocks-cli sessions kill --filter user=NAME"),
    bind(Action::Run(sessions), &[Char('f')], On::Live, "sessions of user", "the sessions that this user has")
        .command("rustsocks-cli sessions list --user NAME"),
    bind(Action::Run(past), &[Char('H')], On::Live, "history of user", "what this user did before")
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
        if pane == 0 { Rows::Live(View::Users) } else { Rows::Listing }
    }

    fn enter(&self, app: &mut App) -> Vec<Effect> {
        let visible = self.visible(app, 0);
        (app.users.rest, app.users.is_asking, app.users.detail) = (Rest::default(), false, None);
        let mut effects = app.users.live.entered(visible);
        app.users.groups.is_waiting = true;
        effects.push(groups());
        effects
    }

    fn ticked(&self, app: &mut App) -> Vec<Effect> {
        app.users.ticks = app.users.ticks.wrapping_add(1);
        let mut effects = detail::ticked(app);
        effects.extend(app.users.ticks.is_multiple_of(AGAIN * TICKS).then(groups));
        effects
    }

    fn opened(&self, app: &mut App) -> Vec<Effect> {
        app.ui.overlay = Some(Overlay::Detail { scroll: 0 });
        let Some(name) = app.users.name().filter(|_| app.ui.pane == 0) else { return Vec::new() };
        detail::ask(app, &name)
    }

    fn listing<'a>(&self, app: &'a App) -> Option<&'a Listing> {
        Some(&app.users.groups)
    }

    fn listing_mut<'a>(&self, app: &'a mut App) -> Option<&'a mut Listing> {
        Some(&mut app.users.groups)
    }

    fn columns(&self) -> Columns {
        GROUPS
    }

    fn record(&self, app: &App) -> (String, Value) {
        if app.ui.pane == 1 {
            return ("Group".to_owned(), app.users.groups.record());
        }
        let name = app.users.name().unwrap_or_default();
        let known = detail::known(app, &name).cloned();
        (format!("User {name}"), known.unwrap_or_default())
    }

    /// Of one who is meant everything is asked for.
    fn is_coming(&self, app: &App) -> bool {
        if app.ui.pane == 1 {
            return app.users.groups.is_coming();
        }
        app.users.is_asking || app.users.live.is_coming()
    }

    fn visible(&self, app: &App, pane: usize) -> usize {
        if pane == 0 { draw::rows_of_users(app) } else { app.visible() }
    }

    fn answered(&self, app: &mut App, what: &'static str, answer: Result<Value, Refusal>) -> Vec<Effect> {
        match (what, answer) {
            ("detail", Ok(record)) => {
                app.users.is_asking = false;
                app.users.detail = Some((raw(&record["name"]), record));
            }
            ("detail", Err(refusal)) => {
                app.users.is_asking = false;
                // Whoever has it whole waits for it; below the table it comes again by itself.
                if matches!(app.ui.overlay, Some(Overlay::Detail { .. })) {
                    app.ui.warn(refusal.with_code());
                }
            }
            ("edited", Ok(record)) => return change::known(app, record),
            ("edited", Err(refusal)) => {
                app.ui.warn(refusal.with_code());
                return Vec::new();
            }
            ("groups", Ok(answer)) => app.users.grouped(&answer),
            ("groups", Err(refusal)) => app.users.groups.refused(refusal.with_code()),
            ("login", Ok(answer)) => auth::tried(app, &answer),
            ("added", Ok(answer)) => change::has_password(app, &answer, "was added"),
            ("password", Ok(answer)) => change::has_password(app, &answer, "has another password"),
            ("ended", Ok(answer)) => change::ended(app, answer),
            ("ended", Err(refusal)) => app.ui.warn(format!("no session was ended: {}", refusal.with_code())),
            (_, Err(refusal)) => app.ui.answered(Err(&refusal.with_code())),
            (_, Ok(answer)) => app.ui.answered(Ok(&format!("generation {} of the users is in force", answer["gen"]))),
        }
        if ["detail", "groups", "login", "ended"].contains(&what) { Vec::new() } else { changed(app) }
    }

    fn draw(&self, app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
        draw::draw(app, canvas, area)
    }
}

/// What a change may have changed is asked at once.
fn changed(app: &mut App) -> Vec<Effect> {
    let mut effects = vec![groups()];
    if let Some(name) = app.users.name().filter(|_| app.has_boxes()) {
        app.users.is_asking = false;
        effects.extend(detail::ask(app, &name));
    }
    effects
}

/// With how many are in it.
fn counted(mut group: Value) -> Value {
    group["users"] = group["members"].as_array().map_or(0, Vec::len).into();
    group
}

fn groups() -> Effect {
    Effect::ask("groups.list", &json!({}), About::Own(Screen::Users, "groups"))
}

fn sessions(app: &mut App) -> Vec<Effect> {
    let Some(name) = app.users.name() else { return Vec::new() };
    let visible = app.visible();
    let mut effects = app.sessions.live.filtered(visible, format!("user={}", filter::quoted(&name)));
    effects.push(Effect::Go(Screen::Sessions));
    effects
}

fn past(app: &mut App) -> Vec<Effect> {
    let Some(name) = app.users.name() else { return Vec::new() };
    app.history.filter = format!("user={}", filter::quoted(&name));
    vec![Effect::Go(Screen::History)]
}
