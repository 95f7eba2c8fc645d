//! The rules: who has which, what they would say, how they are changed and taken back.

mod affected;
mod answers;
mod apply;
mod deeds;
mod draw;
mod merging;
mod model;
mod owner;
mod pages;
mod rule;
mod saved;
mod trial;

use std::collections::BTreeMap;

use ratatui::layout::{Position, Rect};
use wire::admin::{Push, Role};

pub(crate) use self::answers::{Topic, came, noted, progressed, watch, watch_anew};
pub(crate) use self::deeds::edited;
pub(crate) use self::model::{Acl, Page};
use crate::console::app::App;
use crate::console::canvas::Canvas;
use crate::console::event::Effect;
use crate::console::keys::Key::{Char, Ctrl};
use crate::console::keys::{Action, Binding, On, bind};
use crate::console::live::View;
use crate::console::room::{self, Rows};
use crate::console::screen::Screen;
use crate::output::raw;

/// What the text of a draft is called among the files that the operator's program keeps.
pub(crate) const AUTOSAVE: &str = "console-draft-acl.toml";

const KEYS: &[Binding] = &[
    bind(
        Action::Run(deeds::add),
        &[Char('a')],
        On::Rows,
        "add rule",
        "a new rule of this owner, in the draft; a saved test",
    )
    .role(Role::Admin)
    .hint("add")
    .command("rustsocks-cli acl edit"),
    bind(
        Action::Run(deeds::edit),
        &[Char('e')],
        On::Rows,
        "edit rule",
        "change the rule, in the draft; an owner's groups; the saved test",
    )
    .role(Role::Admin)
    .hint("edit")
    .command("rustsocks-cli acl edit"),
    bind(
        Action::Run(deeds::remove),
        &[Char('d')],
        On::Rows,
        "remove rule",
        "remove the rule or the owner, in the draft; the saved test",
    )
    .role(Role::Admin)
    .command("rustsocks-cli acl edit"),
    bind(
        Action::Run(deeds::earlier),
        &[Char('<')],
        On::Rows,
        "rule up",
        "before the rule above: who is credited, no verdict",
    )
    .role(Role::Admin)
    .command("rustsocks-cli acl edit"),
    bind(
        Action::Run(deeds::later),
        &[Char('>')],
        On::Rows,
        "rule down",
        "behind the rule below: who is credited, no verdict",
    )
    .role(Role::Admin)
    .command("rustsocks-cli acl edit"),
    bind(
        Action::Run(deeds::edit_text),
        &[Char('T')],
        On::Rows,
        "edit text",
        "the whole text in $VISUAL or $EDITOR, as the draft",
    )
    .role(Role::Admin)
    .command("rustsocks-cli acl edit"),
    bind(Action::Run(deeds::undo), &[Char('u')], On::Rows, "undo", "take the last change of the draft back")
        .role(Role::Admin)
        .hint("undo")
        .command("rustsocks-cli acl edit"),
    bind(Action::Run(deeds::redo), &[Ctrl('r')], On::Rows, "redo", "make it again")
        .role(Role::Admin)
        .command("rustsocks-cli acl edit"),
    bind(Action::Run(deeds::validate), &[Char('v')], On::Rows, "validate", "whether the draft could be in force")
        .command("rustsocks-cli acl validate FILE"),
    bind(Action::Run(deeds::whole), &[Char('i')], On::Rows, "whole rule", "everything about the rule that is meant")
        .command("rustsocks-cli acl rules"),
    bind(
        Action::Run(trial::open),
        &[Char('t')],
        On::Rows,
        "test request",
        "what the rules and the draft would say; of a merge: take theirs",
    )
    .hint("test")
    .command("rustsocks-cli acl explain USER HOST:PORT"),
    bind(
        Action::Run(trial::of_live),
        &[Char('L')],
        On::Rows,
        "test session",
        "the same for the session that is meant on the second screen",
    )
    .command("rustsocks-cli acl explain USER HOST:PORT"),
    bind(
        Action::Run(saved::save),
        &[Char('s')],
        On::Own,
        "save test",
        "the request that was tried as a saved test, which rules have to pass",
    )
    .role(Role::Admin)
    .command("rustsocks-cli acl test add USER HOST:PORT allow"),
    bind(
        Action::Run(deeds::what_if),
        &[Char('w')],
        On::Rows,
        "what-if",
        "what the draft would change for those who are in and were",
    )
    .role(Role::Operate)
    .hint("what-if")
    .command("rustsocks-cli acl whatif FILE --hours 24"),
    bind(
        Action::Run(deeds::difference),
        &[Char('D')],
        On::Rows,
        "difference",
        "how the draft differs, and what it would change",
    )
    .hint("diff")
    .command("rustsocks-cli acl diff FILE"),
    bind(
        Action::Run(apply::asked),
        &[Char('A')],
        On::Rows,
        "apply",
        "put the draft in force, or take the merge over; asks first",
    )
    .role(Role::Admin)
    .hint("apply")
    .command("rustsocks-cli acl apply FILE"),
    bind(Action::Run(deeds::discard), &[Char('X')], On::Rows, "discard", "forget the draft; asks first")
        .role(Role::Admin)
        .command("rustsocks-cli acl edit"),
    bind(
        Action::Run(deeds::effective),
        &[Char('o')],
        On::Rows,
        "effective",
        "all rules that hold for a user, as they decide; again: its own",
    )
    .command("rustsocks-cli acl explain USER HOST:PORT"),
    bind(
        Action::Run(deeds::generations),
        &[Char('H')],
        On::Rows,
        "generations",
        "the rule files that were in force; Enter shows one",
    )
    .command("rustsocks-cli acl history"),
    bind(
        Action::Run(deeds::roll_back),
        &[Char('R')],
        On::Rows,
        "roll back",
        "bring the generation that is meant back; asks first",
    )
    .role(Role::Admin)
    .command("rustsocks-cli acl rollback N"),
    bind(
        Action::Run(deeds::merge),
        &[Char('m')],
        On::Rows,
        "merge",
        "the draft with what came in between; there: take mine",
    )
    .role(Role::Admin)
    .command("rustsocks-cli acl edit"),
    bind(Action::Run(deeds::both), &[Char('b')], On::Rows, "both", "of a conflict that is merged: take both")
        .role(Role::Admin)
        .command("rustsocks-cli acl edit"),
    bind(Action::Run(deeds::again), &[Char('r')], On::Rows, "refresh", "ask again").command("rustsocks-cli acl rules"),
];

