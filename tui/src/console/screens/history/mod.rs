//! Sessions that were: which, in numbers, through the time, and page by page.

mod draw;
mod export;
mod row;

use filter::Field;
use jiff::{SignedDuration, Timestamp};
use ratatui::layout::{Position, Rect};
use serde_json::{Value, json};
use wire::admin::{Direction, Refusal, Role};

use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::{About, Effect};
use crate::console::keys::Key::Char;
use crate::console::keys::{Action, Binding, On, bind};
use crate::console::listing::{Columns, Listing};
use crate::console::room::{self, Rows};
use crate::console::screen::Screen;
use crate::console::trail::Kept;
use crate::output::raw;
use crate::past::{self, both};
use crate::shown;

/// What was asked for, and what came.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) filter: String,
    /// Which of [`RANGES`].
    range: usize,
    /// Which of [`GROUPS`]; nothing for the sessions themselves.
    group: Option<usize>,
    /// Which of [`SORTS`], and whether the least comes first.
    sort: usize,
    is_ascending: bool,
    /// Sessions or groups.
    pub(crate) listing: Listing,
    /// Everything in numbers.
    numbers: Value,
    /// The last rows of the pages before this one.
    before: Vec<Value>,
    /// The last row of this one, if another follows.
    next: Value,
    /// The pages before the one that is come back to.
    resumed: Vec<Value>,
    /// How long the daemon looked for the page, in milliseconds.
    took: u64,
}

/// How far back: a name, the same in the filter language, and the span of a bar in seconds.
const RANGES: &[(&str, &str, u64)] = &[
    ("last 24 h", "start>=-24h", 1_800),
    ("last 7 days", "start>=-168h", 10_800),
    ("last 30 days", "start>=-720h", 43_200),
    ("ever", "", 86_400),
    ("last hour", "start>=-1h", 60),
];

/// What sessions are put together by, and what means one group.
const GROUPS: &[(&str, Group)] = &[
    ("user", Group::Has("user")),
    ("destination", Group::Has("dst")),
    ("rule", Group::Has("rule")),
    ("status", Group::Has("status")),
    ("hour", Group::Began(SignedDuration::from_hours(1))),
    ("day", Group::Began(SignedDuration::from_hours(24))),
];

