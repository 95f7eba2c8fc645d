//! The users of the users file, ready to be checked.

use std::collections::HashMap;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;

use super::password;

#[derive(Debug)]
pub(crate) struct Users {
    enabled: HashMap<Box<[u8]>, Known>,
    /// What an unknown name is checked against, to take as long as a known one: the hash that costs most.
    /// The outcome of that check is thrown away.
    costliest: Option<PasswordHash>,
}

#[derive(Debug)]
struct Known {
    name: Arc<str>,
    hash: PasswordHash,
}

/// A hash that argon2 cannot use.
#[derive(Debug, thiserror::Error)]
#[error("the password hash of user {user:?} cannot be used: {cause}; make a new one with `rustsocks hash-password`")]
pub(crate) struct BadHash {
    user: String,
    cause: argon2::password_hash::phc::Error,
}

impl Users {
    /// # Errors
    /// A hash is not a PHC string.
    pub(crate) fn new(users: &config::users::Users) -> Result<Self, BadHash> {
        let enabled = users.as_slice().iter().filter(|user| user.enabled);
        let enabled = enabled.map(|user| {
            let name = user.name.as_str();
            let hash = parse(name, user.password_hash.expose())?;
            Ok((name.as_bytes().into(), Known { name: name.into(), hash }))
        });
        let enabled = enabled.collect::<Result<HashMap<_, Known>, _>>()?;
        let costliest = enabled.values().map(|known| &known.hash).max_by_key(|hash| password::cost(hash)).cloned();
        Ok(Self { enabled, costliest })
    }

    /// The user's name if the password is right. Slow on purpose.
    pub(super) fn check(&self, user: &[u8], password: &[u8]) -> Option<Arc<str>> {
        let known = self.enabled.get(user);
        let hash = known.map(|known| &known.hash).or(self.costliest.as_ref())?;
        let is_right = password::matches(hash, password);
        known.filter(|_| is_right).map(|known| Arc::clone(&known.name))
    }
}

fn parse(user: &str, hash: &str) -> Result<PasswordHash, BadHash> {
    PasswordHash::new(hash).map_err(|cause| BadHash { user: user.to_owned(), cause })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(text: &str) -> Users {
        Users::new(&config::users::load("users.toml", text).unwrap()).unwrap()
    }

    #[test]
    fn only_an_enabled_user_with_the_right_password_is_let_in() {
        let hash = password::hash(b"secret").unwrap();
        let users = users(&format!(
            "[[users]]\nname = \"alice\"\npassword_hash = {hash:?}\n[[users]]\nname = \"bob\"\npassword_hash = {hash:?}\nenabled = false\n"
        ));
        assert_eq!(users.check(b"alice", b"secret").as_deref(), Some("alice"));
        for (user, password) in [
            (&b"alice"[..], &b"wrong"[..]),
            (b"alice", b""),
            (b"bob", b"secret"),
            (b"eve", b"secret"),
            (b"", b""),
            (b"al\0ice", b"secret"),
            (b"\xff\xfe", b"secret"),
        ] {
            assert_eq!(users.check(user, password), None, "{user:?}");
        }
    }
}
