//! Kernel pipes for splice(2), lent out while a bulk stream has bytes in flight.
//!
//! Each thread keeps a few at hand. How many exist in the whole process is bounded,
//! because each costs two descriptors and up to half a mebibyte of kernel memory.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice};
use nix::unistd::pipe2;

/// Bytes that one splice(2) may move; the capacity a pipe asks for.
/// Beyond `fs.pipe-user-pages-soft` the kernel grants an unprivileged user less, and then less is moved at a time.
pub(crate) const CAPACITY: usize = 512 * 1024;

/// Pipes in the whole process, lent out or at hand.
pub(crate) const MOST: usize = 256;

/// Idle pipes that one thread keeps at hand, while there are plenty and when half of them exist.
const AT_HAND: (usize, usize) = (16, 2);

static EXISTING: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static IDLE: RefCell<Vec<Pipe>> = const { RefCell::new(Vec::new()) };
}

#[derive(Debug)]
pub(crate) struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
    holds: usize,
}

impl Pipe {
    /// An empty pipe, or `None` when there are enough or the kernel has no more; the caller then copies.
    pub(crate) fn borrow() -> Option<Self> {
        IDLE.with_borrow_mut(Vec::pop).or_else(Self::create)
    }

    /// Gives the pipe back. One that still holds bytes is closed: they belong to a session that is over.
    pub(crate) fn give_back(self) {
        if self.holds > 0 {
            return;
        }
        IDLE.with_borrow_mut(|idle| {
            let enough = if EXISTING.load(Relaxed) < MOST / 2 { AT_HAND.0 } else { AT_HAND.1 };
            if idle.len() < enough {
                idle.push(self);
            }
        });
    }

    /// Bytes inside.
    pub(crate) fn holds(&self) -> usize {
        self.holds
    }

    /// Moves up to `most` bytes, more than 0, that `from` has into this empty pipe; `Ok(0)` is the end of the stream,
    /// `WouldBlock` means that `from` has nothing now.
    pub(crate) fn fill(&mut self, from: &impl AsFd, most: usize) -> io::Result<usize> {
        let moved = splice(from, None, &self.writer, None, CAPACITY.min(most), flags())?;
        self.holds += moved;
        Ok(moved)
    }

    /// Moves what the pipe holds on to `to`; `WouldBlock` means that `to` takes nothing now.
    pub(crate) fn drain(&mut self, to: &impl AsFd) -> io::Result<usize> {
        let moved = splice(&self.reader, None, to, None, self.holds, flags())?;
        self.holds -= moved;
        Ok(moved)
    }

    fn create() -> Option<Self> {
        let one_more = |existing| (existing < MOST).then_some(existing + 1);
        EXISTING.fetch_update(Relaxed, Relaxed, one_more).ok()?;
        let Ok((reader, writer)) = pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC) else {
            EXISTING.fetch_sub(1, Relaxed);
            return None;
        };
        let wish = i32::try_from(CAPACITY).expect("the capacity is a small constant");
        let _smaller_is_fine = fcntl(&writer, FcntlArg::F_SETPIPE_SZ(wish));
        Some(Self { reader, writer, holds: 0 })
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        EXISTING.fetch_sub(1, Relaxed);
    }
}

fn flags() -> SpliceFFlags {
    SpliceFFlags::SPLICE_F_NONBLOCK | SpliceFFlags::SPLICE_F_MOVE
}
