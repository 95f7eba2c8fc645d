//! Values that are one word out of a closed set.

use std::fmt;

use crate::problem::{Fault, alternatives};
use crate::values::{Parsed, Written};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word as it is written in the file.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Parsed for $name {
            fn parse(text: &str) -> Result<Self, Fault> {
                let words = Self::ALL.iter().map(|value| value.as_str());
                Self::ALL
                    .iter()
                    .find(|value| value.as_str() == text)
                    .copied()
                    .ok_or_else(|| Fault::new(format!("{text:?} is not known")).hint(alternatives(text, words)))
            }
        }

        impl Written for $name {
            fn written(&self) -> String {
                self.as_str().to_owned()
            }
        }
    )+};
}

words! {
    /// How a client proves who it is (RFC 1928 §3).
    Method {
        /// No authentication.
        None = "none",
        /// User name and password (RFC 1929), checked against the users file.
        UserPass = "userpass",
        /// The client's address alone, judged by the modules of a PAM service.
        PamAddress = "pam.address",
        /// User name and password (RFC 1929), judged by the modules of a PAM service.
        PamUsername = "pam.username",
    }

    /// What a client has to pass before its first word is read.
    ClientMethod {
        /// Nothing.
        None = "none",
        /// Its address, judged by the modules of a PAM service.
        PamAddress = "pam.address",
    }

    /// What a bandwidth limit is a limit of.
    Directions {
        /// Each direction by itself.
        Separate = "separate",
        /// What goes either way, added up.
        Together = "together",
    }

    /// A protocol that a listener speaks; the first byte of a connection tells them apart.
    Protocol {
        /// SOCKS version 5 (RFC 1928).
        Socks5 = "socks5",
        /// SOCKS version 4 and 4a.
        Socks4 = "socks4",
        /// HTTP CONNECT (RFC 9110 §9.3.6).
        Http = "http",
    }

    /// What happens to what nobody has decided.
    Policy {
        /// It is let pass.
        Allow = "allow",
        /// It is refused.
        Deny = "deny",
    }

    /// What becomes of sessions that new rules would not allow.
    OnRevoke {
        /// They go on under the rules that they were allowed by.
        Keep = "keep",
        /// They are ended.
        Close = "close",
    }

    /// When a quota begins anew.
    QuotaPeriod {
        /// With each full hour of UTC.
        Hour = "hour",
        /// Each day.
        Day = "day",
        /// Each week.
        Week = "week",
        /// Each month.
        Month = "month",
    }

    /// What counts for a quota.
    QuotaCounts {
        /// What the user sends.
        Sent = "sent",
        /// What the user receives.
        Received = "received",
        /// Both together.
        Both = "both",
    }

    /// What happens when a quota is used up.
    QuotaAction {
        /// Whoever comes is refused.
        Refuse = "refuse",
        /// There is less bandwidth.
        Slow = "slow",
    }

    /// Who looks names up.
    Resolver {
        /// The built-in asynchronous resolver; reads `dns.resolv_conf` and `dns.hosts_file`.
        Hickory = "hickory",
        /// The system's getaddrinfo on `dns.system_threads` threads, for NSS, mDNS and LDAP hosts.
        System = "system",
    }

    /// Which address a UDP client sends from.
    ClientAddress {
        /// The address of its control connection, whatever its request says: clients behind NAT write an inner one.
        Control = "control",
        /// The address in its request; a request that names another address than the control connection's is refused.
        Strict = "strict",
    }

    /// Who may answer a UDP client.
    Replies {
        /// Anyone (full cone).
        Any = "any",
        /// Any port of an address that the client has sent to.
        Address = "address",
        /// An address and port that the client has sent to.
        AddressPort = "address-port",
    }

    /// The least important event that is still logged.
    LogLevel {
        /// Something failed that the operator has to repair.
        Error = "error",
        /// Something is wrong and the proxy copes with it.
        Warn = "warn",
        /// What an operator cares about, with one line per session.
        Info = "info",
        /// What a developer cares about.
        Debug = "debug",
        /// Every step.
        Trace = "trace",
    }

    /// How an event is written.
    LogFormat {
        /// One readable line.
        Pretty = "pretty",
        /// One JSON object per line.
        Json = "json",
    }
}
