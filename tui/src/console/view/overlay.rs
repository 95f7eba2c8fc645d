//! What lies over a screen: dialogs, menus, help, and the word that the daemon is gone.

use ratatui::layout::{Position, Rect};
use serde_json::Map;

use super::kill;
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::field::Field;
use crate::console::form;
use crate::console::keys::Binding;
use crate::console::live::Live;
use crate::console::model::Link;
use crate::console::palette;
use crate::console::pointer::Target;
use crate::console::room::Rows;
use crate::console::screens::{bindings, room};
use crate::console::theme::Role;
use crate::console::ui::Overlay;
use crate::console::update::TICKS;
use crate::output::{Kind, Sheet, with_dates};
use crate::shown::{self, fitted, visible, width, wrapped};

/// Where something is being written, if anything is.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    if let (link @ Link::Down { .. }, None) = (&app.model.link, &app.ui.overlay) {
        gone(app, canvas, area, link);
        return None;
    }
    let overlay = app.ui.overlay.as_ref()?;
    // What it lies over cannot be pressed through it.
    canvas.picture.spots.clear();
    // A menu needs the terminal's cursor only for who cannot see which line is marked.
    let follows = |_: &Position| app.caps.follows;
    match overlay {
        Overlay::Filter(field) => Some(filter(app, canvas, area, field)),
        Overlay::Search(field) => Some(sought(canvas, area, field)),
        Overlay::Help { search, scroll } => Some(help(app, canvas, area, search, *scroll)),
        Overlay::Palette(said) => Some(palette::draw(app, canvas, area, said)),
        Overlay::Sort { choice } => {
            let title = "Sort by - Enter takes it, again: the other way round";
            menu(app, canvas, area, (title, *choice), Menu::Sort).filter(follows)
        }
        Overlay::Columns { choice } => {
            let title = "Columns - Space shows or hides, < and > move";
            menu(app, canvas, area, (title, *choice), Menu::Columns).filter(follows)
        }
        Overlay::Copy { items, choice } => copies(canvas, area, items, *choice).filter(follows),
        Overlay::Detail { scroll } => {
            detail(app, canvas, area, *scroll);
            None
        }
        Overlay::Lines { title, lines, scroll } => {
            texts(canvas, area, (title, lines), *scroll);
            None
        }
        Overlay::Kill(dialog) => kill::draw(app, canvas, area, dialog),
        Overlay::Form(form) => form::draw(app, canvas, area, form),
        Overlay::Question(question) => form::draw_question(app, canvas, area, question),
    }
}

/// What a refused operator can do.
const REFUSED: [&str; 4] = [
    "The daemon is there, and does not let this user in.",
    "As root, usermod -aG GROUP USER lets a user in; it counts from the next login.",
    "The groups are in the keys read_groups, operator_groups and admin_groups under [admin].",
    "The file of the socket belongs to the first of read_groups that exists: operators have to be in that one, too.",
];

fn gone(app: &App, canvas: &mut Canvas<'_>, area: Rect, link: &Link) {
    let Link::Down { why, attempt, retry_ms, is_refused } = link else { return };
    let model = &app.model;
    let mut lines = vec![(0, String::new(), Role::Text), (2, format!("socket   {}", app.socket), Role::Text)];
    lines.extend(model.unit.as_ref().map(|unit| (2, format!("service  {unit}"), Role::Text)));
    if *is_refused {
        lines.push((0, String::new(), Role::Text));
        lines.extend(REFUSED.map(|line| (0, line.to_owned(), Role::Text)));
        lines.push((0, String::new(), Role::Text));
    }
    let keys = "r now    o another socket    q quit";
    lines.push((
        2,
        format!("retry    attempt {attempt}, next in {} s     {keys}", retry_ms.div_ceil(1000)),
        Role::Text,
    ));
    lines.push((0, String::new(), Role::Text));
    if model.welcome.is_some() {
        let (heard, ago) = (shown::clock(model.now), shown::age(u64::from(model.silent / TICKS)));
        let text = format!("The screen behind is of {heard}, {ago} ago, and marked STALE.");
        lines.push((0, text, Role::Text));
    } else {
        lines.push((0, "Nothing has been heard of it yet.".to_owned(), Role::Text));
    }
    if app.acl.draft.is_some() || app.acl.kept.is_some() {
        lines.push((
            0,
            "A draft of rules is kept on this machine, and offered again afterwards.".to_owned(),
            Role::Text,
        ));
    }
    lines.push((0, "j shows what the service wrote last (journalctl -u rustsocks)".to_owned(), Role::Text));
    let cells = usize::from(78.min(area.width).saturating_sub(4));
    let why = wrapped(&canvas.seen(why), cells).into_iter().map(|line| (0, line, Role::Bad));
    let below = lines.into_iter().flat_map(|(x, line, role)| {
        wrapped(&line, cells.saturating_sub(usize::from(x))).into_iter().map(move |line| (x, line, role))
    });
    let lines: Vec<(u16, String, Role)> = why.chain(below).collect();
    let height = u16::try_from(lines.len()).unwrap_or(10).saturating_add(2);
    let inner = canvas.opened(area, (78, height), if *is_refused { "Refused" } else { "Disconnected" });
    for ((x, line, role), y) in lines.iter().zip(0..inner.height) {
        canvas.text(inner, *x, y, line, *role);
    }
}

