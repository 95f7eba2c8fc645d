//! What becomes of a client once it has its answer, and how a client is told no.

use std::time::Duration;

use socks::Request;
use tokio::io::AsyncReadExt;

use super::inbox::Inbox;
use crate::engine::relay::pump::Pair;
use crate::state::session::ending::Ending;
use crate::state::session::judge::Judge;
use crate::state::session::refusal::Refusal;

/// How long a refused client may take to read its answer and close.
const FAREWELL: Duration = Duration::from_secs(2);

/// How much of what it still sends is read meanwhile; unread bytes would turn our FIN into a reset.
const FAREWELL_BYTES: usize = 64 * 1024;

/// What is left to do once the client has its answer.
#[derive(Debug)]
pub(super) enum Next<'s> {
    Relay(Pair),
    Datagrams(Inbox, Request, Judge<'s>),
    Nothing(Ending),
}

/// Tells the client no, in its own language, such that it can read it.
pub(super) async fn refuse<'s>(client: Inbox, request: &Request, refusal: Refusal) -> Next<'s> {
    see_off(client, request.dialect.failed(refusal.reply()).as_bytes()).await;
    Next::Nothing(Ending::Refused(refusal))
}

/// Says the last words, then a FIN, then waits for the client to close: closing at once with bytes unread
/// would send a reset, which may overtake the words.
pub(super) async fn see_off(mut client: Inbox, words: &[u8]) {
    if client.send(words).await.is_err() {
        return;
    }
    client.stream.finish();
    let mut rest = client.stream.take(FAREWELL_BYTES as u64);
    let reading = async {
        let mut waste = [0; 512];
        while matches!(rest.read(&mut waste).await, Ok(read) if read > 0) {}
    };
    let _too_slow = tokio::time::timeout(FAREWELL, reading).await;
}
