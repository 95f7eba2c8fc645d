//! One direction of a relay: reads here, writes there, holds a buffer only while bytes are in flight.
//!
//! Small messages are copied through the thread's scratch buffer: one read, one write, nothing kept.
//! A stream that fills that buffer again and again is bulk and is spliced through a pipe, which costs the process
//! a third of copying; below some 16 KiB per turn splice costs more than it saves, and the stream is copied again.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use limits::Need;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::engine::sys::pipe::{CAPACITY, Pipe};
use crate::engine::sys::stream::Stream;
use crate::state::limits::bandwidth::way::Way;

/// The scratch buffer of a thread; also the largest piece that is copied at once.
const SCRATCH: usize = 64 * 1024;

/// A turn that moves at least this much counts for splicing, one that moves less against it.
const MUCH: usize = 16 * 1024;

/// Turns in a row that change the manner.
const TURNS: u8 = 2;

/// Turns one poll may take before other sessions of the thread get theirs: a mebibyte at most.
const PATIENCE: usize = 2;

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
}

#[derive(Debug)]
pub(crate) struct Flow {
    held: Held,
    bulk: Bulk,
    source: Source,
}

/// Bytes read but not yet written.
#[derive(Debug)]
enum Held {
    Nothing,
    Bytes { bytes: Box<[u8]>, written: usize },
    InPipe(Pipe),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Open,
    /// It said FIN; what is held must still be written.
    Ended,
    /// The FIN has been passed on.
    Passed,
}

/// Whether the stream is spliced now, and how many turns in a row spoke for the other manner.
#[derive(Debug, Default)]
struct Bulk {
    splicing: bool,
    turns: u8,
}

/// Which of the two streams failed.
#[derive(Debug)]
pub(crate) enum FlowError {
    Source(io::Error),
    Sink(io::Error),
}

impl Flow {
    /// A flow that begins with `early`, bytes its source sent ahead.
    pub(crate) fn new(early: Vec<u8>) -> Self {
        let held =
            if early.is_empty() { Held::Nothing } else { Held::Bytes { bytes: early.into_boxed_slice(), written: 0 } };
        Self { held, bulk: Bulk::default(), source: Source::Open }
    }

    /// Whether all that the source will ever send has been carried, or the flow given up.
    pub(crate) fn is_over(&self) -> bool {
        self.source != Source::Open && matches!(self.held, Held::Nothing)
    }

    /// Passes the source's FIN on when the flow is over; once.
    pub(crate) fn pass_end(&mut self, to: &Stream) {
        if self.source == Source::Ended && self.is_over() {
            to.finish();
            self.source = Source::Passed;
        }
    }

    /// Gives up: the sink takes nothing more. What was read for it is lost, as it would be without a proxy.
    pub(crate) fn give_up(&mut self) {
        self.held = Held::Nothing;
        self.source = Source::Passed;
    }

