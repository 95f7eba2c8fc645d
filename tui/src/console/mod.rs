//! The console: what the daemon does, on a terminal, as it happens.
//!
//! Events come in (keys, messages of the daemon, signals, the clock), `update` makes effects of them, and `view` draws what is
//! known. Neither of the two reads a clock, a socket or a terminal, which is why both can be tested without any.

mod app;
mod canvas;
mod caps;
mod clipboard;
mod dialog;
mod event;
mod export;
mod field;
mod form;
mod kept;
mod keyboard;
mod keymap;
mod keys;
mod link;
mod listing;
mod live;
mod model;
mod palette;
mod pane;
mod pending;
mod pointer;
mod preferences;
mod rest;
mod room;
mod runtime;
mod screen;
mod screens;
mod service;
mod shell;
mod terminal;
mod theme;
mod trail;
mod ui;
mod update;
mod view;
mod waiting;

#[cfg(test)]
mod tests;

pub(crate) use self::runtime::run;
