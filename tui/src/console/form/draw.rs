//! How forms and questions look.

use ratatui::layout::{Position, Rect};

use super::{Consent, Entry, Form, Input, Question};
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::field::Field;
use crate::console::pointer::Target;
use crate::console::theme::Role;
use crate::shown::{visible, width, wrapped};

/// Columns of a dialog, with its frame.
const WIDE: u16 = 78;

/// Where what is filled in begins at least.
const INPUT: usize = 18;

/// Lines that a command takes at most; a longer one is copied whole.
const MOST_COMMAND: usize = 4;

/// Where a line does not part.
const HELD: char = '\u{a0}';

/// A line and how it looks.
type Line = (String, Role);

/// What goes where in a form.
struct Plan {
    /// Columns within the frame.
    cells: usize,
    /// Lines for entries.
    entries: usize,
    preview: Passage,
    foot: Vec<Line>,
}

/// Lines of which not all may be seen.
struct Passage {
    lines: Vec<String>,
    /// How many are seen at once, with the one that says which.
    room: usize,
}

impl Passage {
    fn is_whole(&self) -> bool {
        self.lines.len() <= self.room
    }

    /// The last line from which it can be read on.
    fn most(&self) -> usize {
        if self.is_whole() { 0 } else { (self.lines.len() + 1).saturating_sub(self.room.max(2)) }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, scroll: usize, role: Role) {
        if self.is_whole() {
            for (line, y) in self.lines.iter().zip(0..area.height) {
                canvas.text(area, 0, y, line, role);
            }
            return;
        }
        let (first, seen) = (scroll.min(self.most()), self.room.saturating_sub(1));
        for (line, y) in self.lines.iter().skip(first).take(seen).zip(0..area.height) {
            canvas.text(area, 0, y, line, role);
        }
        let last = (first + seen).min(self.lines.len());
        let more = format!("lines {}-{last} of {}   PgDn PgUp", first + 1, self.lines.len());
        canvas.text(area, 0, cells(seen), &more, Role::Warn);
    }
}

/// What stands below everything: what was said, the keys, and the same for a shell.
fn foot(told: Vec<Line>, keys: &str, command: &str, cells: usize) -> Vec<Line> {
    let mut lines = told;
    lines.extend(wrapped(keys, cells).into_iter().map(|line| (line, Role::Dim)));
    lines.extend(same(command, cells).into_iter().map(|line| (line, Role::Dim)));
    lines
}

/// The same for a shell, in as many lines as it takes, unless those are too many.
pub(crate) fn same(command: &str, cells: usize) -> Vec<String> {
    let lines = wrapped(&paired(&visible(&format!("same as: {command}")), cells), cells);
    let mut lines: Vec<String> = lines.into_iter().map(|line| line.replace(HELD, " ")).collect();
    if lines.len() > MOST_COMMAND {
        lines.truncate(MOST_COMMAND - 1);
        lines.push("... Ctrl-Y copies all of it".to_owned());
    }
    lines
}

/// A command whose options stay on one line with the first word of what they are given, where that fits.
fn paired(command: &str, cells: usize) -> String {
    let mut line = String::new();
    let mut words = command.split(' ').peekable();
    while let Some(word) = words.next() {
        line.push_str(word);
        let Some(next) = words.peek() else { break };
        let is_pair = word.starts_with("--") && !next.starts_with('-') && width(word) + 1 + width(next) <= cells;
        line.push(if is_pair { HELD } else { ' ' });
    }
    line
}

/// What the keys do in a form.
const KEYS: &str = "Tab next field   Space chooses   Ctrl-Y copies the command   Esc leaves it";

/// The same where Enter takes it anywhere.
const LOOK_KEYS: &str = "Enter looks   Ctrl-Y copies the command   Esc leaves it";

fn plan(app: &App, form: &Form) -> Plan {
    let told = match &form.fault {
        _ if form.is_given => (working(app), Role::Text),
        Some(fault) => (format!("! {fault}"), Role::Bad),
        None => (String::new(), Role::Text),
    };
    let cells = within(app);
    let told = wrapped(&visible(&told.0), cells).into_iter().map(|line| (line, told.1)).collect();
    let keys = if form.purpose.is_look() { LOOK_KEYS } else { KEYS };
    let foot = foot(told, keys, &form.purpose.command(&form.entries), cells);
    let said = form.purpose.preview(&form.entries);
    let lines: Vec<String> = said.iter().flat_map(|line| wrapped(&visible(line), cells.saturating_sub(1))).collect();
    let gap = usize::from(!lines.is_empty());
    let room = usize::from(app.ui.size.1).saturating_sub(2 + foot.len() + gap);
    let inset = inset(form, cells);
    let rows: usize = form.entries.0.iter().map(|entry| high(entry, cells.saturating_sub(inset))).sum();
    // Where there is too little room, both have some.
    let entries = rows.min(room.saturating_sub(lines.len().min(room / 2)));
    let room = room.saturating_sub(entries).min(lines.len());
    Plan { cells, entries, preview: Passage { lines, room }, foot }
}

