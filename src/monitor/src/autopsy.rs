//! Writes down where each thread of a stalled worker hangs, before it is killed.
//!
//! Reads `/proc/PID/task`, see `proc(5)`; what the kernel does not show is written as `?`.
//! A worker cannot be dumped, so that its places in the kernel are shown to root with `CAP_SYS_PTRACE` alone.

use std::fs;
use std::path::Path;

use tracing::{error, warn};

use crate::worker::Fault;

/// More threads than a worker has.
const LIMIT: usize = 128;

/// Logs one line for the fault and one for each thread.
pub(crate) fn log(pid: u32, fault: &Fault) {
    error!(worker = pid, %fault, "the worker is killed; its threads were");
    for thread in threads(pid) {
        warn!(
            worker = pid,
            tid = thread.tid,
            name = thread.name,
            state = thread.state,
            wchan = thread.wchan,
            syscall = thread.syscall,
            "thread"
        );
    }
}

struct Thread {
    tid: String,
    name: String,
    state: String,
    wchan: String,
    syscall: String,
}

fn threads(pid: u32) -> Vec<Thread> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    tasks.flatten().take(LIMIT).map(|task| Thread::read(&task.path())).collect()
}

impl Thread {
    fn read(task: &Path) -> Self {
        let line = |file: &str| {
            fs::read_to_string(task.join(file)).map_or_else(|_| "?".to_owned(), |text| text.trim_end().to_owned())
        };
        let syscall = line("syscall");
        // Whoever may not know is told 0 for the one, which means a thread that runs, and nothing for the other.
        let wchan = if syscall == "?" { "?".to_owned() } else { line("wchan") };
        Self {
            tid: task.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            name: line("comm"),
            state: state(&line("status")),
            wchan,
            syscall,
        }
    }
}

/// The `State:` line of `/proc/PID/status`, such as `S (sleeping)`.
fn state(status: &str) -> String {
    status.lines().find_map(|line| line.strip_prefix("State:")).map_or("?", str::trim).to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn a_sleeping_thread_is_found_by_its_name_and_state() {
        let (wake, sleep) = mpsc::channel::<()>();
        let sleeper = thread::Builder::new().name("sleeper".into()).spawn(move || sleep.recv()).expect("a thread");
        let is_asleep = |thread: &Thread| {
            thread.name == "sleeper" && thread.state.starts_with('S') && thread.tid.parse::<u32>().is_ok()
        };
        while !threads(std::process::id()).iter().any(is_asleep) {
            thread::yield_now();
        }
        drop(wake);
        assert!(sleeper.join().is_ok());
    }

    #[test]
    fn a_process_that_is_gone_has_no_threads() {
        assert!(threads(u32::MAX).is_empty());
    }
}
