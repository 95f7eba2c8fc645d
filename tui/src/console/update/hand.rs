//! What a key does: to what lies over the screen first, then to the screen.

mod alone;
mod overlay;
mod palette;
mod search;

use self::search::Way;
pub(super) use self::search::found as found_row;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::json;

use super::{TICKS, enter, trail};
use crate::console::app::App;
use crate::console::dialog::Part;
use crate::console::event::{About, Effect};
use crate::console::field::Field;
use crate::console::form::{self, Question};
use crate::console::keys::Action;
use crate::console::live::{Live, View};
use crate::console::model::Link;
use crate::console::palette::Palette;
use crate::console::room::Rows;
use crate::console::screen::Screen;
use crate::console::screens::{meaning, room};
use crate::console::ui::{Message, NOTHING, Overlay};
use crate::shown::{clock, visible};

/// What is said of a key that means something on another screen, until the next one.
const IDLE: &str = "this key does nothing here; ? says which ones do";

pub(super) fn pressed(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
        return interrupted(app);
    }
    if app.ui.message.as_ref().is_some_and(|said| said.text == IDLE) {
        app.ui.message = None;
    }
    if app.ui.overlay.is_some() {
        return overlaid(app, key);
    }
    if let (Link::Down { .. }, KeyCode::Char(letter)) = (&app.model.link, key.code)
        && let Some(effects) = alone::pressed(app, letter)
    {
        return effects;
    }
    if let Some(action) = meaning(&app.keymap, key, app.ui.screen, app.ui.pane) {
        return act(app, action);
    }
    if is_known(app, key) {
        app.ui.say(IDLE);
    }
    Vec::new()
}

/// Whether a letter or sign means something on any screen.
fn is_known(app: &App, key: KeyEvent) -> bool {
    let means =
        |screen: &Screen| (0..room(*screen).panes()).any(|pane| meaning(&app.keymap, key, *screen, pane).is_some());
    matches!(key.code, KeyCode::Char(_)) && Screen::ALL.iter().any(means)
}

/// A key for what lies over the screen.
pub(super) fn overlaid(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    overlay::pressed(app, key)
}

pub(super) fn pasted(app: &mut App, text: &str) {
    match &mut app.ui.overlay {
        Some(
            Overlay::Filter(field)
            | Overlay::Search(field)
            | Overlay::Help { search: field, .. }
            | Overlay::Palette(Palette { said: field, .. }),
        ) => {
            field.paste(text);
        }
        Some(Overlay::Form(form)) => form::pasted(form, text),
        Some(Overlay::Kill(dialog)) if dialog.part == Part::Reason => dialog.reason.paste(text),
        Some(
            Overlay::Sort { .. }
            | Overlay::Columns { .. }
            | Overlay::Copy { .. }
            | Overlay::Lines { .. }
            | Overlay::Detail { .. }
            | Overlay::Kill(_)
            | Overlay::Question(_),
        )
        | None => {}
    }
}

/// Ctrl-C clears a field, cancels a dialog, and the second one leaves.
fn interrupted(app: &mut App) -> Vec<Effect> {
    match &mut app.ui.overlay {
        Some(
            Overlay::Filter(field)
            | Overlay::Search(field)
            | Overlay::Help { search: field, .. }
            | Overlay::Palette(Palette { said: field, .. }),
        ) if !field.is_empty() => {
            field.clear();
        }
        Some(Overlay::Kill(dialog)) if dialog.part == Part::Reason && !dialog.reason.is_empty() => {
            dialog.reason.clear();
        }
        Some(Overlay::Form(form)) => {
            if !form.clear() {
                app.ui.overlay = None;
            }
        }
        Some(_) => app.ui.overlay = None,
        None if app.ui.ending > 0 => return vec![Effect::Quit],
        None => {
            app.ui.ending = 2 * TICKS;
            app.ui.say("Ctrl-C again leaves the console");
        }
    }
    Vec::new()
}

