//! Passwords that operators give: hashed here, so that nobody but the daemon ever has the hash and nobody at all the password.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::apply::{Deed, Expected};
use super::bench::held;
use super::generations::Source;
use super::place::Wish;
use super::store::Store;
use super::{papers, veil};
use crate::engine::auth::password;
use crate::frontends::office::{Caller, No, Office};

/// Characters of a password that somebody thought of.
const SHORTEST: usize = 8;

/// RFC 1929 §2.
const LONGEST: usize = 255;

/// Characters of one that was made here: 20 of 32 letters are 100 bits.
const MADE: usize = 20;

/// Letters and digits that nobody takes for each other.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789-";

/// Another password for a user of the users file, or the first one of a new user.
#[derive(Debug)]
pub(crate) struct NewPassword {
    pub(crate) name: String,
    pub(crate) secret: Secret,
    /// What a new user's table says besides.
    pub(crate) user: Option<::policy::Entry>,
    pub(crate) comment: String,
    pub(crate) idem: Option<String>,
}

/// Whose idea the password is.
pub(crate) enum Secret {
    Given(Zeroizing<String>),
    /// One is made, and told to whoever asks.
    Made,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Given(_) => "Given(…)",
            Self::Made => "Made",
        })
    }
}

impl Office {
    /// # Errors
    /// A password that will not do, a user that is not there (or is, if it should be new), or why it cannot be written.
    pub(in crate::frontends::office) fn set_password(&self, caller: &Caller, order: &NewPassword) -> Result<Value, No> {
        let NewPassword { name, secret, user, comment, idem } = order;
        let made = match secret {
            Secret::Made => Some(made()?),
            Secret::Given(given) => {
                good_enough(given, name)?;
                None
            }
        };
        let given = match secret {
            Secret::Given(given) => given,
            Secret::Made => made.as_ref().expect("it was made above"),
        };
        let hash = password::hash(given.as_bytes()).map_err(|error| No::Invalid(format!("secret: {error}")))?;
        let (op, edit) = match user {
            None => ("users.passwd", json!({ "op": "user.set", "name": name, "set": { "password_hash": hash } })),
            Some(user) => {
                let mut keys = user.clone();
                keys.0.insert("password_hash".to_owned(), hash.into());
                ("users.add", json!({ "op": "user.add", "name": name, "user": keys }))
            }
        };
        let pen = held(&self.workshop.bench(Store::Users).pen);
        let running = self.running_under(&pen, Store::Users)?;
        let text = papers::edit(Store::Users, &running.text, &[edit])?;
        self.refuse_surprises(&running, &text, Expected::default())?;
        let comment = if comment.is_empty() { format!("{op} {name}") } else { format!("{op} {name}: {comment}") };
        let place = self.place_for(&running, &text, Wish::default())?;
        let deed = Deed { op, source: Source::Applied, comment: &comment, idem: idem.as_deref(), place };
        let done = self.put_in_force(&running, &text, caller, &deed)?;
        let mut answer = json!({ "name": name, "gen": done.outcome, "audit": done.audit });
        if let Some(made) = made {
            answer["secret"] = made.as_str().into();
        }
        Ok(veil::all_veiled(answer))
    }
}

fn good_enough(secret: &str, name: &str) -> Result<(), No> {
    let why = match secret {
        _ if secret.len() > LONGEST => "secret: a password has at most 255 bytes (RFC 1929)",
        _ if secret.chars().count() < SHORTEST => "secret: a password has at least 8 characters",
        _ if secret.eq_ignore_ascii_case(name) => "secret: a password is not the name of its user",
        _ => return Ok(()),
    };
    Err(No::Invalid(why.to_owned()))
}

fn made() -> Result<Zeroizing<String>, No> {
    let mut bytes = Zeroizing::new([0_u8; MADE]);
    getrandom::fill(&mut *bytes).map_err(|error| No::Invalid(format!("no randomness: {error}")))?;
    Ok(Zeroizing::new(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_enough_and_not_its_users_name() {
        for (secret, is_good) in
            [("correct horse", true), ("sh0rt", false), ("\u{17c}\u{f3}\u{142}wik1", false), ("Alexandra", false)]
        {
            assert_eq!(good_enough(secret, "alexandra").is_ok(), is_good, "{secret}");
        }
        assert!(good_enough(&"x".repeat(256), "alexandra").is_err());
    }

    #[test]
    fn what_is_made_is_long_and_never_the_same() {
        let [one, other] = [made().unwrap(), made().unwrap()];
        assert_eq!((one.len(), one == other), (MADE, false));
        assert!(one.bytes().all(|byte| ALPHABET.contains(&byte)), "{}", *one);
        good_enough(&one, "alice").unwrap();
    }
}