fn filter(app: &App, canvas: &mut Canvas<'_>, area: Rect, field: &Field) -> Position {
    let line = Rect { y: area.y + area.height - 2, height: 1, ..area };
    canvas.fill(line);
    let text = field.text();
    let fields = room(app.ui.screen).fields(app.ui.pane);
    let verdict = match filter::Filter::parse(&text, fields) {
        Ok(_) => "[valid]".to_owned(),
        Err(misread) => format!("[invalid: {misread}]"),
    };
    let role = if verdict == "[valid]" { Role::Ok } else { Role::InputBad };
    let (seen, at) = field.seen(usize::from(line.width.saturating_sub(4)));
    canvas.text(line, 1, 0, &format!("/ {seen}"), Role::Text);
    let x = u16::try_from(at).unwrap_or(u16::MAX).saturating_add(3).min(area.width - 1);
    let behind = u16::try_from(width(&seen)).unwrap_or(u16::MAX).saturating_add(6);
    let room = usize::from(line.width.saturating_sub(behind));
    if width(&verdict) <= room {
        canvas.text(line, behind, 0, &verdict, role);
    } else {
        said_above(canvas, line, &verdict, role);
    }
    Position { x: line.x + x, y: line.y }
}

/// A text on the lines above this one, as many as it needs.
pub(super) fn said_above(canvas: &mut Canvas<'_>, line: Rect, text: &str, role: Role) {
    let lines = wrapped(&canvas.seen(text), usize::from(line.width.saturating_sub(2)));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(line.y);
    let place = Rect { y: line.y - height, height, ..line };
    canvas.fill(place);
    for (text, y) in lines.iter().zip(0..height) {
        canvas.text(place, 1, y, text, role);
    }
}

/// Whether a line of the table has this in its words or in its command.
fn speaks(app: &App, binding: &Binding, wanted: &str) -> bool {
    let command = binding.command_on(app.ui.screen, app.ui.pane);
    [binding.name, binding.help, command.unwrap_or_default()].iter().any(|text| text.to_lowercase().contains(wanted))
}

/// A key and what it does; the same for a shell goes below where it has no room beside that.
fn explained(app: &App, binding: &Binding, cells: usize) -> Vec<String> {
    let keys: Vec<String> = app.keymap.of(binding).iter().map(|key| key.name()).collect();
    let said = format!("  {:<12} {}", keys.join(" "), binding.help);
    let Some(command) = binding.command_on(app.ui.screen, app.ui.pane) else { return indented(&said, cells) };
    let whole = format!("{said}   {command}");
    if width(&whole) <= cells {
        return vec![whole];
    }
    let mut lines = indented(&said, cells);
    lines.extend(indented(&format!("{:15}{command}", ""), cells));
    lines
}

/// A line of the help that goes on below its second column.
fn indented(line: &str, cells: usize) -> Vec<String> {
    const COLUMN: usize = 15;
    let (keys, said) = line.split_at(line.char_indices().nth(COLUMN).map_or(line.len(), |(at, _)| at));
    let mut lines: Vec<String> =
        wrapped(said, cells.saturating_sub(COLUMN)).iter().map(|part| format!("{:COLUMN$}{part}", "")).collect();
    lines[0].replace_range(..COLUMN, keys);
    lines
}

