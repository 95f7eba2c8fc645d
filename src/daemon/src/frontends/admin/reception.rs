//! Accepts, within bounds, and finds out who comes.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use wire::admin::{Answer, Code, Message, Refusal, Role};

use super::conversation;
use super::desk::{Asker, Desk};
use super::roles::name_of;
use crate::engine::sys::accepting::is_this_connection_only;
use crate::engine::sys::peer::Peer;

/// Conversations at once.
pub(super) const MOST: usize = 32;

/// Of these, with one user.
const MOST_OF_ONE: usize = 8;

/// Of these, kept for root, who has to get in when everybody else is there already.
const FOR_ROOT: usize = 2;

/// How long a word to somebody who is turned away may take.
const LAST_WORD: Duration = Duration::from_secs(1);

/// How many are told at once.
pub(super) const TURNED_AWAY: usize = 16;

/// How long accepting pauses when the kernel has no descriptor or memory.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) struct Reception {
    desk: Arc<Desk>,
    /// Conversations by user.
    open: Mutex<HashMap<u32, usize>>,
    turned_away: Arc<Semaphore>,
}

/// A place in the crowd, given back on drop.
#[derive(Debug)]
struct Place {
    reception: Arc<Reception>,
    user: u32,
}

impl Reception {
    pub(super) fn new(desk: Desk) -> Self {
        Self { desk: Arc::new(desk), open: Mutex::default(), turned_away: Arc::new(Semaphore::new(TURNED_AWAY)) }
    }

    fn enter(self: &Arc<Self>, user: u32) -> Option<Place> {
        let mut open = self.open();
        let of_one = open.get(&user).copied().unwrap_or(0);
        let most = if user == 0 { MOST } else { MOST - FOR_ROOT };
        if of_one >= MOST_OF_ONE || open.values().sum::<usize>() >= most {
            return None;
        }
        open.insert(user, of_one + 1);
        Some(Place { reception: Arc::clone(self), user })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u32, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn receive(self: &Arc<Self>, stream: UnixStream, ceiling: Role) {
        // One that is gone already.
        let Ok(peer) = Peer::of(stream.as_fd()) else { return };
        let Some(role) = self.desk.terms.roles.of(&peer) else {
            self.desk.strangers_are_told(&peer);
            let those = match self.desk.terms.roles.names().join(", ") {
                names if names.is_empty() => "none of its groups is there".to_owned(),
                names => format!("these may: {names}"),
            };
            let msg = format!("user {} is in no group that may do anything here; {those}", name_of(peer.user));
            return self.turn_away(stream, Refusal::new(Code::Denied, msg));
        };
        let Some(place) = self.enter(peer.user) else {
            let msg = "too many conversations are open, in all or with this user";
            return self.turn_away(stream, Refusal::new(Code::Busy, msg).for_now());
        };
        let desk = Arc::clone(&self.desk);
        tokio::spawn(async move {
            let asker = Asker::new(&desk, &peer, role.min(ceiling));
            conversation::hold(desk, stream, asker).await;
            drop(place);
        });
    }

    /// Says why; if too many are told already, only closes.
    fn turn_away(&self, stream: UnixStream, refusal: Refusal) {
        let Ok(permit) = Arc::clone(&self.turned_away).try_acquire_owned() else { return };
        tokio::spawn(async move {
            let _nobody_listens = timeout(LAST_WORD, say(stream, refusal)).await;
            drop(permit);
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.reception.open();
        if let Some(count) = open.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.user);
            }
        }
    }
}

/// Accepts for as long as the runtime lives.
pub(super) async fn accept(listener: UnixListener, ceiling: Role, reception: Arc<Reception>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => reception.receive(stream, ceiling),
            Err(error) if is_this_connection_only(&error) => {}
            Err(error) => wait_for_better_times(&error).await,
        }
    }
}

async fn wait_for_better_times(error: &io::Error) {
    tracing::debug!(%error, "cannot accept on the admin socket; pausing");
    sleep(PAUSE).await;
}

/// Hears the client out too: one that finds its connection closed while it still speaks may never read why.
async fn say(mut stream: UnixStream, refusal: Refusal) -> io::Result<()> {
    let line = Message::Answer { id: None, answer: Answer::Err(refusal) }.line();
    stream.write_all(&line).await?;
    stream.shutdown().await?;
    let mut unheard = [0; 1024];
    while stream.read(&mut unheard).await? > 0 {}
    Ok(())
}
