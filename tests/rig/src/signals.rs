//! Signals to processes that are nobody's child here, such as a daemon's worker.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Sends a signal to a process, which may have ended a moment ago.
pub fn send(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).expect("pids fit into pid_t"));
    let _ = kill(pid, signal);
}
