//! A conversation with the daemon over its admin socket.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wire::admin::{CallError, Client, Hello, PROTOCOL, Push, Role, Welcome};

use crate::failure::Failure;

/// How long a daemon may take for an answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// A conversation that has begun.
#[derive(Debug)]
pub(crate) struct Connection {
    client: Client<UnixStream, UnixStream>,
    stream: UnixStream,
    pub(crate) welcome: Welcome,
}

/// Whom to talk to, and as what.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) socket: PathBuf,
    /// The role to have, if not the highest.
    pub(crate) want: Option<Role>,
    /// For the daemon's log.
    pub(crate) comment: &'static str,
}

impl Connection {
    pub(crate) fn open(peer: &Peer) -> Result<Self, Failure> {
        let stream = connected(&peer.socket)?;
        let mut client = Client::new(cloned(&stream, &peer.socket)?, cloned(&stream, &peer.socket)?);
        let hello = Hello {
            proto: PROTOCOL,
            client: concat!("rustsocks-cli/", env!("CARGO_PKG_VERSION")).to_owned(),
            want: peer.want,
            comment: Some(peer.comment.to_owned()),
        };
        let welcome = client.hello(&hello)?;
        Ok(Self { client, stream, welcome })
    }

    /// Asks, and waits for the answer.
    pub(crate) fn call<T: DeserializeOwned>(&mut self, op: &str, p: &impl Serialize) -> Result<T, Failure> {
        Ok(self.client.call(op, p)?)
    }

    /// The same for what comes in parts.
    pub(crate) fn call_in_parts(
        &mut self,
        op: &str,
        p: &impl Serialize,
        mut taken: impl FnMut(Value),
    ) -> Result<Value, Failure> {
        Ok(self.client.call_in_parts(op, p, |part| {
            taken(part);
            Ok(())
        })?)
    }

    /// The same for what comes in parts that may not find a place; the first failure of `taken` ends the conversation.
    pub(crate) fn stream(
        mut self,
        op: &str,
        p: &impl Serialize,
        mut taken: impl FnMut(Value) -> Result<(), Failure>,
    ) -> Result<Value, Failure> {
        let mut failure = None;
        let answer = self.client.call_in_parts(op, p, |part| {
            taken(part).map_err(|why| {
                failure = Some(why);
                CallError::Closed
            })
        });
        failure.map_or_else(|| Ok(answer?), Err)
    }

    /// Waits for the next push, however long that takes.
    pub(crate) fn next_push(&mut self) -> Result<Push, Failure> {
        self.wait_no_longer_than(None)?;
        let push = self.client.next_push();
        self.wait_no_longer_than(Some(PATIENCE))?;
        Ok(push?)
    }

    /// The same, but not for longer than this; nothing if none came.
    pub(crate) fn next_push_within(&mut self, limit: Duration) -> Result<Option<Push>, Failure> {
        self.wait_no_longer_than(Some(limit))?;
        let push = self.client.next_push();
        self.wait_no_longer_than(Some(PATIENCE))?;
        match push {
            Err(CallError::Stream(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(None)
            }
            push => Ok(Some(push?)),
        }
    }

    /// The stream alone, for one who reads and writes at once. Nothing has come yet but the answer to the hello.
    pub(crate) fn into_stream(self) -> (UnixStream, Welcome) {
        (self.stream, self.welcome)
    }

    fn wait_no_longer_than(&self, limit: Option<Duration>) -> Result<(), Failure> {
        self.stream.set_read_timeout(limit).map_err(|error| Failure::Conversation(error.to_string()))
    }
}

fn connected(socket: &Path) -> Result<UnixStream, Failure> {
    let unreachable = |cause| Failure::Unreachable { socket: socket.to_owned(), cause };
    let stream = UnixStream::connect(socket).map_err(unreachable)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(unreachable)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(unreachable)?;
    Ok(stream)
}

fn cloned(stream: &UnixStream, socket: &Path) -> Result<UnixStream, Failure> {
    stream.try_clone().map_err(|cause| Failure::Unreachable { socket: socket.to_owned(), cause })
}