fn sought(canvas: &mut Canvas<'_>, area: Rect, field: &Field) -> Position {
    let line = Rect { y: area.y + area.height - 2, height: 1, ..area };
    canvas.fill(line);
    let (seen, at) = field.seen(usize::from(line.width.saturating_sub(8)));
    canvas.text(line, 1, 0, &format!("find: {seen}"), Role::Text);
    let x = u16::try_from(at).unwrap_or(u16::MAX).saturating_add(7).min(area.width - 1);
    Position { x: line.x + x, y: line.y }
}

fn help(app: &App, canvas: &mut Canvas<'_>, area: Rect, search: &Field, scroll: usize) -> Position {
    let inner = canvas.opened(area, (90, area.height.saturating_sub(2)), &format!("Help - {}", app.ui.screen.title()));
    let (seen, at) = search.seen(usize::from(inner.width.saturating_sub(9)));
    canvas.text(inner, 0, 0, &format!("search: {seen}"), Role::Text);
    let wanted = search.text().to_lowercase();
    let mut lines = Vec::new();
    for (is_own, title) in [(true, "THIS SCREEN"), (false, "EVERYWHERE")] {
        let own = room(app.ui.screen).keys();
        let of_section = |binding: &&Binding| own.iter().any(|known| known.name == binding.name) == is_own;
        let section =
            bindings(app.ui.screen, app.ui.pane).filter(of_section).filter(|binding| speaks(app, binding, &wanted));
        let cells = usize::from(inner.width);
        let section: Vec<String> = section.flat_map(|binding| explained(app, binding, cells)).collect();
        if !section.is_empty() {
            lines.extend([title.to_owned()].into_iter().chain(section).chain([String::new()]));
        }
    }
    if wanted.is_empty() {
        if let Some(welcome) = &app.model.welcome {
            lines.push(format!(
                "you: {}, role {}, groups {}",
                welcome.you.user,
                welcome.role,
                welcome.you.groups.join(" ")
            ));
        }
        lines.push(format!("socket: {}", app.socket));
        lines.push("! warning   !! critical   x over   * marked   > meant   RO only looking".to_owned());
    }
    let room = Rect { height: inner.height.saturating_sub(2), ..inner };
    let first = canvas.scrolled(room, lines.iter().map(|_| 1), scroll);
    for (line, y) in lines[first..].iter().zip(2..inner.height) {
        canvas.text(inner, 0, y, line, Role::Text);
    }
    let x = u16::try_from(at).unwrap_or(u16::MAX).saturating_add(8);
    Position { x: inner.x + x.min(inner.width.saturating_sub(1)), y: inner.y }
}

/// What columns are chosen for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Menu {
    Sort,
    Columns,
}

/// Whether a column is shown, and why it cannot be seen.
fn shown(canvas: &Canvas<'_>, live: &Live, name: &str) -> (char, Option<&'static str>) {
    if !canvas.picture.can_show(live.view, name) {
        return (' ', Some("not in this table: Enter shows it"));
    }
    if !live.shows(name) {
        return (' ', None);
    }
    ('x', canvas.picture.is_crowded_out(live.view, name).then_some("no room at this width: l goes to it"))
}

fn menu(app: &App, canvas: &mut Canvas<'_>, area: Rect, (title, choice): (&str, usize), of: Menu) -> Option<Position> {
    let Rows::Live(view) = room(app.ui.screen).rows(app.ui.pane) else { return None };
    let live = app.live(view);
    let mut chosen = None;
    let names = live.names();
    let height = u16::try_from(names.len()).unwrap_or(20).saturating_add(2);
    let inner = canvas.opened(area, (60, height.min(area.height)), title);
    let first = (choice + 1).saturating_sub(usize::from(inner.height));
    for ((place, name), y) in names.iter().enumerate().skip(first).zip(0..inner.height) {
        let sorted = if live.sort.0 == *name { "  (now)" } else { "" };
        let (sign, why) = if of == Menu::Sort { (' ', None) } else { shown(canvas, live, name) };
        let role = if why.is_some() { Role::Dim } else { Role::Text };
        let why = why.map(|why| format!("   {why}")).unwrap_or_default();
        canvas.facts(inner, (0, y), &format!("{sign} {name}{sorted}{why}"), role);
        canvas.line_spot(inner, y, Target::Choice(place));
        if place == choice {
            canvas.mark_line(inner, y, Role::Select);
            chosen = Some(Position { x: inner.x, y: inner.y + y });
        }
    }
    chosen
}

