//! Why a request was refused, and what each reason means to the client and to the log: one table.

use acl::{Ground, Reason};
use history::Status;
use socks::Failure;
use tracing::Level;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Name or password are wrong, or the name is unknown.
    BadCredentials,
    /// PAM does not want the client's address.
    AddressRefused,
    /// The name is locked, because it was guessed at from elsewhere; the credentials were not checked.
    NameLocked,
    /// The source is turned away since this login began to wait; the credentials were not checked.
    SourcePenalised,
    /// The client speaks HTTP and has to be asked for credentials first (RFC 9110 §15.5.8).
    CredentialsMissing,
    /// The client could not be judged now: too much waits, or a helper failed.
    AuthUnavailable,
    /// `max_connections` sessions are open.
    TooManyConnections,
    /// So many sessions of its source, its user, or one of its groups are open as may be.
    TooManyOfSource,
    TooManyOfUser,
    TooManyOfGroup,
    /// So many connections are open as the rule lets in.
    TooManyOfRule,
    /// Its user is in from as many sources as may be, and this is another one.
    TooManySourcesOfUser,
    /// Its source, or its user, connects faster than it may.
    TooFastOfSource,
    TooFastOfUser,
    /// A quota of its user, or of one of its groups, is used up.
    QuotaSpent,
    /// The command is switched off in `[commands]`, or impossible on this listener.
    CommandOff,
    /// The name cannot be a host name (RFC 1123) or is an address in disguise.
    BadName,
    /// The rules do not let this client go there.
    Denied,
    /// The hard guard holds the destination.
    Guarded(Reason),
    /// The name does not exist, or has no address of a usable family.
    NameNotFound,
    /// The name servers failed or could not be reached.
    ResolverFailed,
    /// The destination refused or reset the connection attempt.
    ConnectionRefused,
    /// No route to the destination's network, or no address of its family here.
    NetworkUnreachable,
    /// A router or the link says that the host cannot be reached.
    HostUnreachable,
    /// The time for names and addresses together was over.
    TimedOut,
    /// No peer came within `timeouts.bind_secs`.
    NoPeer,
    /// Every port of the configured range is taken.
    PortsExhausted,
    /// Descriptors or memory ran out.
    OutOfResources,
    /// The kernel or our own configuration stood in the way.
    Internal,
}

/// What one refusal means everywhere.
struct Meaning {
    label: &'static str,
    reply: Failure,
    level: Level,
}

impl Refusal {
    /// One of each word.
    pub(crate) const ALL: [Self; 29] = [
        Self::BadCredentials,
        Self::AddressRefused,
        Self::NameLocked,
        Self::SourcePenalised,
        Self::CredentialsMissing,
        Self::AuthUnavailable,
        Self::TooManyConnections,
        Self::TooManyOfSource,
        Self::TooManyOfUser,
        Self::TooManyOfGroup,
        Self::TooManyOfRule,
        Self::TooManySourcesOfUser,
        Self::TooFastOfSource,
        Self::TooFastOfUser,
        Self::QuotaSpent,
        Self::CommandOff,
        Self::BadName,
        Self::Denied,
        Self::Guarded(Reason { ground: Ground::Loopback, carrier: None }),
        Self::NameNotFound,
        Self::ResolverFailed,
        Self::ConnectionRefused,
        Self::NetworkUnreachable,
        Self::HostUnreachable,
        Self::TimedOut,
        Self::NoPeer,
        Self::PortsExhausted,
        Self::OutOfResources,
        Self::Internal,
    ];

    /// The reply code of RFC 1928 section 6 for the client.
    pub(crate) fn reply(self) -> Failure {
        self.meaning().reply
    }

    /// The stable word for logs and metrics.
    pub(crate) fn label(self) -> &'static str {
        self.meaning().label
    }

    /// Whether it was not to be had or not allowed.
    pub(crate) fn status(self) -> Status {
        match self.reply() {
            Failure::NotAllowed | Failure::CommandNotSupported | Failure::AddressTypeNotSupported => Status::Rejected,
            Failure::General
            | Failure::NetworkUnreachable
            | Failure::HostUnreachable
            | Failure::ConnectionRefused
            | Failure::TtlExpired => Status::Failed,
        }
    }

    /// How loud the log is about it.
    pub(crate) fn level(self) -> Level {
        self.meaning().level
    }

    fn meaning(self) -> Meaning {
        let of = |label, reply, level| Meaning { label, reply, level };
        match self {
            Self::BadCredentials => of("bad_credentials", Failure::NotAllowed, Level::INFO),
            Self::AddressRefused => of("address_refused", Failure::NotAllowed, Level::INFO),
            Self::NameLocked => of("name_locked", Failure::NotAllowed, Level::INFO),
            Self::SourcePenalised => of("source_penalised", Failure::NotAllowed, Level::DEBUG),
            Self::CredentialsMissing => of("credentials_missing", Failure::NotAllowed, Level::INFO),
            Self::AuthUnavailable => of("auth_unavailable", Failure::General, Level::WARN),
            Self::TooManyConnections => of("too_many_connections", Failure::NotAllowed, Level::WARN),
            Self::TooManyOfSource => of("too_many_of_source", Failure::NotAllowed, Level::INFO),
            Self::TooManyOfUser => of("too_many_of_user", Failure::NotAllowed, Level::INFO),
            Self::TooManyOfGroup => of("too_many_of_group", Failure::NotAllowed, Level::INFO),
            Self::TooManyOfRule => of("too_many_of_rule", Failure::NotAllowed, Level::INFO),
            Self::TooManySourcesOfUser => of("too_many_sources_of_user", Failure::NotAllowed, Level::INFO),
            Self::TooFastOfSource => of("too_fast_of_source", Failure::NotAllowed, Level::INFO),
            Self::TooFastOfUser => of("too_fast_of_user", Failure::NotAllowed, Level::INFO),
            Self::QuotaSpent => of("quota_spent", Failure::NotAllowed, Level::INFO),
            Self::CommandOff => of("command_off", Failure::CommandNotSupported, Level::INFO),
            Self::BadName => of("bad_name", Failure::HostUnreachable, Level::INFO),
            Self::Denied => of("denied", Failure::NotAllowed, Level::INFO),
            Self::Guarded(_) => of("guarded", Failure::NotAllowed, Level::INFO),
            Self::NameNotFound => of("name_not_found", Failure::HostUnreachable, Level::INFO),
            Self::ResolverFailed => of("resolver_failed", Failure::HostUnreachable, Level::WARN),
            Self::ConnectionRefused => of("connection_refused", Failure::ConnectionRefused, Level::INFO),
            Self::NetworkUnreachable => of("network_unreachable", Failure::NetworkUnreachable, Level::INFO),
            Self::HostUnreachable => of("host_unreachable", Failure::HostUnreachable, Level::INFO),
            Self::TimedOut => of("timed_out", Failure::TtlExpired, Level::INFO),
            Self::NoPeer => of("no_peer", Failure::TtlExpired, Level::INFO),
            Self::PortsExhausted => of("ports_exhausted", Failure::General, Level::WARN),
            Self::OutOfResources => of("out_of_resources", Failure::General, Level::WARN),
            Self::Internal => of("internal", Failure::General, Level::ERROR),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_word_is_missing_in_the_list() {
        let code = include_str!("refusal.rs").split("#[cfg(test)]").next().unwrap_or_default();
        let written: BTreeSet<&str> = code.split("of(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(Refusal::ALL.map(Refusal::label).into_iter().collect::<BTreeSet<_>>(), written);
    }
}
