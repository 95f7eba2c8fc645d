//! How long a thread keeps the processor while others wait for it.

use std::io;
use std::time::Duration;

use nix::libc;

/// The shortest turn that the kernel gives, where the usual one is some milliseconds long.
const SHORTEST: Duration = Duration::from_micros(100);

#[expect(clippy::cast_possible_truncation, reason = "it has 48 bytes")]
const SIZE: u32 = size_of::<libc::sched_attr>() as u32;

const THIS_THREAD: libc::c_long = 0;
const NO_FLAGS: libc::c_long = 0;

/// Has this thread work in short turns. Who asks for short ones has the next one sooner: a thread that serves thousands of sessions has
/// seldom slept, so that it waited for the turn of whoever else was busy whenever a message came.
///
/// Linux 6.12 and later obey: `sched_runtime` of `SCHED_OTHER` is how long a turn of EEVDF lasts, 0.1 to 100 ms (its
/// `kernel/sched/syscalls.c`; `sched_setattr(2)` has it of `SCHED_DEADLINE` alone). Others take the wish and forget it.
///
/// # Errors
/// The words of `sched_setattr(2)`: an older sandbox around this one forbids it.
pub(crate) fn shorten() -> io::Result<()> {
    let runtime = SHORTEST.as_nanos().try_into().expect("some microseconds fit");
    set(&libc::sched_attr { sched_runtime: runtime, ..get()? })
}

/// What holds for this thread.
fn get() -> io::Result<libc::sched_attr> {
    let mut attributes = libc::sched_attr {
        size: SIZE,
        sched_policy: 0,
        sched_flags: 0,
        sched_nice: 0,
        sched_priority: 0,
        sched_runtime: 0,
        sched_deadline: 0,
        sched_period: 0,
    };
    #[expect(unsafe_code, reason = "the C library has no function for sched_getattr(2)")]
    // SAFETY: the kernel writes at most `SIZE` bytes, which are those of the structure; its fields are numbers.
    let done = unsafe { libc::syscall(libc::SYS_sched_getattr, THIS_THREAD, &raw mut attributes, SIZE, NO_FLAGS) };
    if done == 0 { Ok(attributes) } else { Err(io::Error::last_os_error()) }
}

fn set(attributes: &libc::sched_attr) -> io::Result<()> {
    #[expect(unsafe_code, reason = "the C library has no function for sched_setattr(2)")]
    // SAFETY: the kernel reads `SIZE` bytes, which are those of the structure.
    let done = unsafe { libc::syscall(libc::SYS_sched_setattr, THIS_THREAD, std::ptr::from_ref(attributes), NO_FLAGS) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_has_short_turns_and_keeps_the_rest() {
        std::thread::spawn(|| {
            let before = get().unwrap();
            shorten().unwrap();
            let now = get().unwrap();
            // A kernel that forgets the wish says nothing of turns.
            assert!([0, 100_000].contains(&now.sched_runtime), "{} ns", now.sched_runtime);
            assert_eq!((now.sched_policy, now.sched_nice), (before.sched_policy, before.sched_nice));
        })
        .join()
        .unwrap();
    }
}
