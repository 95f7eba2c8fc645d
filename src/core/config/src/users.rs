//! The users file: who may log in, and the hash of each password.
//!
//! Knows how a hash is written and what checking it may cost, and never a password.

pub(crate) mod expiry;
pub(crate) mod hash;

use std::fmt;

use crate::kinds::amounts::Amount;
use crate::kinds::numbers::count;
use crate::kinds::rates::{EachWay, Mbps, MbpsEachWay, Rate};
use crate::kinds::strings::{list, text};
use crate::kinds::{Flag, Maybe};
use crate::problem::{Fault, Problems};
use crate::reader::{Excerpt, Reader, Section, Table};
use crate::settings::{DAY, LONGEST_AGE, LONGEST_IDLE, MOST_CONNECTIONS, MOST_KIB};
use crate::users::expiry::Moment;
use crate::users::hash::PasswordHash;
use crate::values::text::Label;
use crate::values::{Parsed, Written};

pub use crate::users::expiry::Expiry;

/// The users of one file: at least one, and no name twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Users(Vec<User>);

/// One `[[users]]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Who logs in.
    pub name: UserName,
    /// What the password is checked against.
    pub password_hash: PasswordHash,
    /// Whether the user may log in.
    pub enabled: bool,
    /// The groups whose rules hold for the user, as written.
    pub groups: Vec<UserName>,
    /// From when on the user may no longer log in.
    pub expires: Option<Expiry>,
    /// What holds for the user instead of what holds for everyone.
    pub limits: UserLimits,
    /// How much of some quotas the user has instead of what everyone has; no quota twice.
    pub quotas: Vec<QuotaAmount>,
}

/// How much of a quota one user has, written `"monthly:50"`: its name, and gigabytes, where 0 means no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaAmount {
    /// The name of the quota.
    pub quota: Label,
    /// How much it is.
    pub amount: Amount,
}

impl Parsed for QuotaAmount {
    fn parse(text: &str) -> Result<Self, Fault> {
        let parts =
            text.rsplit_once(':').and_then(|(name, amount)| Some((Label::parse(name).ok()?, Amount::of(amount)?)));
        let (quota, amount) = parts.ok_or_else(|| {
            let fault = Fault::new(format!("{text:?} is not the name of a quota and a number of gigabytes"));
            fault.hint("write \"monthly:50\", with 0 for no limit")
        })?;
        Ok(Self { quota, amount })
    }
}

/// What one user may have; nothing means what the user's groups, or everyone, may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UserLimits {
    /// Connections at once, 0 to 1 000 000; 0 means no limit.
    pub max_connections: Option<u32>,
    /// Sources at once, 0 to 1 000 000; 0 means no limit.
    pub max_sources: Option<u32>,
    /// The longest life of a session, 0 to 31 536 000 s; 0 means no limit.
    pub max_age_secs: Option<u32>,
    /// How long a TCP session may move no byte, 0 to 2 592 000 s; 0 means no limit.
    pub idle_secs: Option<u32>,
    /// The same after one side has finished, 0 to 86 400 s; 0 means no limit.
    pub half_closed_secs: Option<u32>,
    /// How long an association may move no datagram, 0 to 86 400 s; 0 means no limit.
    pub udp_idle_secs: Option<u32>,
    /// What all sessions of the user together may carry.
    pub bandwidth: Option<EachWay>,
    /// What they may carry in any case.
    pub guaranteed: Option<Rate>,
    /// Who comes first where not all can be served, 0 to 7; the higher comes first.
    pub priority: Option<u8>,
    /// Kibibytes that may pass at once after a pause, 0 to 1 048 576; 0 is what the limit lets pass in a fifth of a second.
    pub burst_kib: Option<u32>,
}

impl UserLimits {
    fn read(section: &mut Section<'_, '_>) -> Self {
        let mut number = |key, most| section.key(key, &Maybe(count(0, most)), None);
        Self {
            max_connections: number("max_connections", MOST_CONNECTIONS),
            max_sources: number("max_sources", MOST_CONNECTIONS),
            max_age_secs: number("max_age_secs", LONGEST_AGE),
            idle_secs: number("connection_timeout_secs", LONGEST_IDLE),
            half_closed_secs: number("half_closed_secs", DAY),
            udp_idle_secs: number("udp_idle_secs", DAY),
            bandwidth: section.key("bandwidth_limit_mbps", &Maybe(MbpsEachWay), None),
            guaranteed: section.key("bandwidth_guaranteed_mbps", &Maybe(Mbps), None),
            priority: section.key("bandwidth_priority", &Maybe(count(0, 7)), None),
            burst_kib: section.key("bandwidth_burst_kib", &Maybe(count(0, MOST_KIB)), None),
        }
    }
}

