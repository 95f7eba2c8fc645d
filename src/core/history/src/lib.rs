//! What is remembered of a session, the frames in which it lies in the spool, and what may be asked about it later.
//!
//! Knows nothing of files, databases, clocks or how a session comes about.

mod flows;
mod frame;
mod record;
mod sought;
mod status;

pub use flows::{FLOWS_MAX, Flow, Flows};
pub use frame::{Damage, Encoder, Frame, HEADER, Kind, MAX_PAYLOAD, VERSION, decode};
pub use record::{Asked, Host, Phases, Record, TEXT_MAX, Traffic, clipped};
pub use sought::{NotSought, Sought};
pub use status::{NoSuchStatus, Status};
