//! The daemon: one executable in two roles, and its offline commands.
//!
//! Four floors, each importing only from those below it:
//! `state` (what it remembers), `engine` (where it touches the world),
//! `frontends` (where requests come in) and `app` (the roof).

mod app;
mod engine;
mod frontends;
mod state;

pub use app::main;
