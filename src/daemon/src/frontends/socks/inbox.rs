//! A client's stream and what it sent that nobody has consumed yet.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zeroize::Zeroize;

use crate::engine::sys::stream::Stream;
use crate::state::session::ending::Ending;

/// The longest handshake message (an HTTP head) fits, with some of what follows it.
const MOST: usize = 16 * 1024;

/// Every message of a SOCKS handshake fits; only an HTTP head makes the buffer grow, which leaves a copy behind.
const USUAL: usize = 1024;

#[derive(Debug)]
pub(crate) struct Inbox {
    pub(crate) stream: Stream,
    bytes: Vec<u8>,
}

impl Inbox {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, bytes: Vec::new() }
    }

    /// What has come and is not consumed.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes the first `count` bytes out, and wipes them: a password may be among them.
    pub(crate) fn consume(&mut self, count: usize) {
        self.bytes[..count].zeroize();
        self.bytes.drain(..count);
    }

    /// Waits for more.
    ///
    /// # Errors
    /// How the client went away.
    pub(crate) async fn more(&mut self) -> Result<(), Ending> {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve_exact(USUAL);
        }
        match self.stream.read_buf(&mut self.bytes).await {
            Ok(0) => Err(Ending::ClientLeft),
            Ok(_) => Ok(()),
            Err(error) => Err(Ending::of_client(&error)),
        }
    }

    /// # Errors
    /// How the client went away.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), Ending> {
        self.stream.write_all(bytes).await.map_err(|error| Ending::of_client(&error))
    }

    /// Ready when the client has left; keeps what it sends ahead until there is enough of it.
    ///
    /// A FIN after bytes for the target is a client that has said all it has to say, and waits for the answer;
    /// a FIN without any is one that has gone.
    pub(crate) async fn left(&mut self) -> Ending {
        while self.bytes.len() < MOST {
            if let Err(how) = self.more().await {
                if how == Ending::ClientLeft && !self.bytes.is_empty() {
                    break;
                }
                return how;
            }
        }
        // Nothing more is read, so only the kernel can tell that it is gone.
        Ending::of_client(&self.stream.broken().await)
    }

    pub(crate) fn into_parts(self) -> (Stream, Vec<u8>) {
        (self.stream, self.bytes)
    }
}
