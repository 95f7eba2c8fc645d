//! Waits for many sockets at once: a thin epoll(7).

use std::{io, os::fd::AsFd, time::Duration};

use nix::{
    errno::Errno,
    sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout},
};

/// A set of sockets, each with a number of the caller's choice.
#[derive(Debug)]
pub(crate) struct Poller(Epoll);

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?))
    }

    /// A socket leaves the set when it is closed, or by `forget`.
    pub(crate) fn watch(&self, socket: impl AsFd, number: usize, interest: EpollFlags) -> io::Result<()> {
        Ok(self.0.add(socket, EpollEvent::new(interest, number as u64))?)
    }

    pub(crate) fn change(&self, socket: impl AsFd, number: usize, interest: EpollFlags) -> io::Result<()> {
        Ok(self.0.modify(socket, &mut EpollEvent::new(interest, number as u64))?)
    }

    pub(crate) fn forget(&self, socket: impl AsFd) -> io::Result<()> {
        Ok(self.0.delete(socket)?)
    }

    /// Fills `ready` with what is ready now, or becomes ready within `limit` (whole milliseconds, at most a minute).
    pub(crate) fn wait<'a>(
        &self,
        ready: &'a mut Ready,
        limit: Duration,
    ) -> io::Result<impl Iterator<Item = Event> + 'a> {
        let limit = EpollTimeout::from(u16::try_from(limit.as_millis()).unwrap_or(60_000));
        let count = match self.0.wait(&mut ready.0, limit) {
            Err(Errno::EINTR) => 0,
            outcome => outcome?,
        };
        Ok(ready.0[..count].iter().map(Event::from))
    }
}

/// Room for the events of one wait.
#[derive(Debug)]
pub(crate) struct Ready(Vec<EpollEvent>);

impl Default for Ready {
    fn default() -> Self {
        Self(vec![EpollEvent::empty(); 256])
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub number: usize,
    flags: EpollFlags,
}

impl Event {
    /// Bytes, an end or an error can be read.
    pub(crate) fn is_readable(self) -> bool {
        self.flags.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP)
    }
}

impl From<&EpollEvent> for Event {
    fn from(event: &EpollEvent) -> Self {
        let number = usize::try_from(event.data()).expect("the number was a usize when it went in");
        Self { number, flags: event.events() }
    }
}
