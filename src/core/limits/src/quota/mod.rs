//! How many bytes somebody may carry in an hour, a day, a week or a month.
//!
//! What was carried is kept by the quarter of an hour, so that any quota can be asked about it at any moment, whichever way the
//! clock was set: a clock that goes back finds what it found then, and nothing counts twice.
//! The time of day is an argument, and time zones come from whoever asks.

pub mod account;
pub mod calendar;
pub mod gauge;
