//! One question of 64 bytes and its echo, over a session that stays open.
//!
//! Its owner watches the socket and calls `hear` when it is readable.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::socks;

/// Bytes of a question.
pub(crate) const MESSAGE: usize = 64;

#[derive(Debug)]
pub(crate) struct Call {
    pub stream: TcpStream,
    asked: Instant,
    missing: usize,
}

impl Call {
    /// A call over a stream that does not block; nothing is asked yet.
    pub(crate) fn over(stream: TcpStream) -> Self {
        Self { stream, asked: Instant::now(), missing: 0 }
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.missing > 0
    }

    /// Sends a question; the one before must have been answered.
    pub(crate) fn ask(&mut self) -> io::Result<()> {
        self.asked = Instant::now();
        self.missing = MESSAGE;
        // 64 bytes always fit into the send buffer of a session whose last question was answered.
        (&self.stream).write_all(&[0x2a; MESSAGE])
    }

    /// Reads what has come; how long the whole answer took, once it is there.
    pub(crate) fn hear(&mut self) -> io::Result<Option<Duration>> {
        let mut answer = [0; MESSAGE];
        let count = match (&self.stream).read(&mut answer[..self.missing.max(1)]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) if !self.is_waiting() => return Err(socks::unexpected("bytes came that nobody asked for")),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        };
        self.missing -= count;
        Ok((self.missing == 0).then(|| self.asked.elapsed()))
    }
}
