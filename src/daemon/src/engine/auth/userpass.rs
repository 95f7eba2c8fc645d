//! `userpass`: names and argon2id hashes from the users file.

use std::sync::Arc;

use jiff::Timestamp;

use super::slates::{Slate, Slates};
use super::success::{Key, Memory};
use super::{Backend, Checked, Credentials, Failure, password, urgency};
use crate::engine::sys::pool::Urgency;
use crate::state::session::facts::{AuthMethod, Identity};
use crate::state::session::ticket::Session;
use crate::state::snapshot::Snapshot;

#[derive(Debug)]
pub(super) struct UserPass {
    slates: Arc<Slates>,
    /// Nothing if nothing is to be remembered.
    memory: Option<Arc<Memory>>,
}

impl Backend for UserPass {
    fn method(&self) -> AuthMethod {
        AuthMethod::UserPass
    }

    fn check<'a>(&'a self, session: &'a Session, credentials: Option<&'a Credentials>) -> Checked<'a> {
        Box::pin(async move {
            let credentials = credentials.ok_or(Failure::UnknownUser)?;
            self.verify(&session.snapshot, credentials, urgency(session)).await
        })
    }
}

impl UserPass {
    pub(super) fn new(slates: Arc<Slates>, memory: Option<Arc<Memory>>) -> Self {
        Self { slates, memory }
    }

    async fn verify(
        &self,
        snapshot: &Arc<Snapshot>,
        credentials: &Credentials,
        urgency: Urgency,
    ) -> Result<Identity, Failure> {
        let known = snapshot.users.find(&credentials.user);
        let memory = self.memory.as_deref().zip(known).map(|(memory, known)| {
            let (user, password) = (&credentials.user, credentials.password.as_bytes());
            (memory, memory.key(snapshot.users.generation, user, password, &known.hash))
        });
        if !memory.is_some_and(|(memory, key)| memory.remembers(&key)) {
            let is_right = self.is_right(snapshot, credentials, urgency).await?;
            conclude(known.is_some(), is_right, memory)?;
        }
        let known = known.ok_or(Failure::UnknownUser)?;
        // Only whoever knows the password may learn from the time it takes that the account is closed.
        if known.is_usable(Timestamp::now()) {
            Ok(Identity::User(known.user.clone()))
        } else {
            Err(Failure::AccountUnusable)
        }
    }

    /// Spends the same time on an unknown name as on a wrong password.
    async fn is_right(
        &self,
        snapshot: &Arc<Snapshot>,
        credentials: &Credentials,
        urgency: Urgency,
    ) -> Result<bool, Failure> {
        let (users, user) = (Arc::clone(&snapshot.users), credentials.user.clone());
        let password = credentials.password.clone();
        let check = move |slate: &mut Slate| {
            let known = users.find(&user).map(|known| &known.hash);
            let matches = |hash| password::matches(hash, password.as_bytes(), slate);
            known.or(users.decoy()).is_some_and(matches) && known.is_some()
        };
        self.slates.run(urgency, check).await.map_err(|_busy| Failure::Unavailable)
    }
}

fn conclude(is_known: bool, is_right: bool, memory: Option<(&Memory, Key)>) -> Result<(), Failure> {
    match (is_known, is_right) {
        (false, _) => Err(Failure::UnknownUser),
        (true, false) => Err(Failure::WrongPassword),
        (true, true) => {
            if let Some((memory, key)) = memory {
                memory.remember(key);
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;
    use std::time::Duration;

    use socks::Password;

    use super::*;
    use crate::engine::sys::pool::{Order, Pool};
    use crate::state::users::Users;

    fn backend() -> UserPass {
        let slates = Slates::new(Pool::start("test", 1, 4, Order::NewestFirst).unwrap());
        UserPass::new(Arc::new(slates), Some(Arc::new(Memory::new().unwrap())))
    }

    fn snapshot(more: &str) -> Arc<Snapshot> {
        generation(1, more)
    }

    fn generation(generation: u64, more: &str) -> Arc<Snapshot> {
        static HASH: LazyLock<String> = LazyLock::new(|| password::hash(b"secret").unwrap());
        let hash = HASH.as_str();
        let text = format!(
            "[[users]]\nname = \"alice\"\npassword_hash = {hash:?}\ngroups = [\"staff\"]\n\
             [[users]]\nname = \"bob\"\npassword_hash = {hash:?}\nenabled = false\n\
             [[users]]\nname = \"carol\"\npassword_hash = {hash:?}\n{more}\n"
        );
        let users = Users::new(generation, &config::users::load("users.toml", &text).unwrap()).unwrap();
        Arc::new(Snapshot::of_users(Arc::new(users)))
    }

    async fn verify(of: &UserPass, snapshot: &Arc<Snapshot>, credentials: &Credentials) -> Result<Identity, Failure> {
        of.verify(snapshot, credentials, Urgency::Usual).await
    }

    fn credentials(user: &[u8], password: &[u8]) -> Credentials {
        Credentials { user: user.to_vec(), password: Password::from(password) }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn only_a_usable_account_with_the_right_password_is_let_in() {
        let (backend, snapshot) = (backend(), snapshot("expires = 2001-01-01"));
        let let_in = verify(&backend, &snapshot, &credentials(b"alice", b"secret")).await;
        let Ok(Identity::User(alice)) = let_in else { panic!("{let_in:?}") };
        assert_eq!((&*alice.name, alice.groups.iter().map(|group| &**group).collect()), ("alice", vec!["staff"]));
        for (user, password, failure) in [
            (&b"alice"[..], &b"wrong"[..], Failure::WrongPassword),
            (b"alice", b"", Failure::WrongPassword),
            (b"bob", b"secret", Failure::AccountUnusable),
            (b"bob", b"wrong", Failure::WrongPassword),
            (b"carol", b"secret", Failure::AccountUnusable),
            (b"eve", b"secret", Failure::UnknownUser),
            (b"al\0ice", b"secret", Failure::UnknownUser),
            (b"\xff\xfe", b"secret", Failure::UnknownUser),
        ] {
            assert_eq!(verify(&backend, &snapshot, &credentials(user, password)).await, Err(failure), "{user:?}");
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_password_that_was_right_is_not_hashed_again_in_its_generation() {
        let (backend, snapshot) = (backend(), snapshot(""));
        let right = credentials(b"alice", b"secret");
        verify(&backend, &snapshot, &right).await.unwrap();
        // The only thread is held, and nothing is to be had of it any more.
        let (release, held) = std::sync::mpsc::channel::<()>();
        backend.slates.pool.leave(Urgency::High, move || _ = held.recv()).unwrap();
        verify(&backend, &snapshot, &right).await.unwrap();
        let wrong = credentials(b"alice", b"wrong");
        let waits = tokio::time::timeout(Duration::from_millis(50), verify(&backend, &snapshot, &wrong)).await;
        assert!(waits.is_err(), "a wrong password is always hashed: {waits:?}");
        let reloaded = Arc::new(Snapshot::of_users(Arc::clone(&snapshot.users)));
        verify(&backend, &reloaded, &right).await.expect("the same users in another snapshot");
        let next = generation(2, "");
        let waits = tokio::time::timeout(Duration::from_millis(50), verify(&backend, &next, &right)).await;
        assert!(waits.is_err(), "another generation hashes anew: {waits:?}");
        drop(release);
        verify(&backend, &next, &right).await.unwrap();
    }
}