fn copies(canvas: &mut Canvas<'_>, area: Rect, items: &[(&'static str, String)], choice: usize) -> Option<Position> {
    let mut chosen = None;
    let height = u16::try_from(items.len()).unwrap_or(20).saturating_add(2);
    let inner = canvas.opened(area, (78, height), "Copy - Enter takes it");
    for ((place, (what, text)), y) in items.iter().enumerate().zip(0..inner.height) {
        canvas.text(inner, 0, y, &format!("{what:<16} {}", text.lines().next().unwrap_or_default()), Role::Text);
        canvas.line_spot(inner, y, Target::Choice(place));
        if place == choice {
            canvas.mark_line(inner, y, Role::Select);
            chosen = Some(Position { x: inner.x, y: inner.y + y });
        }
    }
    chosen
}

fn texts(canvas: &mut Canvas<'_>, area: Rect, (title, lines): (&str, &[String]), scroll: usize) {
    let inner = canvas.opened(area, (area.width, area.height.saturating_sub(2)), title);
    if lines.is_empty() {
        canvas.text(inner, 0, 0, "There is nothing.", Role::Text);
    }
    let cells = usize::from(inner.width);
    let heights = lines.iter().map(|line| wrapped(&visible(line), cells).len());
    let lines = lines.iter().skip(canvas.scrolled(inner, heights, scroll)).flat_map(|line| {
        let look = look(line);
        wrapped(&visible(line), cells).into_iter().map(move |part| (part, look))
    });
    for ((line, look), y) in lines.zip(0..inner.height) {
        canvas.text(inner, 0, y, &line, look);
    }
}

/// As lines of a difference look; what is wrong begins with an exclamation mark.
fn look(line: &str) -> Role {
    match line.as_bytes().first() {
        Some(b'+') => Role::Ok,
        Some(b'-' | b'!') => Role::Bad,
        Some(b'@' | b'=') => Role::Header,
        Some(_) | None => Role::Text,
    }
}

/// Where values stand at least, behind their names.
const VALUES: usize = 26;

/// Everything that is known about what is meant.
fn detail(app: &App, canvas: &mut Canvas<'_>, area: Rect, scroll: usize) {
    let (title, mut record) = room(app.ui.screen).record(app);
    let mut inner = canvas.opened(area, (96, area.height.saturating_sub(2)), &title);
    if record.as_object().is_none_or(Map::is_empty) {
        let is_coming = room(app.ui.screen).is_coming(app);
        canvas.text(inner, 0, 0, if is_coming { "asking ..." } else { "There is nothing." }, Role::Text);
        return;
    }
    with_dates(&mut record);
    let rows: Vec<[String; 2]> = Sheet::of_record(&record)
        .with_units()
        .rows
        .iter()
        .map(|row| [0, 1].map(|place| canvas.seen(&Kind::Text.shown(&row[place]))))
        .collect();
    let widest = rows.iter().map(|[name, _]| width(name) + 1).max().unwrap_or(0);
    let begin = widest.clamp(VALUES, (usize::from(inner.width) / 2).max(VALUES));
    let values = u16::try_from(begin).unwrap_or(u16::MAX);
    for (name, curve) in room(app.ui.screen).curves(app) {
        canvas.text(inner, 0, 0, name, Role::Dim);
        canvas.curve(inner, values, 0, curve.into_iter());
        inner = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    }
    let cells = usize::from(inner.width).saturating_sub(begin);
    let first = canvas.scrolled(inner, rows.iter().map(|[_, value]| wrapped(value, cells).len()), scroll);
    let mut y = 0;
    for [name, value] in &rows[first..] {
        canvas.text(inner, 0, y, &fitted(name, begin - 1, false), Role::Dim);
        for part in wrapped(value, cells) {
            canvas.text(inner, values, y, &part, Role::Text);
            y += 1;
        }
    }
}
