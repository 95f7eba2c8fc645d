//! Who may in. A backend turns what a client claims into an [`Identity`], or refuses.
//!
//! The handshake knows no backend and no backend knows the handshake, so a further one touches neither.

mod password;
pub(crate) mod users;

use std::sync::Arc;

use socks::Password;

use self::users::Users;
use crate::engine::sys::pool::Pool;
use crate::state::session::facts::Identity;
use crate::state::session::refusal::Refusal;

/// The backends that are configured.
#[derive(Debug)]
pub(crate) struct Backends {
    users: Option<Arc<Users>>,
    /// argon2 takes tens of milliseconds and 19 MiB: never on a relay's thread, and never without bound.
    hashing: Pool,
}

impl Backends {
    /// Half of the cores may check passwords, the rest is for the relays.
    /// `waiting` is how many claims may wait for their turn; each is a handshake, so their bound and their deadline hold here too.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn new(users: Option<Users>, waiting: usize) -> std::io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self { users: users.map(Arc::new), hashing: Pool::start("auth", (cores / 2).max(1), waiting)? })
    }

    /// # Errors
    /// The same refusal, after the same work, whether the name is unknown or the password wrong.
    pub(crate) async fn check_password(&self, user: Vec<u8>, password: Password) -> Result<Identity, Refusal> {
        let users = Arc::clone(self.users.as_ref().ok_or(Refusal::BadCredentials)?);
        let check = move || users.check(&user, password.as_bytes());
        let checked = self.hashing.run(check).await.map_err(|_busy| Refusal::AuthUnavailable)?;
        checked.map(Identity::User).ok_or(Refusal::BadCredentials)
    }
}

pub(crate) use password::hash;
