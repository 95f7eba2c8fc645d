//! The stored form of a password: an argon2id hash in PHC string format, with a bound on what checking it costs.
//!
//! `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`; the parameters of the stored hash decide how much memory and time
//! a login takes, so a file must not be able to ask for 16 GiB.

use std::fmt;

use crate::problem::Fault;
use crate::values::Parsed;

/// Memory in KiB.
const MEMORY_MAX: u32 = 262_144;
/// Passes over the memory.
const PASSES_MAX: u32 = 10;
/// Lanes.
const LANES_MAX: u32 = 4;
/// Characters of 8 to 48 bytes in base64 without padding.
const SALT_CHARS: std::ops::RangeInclusive<usize> = 11..=64;
/// Characters of 10 to 64 bytes in base64 without padding.
const HASH_CHARS: std::ops::RangeInclusive<usize> = 14..=86;

/// An argon2id hash within the bounds; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// The PHC string, for the one who checks passwords.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

impl Parsed for PasswordHash {
    fn parse(text: &str) -> Result<Self, Fault> {
        let Some(rest) = text.strip_prefix("$argon2id$") else {
            return Err(Fault::new("is not an argon2id hash").hint("make one with `rustsocks hash-password`"));
        };
        // Argon2 writes version 1.3 as 19; an absent version means 1.0, which nothing of ours has ever written.
        let parts: Option<Vec<&str>> = rest.strip_prefix("v=19$").map(|parts| parts.split('$').collect());
        let Some([parameters, salt, hash]) = parts.as_deref() else { return Err(malformed()) };
        if !is_base64(salt, &SALT_CHARS) || !is_base64(hash, &HASH_CHARS) {
            return Err(malformed());
        }
        affordable(parameters)?;
        Ok(Self(text.to_owned()))
    }
}

fn affordable(parameters: &str) -> Result<(), Fault> {
    let (memory, passes, lanes) = costs(parameters).ok_or_else(malformed)?;
    // RFC 9106 §3.1: every lane needs at least 8 KiB.
    let is_argon2 = lanes >= 1 && passes >= 1 && memory >= lanes.saturating_mul(8);
    if !is_argon2 {
        return Err(malformed());
    }
    if memory > MEMORY_MAX || passes > PASSES_MAX || lanes > LANES_MAX {
        let message = format!("costs too much to check: m={memory},t={passes},p={lanes}");
        let hint = format!("make a new one with m ≤ {MEMORY_MAX} (KiB), t ≤ {PASSES_MAX}, p ≤ {LANES_MAX}");
        return Err(Fault::new(message).hint(hint));
    }
    Ok(())
}

fn costs(parameters: &str) -> Option<(u32, u32, u32)> {
    let mut parts = parameters.split(',');
    let mut cost = |name: &str| decimal(parts.next()?.strip_prefix(name)?);
    let costs = (cost("m=")?, cost("t=")?, cost("p=")?);
    parts.next().is_none().then_some(costs)
}

/// A number as PHC writes it: digits only, no leading zero.
fn decimal(text: &str) -> Option<u32> {
    let is_minimal = text == "0" || !text.starts_with(['0', '+']);
    text.parse().ok().filter(|_| is_minimal)
}

fn is_base64(text: &str, chars: &std::ops::RangeInclusive<usize>) -> bool {
    chars.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

fn malformed() -> Fault {
    Fault::new("is damaged: it must read $argon2id$v=19$m=…,t=…,p=…$salt$hash")
        .hint("copy it again, or make one with `rustsocks hash-password`")
}
