//! The language in which operators say which rows they mean: `user=alice and down>10M not dst in 10.0.0.0/8`.
//!
//! One text becomes a judgement of rows in memory ([`Filter::admits`]) and a condition for a database ([`Filter::condition`]),
//! and both say the same of the same row.
//! Knows nothing of sessions, databases or clocks: which fields there are is a table ([`Field`]), and the hour is an argument.
//!
//! ```text
//! expr  = term { ("and" | "or") term } | "not" expr | "(" expr ")"        terms side by side mean and
//! term  = field op value { "," value } | word | "quoted words"
//! op    = =  !=  ~ (glob)  ~~ (regular expression)  <  <=  >  >=  in
//! ```

mod condition;
mod expr;
mod fields;
mod glob;
mod judge;
mod known;
mod measure;
mod misread;
mod parse;
mod pattern;
mod print;
mod scan;

pub use condition::{Argument, Columns, Condition, NotKept, Stored};
pub use expr::{Expr, Filter, Item, Moment, Order, Test};
pub use fields::{Field, Kind};
pub use judge::{Row, Value};
pub use known::{AUDIT, BANS, HISTORY, LIMITS, LOGINS, SESSIONS, USERS, WHATIF};
pub use measure::{bytes as read_bytes, duration as read_duration, rate as read_rate};
pub use misread::Misread;
pub use parse::{MAX_BYTES, MAX_DEPTH, MAX_PARTS};
pub use pattern::Pattern;
pub use print::quoted;
