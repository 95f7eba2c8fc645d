//! Passwords as argon2id PHC strings (RFC 9106).

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

/// 19 MiB, two passes, one lane: OWASP's first choice for argon2id; 30 to 50 ms on a small machine.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The PHC string of `password` with a fresh salt.
///
/// # Errors
/// The system has no randomness for a salt.
pub(crate) fn hash(password: &[u8]) -> Result<String, argon2::password_hash::Error> {
    Ok(hasher().hash_password(password)?.to_string())
}

/// Whether `password` belongs to `stored`. Takes as long as the parameters in `stored` say.
pub(super) fn matches(stored: &PasswordHash, password: &[u8]) -> bool {
    hasher().verify_password(password, stored).is_ok()
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the constants are within argon2's ranges");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}