/// Whose sessions a group has.
#[derive(Debug, Clone, Copy)]
enum Group {
    /// Those with the same in this field.
    Has(&'static str),
    /// Those that began within so long.
    Began(SignedDuration),
}

/// What sessions are sorted by, as the daemon calls it.
const SORTS: &[&str] = &["start", "end", "bytes", "dur"];

/// Rows of a page.
const PAGE: u64 = 200;

const KEYS: &[Binding] = &[
    bind(Action::Run(range), &[Char('w')], On::Everywhere, "range", "how far back")
        .hint("range")
        .command("rustsocks-cli history query --from 24h"),
    bind(Action::Run(group), &[Char('b')], On::Everywhere, "group", "by user, destination, rule, status, hour, day")
        .hint("group")
        .command("rustsocks-cli history agg --by user"),
    bind(Action::Run(sort), &[Char('s')], On::Everywhere, "sort", "by start, end, bytes or duration")
        .hint("sort")
        .command("rustsocks-cli history query --sort -bytes"),
    bind(Action::Run(reverse), &[Char('S')], On::Everywhere, "reverse", "the least first, or the greatest")
        .command("rustsocks-cli history query --sort bytes"),
    bind(Action::Run(next), &[Char('n')], On::Rows, "next page", "the sessions before these")
        .hint("more")
        .command("rustsocks-cli history query --limit 1000"),
    bind(Action::Run(previous), &[Char('N')], On::Rows, "previous page", "back to the page before")
        .command("rustsocks-cli history query"),
    bind(Action::Run(export::asked), &[Char('E')], On::Everywhere, "export", "all of them into a file")
        .role(Role::Operate)
        .hint("export")
        .command("rustsocks-cli history export EXPR"),
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

    fn enter(&self, app: &mut App) -> Vec<Effect> {
        app.history.before = std::mem::take(&mut app.history.resumed);
        app.history.numbers = Value::Null;
        let mut effects = vec![Effect::TakeBack(Screen::History)];
        if app.history.group.is_none() {
            effects.push(page(app));
        }
        if app.model.ops.is_empty() || app.model.knows("history.agg") {
            effects.push(numbers(app));
        }
        effects
    }

    fn leave(&self, app: &mut App) -> Vec<Effect> {
        app.history.listing.is_waiting = false;
        vec![Effect::TakeBack(Screen::History)]
    }

    /// What is under way is taken back on entering.
    fn refresh(&self, app: &mut App) -> Vec<Effect> {
        self.enter(app)
    }

    /// A group becomes the filter.
    fn opened(&self, app: &mut App) -> Vec<Effect> {
        let Some(group) = app.history.group else {
            app.ui.overlay = Some(crate::console::ui::Overlay::Detail { scroll: 0 });
            return Vec::new();
        };
        let meant = app.history.listing.objects.get(app.history.listing.cursor);
        let Some(condition) = meant.map(|meant| GROUPS[group].1.condition(&meant["of"])) else { return Vec::new() };
        app.history.filter = both(&app.history.filter, &condition);
        app.history.group = None;
        self.enter(app)
    }

    /// A question that is under way is taken back before anything else.
    fn back(&self, app: &mut App) -> Vec<Effect> {
        let history = &mut app.history;
        if history.listing.is_waiting {
            history.listing.refused("taken back".to_owned());
            return vec![Effect::TakeBack(Screen::History)];
        }
        if history.filter.is_empty() && history.group.take().is_none() {
            return Vec::new();
        }
        history.filter.clear();
        self.enter(app)
    }

    fn listing<'a>(&self, app: &'a App) -> Option<&'a Listing> {
        Some(&app.history.listing)
    }

    fn listing_mut<'a>(&self, app: &'a mut App) -> Option<&'a mut Listing> {
        Some(&mut app.history.listing)
    }

    fn has_pages(&self) -> bool {
        true
    }

    fn columns(&self) -> Columns {
        row::COLUMNS
    }

    fn rule(&self, app: &App) -> Option<String> {
        let listing = &app.history.listing;
        listing.objects.get(listing.cursor)?["acl_rule_matched"].as_str().map(str::to_owned)
    }

    fn filter(&self, app: &App) -> Option<String> {
        Some(app.history.filter.clone())
    }

    fn fields(&self, _pane: usize) -> &'static [Field] {
        filter::HISTORY
    }

    fn filtered(&self, app: &mut App, text: String) -> Result<Vec<Effect>, String> {
        app.history.filter = text;
        Ok(self.enter(app))
    }

    fn kept(&self, app: &App) -> Kept {
        let History { filter, range, group, before, listing, .. } = &app.history;
        Kept {
            what: json!({ "filter": filter, "range": range, "group": group }),
            at: json!({ "before": before, "row": listing.cursor }),
        }
    }

    fn resumed(&self, app: &mut App, kept: &Kept) {
        let place = |value: &Value| value.as_u64().and_then(|place| usize::try_from(place).ok());
        let history = &mut app.history;
        history.filter = raw(&kept.what["filter"]);
        history.range = place(&kept.what["range"]).filter(|range| *range < RANGES.len()).unwrap_or(0);
        history.group = place(&kept.what["group"]).filter(|group| *group < GROUPS.len());
        history.resumed = kept.at["before"].as_array().cloned().unwrap_or_default();
        history.listing.goal = place(&kept.at["row"]);
    }

    fn answered(&self, app: &mut App, what: &'static str, answer: Result<Value, Refusal>) -> Vec<Effect> {
        match (what, answer) {
            ("rows", Ok(page)) => app.history.paged(page, &shown::day(app.model.now)),
            ("numbers", Ok(numbers)) => app.history.counted(numbers),
            ("rows" | "numbers", Err(refusal)) => {
                app.history.listing.refused(refusal.with_code());
            }
            _ => {}
        }
        Vec::new()
    }

    fn draw(&self, app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
        draw::draw(app, canvas, area)
    }
}

