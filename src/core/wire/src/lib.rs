//! The frames that the monitor and the worker exchange.
//!
//! One frame is one datagram of a `SOCK_SEQPACKET` pair, at most [`MAX_FRAME`] bytes long:
//!
//! ```text
//! +---------+------+----------------+------------------+
//! | version | kind | length of body | body             |
//! |    1    |  1   |  2, big endian | fixed per kind   |
//! +---------+------+----------------+------------------+
//! ```
//!
//! The two directions are two types with kinds of their own, so that a frame sent the wrong way is refused, not misread.
//! Decoding never panics and never allocates more than the frame is long.
//!
//! This crate knows nothing of sockets, processes or clocks.
//! A descriptor that belongs to a frame travels beside it; [`ToWorker::carries_descriptor`] says which frames have one.

mod frame;
mod thread_name;
mod to_monitor;
mod to_worker;

pub use frame::{FrameError, MAX_FRAME, VERSION};
pub use thread_name::ThreadName;
pub use to_monitor::{MAX_SILENT, ToMonitor};
pub use to_worker::ToWorker;