/// The name of a user or a group: 1 to 255 bytes (RFC 1929 §2), no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserName(String);

/// Reads a users file; the path is only for messages.
///
/// # Errors
/// Every problem of the file: syntax, unknown keys, names and hashes that cannot be used, a name given twice, and a
/// file without users, since authentication that is configured and empty is a mistake.
pub fn load(path: &str, text: &str) -> Result<Users, Problems> {
    let mut reader = Reader::new(path, text, Excerpt::Withheld)?;
    let entries: Vec<Entry> = reader.tables("users");
    reader.leftovers(&["users"]);
    for index in 0..entries.len() {
        let table = format!("users[{index}]");
        reader.require(&table, "name", "\"alice\"");
        reader.require(&table, "password_hash", "\"$argon2id$…\", as `rustsocks hash-password` prints it");
    }
    reader.refuse_repeated("users", "user", entries.iter().map(|entry| entry.name.as_ref().map(UserName::as_str)));
    let users: Vec<User> = entries.into_iter().filter_map(Entry::complete).collect();
    refuse_empty(&users, &mut reader);
    reader.finish().map(|_origins| Users(users))
}

impl Users {
    /// The users in the order of the file.
    #[must_use]
    pub fn as_slice(&self) -> &[User] {
        &self.0
    }
}

impl UserName {
    pub(crate) fn of(name: &'static str) -> Self {
        Self(name.to_owned())
    }

    /// The name as text; a client sends its UTF-8 bytes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Parsed for UserName {
    fn parse(text: &str) -> Result<Self, Fault> {
        if (1..=255).contains(&text.len()) && !text.contains(char::is_control) {
            return Ok(Self(text.to_owned()));
        }
        Err(Fault::new("cannot be a user's name").hint("use 1 to 255 bytes without control characters"))
    }
}

impl Written for UserName {
    fn written(&self) -> String {
        self.0.clone()
    }
}

/// A user while parts of it may be missing.
struct Entry {
    name: Option<UserName>,
    password_hash: Option<PasswordHash>,
    enabled: bool,
    groups: Vec<UserName>,
    expires: Option<Expiry>,
    limits: UserLimits,
    quotas: Vec<QuotaAmount>,
}

impl Table for Entry {
    const KEYS: &'static [&'static str] = &[
        "name",
        "password_hash",
        "enabled",
        "groups",
        "expires",
        "max_connections",
        "max_sources",
        "max_age_secs",
        "connection_timeout_secs",
        "half_closed_secs",
        "udp_idle_secs",
        "bandwidth_limit_mbps",
        "bandwidth_guaranteed_mbps",
        "bandwidth_priority",
        "bandwidth_burst_kib",
        "quotas",
    ];

    fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            name: section.key("name", &Maybe(text()), None),
            password_hash: section.key("password_hash", &Maybe(text()), None),
            enabled: section.key("enabled", &Flag, true),
            groups: section.key("groups", &list(), Vec::new()),
            expires: section.key("expires", &Maybe(Moment), None),
            limits: UserLimits::read(section),
            quotas: quotas(section),
        }
    }
}

impl Entry {
    fn complete(self) -> Option<User> {
        let Self { name, password_hash, enabled, groups, expires, limits, quotas } = self;
        Some(User { name: name?, password_hash: password_hash?, enabled, groups, expires, limits, quotas })
    }
}

fn quotas(section: &mut Section<'_, '_>) -> Vec<QuotaAmount> {
    let quotas: Vec<QuotaAmount> = section.key("quotas", &list(), Vec::new());
    let is_repeated = |at: usize| quotas[..at].iter().any(|other| other.quota == quotas[at].quota);
    if (1..quotas.len()).any(is_repeated) {
        section.report("quotas", Fault::new("names a quota twice").hint("name each quota once"));
    }
    quotas
}

fn refuse_empty(users: &[User], reader: &mut Reader<'_>) {
    if users.is_empty() && reader.is_faultless() {
        let fault = Fault::new("the file names no user, so nobody could log in").hint("add a [[users]] table");
        reader.report(reader.start(), "users", fault);
    }
}
