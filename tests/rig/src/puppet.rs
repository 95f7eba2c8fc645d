//! A thread of another process that makes the system calls a test wants, by ptrace(2): what an intruder in that process could do.
//!
//! Only for x86-64, whose registers it knows. Needs root.

use std::ffi::{CStr, c_long};
use std::thread;
use std::time::Duration;

use nix::libc::user_regs_struct;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// Looks for a moment in which the thread waits in a system call.
const TRIES: usize = 100;

/// The instruction `syscall` has two bytes.
const SYSCALL: u64 = 2;

/// Below the stack pointer and what a function may use there (the red zone), in bytes.
const BELOW_THE_STACK: u64 = 4096;

/// An argument of a system call.
#[derive(Debug, Clone, Copy)]
pub enum Argument<'a> {
    Number(u64),
    Text(&'a CStr),
}

/// What came of a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// What the kernel returned: an error is negative (syscall(2)).
    Returned(i64),
    /// The kernel killed the process.
    Killed(Signal),
}

/// Lets the thread with this id make one system call, and go on where it was.
#[must_use]
pub fn call(thread: u32, number: c_long, arguments: &[Argument]) -> Outcome {
    let thread = Pid::from_raw(i32::try_from(thread).expect("thread ids fit into pid_t"));
    ptrace::seize(thread, ptrace::Options::empty()).expect("root may seize a thread");
    let before = stop_in_a_call(thread);
    let mut during = before;
    place(thread, &mut during, arguments);
    (during.rax, during.orig_rax) = (u64::try_from(number).expect("numbers of calls are positive"), u64::MAX);
    during.rip -= SYSCALL;
    ptrace::setregs(thread, during).expect("a stopped thread has registers");
    ptrace::step(thread, None).expect("a stopped thread can go on");
    let after = wait(thread);
    if let WaitStatus::Signaled(_, signal, _) = after {
        return Outcome::Killed(signal);
    }
    assert!(matches!(after, WaitStatus::Stopped(_, Signal::SIGTRAP)), "after the call: {after:?}");
    let returned = ptrace::getregs(thread).expect("a stopped thread has registers").rax.cast_signed();
    ptrace::setregs(thread, before).expect("a stopped thread has registers");
    ptrace::detach(thread, None).expect("a stopped thread can be let go");
    Outcome::Returned(returned)
}

/// Stops the thread while it waits for the kernel, so that its program counter is behind the instruction `syscall`.
fn stop_in_a_call(thread: Pid) -> user_regs_struct {
    for _ in 0..TRIES {
        ptrace::interrupt(thread).expect("a seized thread can be interrupted");
        let stopped = wait(thread);
        assert!(matches!(stopped, WaitStatus::PtraceEvent(..)), "the thread did not stop: {stopped:?}");
        let registers = ptrace::getregs(thread).expect("a stopped thread has registers");
        if registers.orig_rax.cast_signed() >= 0 {
            return registers;
        }
        ptrace::cont(thread, None).expect("a stopped thread can go on");
        thread::sleep(Duration::from_millis(1));
    }
    panic!("the thread never waits in a system call");
}

/// Writes texts below the thread's stack, and everything into the registers of the calling convention (syscall(2)).
fn place(thread: Pid, registers: &mut user_regs_struct, arguments: &[Argument]) {
    let mut free = (registers.rsp - BELOW_THE_STACK) & !0xf;
    let places = [
        &mut registers.rdi,
        &mut registers.rsi,
        &mut registers.rdx,
        &mut registers.r10,
        &mut registers.r8,
        &mut registers.r9,
    ];
    for (position, place) in places.into_iter().enumerate() {
        *place = match arguments.get(position) {
            None => 0,
            Some(Argument::Number(number)) => *number,
            Some(Argument::Text(text)) => {
                let bytes = text.to_bytes_with_nul();
                free -= (bytes.len() as u64).next_multiple_of(16);
                write(thread, free, bytes);
                free
            }
        };
    }
}

fn write(thread: Pid, address: u64, bytes: &[u8]) {
    for (position, word) in bytes.chunks(size_of::<c_long>()).enumerate() {
        let mut whole = [0; size_of::<c_long>()];
        whole[..word.len()].copy_from_slice(word);
        let place = usize::try_from(address).expect("addresses have 64 bits") + position * size_of::<c_long>();
        let place = std::ptr::without_provenance_mut(place);
        ptrace::write(thread, place, c_long::from_ne_bytes(whole)).expect("the stack can be written");
    }
}

fn wait(thread: Pid) -> WaitStatus {
    waitpid(thread, Some(WaitPidFlag::__WALL)).expect("a seized thread can be waited for")
}