    /// Carries until nothing is ready; `Ready` once it is over.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Stream,
        to: &mut Stream,
        way: Way<'_>,
    ) -> Poll<Result<(), FlowError>> {
        for _ in 0..PATIENCE {
            ready!(self.write_held(cx, to, way)).map_err(FlowError::Sink)?;
            match self.source {
                Source::Open => ready!(self.carry(cx, from, to, way))?,
                Source::Ended | Source::Passed => return Poll::Ready(Ok(())),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn write_held(&mut self, cx: &mut Context<'_>, to: &mut Stream, way: Way<'_>) -> Poll<io::Result<()>> {
        match &mut self.held {
            Held::Nothing => return Poll::Ready(Ok(())),
            Held::Bytes { bytes, written } => {
                while *written < bytes.len() {
                    let taken = ready!(Pin::new(&mut *to).poll_write(cx, &bytes[*written..]))?;
                    *written += taken;
                    way.lane().carried(taken);
                }
            }
            Held::InPipe(pipe) => {
                while pipe.holds() > 0 {
                    ready!(to.poll_write_ready(cx))?;
                    match to.try_writing(|| pipe.drain(to)) {
                        Ok(taken) => way.lane().carried(taken),
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        Err(error) => return Poll::Ready(Err(error)),
                    }
                }
            }
        }
        if let Held::InPipe(pipe) = std::mem::replace(&mut self.held, Held::Nothing) {
            pipe.give_back();
        }
        Poll::Ready(Ok(()))
    }

    fn carry(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Stream,
        to: &mut Stream,
        way: Way<'_>,
    ) -> Poll<Result<(), FlowError>> {
        if !way.is_limited() {
            return self.carry_at_most(cx, from, to, way, usize::MAX).map_ok(drop);
        }
        // Whoever has nothing to send takes nothing from those who have.
        ready!(from.poll_read_ready(cx)).map_err(FlowError::Source)?;
        // Much at a time, so that its turns come even while its task has not run yet.
        let allowed = way.may_carry(CAPACITY, Need::Now);
        if allowed == 0 {
            return Poll::Pending;
        }
        let carried = self.carry_at_most(cx, from, to, way, allowed);
        let read = if let Poll::Ready(Ok(read)) = carried { read } else { 0 };
        way.has_left(allowed - read);
        carried.map_ok(drop)
    }

    /// One turn; says how much was read in it.
    fn carry_at_most(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Stream,
        to: &mut Stream,
        way: Way<'_>,
        most: usize,
    ) -> Poll<Result<usize, FlowError>> {
        if self.bulk.splicing
            && let Some(moved) = ready!(self.splice(cx, from, most)).map_err(FlowError::Source)?
        {
            return Poll::Ready(Ok(moved));
        }
        self.copy(cx, from, to, way, most)
    }

    /// Fills a pipe from the source. `None` when nothing could be spliced or no pipe was to be had: then a read must follow.
    /// It clears the readiness, it alone says where the stream ends, and it gets past TCP's urgent mark, where splice
    /// stops for ever and even reports an end.
    fn splice(&mut self, cx: &mut Context<'_>, from: &Stream, most: usize) -> Poll<io::Result<Option<usize>>> {
        ready!(from.poll_read_ready(cx))?;
        let Some(mut pipe) = Pipe::borrow() else {
            return Poll::Ready(Ok(None));
        };
        let moved = match pipe.fill(from, most) {
            Ok(moved) => moved,
            Err(error) => {
                pipe.give_back();
                let is_dry = error.kind() == io::ErrorKind::WouldBlock;
                return Poll::Ready(if is_dry { Ok(None) } else { Err(error) });
            }
        };
        if moved == 0 {
            pipe.give_back();
            return Poll::Ready(Ok(None));
        }
        self.bulk.note(moved);
        self.held = Held::InPipe(pipe);
        Poll::Ready(Ok(Some(moved)))
    }

    fn copy(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Stream,
        to: &mut Stream,
        way: Way<'_>,
        most: usize,
    ) -> Poll<Result<usize, FlowError>> {
        BUFFER.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(&mut buffer[..SCRATCH.min(most)]);
            ready!(Pin::new(from).poll_read(cx, &mut buffer)).map_err(FlowError::Source)?;
            let read = buffer.filled();
            if read.is_empty() {
                self.source = Source::Ended;
                return Poll::Ready(Ok(0));
            }
            self.bulk.note(read.len());
            self.write_through(cx, to, read, way).map_err(FlowError::Sink)?;
            Poll::Ready(Ok(read.len()))
        })
    }

    /// Writes at once what can be written and keeps only the rest.
    fn write_through(&mut self, cx: &mut Context<'_>, to: &mut Stream, read: &[u8], way: Way<'_>) -> io::Result<()> {
        let taken = match Pin::new(to).poll_write(cx, read) {
            Poll::Ready(taken) => taken?,
            Poll::Pending => 0,
        };
        way.lane().carried(taken);
        if taken < read.len() {
            self.held = Held::Bytes { bytes: read[taken..].into(), written: 0 };
        }
        Ok(())
    }
}

impl Bulk {
    fn note(&mut self, moved: usize) {
        if (moved >= MUCH) == self.splicing {
            self.turns = 0;
            return;
        }
        self.turns += 1;
        if self.turns == TURNS {
            *self = Self { splicing: !self.splicing, turns: 0 };
        }
    }
}
