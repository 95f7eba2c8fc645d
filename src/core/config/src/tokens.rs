//! The tokens file: who may use the API, and for what.
//!
//! Knows how a token's hash is written, and never a token.

use std::fmt;
use std::str::FromStr;

use crate::kinds::Maybe;
use crate::kinds::strings::text;
use crate::problem::{Fault, Problems};
use crate::reader::{Excerpt, Reader, Section, Table};
use crate::users::Expiry;
use crate::users::expiry::Moment;
use crate::values::Parsed;

/// One `[[tokens]]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Who has it.
    pub name: TokenName,
    /// What it opens.
    pub scope: Scope,
    /// What it is known by.
    pub hash: TokenHash,
    /// From when on it opens nothing.
    pub expires: Option<Expiry>,
}

/// What somebody may do; each may also do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Ask.
    Read,
    /// End sessions.
    Operate,
    /// Change what the service works by.
    Admin,
}

/// Who has a token: 1 to 64 letters, digits, dots, hyphens and underscores of ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenName(String);

/// The BLAKE2b-256 of a token; a token has 256 bits of chance, so nobody finds it by trying.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);

/// What the text of a hash begins with.
const BLAKE2B: &str = "blake2b:";

/// Reads a tokens file; the path is only for messages.
///
/// # Errors
/// Every problem of the file: syntax, unknown keys, values that cannot be used, a name given twice, and a file without
/// tokens, since access that is configured and empty is a mistake.
pub fn load(path: &str, text: &str) -> Result<Vec<Token>, Problems> {
    let mut reader = Reader::new(path, text, Excerpt::Withheld)?;
    let entries: Vec<Entry> = reader.tables("tokens");
    reader.leftovers(&["tokens"]);
    for index in 0..entries.len() {
        let table = format!("tokens[{index}]");
        reader.require(&table, "name", "\"grafana\"");
        reader.require(&table, "scope", "\"read\"");
        reader.require(&table, "hash", "\"blake2b:…\", as `rustsocks api-token` prints it");
    }
    reader.refuse_repeated("tokens", "token", entries.iter().map(|entry| entry.name.as_ref().map(TokenName::as_str)));
    let tokens: Vec<Token> = entries.into_iter().filter_map(Entry::complete).collect();
    if tokens.is_empty() && reader.is_faultless() {
        let fault = Fault::new("the file has no token, so nobody could do anything").hint("add a [[tokens]] table");
        reader.report(reader.start(), "tokens", fault);
    }
    reader.finish().map(|_origins| tokens)
}

impl Scope {
    /// Every scope, the least first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Operate, Self::Admin];

    /// The stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|scope| scope.word() == word);
        found.ok_or_else(|| format!("{word:?} is no scope; there are read, operate and admin"))
    }
}

impl Parsed for Scope {
    fn parse(text: &str) -> Result<Self, Fault> {
        text.parse().map_err(|message: String| Fault::new(message).hint("write \"read\""))
    }
}

impl TokenName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if (1..=64).contains(&text.len()) && text.bytes().all(is_part) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("{text:?} cannot name a token; use 1 to 64 letters, digits, dots, hyphens and underscores"))
    }
}

impl Parsed for TokenName {
    fn parse(text: &str) -> Result<Self, Fault> {
        text.parse().map_err(|message: String| Fault::new(message).hint("write \"grafana\""))
    }
}

impl TokenHash {
    /// The hash of a token.
    #[must_use]
    pub fn new(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(BLAKE2B)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

impl Parsed for TokenHash {
    fn parse(text: &str) -> Result<Self, Fault> {
        let malformed = || {
            Fault::new("is damaged: it must read blake2b: and 64 hexadecimal digits")
                .hint("copy it again, or make another one with `rustsocks api-token`")
        };
        let digits = text.strip_prefix(BLAKE2B).filter(|digits| digits.len() == 64).ok_or_else(malformed)?;
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let is_hex = pair.iter().all(u8::is_ascii_hexdigit);
            let pair = str::from_utf8(pair).ok().filter(|_| is_hex).ok_or_else(malformed)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| malformed())?;
        }
        Ok(Self(hash))
    }
}

/// A token while parts of it may be missing.
struct Entry {
    name: Option<TokenName>,
    scope: Option<Scope>,
    hash: Option<TokenHash>,
    expires: Option<Expiry>,
}

impl Table for Entry {
    const KEYS: &'static [&'static str] = &["name", "scope", "hash", "expires"];

    fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            name: section.key("name", &Maybe(text()), None),
            scope: section.key("scope", &Maybe(text()), None),
            hash: section.key("hash", &Maybe(text()), None),
            expires: section.key("expires", &Maybe(Moment), None),
        }
    }
}

impl Entry {
    fn complete(self) -> Option<Token> {
        let Self { name, scope, hash, expires } = self;
        Some(Token { name: name?, scope: scope?, hash: hash?, expires })
    }
}