/// Does what was wanted.
pub(super) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let here = room(app.ui.screen);
    let page = isize::try_from(here.visible(app, app.ui.pane)).unwrap_or(isize::MAX);
    match action {
        Action::Run(run) => return run(app),
        Action::Go(screen) if app.screens().any(|known| known == screen) => {
            if screen == Screen::Acl {
                app.acl.sought = here.rule(app);
            }
            return enter(app, screen);
        }
        Action::Go(screen) => app.ui.warn(format!("this daemon has nothing for {}", screen.title())),
        Action::NextPane => return turned(app, 1),
        Action::PreviousPane => return turned(app, -1),
        Action::Up => return moved(app, -1),
        Action::Down => return moved(app, 1),
        Action::PageUp => return moved(app, -page),
        Action::PageDown => return moved(app, page),
        Action::HalfUp => return moved(app, -page / 2),
        Action::HalfDown => return moved(app, page / 2),
        Action::First => return moved(app, isize::MIN / 2),
        Action::Last => return moved(app, isize::MAX / 2),
        Action::Open if is_empty(app) => app.ui.say(NOTHING),
        Action::Open => return here.opened(app),
        Action::Back => {
            let taken_back = app.waiting.question(app.ui.screen).map(Effect::Cancel);
            return taken_back.map_or_else(|| here.back(app), |cancel| vec![cancel]);
        }
        Action::Earlier => return trail::back(app),
        Action::Later => return trail::forward(app),
        Action::Filter => app.ui.overlay = Some(Overlay::Filter(Field::of(&here.filter(app).unwrap_or_default()))),
        Action::Sort => app.ui.overlay = Some(Overlay::Sort { choice: 0 }),
        Action::Columns => app.ui.overlay = Some(Overlay::Columns { choice: 0 }),
        Action::Reverse => return on_live(app, Live::reversed),
        Action::Mark => return on_live(app, Live::marked),
        Action::Search => return search::asked(app),
        Action::NextMatch => return search::again(app, Way::Down),
        Action::PreviousMatch => return search::again(app, Way::Up),
        Action::Leftwards => scrolled(app, -1),
        Action::Rightwards => scrolled(app, 1),
        Action::Hold => return on_live(app, Live::held),
        Action::MarkAll => return mark_all(app),
        Action::Copy => return copied(app),
        Action::Refresh if app.model.link == Link::Live => return here.refresh(app),
        Action::Refresh => {}
        Action::Help => app.ui.overlay = Some(Overlay::Help { search: Field::default(), scroll: 0 }),
        Action::Palette => return palette::opened(app),
        Action::Mouse => return vec![mouse(app)],
        Action::Redraw => return vec![Effect::Redraw],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Messages => messages(app),
        Action::Quit => return quitted(app),
    }
    Vec::new()
}

/// Whether the rows of this pane have come, and are none.
fn is_empty(app: &App) -> bool {
    let here = room(app.ui.screen);
    match here.rows(app.ui.pane) {
        Rows::Live(view) => !app.live(view).is_coming() && app.live(view).table.lines.is_empty(),
        Rows::Listing => here.listing(app).is_some_and(|listing| !listing.is_coming() && listing.objects.is_empty()),
        Rows::Own | Rows::Nothing => false,
    }
}

/// Everything that was said, the latest last.
fn messages(app: &mut App) {
    let mark = |message: &Message| if message.is_bad { "! " } else { "" };
    let line = |(now, message): &(f64, Message)| format!("{} {}{}", clock(*now), mark(message), message.text);
    let lines: Vec<String> = app.ui.said.iter().map(line).collect();
    let scroll = lines.len().saturating_sub(usize::from(app.ui.size.1).saturating_sub(4));
    app.ui.overlay = Some(Overlay::Lines { title: "What was said".to_owned(), lines, scroll });
}

/// Whoever has a draft is asked; it is kept either way.
fn quitted(app: &mut App) -> Vec<Effect> {
    let running = app.acl.running.as_ref().map(|running| &running.text);
    let has_rules = app.acl.draft.as_ref().is_some_and(|draft| Some(&draft.is.text) != running);
    let of_rules = format!("The draft of {} changes to the rules is not applied.", app.acl.changes());
    let of_config = "The draft of the configuration is not applied.".to_owned();
    let drafts = [
        (has_rules, of_rules, "rustsocks-cli acl edit"),
        (app.config.has_draft(), of_config, "rustsocks-cli config edit"),
    ];
    let drafts: Vec<_> = drafts.into_iter().filter(|(is_there, ..)| *is_there).collect();
    if drafts.is_empty() {
        return vec![Effect::Quit];
    }
    let command = drafts.iter().map(|(.., command)| *command).collect::<Vec<_>>().join("; ");
    let mut lines: Vec<String> = drafts.into_iter().map(|(_, line, _)| line).collect();
    lines.push("What was written is kept on this machine, and the next console offers it again.".to_owned());
    let question = Question::new("Leave with a draft?", lines, command, vec![Effect::Quit]);
    app.ui.overlay = Some(Overlay::Question(Box::new(question)));
    Vec::new()
}

