//! RAP/1, what operators' programs say to the daemon over its admin socket, and what it answers.
//!
//! One message is one line of JSON. A client sends requests, `{"id":1,"op":"status.get","p":{}}`, and chooses their numbers.
//! The daemon answers each with any number of `part` and then one `ok` or `err`; what a client has subscribed to comes
//! unasked, as pushes. Both sides ignore fields and events that they do not know.
//!
//! Knows the language alone: the socket, the clock and what an operation does are for others.

use std::time::Duration;

mod client;
mod hello;
mod lines;
mod message;
mod refusal;
mod role;
mod sessions;
mod strict;
mod units;
mod view;

pub use client::{CallError, Client, MOST_WAITING_PUSHES};
pub use hello::{Hello, Limits, Welcome, You};
pub use lines::{LineTooLong, Lines};
pub use message::{Answer, BadMessage, BadRequest, Message, Push, Request};
pub use refusal::{Code, Diagnostic, Refusal};
pub use role::Role;
pub use sessions::{Kill, Killed};
pub use units::unit;
pub use view::{Column, Direction, FilterError, Held, Patch, Row, TABLES, ViewChange, ViewOpen, ViewOpened, Window};

/// The number of the protocol that this build speaks.
pub const PROTOCOL: u32 = 1;

/// The longest line of a request, in bytes, without its end.
pub const MOST_REQUEST: usize = 256 * 1024;

/// The same of somebody who may do everything, and so send whole files: a text of 1 MiB, however it is escaped.
pub const MOST_REQUEST_OF_ADMIN: usize = 2 * 1024 * 1024;

/// The longest line of the daemon, in bytes, without its end; larger results come in parts.
pub const MOST_REPLY: usize = 4 * 1024 * 1024;

/// As long as another level of the log may hold: whoever wants it for good writes it into the configuration.
pub const LONGEST_LEVEL: Duration = Duration::from_hours(24);

/// As long as what was applied may wait to be confirmed.
pub const LONGEST_PROBATION: Duration = Duration::from_hours(24);

/// Requests of one connection that may wait for their answers.
pub const MOST_IN_FLIGHT: usize = 32;

/// Subscriptions of one connection, views included.
pub const MOST_SUBSCRIPTIONS: usize = 16;