impl Group {
    /// What means the group of this name; without one, the sessions that have nothing there.
    fn condition(self, of: &Value) -> String {
        match (self, of.as_str()) {
            (Self::Has(field), Some(of)) => format!("{field}={}", filter::quoted(of)),
            (Self::Has(field), None) => format!("not {field}~*"),
            (Self::Began(span), began) => {
                let began = began.unwrap_or_default();
                let then = began.parse::<Timestamp>().or_else(|_| format!("{began}T00:00Z").parse());
                let end = then
                    .and_then(|then| then.checked_add(span))
                    .map(|end| end.strftime(" start<%Y-%m-%dT%H:%MZ").to_string());
                format!("start>={began}{}", end.unwrap_or_default())
            }
        }
    }
}

impl History {
    /// Everything that holds of the sessions that are meant.
    pub(super) fn condition(&self) -> String {
        both(&self.filter, RANGES[self.range].1)
    }

    /// What comes first.
    fn order(&self) -> (&'static str, Direction) {
        (SORTS[self.sort], if self.is_ascending { Direction::Asc } else { Direction::Desc })
    }

    fn paged(&mut self, mut page: Value, today: &str) {
        self.next = page["next"].take();
        self.took = page["ms"].as_u64().unwrap_or(0);
        let rows = page["rows"].as_array_mut().map(std::mem::take).unwrap_or_default();
        self.listing.cursor = 0;
        let shown: Vec<Value> = rows.iter().map(|session| row::shown(session, today)).collect();
        self.listing.fill_as(row::COLUMNS, &shown, rows);
    }

    fn counted(&mut self, mut numbers: Value) {
        let groups = numbers["groups"].as_array_mut().map(std::mem::take).unwrap_or_default();
        if self.group.is_some() {
            self.next = Value::Null;
            self.took = numbers["ms"].as_u64().unwrap_or(0);
            self.listing.fill(past::GROUPS, groups);
        }
        self.numbers = numbers;
    }
}

/// Asks for the page behind the ones before.
fn page(app: &mut App) -> Effect {
    app.history.listing.is_waiting = true;
    app.history.listing.fault = None;
    let mut p = json!({ "filter": app.history.condition(), "limit": PAGE, "sort": app.history.order() });
    if let Some(last) = app.history.before.last() {
        p["after"] = last.clone();
    }
    Effect::ask("history.query", &p, About::Own(Screen::History, "rows"))
}

fn numbers(app: &mut App) -> Effect {
    let mut p = json!({ "filter": app.history.condition(), "bucket_s": RANGES[app.history.range].2 });
    if let Some(group) = app.history.group {
        app.history.listing.is_waiting = true;
        app.history.listing.fault = None;
        p["by"] = GROUPS[group].0.into();
    }
    Effect::ask("history.agg", &p, About::Own(Screen::History, "numbers"))
}

fn range(app: &mut App) -> Vec<Effect> {
    app.history.range = (app.history.range + 1) % RANGES.len();
    room::Room::enter(&Room, app)
}

fn group(app: &mut App) -> Vec<Effect> {
    let next = app.history.group.map_or(0, |group| group + 1);
    app.history.group = (next < GROUPS.len()).then_some(next);
    app.history.listing.cursor = 0;
    room::Room::enter(&Room, app)
}

fn sort(app: &mut App) -> Vec<Effect> {
    app.history.sort = (app.history.sort + 1) % SORTS.len();
    app.history.group = None;
    room::Room::enter(&Room, app)
}

fn reverse(app: &mut App) -> Vec<Effect> {
    app.history.is_ascending = !app.history.is_ascending;
    app.history.group = None;
    room::Room::enter(&Room, app)
}

fn next(app: &mut App) -> Vec<Effect> {
    if app.history.next.is_null() || app.history.listing.is_waiting {
        return Vec::new();
    }
    app.history.before.push(app.history.next.take());
    vec![page(app)]
}

fn previous(app: &mut App) -> Vec<Effect> {
    if app.history.listing.is_waiting || app.history.before.pop().is_none() {
        return Vec::new();
    }
    vec![page(app)]
}