/// The screen.
#[derive(Debug)]
pub(crate) struct Room;

impl room::Room for Room {
    fn keys(&self) -> &'static [Binding] {
        KEYS
    }

    /// Owners, and their rules.
    fn panes(&self) -> usize {
        2
    }

    fn rows(&self, pane: usize) -> Rows {
        if pane == affected::PANE { Rows::Live(View::WhatIf) } else { Rows::Own }
    }

    fn aside(&self) -> Option<usize> {
        Some(affected::PANE)
    }

    fn keeps_aside(&self, app: &App) -> bool {
        app.acl.page == Page::Affected
    }

    fn enter(&self, app: &mut App) -> Vec<Effect> {
        answers::refresh(app)
    }

    /// The sessions that are affected are looked at as every live table is.
    fn missed(&self, app: &mut App, _missed: &BTreeMap<u64, u64>) -> Vec<Effect> {
        if app.acl.page == Page::Affected { Vec::new() } else { answers::refresh(app) }
    }

    fn moved(&self, app: &mut App, by: isize) -> Vec<Effect> {
        deeds::moved(app, by)
    }

    fn opened(&self, app: &mut App) -> Vec<Effect> {
        deeds::opened(app)
    }

    fn leave(&self, app: &mut App) -> Vec<Effect> {
        let mut effects = affected::closed(app);
        effects.extend(answers::hits_closed(app));
        effects
    }

    fn back(&self, app: &mut App) -> Vec<Effect> {
        if app.acl.page == Page::Affected {
            return affected::back(app);
        }
        let is_asking = app.acl.page == Page::Change && app.acl.effect.is_none();
        app.acl.page = Page::Rules;
        app.acl.line = 0;
        app.acl.progress = None;
        if is_asking { vec![Effect::TakeBack(Screen::Acl)] } else { Vec::new() }
    }

    fn copied(&self, app: &App) -> Vec<String> {
        if app.acl.page == Page::Affected {
            return app.acl.affected.line().map(|line| line.cells.iter().map(raw).collect()).unwrap_or_default();
        }
        pages::copied(app)
    }

    fn pushed(&self, app: &mut App, push: &Push) -> Vec<Effect> {
        answers::pushed(app, push)
    }

    fn draw(&self, app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
        draw::draw(app, canvas, area)
    }
}