/// Columns within the frame of a dialog.
fn within(app: &App) -> usize {
    usize::from(WIDE.min(app.ui.size.0).saturating_sub(4))
}

/// Where what is filled in begins: behind the longest label.
fn inset(form: &Form, cells: usize) -> usize {
    let labels = form.entries.0.iter().filter(|entry| !matches!(entry.input, Input::Button));
    labels.map(|entry| width(entry.label) + 3).max().unwrap_or(0).clamp(INPUT, (cells / 2).max(INPUT))
}

/// How far what would come of it can be scrolled.
pub(super) fn most_scrolled(app: &App, form: &Form) -> usize {
    plan(app, form).preview.most()
}

/// Draws the form; says where something is being written.
pub(crate) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect, form: &Form) -> Option<Position> {
    let plan = plan(app, form);
    let gap = usize::from(!plan.preview.lines.is_empty());
    let height = cells(plan.entries + gap + plan.preview.room + plan.foot.len() + 2);
    let inner = canvas.opened(area, (WIDE, height), &form.title);
    let written = entries(canvas, Rect { height: cells(plan.entries).min(inner.height), ..inner }, form, plan.cells);
    let below = cells(plan.entries + gap);
    let place = Rect {
        x: inner.x + 1,
        y: inner.y + below,
        width: inner.width.saturating_sub(1),
        height: inner.height.saturating_sub(below),
    };
    plan.preview.draw(canvas, place, form.scroll, Role::Accent);
    at_the_foot(canvas, inner, &plan.foot);
    written
}

fn at_the_foot(canvas: &mut Canvas<'_>, area: Rect, lines: &[Line]) {
    let first = area.height.saturating_sub(cells(lines.len()));
    for ((line, role), y) in lines.iter().zip(first..area.height) {
        canvas.text(area, 0, y, line, *role);
    }
}

/// The entries, scrolled so that the one with the keys is seen.
fn entries(canvas: &mut Canvas<'_>, area: Rect, form: &Form, wide: usize) -> Option<Position> {
    let inset = inset(form, wide);
    let lines = |entry: &Entry| high(entry, wide.saturating_sub(inset));
    let before: usize = form.entries.0[..form.at].iter().map(lines).sum();
    let here = form.entries.0.get(form.at).map_or(0, lines);
    let mut skipped = (before + here).saturating_sub(usize::from(area.height));
    let mut y = 0;
    let mut written = None;
    for (place, entry) in form.entries.0.iter().enumerate() {
        let high = lines(entry);
        if skipped >= high {
            skipped -= high;
            continue;
        }
        let is_here = place == form.at;
        let place_of = Rect { y: area.y + y, height: area.height.saturating_sub(y), ..area };
        let at = one(canvas, place_of, (entry, cells(inset)), is_here);
        written = written.or(is_here.then_some(at));
        let high = cells(high).min(area.height.saturating_sub(y));
        canvas.spot(Rect { height: high, ..place_of }, Target::Entry(place));
        y += high;
        if y >= area.height {
            break;
        }
    }
    written
}

/// An entry whose input begins at this column.
fn one(canvas: &mut Canvas<'_>, area: Rect, (entry, inset): (&Entry, u16), is_here: bool) -> Position {
    let role = if is_here { Role::Header } else { Role::Text };
    canvas.text(area, 0, 0, if is_here { ">" } else { " " }, Role::Mark);
    if !matches!(entry.input, Input::Button) {
        let label = Rect { width: inset.saturating_sub(1).min(area.width), ..area };
        canvas.text(label, 2, 0, entry.label, role);
    }
    let place = Rect { x: area.x + inset.min(area.width), width: area.width.saturating_sub(inset), ..area };
    let (lines, at) = shown(entry, usize::from(place.width));
    let role = if matches!(entry.input, Input::Word { .. }) { Role::Warn } else { role };
    for (line, y) in lines.iter().zip(0..area.height) {
        canvas.text(place, 0, y, line, role);
    }
    for (line, y) in faults(entry, usize::from(place.width)).iter().zip(cells(lines.len())..area.height) {
        canvas.text(place, 0, y, line, Role::InputBad);
    }
    let (x, y) = at;
    let last = (place.width.saturating_sub(1), place.height.saturating_sub(1));
    Position { x: place.x + cells(x).min(last.0), y: place.y + cells(y).min(last.1) }
}

