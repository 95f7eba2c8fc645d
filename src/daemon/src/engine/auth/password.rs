//! Passwords as argon2id PHC strings (RFC 9106).

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, Version};

use super::slates::Slate;

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
pub(super) fn matches(stored: &PasswordHash, password: &[u8], slate: &mut Slate) -> bool {
    stored.hash.is_some() && computed(stored, password, slate) == stored.hash
}

/// What `stored` would say if this were the password; two of them are compared in constant time.
fn computed(stored: &PasswordHash, password: &[u8], slate: &mut Slate) -> Option<Output> {
    let (salt, length) = (stored.salt.as_ref()?, stored.hash.as_ref()?.len());
    let algorithm = Algorithm::try_from(stored.algorithm.as_str()).ok()?;
    let version = stored.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
    let params = Params::try_from(stored).ok()?;
    let more = params.block_count().saturating_sub(slate.len());
    // Where there is no memory for it, one login fails instead of everybody.
    slate.try_reserve_exact(more).ok()?;
    slate.resize(slate.len() + more, Block::default());
    let mut output = [0; Output::MAX_LENGTH];
    let hasher = Argon2::new(algorithm, version, params);
    hasher.hash_password_into_with_memory(password, salt, &mut output[..length], slate).ok()?;
    Output::new(&output[..length]).ok()
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the constants are within argon2's ranges");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_belongs_to_its_hash_whatever_the_slate_has() {
        let mut slate = Slate::new();
        for stored in [
            hash(b"wonderland").unwrap(),
            // The command argon2 of the reference implementation, `echo -n wonderland | argon2 saltsaltsalt -id -m 10 -t 3 -p 2 -l 24 -e`.
            "$argon2id$v=19$m=1024,t=3,p=2$c2FsdHNhbHRzYWx0$jKQPUBDb7EhwkYpfk1OLNFRF4YXPIF25".to_owned(),
        ] {
            let stored = PasswordHash::new(&stored).unwrap();
            assert!(matches(&stored, b"wonderland", &mut slate), "{stored}");
            assert!(!matches(&stored, b"Wonderland", &mut slate), "{stored}");
            assert!(matches(&stored, b"wonderland", &mut slate), "{stored}");
        }
    }
}
