//! How much anybody may have: how many may be in at once, and how fast they may come.
//!
//! Time goes in as nanoseconds of any clock that never goes back.
//! Knows nothing of sessions, users or sockets: whoever is counted has a key, and whoever asks says what holds for it.

mod pace;
mod roll;

pub use pace::{Moments, Pace};
pub use roll::{Excess, Roll, Terms, TooMuch};
