//! Nobody is answered before the session's opening is kept: whatever is killed afterwards, the session has its row.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::time::timeout;

use crate::state::session::ticket::Session;

/// How long an answer may wait for the history. A disk that takes longer holds nobody up.
const PATIENCE: Duration = Duration::from_millis(50);

/// Waits until the opening of this session is kept. Must be polled inside of the session's `obey`, which is what the history wakes.
pub(super) async fn on_record(session: &Session) {
    let kept = &session.kept;
    if kept.is_settled_or_awaited() {
        return;
    }
    let settled =
        poll_fn(|_woken_by_the_history| if kept.is_settled_or_awaited() { Poll::Ready(()) } else { Poll::Pending });
    if timeout(PATIENCE, settled).await.is_err() {
        kept.settle();
    }
}