fn mouse(app: &mut App) -> Effect {
    app.ui.has_mouse = !app.ui.has_mouse;
    app.ui.say(if app.ui.has_mouse {
        "the mouse is the console's; with Shift, or Option, it still selects text"
    } else {
        "the mouse is the terminal's"
    });
    Effect::Mouse(app.ui.has_mouse)
}

/// To the next pane; where there is only one, to the next screen.
fn turned(app: &mut App, by: isize) -> Vec<Effect> {
    let turn = |here: usize, count: usize| {
        let there = isize::try_from(here).unwrap_or(0) + by;
        there.rem_euclid(isize::try_from(count).unwrap_or(1).max(1)).unsigned_abs()
    };
    let panes = room(app.ui.screen).panes();
    if panes > 1 {
        app.ui.pane = turn(app.ui.pane, panes);
        return Vec::new();
    }
    let screens: Vec<Screen> = app.screens().collect();
    let here = screens.iter().position(|screen| *screen == app.ui.screen).unwrap_or(0);
    enter(app, screens[turn(here, screens.len())])
}

pub(super) fn moved(app: &mut App, by: isize) -> Vec<Effect> {
    let here = room(app.ui.screen);
    match here.rows(app.ui.pane) {
        Rows::Live(view) => {
            let visible = here.visible(app, app.ui.pane);
            return app.live_mut(view).moved(visible, by);
        }
        Rows::Listing => {
            if let Some(listing) = here.listing_mut(app) {
                listing.moved(by);
            }
        }
        Rows::Own => return here.moved(app, by),
        Rows::Nothing => {}
    }
    Vec::new()
}

/// The live table of this pane, and how many of its rows are seen.
pub(super) fn live_here(app: &App) -> Option<(View, usize)> {
    let here = room(app.ui.screen);
    let Rows::Live(view) = here.rows(app.ui.pane) else { return None };
    Some((view, here.visible(app, app.ui.pane)))
}

fn on_live(app: &mut App, change: fn(&mut Live, usize) -> Vec<Effect>) -> Vec<Effect> {
    live_here(app).map_or_else(Vec::new, |(view, visible)| change(app.live_mut(view), visible))
}

/// Columns to the left or to the right of what is seen.
fn scrolled(app: &mut App, by: isize) {
    let live = live_here(app);
    let reach = match live {
        Some((view, _)) => app.ui.picture.reach(view),
        None => app.ui.picture.reach_of_list(app.ui.pane),
    };
    if reach == 0 {
        app.ui.say("every column that is wanted is on the screen");
    }
    if let Some((view, _)) = live {
        app.live_mut(view).scrolled(by, reach);
    } else if let Some(listing) = room(app.ui.screen).listing_mut(app) {
        listing.scrolled(by, reach);
    }
}

/// The daemon knows which rows the filter lets in; of most of them only the number is here.
fn mark_all(app: &mut App) -> Vec<Effect> {
    let Some((view, _)) = live_here(app) else { return Vec::new() };
    let live = app.live_mut(view);
    if !live.marks.is_empty() {
        live.marks.clear();
        return Vec::new();
    }
    let about = About::Marks(view, live.filter.clone());
    live.table.sub.map(|sub| Effect::ask("view.ids", &json!({ "sub": sub }), about)).into_iter().collect()
}

/// What there is to copy; with only one thing, that.
fn copied(app: &mut App) -> Vec<Effect> {
    let mut items = room(app.ui.screen).copies(app);
    match items.len() {
        0 => Vec::new(),
        1 => copy(app, &items.remove(0).1),
        _ => {
            app.ui.overlay = Some(Overlay::Copy { items, choice: 0 });
            Vec::new()
        }
    }
}

/// To the terminal's clipboard.
pub(super) fn copy(app: &mut App, text: &str) -> Vec<Effect> {
    let text = harmless(text);
    app.ui.say(format!("{} bytes to the clipboard", text.len()));
    vec![Effect::Copy(text)]
}

/// Lines and cells stay; whatever else cannot be seen is written out, for it may be pasted into a shell.
fn harmless(text: &str) -> String {
    let line = |line: &str| line.split('\t').map(visible).collect::<Vec<_>>().join("\t");
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}
