//! Who else is here: the conversations that are open.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};
use wire::admin::Role;

use super::desk::Asker;

/// Letters of what a client says of itself.
const LONGEST: usize = 200;

#[derive(Debug, Default)]
pub(super) struct Presence(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    last: u64,
    present: BTreeMap<u64, Present>,
}

#[derive(Debug)]
struct Present {
    user: String,
    login: Option<String>,
    tty: Option<String>,
    role: Role,
    /// As it called itself.
    client: Option<String>,
    comment: Option<String>,
    heard: Instant,
}

/// One conversation; it is over when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    presence: Arc<Presence>,
    number: u64,
}

impl Presence {
    pub(super) fn enter(self: &Arc<Self>, asker: &Asker, now: Instant) -> Seat {
        let mut book = self.book();
        book.last += 1;
        let number = book.last;
        let present = Present {
            user: asker.you.user.clone(),
            login: asker.you.login.clone(),
            tty: asker.caller.terminal().map(str::to_owned),
            role: asker.role,
            client: None,
            comment: None,
            heard: now,
        };
        book.present.insert(number, present);
        Seat { presence: Arc::clone(self), number }
    }

    pub(super) fn count(&self) -> usize {
        self.book().present.len()
    }

    /// Everybody, who came first is first. Idle times are told by the minute, so that they are not news every second.
    pub(super) fn shown(&self, now: Instant) -> Vec<Value> {
        let book = self.book();
        let shown = |present: &Present| {
            let Present { user, login, tty, role, client, comment, heard } = present;
            let idle = now.saturating_duration_since(*heard).as_secs();
            json!({ "user": user, "login": login, "tty": tty, "role": role, "client": client, "comment": comment, "idle_s": idle / 60 * 60 })
        };
        book.present.values().map(shown).collect()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// It has said what it is.
    pub(super) fn introduce(&self, client: &str, comment: Option<&str>, role: Role) {
        self.change(|present| {
            let short = |text: &str| text.chars().take(LONGEST).collect();
            present.client = Some(short(client));
            present.comment = comment.map(short);
            present.role = role;
        });
    }

    pub(super) fn lower(&self, role: Role) {
        self.change(|present| present.role = role);
    }

    /// It has asked for something.
    pub(super) fn heard(&self, now: Instant) {
        self.change(|present| present.heard = now);
    }

    fn change(&self, change: impl FnOnce(&mut Present)) {
        if let Some(present) = self.presence.book().present.get_mut(&self.number) {
            change(present);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.presence.book().present.remove(&self.number);
    }
}
