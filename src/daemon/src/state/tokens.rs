//! Who may use the API, and for what.

use blake2::Blake2b;
use blake2::digest::consts::U32;
use blake2::digest::{CtOutput, Digest};
use config::tokens::{Scope, Token, TokenHash};
use jiff::Timestamp;

/// The tokens of one generation; nothing without a tokens file.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Option<Vec<Token>>);

/// What a token is known by.
pub(crate) fn hash(token: &[u8]) -> TokenHash {
    TokenHash::new(Blake2b::<U32>::digest(token).into())
}

/// In the form whose comparison takes a time that tells nothing.
fn comparable(hash: &TokenHash) -> CtOutput<Blake2b<U32>> {
    CtOutput::new((*hash.bytes()).into())
}

impl Tokens {
    pub(crate) fn new(tokens: Vec<Token>) -> Self {
        Self(Some(tokens))
    }

    /// Whether the operator wants tokens at all.
    pub(crate) fn are_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Who shows this token, and what it opens now. It takes as long for every token that is as long.
    pub(crate) fn find(&self, shown: &[u8], now: Timestamp) -> Option<(&str, Scope)> {
        let shown = comparable(&hash(shown));
        let mut found = None;
        for token in self.0.iter().flatten() {
            if comparable(&token.hash) == shown {
                found = Some(token);
            }
        }
        let token = found.filter(|token| token.expires.is_none_or(|expires| now < expires.timestamp()))?;
        Some((token.name.as_str(), token.scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(expires: &str) -> Tokens {
        let text =
            format!("[[tokens]]\nname = \"ops\"\nscope = \"operate\"\nhash = \"{}\"\n{expires}", hash(b"secret"));
        Tokens::new(config::tokens::load("t", &text).unwrap())
    }

    #[test]
    fn a_token_is_found_by_what_it_is_and_until_it_expires() {
        let now = "2027-01-01T12:00:00Z".parse().unwrap();
        assert_eq!(tokens("").find(b"secret", now), Some(("ops", Scope::Operate)));
        assert_eq!(tokens("").find(b"Secret", now), None);
        assert_eq!(tokens("").find(b"", now), None);
        assert_eq!(tokens("expires = 2027-01-01").find(b"secret", now), None);
        assert_eq!(tokens("expires = 2027-01-02").find(b"secret", now), Some(("ops", Scope::Operate)));
        assert!(tokens("").are_wanted() && !Tokens::default().are_wanted());
    }
}
