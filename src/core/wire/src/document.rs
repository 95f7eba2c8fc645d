//! Which text of the operator a document is.

use crate::frame::{Body, FrameError};

/// A text that the monitor reads and the worker works by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// The main configuration file.
    Configuration,
    /// The users file, which the worker may not open itself: it names everybody's password hash.
    Users,
    /// The rule file.
    Rules,
    /// The tests of the rules; empty if there are none.
    RuleTests,
    /// The main configuration file as it was when the service started, if another one has taken its place since:
    /// what cannot change while the service runs stays as it says.
    FirstConfiguration,
    /// The tokens file of the API, which the worker may not open itself.
    Tokens,
    /// The certificate chain of the API's listener.
    ApiCertificate,
    /// Its private key, which the worker may not open itself.
    ApiKey,
    /// The certificate chain of the metrics' listener.
    MetricsCertificate,
    /// Its private key.
    MetricsKey,
}

impl DocumentKind {
    /// Every kind, in the order in which a new worker is given them.
    pub const ALL: &'static [Self] = &[
        Self::Configuration,
        Self::Users,
        Self::Rules,
        Self::RuleTests,
        Self::FirstConfiguration,
        Self::Tokens,
        Self::ApiCertificate,
        Self::ApiKey,
        Self::MetricsCertificate,
        Self::MetricsKey,
    ];

    /// What it is called in logs and in the list of a process's descriptors.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Users => "users",
            Self::Rules => "rules",
            Self::RuleTests => "rule tests",
            Self::FirstConfiguration => "first configuration",
            Self::Tokens => "tokens",
            Self::ApiCertificate => "api_certificate",
            Self::ApiKey => "api_key",
            Self::MetricsCertificate => "metrics_certificate",
            Self::MetricsKey => "metrics_key",
        }
    }

    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Configuration => 1,
            Self::Users => 2,
            Self::Rules => 3,
            Self::FirstConfiguration => 4,
            Self::RuleTests => 5,
            Self::Tokens => 6,
            Self::ApiCertificate => 7,
            Self::ApiKey => 8,
            Self::MetricsCertificate => 9,
            Self::MetricsKey => 10,
        }
    }

    /// The kind that it is a part of, which is itself for most: if one text has changed, all parts are judged together.
    #[must_use]
    pub fn part_of(self) -> Self {
        match self {
            Self::RuleTests => Self::Rules,
            Self::ApiKey => Self::ApiCertificate,
            Self::MetricsKey => Self::MetricsCertificate,
            Self::Configuration
            | Self::Users
            | Self::Rules
            | Self::FirstConfiguration
            | Self::Tokens
            | Self::ApiCertificate
            | Self::MetricsCertificate => self,
        }
    }

    pub(crate) fn read(body: &mut Body<'_>) -> Result<Self, FrameError> {
        let number = body.u8()?;
        let found = Self::ALL.iter().copied().find(|kind| kind.number() == number);
        found.ok_or(FrameError::Document { found: number })
    }
}