/// What is filled in, in lines of so many cells, and where it is being written.
fn shown(entry: &Entry, room: usize) -> (Vec<String>, (usize, usize)) {
    match &entry.input {
        Input::Button => (vec![format!("[ {} ]", entry.label)], (2, 0)),
        Input::Text(field) => {
            let (seen, at) = field.seen(room.saturating_sub(2));
            (vec![format!("[{seen:<20}]")], (1 + at, 0))
        }
        Input::Secret(secret) => {
            let stars = secret.stars();
            (vec![format!("[{stars:<20}]")], (1 + stars.len(), 0))
        }
        Input::Choice { options, at } => choices(options, *at, room),
        Input::Check(is_set) => (vec![if *is_set { "[x]" } else { "[ ]" }.to_owned()], (1, 0)),
        Input::List { items, at } => {
            let seen: Vec<(String, usize)> = items.iter().map(|item| item.seen(room.saturating_sub(2))).collect();
            let before = seen.get(*at).map_or(0, |(_, before)| *before);
            (seen.iter().map(|(text, _)| format!("[{text:<20}]")).collect(), (1 + before, *at))
        }
        Input::Word { wanted, typed } => word(&format!("type {wanted}:"), typed, room),
    }
}

/// A word that is being typed, behind what it is or below it, and where it goes on.
fn word(what: &str, typed: &Field, room: usize) -> (Vec<String>, (usize, usize)) {
    let (what, before) = (visible(what), width(&visible(&typed.before())));
    let written = format!("[{:<8}]", typed.text());
    if width(&what) + 1 + width(&visible(&written)) <= room {
        return (vec![format!("{what} {written}")], (width(&what) + 2 + before, 0));
    }
    let mut lines = wrapped(&what, room);
    lines.push(written);
    let last = lines.len() - 1;
    (lines, (1 + before, last))
}

/// All that can be chosen, on as many lines as it takes, and where the chosen one is.
fn choices(options: &[String], at: usize, room: usize) -> (Vec<String>, (usize, usize)) {
    let mut lines = vec![String::new()];
    let mut here = (1, 0);
    for (place, option) in options.iter().enumerate() {
        let text = format!("({}) {}", if place == at { "o" } else { " " }, visible(option));
        let taken = lines.last().map_or(0, |line| width(line));
        if taken > 0 && taken + 2 + width(&text) > room {
            lines.push(String::new());
        }
        let last = lines.len() - 1;
        if !lines[last].is_empty() {
            lines[last].push_str("  ");
        }
        if place == at {
            here = (width(&lines[last]) + 1, last);
        }
        lines[last].push_str(&text);
    }
    (lines, here)
}

/// What is wrong with it.
fn faults(entry: &Entry, room: usize) -> Vec<String> {
    entry.fault.as_ref().map(|fault| wrapped(&visible(&format!("! {fault}")), room)).unwrap_or_default()
}

/// How many lines it takes.
fn high(entry: &Entry, room: usize) -> usize {
    shown(entry, room).0.len() + faults(entry, room).len()
}

fn cells(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// That the daemon has not answered yet, and for how long once that is long.
pub(crate) fn working(app: &App) -> String {
    app.waiting.so_far().unwrap_or_else(|| "working ...".to_owned())
}

/// A question: its lines, what stands below them, and the column and line there in which a word is being written.
struct Asked {
    passage: Passage,
    foot: Vec<Line>,
    at: Option<(usize, usize)>,
}

fn asked(app: &App, question: &Question) -> Asked {
    let cells = within(app);
    let (told, at): (Vec<Line>, _) = match &question.consent {
        _ if question.is_given => (vec![(working(app), Role::Text)], None),
        Consent::Letter => (vec![("y does it   any other key: no".to_owned(), Role::Warn)], None),
        Consent::Word { wanted, typed } => {
            let (lines, at) = word(&format!("type {wanted} to go on:"), typed, cells);
            (lines.into_iter().map(|line| (line, Role::Warn)).collect(), Some(at))
        }
    };
    let keys = match &question.consent {
        Consent::Letter => "Ctrl-Y copies the command",
        Consent::Word { .. } => "Esc cancels, Enter does nothing   Ctrl-Y copies the command",
    };
    let foot = foot(told, keys, &question.command, cells);
    let lines: Vec<String> = question.lines.iter().flat_map(|line| wrapped(&visible(line), cells)).collect();
    let room = usize::from(app.ui.size.1).saturating_sub(3 + foot.len()).min(lines.len());
    Asked { passage: Passage { lines, room }, foot, at }
}

/// How far it can be scrolled.
pub(super) fn most_of_question(app: &App, question: &Question) -> usize {
    asked(app, question).passage.most()
}

/// Draws the question; says where the word is being written.
pub(crate) fn draw_question(app: &App, canvas: &mut Canvas<'_>, area: Rect, question: &Question) -> Option<Position> {
    let Asked { passage, foot, at } = asked(app, question);
    let inner = canvas.opened(area, (WIDE, cells(passage.room + foot.len() + 3)), &question.title);
    passage.draw(canvas, inner, question.scroll, Role::Text);
    at_the_foot(canvas, inner, &foot);
    let top = inner.height.saturating_sub(cells(foot.len()));
    at.map(|(x, y)| Position { x: inner.x + cells(x).min(inner.width.saturating_sub(1)), y: inner.y + top + cells(y) })
}
