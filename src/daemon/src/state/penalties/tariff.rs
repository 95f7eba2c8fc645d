//! What the operator wrote about guessing: who is exempt, what an offence costs, when a name is locked.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use config::EarlyDrop;
use ipnet::IpNet;

use super::source::{Prefixes, Source};

/// `[penalties]`, ready for use.
#[derive(Debug, Clone)]
pub(crate) struct Tariff {
    /// Who is never penalised or turned away.
    pub(crate) exempt: Vec<IpNet>,
    pub(crate) prefixes: Prefixes,
    pub(crate) prices: Prices,
    /// Outstanding penalties from which on a source is turned away.
    pub(crate) enforce_from: Duration,
    /// Outstanding penalties never become more.
    pub(crate) most: Duration,
    /// Sources, names and known addresses that are remembered, each.
    pub(crate) most_remembered: usize,
    /// `None` locks no name.
    pub(crate) lock: Option<Lock>,
    /// How long an address from which a user logged in stays known.
    pub(crate) known_for: Duration,
    /// After how long a failed login is answered, not counting jitter.
    pub(crate) failure_delay: Duration,
    pub(crate) crowding: Crowding,
}

/// What each offence adds to a source's outstanding penalties.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prices {
    pub(crate) failed_login: Duration,
    pub(crate) no_login: Duration,
    pub(crate) too_slow: Duration,
}

/// When a name is locked for strangers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lock {
    /// After so many failures.
    pub(crate) failures: NonZeroU32,
    /// For so long; a failure that is older no longer counts.
    pub(crate) time: Duration,
}

/// How many of the unauthenticated are too many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crowding {
    /// `None` never turns a newcomer away by chance.
    pub(crate) early_drop: Option<EarlyDrop>,
    /// Of one source.
    pub(crate) per_source: usize,
}

/// What a source did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offence {
    /// A login failed. Whether the name or the password was wrong must not make a difference that can be seen from outside.
    FailedLogin,
    /// It left, or broke the protocol, without an attempt where one must log in.
    NoLogin,
    /// It let the deadline of the handshake pass.
    TooSlow,
}

/// A client as penalties see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) source: Source,
    pub(crate) is_exempt: bool,
}

impl Tariff {
    /// The caller at this address; `None` is a Unix socket, which has no address to penalise.
    pub(crate) fn caller(&self, ip: Option<IpAddr>) -> Caller {
        match ip {
            Some(ip) => Caller {
                source: Source::around(ip, self.prefixes),
                is_exempt: self.exempt.iter().any(|network| network.contains(&ip)),
            },
            None => Caller { source: Source::Local, is_exempt: true },
        }
    }

    pub(super) fn price(&self, offence: Offence) -> Duration {
        match offence {
            Offence::FailedLogin => self.prices.failed_login,
            Offence::NoLogin => self.prices.no_login,
            Offence::TooSlow => self.prices.too_slow,
        }
    }
}

impl Offence {
    /// The stable word for logs.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::FailedLogin => "failed_login",
            Self::NoLogin => "no_login",
            Self::TooSlow => "too_slow",
        }
    }
}

#[cfg(test)]
impl Tariff {
    /// The defaults of the configuration, with nobody exempt.
    pub(crate) fn for_tests() -> Self {
        let secs = Duration::from_secs;
        Self {
            exempt: Vec::new(),
            prefixes: Prefixes { v4: 32, v6: 64 },
            prices: Prices { failed_login: secs(5), no_login: secs(1), too_slow: secs(10) },
            enforce_from: secs(15),
            most: secs(600),
            most_remembered: 65_536,
            lock: NonZeroU32::new(10).map(|failures| Lock { failures, time: secs(300) }),
            known_for: secs(3_600),
            failure_delay: Duration::from_millis(500),
            crowding: Crowding { early_drop: None, per_source: usize::MAX },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_exempt_is_a_matter_of_the_address_and_not_of_the_source() {
        let tariff = Tariff {
            exempt: vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::5/128".parse().unwrap()],
            ..Tariff::for_tests()
        };
        for (ip, is_exempt) in
            [("10.255.0.1", true), ("11.0.0.1", false), ("2001:db8::5", true), ("2001:db8::6", false)]
        {
            assert_eq!(tariff.caller(Some(ip.parse().unwrap())).is_exempt, is_exempt, "{ip}");
        }
        assert_eq!(tariff.caller(None), Caller { source: Source::Local, is_exempt: true });
    }
}
