//! What the outside tests and the benchmarks share: servers to test, raw peers on both sides of them, and networks of their own.
//!
//! Blocking code on std's sockets and threads, so that a test reads in the order of the conversation.
//! Every wait has an end, and whatever should not happen is a panic that says what did.
//! Knows none of the daemon's crates: it sees what a client, a target and an administrator see.
#![expect(clippy::missing_panics_doc, reason = "a rig reports by panicking; every function here does")]

pub mod admin;
pub mod api;
pub mod cable;
pub mod certificates;
pub mod client;
pub mod container;
pub mod crowd;
pub mod daemon;
pub mod disk;
pub mod dns;
pub mod fifo;
pub mod frozen;
pub mod history;
pub mod http;
pub mod liar;
pub mod manager;
pub mod network;
pub mod note;
pub mod place;
pub mod population;
pub mod port;
pub mod process;
pub mod prometheus;
#[cfg(target_arch = "x86_64")]
pub mod puppet;
pub mod rules;
pub mod scrape;
pub mod screen;
pub mod server;
pub mod service;
pub mod session_log;
pub mod signals;
pub mod soak;
pub mod socks4;
pub mod socks5;
pub mod standing;
pub mod target;
pub mod terminal;
pub mod udp;
pub mod usage;
pub mod users;
pub mod visitor;
pub mod wait;
pub mod wire;
