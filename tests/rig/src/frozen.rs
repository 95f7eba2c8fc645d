//! One thread of another process, stopped while all others run on: by ptrace(2), as a debugger does it.

use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// Between two looks whether the thread was killed.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A thread that is stopped, until this is dropped or its process killed.
#[derive(Debug)]
pub struct Frozen {
    thaw: Option<Sender<()>>,
    debugger: Option<JoinHandle<()>>,
}

impl Frozen {
    /// Stops the thread with this id; returns when it has stopped.
    #[must_use]
    pub fn stop(thread: u32) -> Self {
        let thread = Pid::from_raw(i32::try_from(thread).expect("thread ids fit into pid_t"));
        let (thaw, told) = channel();
        let (report, has_stopped) = channel();
        // Only the thread that has seized another one may let it go (ptrace(2)).
        let debugger = thread::spawn(move || {
            ptrace::seize(thread, ptrace::Options::empty()).expect("root may seize a thread");
            ptrace::interrupt(thread).expect("a seized thread can be interrupted");
            let stopped = waitpid(thread, Some(WaitPidFlag::__WALL)).expect("a seized thread can be waited for");
            assert!(matches!(stopped, WaitStatus::PtraceEvent(..)), "the thread did not stop: {stopped:?}");
            report.send(()).expect("the test waits");
            while told.recv_timeout(LOOK_AGAIN).is_err_and(|error| error == std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                // A killed thread is a zombie, and its process with it, until its debugger has looked.
                match waitpid(thread, Some(WaitPidFlag::__WALL | WaitPidFlag::WNOHANG)) {
                    Ok(WaitStatus::StillAlive | WaitStatus::PtraceEvent(..) | WaitStatus::Stopped(..)) => {}
                    Ok(_) | Err(_) => return,
                }
            }
            // It may have been killed meanwhile.
            let _ = ptrace::detach(thread, None);
        });
        has_stopped.recv().expect("the thread stops");
        Self { thaw: Some(thaw), debugger: Some(debugger) }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        drop(self.thaw.take());
        if let Some(debugger) = self.debugger.take() {
            let _ = debugger.join();
        }
    }
}
