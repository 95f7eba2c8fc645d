//! How much anybody may have: how many may be in at once, how fast they may come, and how many bytes they may
//! move.
//!
//! Time goes in as nanoseconds of any clock that never goes back; only quotas go by the time of day.
//! Knows nothing of sessions, users or sockets: whoever is counted has a key, and whoever asks says what holds for it.

mod pace;
mod roll;
mod spread;

mod bucket;
mod credit;
mod gate;
mod tree;

pub mod quota;

pub use credit::Credit;
pub use gate::{Gate, Membership};
pub use pace::{Moments, Pace};
pub use roll::{Excess, Roll, Terms, TooMuch};
pub use spread::Spread;
pub use tree::{HeldBy, Lately, LeafId, Need, Share, Standing, Tree};
