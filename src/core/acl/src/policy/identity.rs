//! What makes a rule the same rule after a reload, so that its hits go on being counted.
//!
//! Whose it is and what it fits count; where it stands in the file, what is said about it, and how much it lets its
//! connections have do not.

use std::fmt;
use std::hash::Hasher;
use std::net::IpAddr;

use ipnet::IpNet;
use siphasher::sip::SipHasher13;

use crate::policy::pattern::Pattern;
use crate::policy::words::{Set, Word};
use crate::policy::{Action, Mode, Rule};

/// A number that stays the same for a rule of the same owner that fits the same requests, across reloads, restarts and
/// versions. Equal rules of one owner are told apart by `copy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// Of the owner and the rule.
    pub hash: u64,
    /// How many equal rules of the owner come before it.
    pub copy: u32,
}

/// `9f86d081884c7d65`, with `#1` behind it for the second of two equal rules
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.hash)?;
        if self.copy == 0 { Ok(()) } else { write!(f, "#{}", self.copy) }
    }
}

/// The hash of a rule of an owner such as `users/alice`.
pub(crate) fn hash(owner: &str, rule: &Rule) -> u64 {
    let mut digest = Digest::default();
    digest.text(owner);
    digest.rule(rule);
    digest.0.finish()
}

/// Every value goes in as bytes of a fixed order, which `derive(Hash)` does not promise between compilers.
#[derive(Default)]
struct Digest(SipHasher13);

impl Digest {
    fn rule(&mut self, rule: &Rule) {
        self.byte(match rule.action {
            Action::Allow => 0,
            Action::Block => 1,
        });
        self.number(in_any_order(&rule.destinations, Self::pattern));
        for (first, last) in rule.ports.spans() {
            self.0.write(&first.to_le_bytes());
            self.0.write(&last.to_le_bytes());
        }
        self.set(rule.protocols);
        self.number(in_any_order(&rule.sources, |digest, network| digest.network(*network)));
        self.set(rule.commands);
        self.maybe(rule.time.as_deref(), |digest, time| digest.text(&time.to_string()));
        self.maybe(rule.valid_until, |digest, until| digest.0.write(&until.to_le_bytes()));
        self.set(rule.auth_methods);
        self.maybe(rule.pam_service.as_deref(), Self::text);
        self.maybe(rule.internal, |digest, internal| digest.byte(u8::from(internal)));
        self.byte(match rule.mode {
            Mode::Enforced => 0,
            Mode::Shadow => 1,
        });
    }

    fn pattern(&mut self, pattern: &Pattern) {
        match pattern {
            Pattern::Network(network) => self.network(*network),
            Pattern::Name(name) => self.text(name.as_str()),
            Pattern::Below(name) => {
                self.0.write(b"*.");
                self.text(name.as_str());
            }
            Pattern::Anything | Pattern::Realm(_) | Pattern::Wild(_) => self.text(&pattern.to_string()),
        }
    }

    fn network(&mut self, network: IpNet) {
        match network.network() {
            IpAddr::V4(address) => self.0.write(&address.octets()),
            IpAddr::V6(address) => self.0.write(&address.octets()),
        }
        self.byte(network.prefix_len());
    }

    fn maybe<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// The length in front keeps neighbours from running into each other.
    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.write(text.as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.0.write(&number.to_le_bytes());
    }

    fn set<W: Word>(&mut self, set: Set<W>) {
        self.byte(set.bits());
    }

    fn byte(&mut self, byte: u8) {
        self.0.write(&[byte]);
    }
}

/// A sum of hashes, for lists whose order means nothing.
fn in_any_order<T>(items: &[T], write: impl Fn(&mut Digest, &T)) -> u64 {
    items.iter().fold(items.len() as u64, |sum, item| {
        let mut digest = Digest::default();
        write(&mut digest, item);
        sum.wrapping_add(digest.0.finish())
    })
}
