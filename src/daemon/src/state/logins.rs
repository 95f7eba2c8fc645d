//! The last logins and what came of them, for operators who look: within a bound, and without any password.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::session::facts::AuthMethod;

/// Logins that are kept.
const KEPT: usize = 1_000;

/// The last ones, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Logins(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    /// How many there have been.
    count: u64,
    last: VecDeque<Arc<Login>>,
}

/// A login that was tried.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    /// Counts them, from 1.
    pub(crate) number: u64,
    /// Microseconds since 1970.
    pub(crate) at: i64,
    pub(crate) result: Outcome,
    /// As the client said it, made fit to be shown; nothing where only the address counts.
    pub(crate) user: Option<String>,
    /// Nothing on a Unix socket.
    pub(crate) source: Option<IpAddr>,
    pub(crate) listener: Arc<str>,
    pub(crate) method: Option<AuthMethod>,
    /// The stable word for what was wrong.
    pub(crate) why: Option<&'static str>,
    /// From the claim to the verdict.
    pub(crate) took: Duration,
    pub(crate) session: Uuid,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Accepted,
    Refused,
    /// It could not be found out.
    Failed,
    /// Nobody was asked: the source or the name has failed too often.
    Blocked,
}

/// What somebody has not seen yet.
#[derive(Debug, Default)]
pub(crate) struct Unseen {
    pub(crate) logins: Vec<Arc<Login>>,
    /// How many were over before anybody looked.
    pub(crate) lost: u64,
}

impl Outcome {
    pub(crate) const ALL: [Self; 4] = [Self::Accepted, Self::Refused, Self::Failed, Self::Blocked];

    /// The stable word for operators.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Accepted => "ok",
            Self::Refused => "fail",
            Self::Failed => "error",
            Self::Blocked => "blocked",
        }
    }
}

impl Logins {
    /// Takes one in; its number is given here.
    pub(crate) fn note(&self, login: Login) {
        let mut book = self.book();
        book.count += 1;
        let login = Arc::new(Login { number: book.count, ..login });
        if book.last.len() == KEPT {
            book.last.pop_front();
        }
        book.last.push_back(login);
    }

    /// Those behind this number.
    pub(crate) fn behind(&self, number: u64) -> Unseen {
        let book = self.book();
        let logins: Vec<_> = book.last.iter().filter(|login| login.number > number).cloned().collect();
        let lost = book.count.saturating_sub(number).saturating_sub(logins.len() as u64);
        Unseen { logins, lost }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> Login {
        Login {
            number: 0,
            at: 0,
            result: Outcome::Refused,
            user: Some("eve".to_owned()),
            source: None,
            listener: "main".into(),
            method: Some(AuthMethod::UserPass),
            why: Some("wrong_password"),
            took: Duration::ZERO,
            session: Uuid::nil(),
        }
    }

    #[test]
    fn who_looks_seldom_is_told_how_much_was_missed() {
        let logins = Logins::default();
        (0..5).for_each(|_| logins.note(login()));
        let unseen = logins.behind(3);
        assert_eq!((unseen.logins.iter().map(|login| login.number).collect(), unseen.lost), (vec![4, 5], 0));
        (0..KEPT).for_each(|_| logins.note(login()));
        let unseen = logins.behind(3);
        assert_eq!((unseen.logins.len(), unseen.lost), (KEPT, 2));
        assert!(logins.behind(KEPT as u64 + 5).logins.is_empty());
    }
}
