//! The conversation while nobody is identified yet: which language, which method, and who the client claims to be.
//!
//! Knows nothing of whether a claim is true. It cannot parse a request; only an [`Accepted`] can.

use std::fmt;

use zeroize::Zeroizing;

use crate::accepted::Accepted;
use crate::dialect::{Dialect, Failure};
use crate::http::{self, answers};
use crate::message::Message;
use crate::offer::{Method, Offer, Socks4};
use crate::reader::Reader;
use crate::violation::{Fault, NO_ACCEPTABLE_METHODS, PASSWORD_REFUSED, Stop, Violation};
use crate::{socks4, socks5};

/// A conversation that has just begun; `Opening::default()` has seen nothing.
#[derive(Debug, Default)]
pub struct Opening {
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    #[default]
    FirstMessage,
    Password,
}

/// What the caller has to do next.
#[derive(Debug)]
pub enum Step {
    /// Append what the client sends next to the same input, then ask again.
    NeedMore(Opening),
    /// Drop `consumed` bytes, send `bytes`, then go on with `next`.
    Send { consumed: usize, bytes: Message, next: Opening },
    /// Drop `consumed` bytes (none, if the claim is part of the request) and decide whether the claim holds.
    Identify { consumed: usize, claim: Claim, claimant: Claimant },
}

/// Who the client says it is.
#[derive(Debug)]
pub enum Claim {
    Anonymous,
    /// 1–255 raw bytes and 0–255 raw bytes. The caller's own input still has a copy of both.
    Password {
        user: Vec<u8>,
        password: Password,
    },
    /// SOCKS4, 0–255 raw bytes: never an identity, only worth a log line.
    UserId(Vec<u8>),
}

/// Wiped when dropped, never shown, never compared here.
#[derive(Clone)]
pub struct Password(Zeroizing<Vec<u8>>);

/// A client that waits to be told whether its claim holds.
#[derive(Debug)]
pub struct Claimant {
    dialect: Dialect,
    if_accepted: Message,
    if_rejected: Message,
}

impl Opening {
    /// Reads what it can of `input`, which is everything that has come and is not consumed yet.
    ///
    /// # Errors
    /// The client broke the protocol or speaks nothing that is on offer; the violation says how, and what it is still owed.
    pub fn receive(self, offer: &Offer, input: &[u8]) -> Result<Step, Violation> {
        let reader = Reader::new(input);
        let (dialect, step) = match (self.stage, input.first()) {
            (_, None) => return Ok(Step::NeedMore(self)),
            (Stage::Password, Some(_)) => (Dialect::Socks5, password(reader)),
            (Stage::FirstMessage, Some(&first)) => match language(offer, first)? {
                Dialect::Socks5 => (Dialect::Socks5, greeting(offer, reader)),
                Dialect::Socks4 => (Dialect::Socks4, user_id(offer, reader)),
                Dialect::HttpConnect => (Dialect::HttpConnect, credentials(offer, reader)),
            },
        };
        Ok(Stop::settle(step, dialect)?.unwrap_or(Step::NeedMore(self)))
    }
}

fn language(offer: &Offer, first: u8) -> Result<Dialect, Violation> {
    match first {
        socks5::VERSION if offer.socks5 => Ok(Dialect::Socks5),
        socks4::VERSION if offer.socks4 != Socks4::Foreign => Ok(Dialect::Socks4),
        b'A'..=b'Z' if offer.http_connect => Ok(Dialect::HttpConnect),
        byte => Err(Violation::foreign(byte)),
    }
}

fn greeting(offer: &Offer, mut reader: Reader<'_>) -> Result<Step, Stop> {
    let offered = socks5::greeting(&mut reader)?;
    let consumed = reader.consumed();
    match offer.choose(|method| offered.contains(&method.code())) {
        Some(Method::None) => {
            Ok(Step::Identify { consumed, claim: Claim::Anonymous, claimant: Claimant::without_method() })
        }
        Some(Method::UserPass) => {
            Ok(Step::Send { consumed, bytes: Message::fixed(USE_PASSWORD), next: Opening { stage: Stage::Password } })
        }
        None => Err(Fault::NoCommonMethod { offered: offered.into() }.into()),
    }
}

fn password(mut reader: Reader<'_>) -> Result<Step, Stop> {
    let claim = socks5::password(&mut reader)?;
    Ok(Step::Identify { consumed: reader.consumed(), claim, claimant: Claimant::with_password() })
}

fn user_id(offer: &Offer, mut reader: Reader<'_>) -> Result<Step, Stop> {
    let user_id = socks4::user_id(&mut reader)?;
    if offer.socks4 == Socks4::Refused {
        return Err(Fault::Socks4Unproven.into());
    }
    Ok(Step::Identify { consumed: 0, claim: Claim::UserId(user_id.to_vec()), claimant: Claimant::socks4() })
}

fn credentials(offer: &Offer, reader: Reader<'_>) -> Result<Step, Stop> {
    let claim = http::claim(offer, reader)?;
    let claimant = Claimant::http(&claim);
    Ok(Step::Identify { consumed: 0, claim, claimant })
}

impl Claimant {
    /// The claim holds: `identity` is the caller's proof, and what comes out is the only thing that can parse a request.
    #[must_use]
    pub fn accept<I>(self, identity: I) -> Accepted<I> {
        Accepted::new(identity, self.dialect, self.if_accepted)
    }

    /// The claim does not hold: send this, then close. It is the same whatever was wrong with the claim.
    #[must_use]
    pub fn reject(self) -> Message {
        self.if_rejected
    }

    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn without_method() -> Self {
        let (if_accepted, if_rejected) = (Message::fixed(USE_NO_METHOD), Message::fixed(NO_ACCEPTABLE_METHODS));
        Self { dialect: Dialect::Socks5, if_accepted, if_rejected }
    }

    fn with_password() -> Self {
        let (if_accepted, if_rejected) = (Message::fixed(PASSWORD_ACCEPTED), Message::fixed(PASSWORD_REFUSED));
        Self { dialect: Dialect::Socks5, if_accepted, if_rejected }
    }

    fn socks4() -> Self {
        let if_rejected = Dialect::Socks4.failed(Failure::NotAllowed);
        Self { dialect: Dialect::Socks4, if_accepted: Message::EMPTY, if_rejected }
    }

    /// To ask for a password that was never wanted would send a browser into a loop of dialogs.
    fn http(claim: &Claim) -> Self {
        let if_rejected = match claim {
            Claim::Anonymous | Claim::UserId(_) => Dialect::HttpConnect.failed(Failure::NotAllowed),
            Claim::Password { .. } => Message::fixed(answers::AUTHENTICATION_REQUIRED),
        };
        Self { dialect: Dialect::HttpConnect, if_accepted: Message::EMPTY, if_rejected }
    }
}

impl Password {
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Password {
    fn from(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Password(not shown)")
    }
}

// RFC 1928 §3.
const USE_NO_METHOD: &[u8] = &[5, 0];
const USE_PASSWORD: &[u8] = &[5, 2];
// RFC 1929 §2.
const PASSWORD_ACCEPTED: &[u8] = &[1, 0];
