//! The frames that the monitor, the worker and the PAM helpers exchange, and those that a monitor leaves to its successor.
//!
//! One frame is one datagram of a `SOCK_SEQPACKET` pair, at most [`MAX_FRAME`] bytes long, a helper's answer [`MAX_ANSWER`]:
//!
//! ```text
//! +---------+------+----------------+------------------+
//! | version | kind | length of body | body             |
//! |    1    |  1   |  2, big endian | fixed per kind   |
//! +---------+------+----------------+------------------+
//! ```
//!
//! Each direction of each pair is a type with kinds of its own, so that a frame sent the wrong way is refused, not misread.
//! Decoding never panics and never allocates more than the frame is long.
//!
//! Beside the frames there is [`admin`], the language of the admin socket: lines of JSON between operators' programs and the daemon.
//!
//! This crate knows nothing of sockets, processes or clocks.
//! A descriptor that belongs to a frame travels beside it; [`ToWorker::carries_descriptor`], [`ToMonitor::carries_descriptor`] and [`ToSuccessor::descriptors`] say which frames have one.

pub mod admin;
mod document;
mod frame;
mod from_pam;
mod reload;
mod thread_name;
mod to_monitor;
mod to_pam;
mod to_successor;
mod to_worker;

pub use document::DocumentKind;
pub use frame::{FrameError, MAX_ANSWER, MAX_FRAME, VERSION};
pub use from_pam::{Denial, FromPam, MAX_SAID, MAX_SAYING, PamAnswer, PamVerdict};
pub use reload::{Extent, Ticket, Trigger};
pub use thread_name::ThreadName;
pub use to_monitor::{MAX_SILENT, ToMonitor};
pub use to_pam::{Proof, Secret, ToPam};
pub use to_successor::{MAX_SOCKETS, Standing, ToSuccessor};
pub use to_worker::ToWorker;
