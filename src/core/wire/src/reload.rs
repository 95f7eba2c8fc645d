//! What a reload comes from, how much it reads, and whose order it answers.

use crate::document::DocumentKind;
use crate::frame::{Body, FrameError};

/// What a reload comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// SIGHUP.
    Signal,
    /// A file has changed.
    File,
    /// An operator ordered it through the worker.
    Operator,
}

impl Trigger {
    /// Everything that a reload can come from.
    pub const ALL: &'static [Self] = &[Self::Signal, Self::File, Self::Operator];

    /// The stable word for logs.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Signal => "sighup",
            Self::File => "file",
            Self::Operator => "operator",
        }
    }

    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Signal => 1,
            Self::File => 2,
            Self::Operator => 3,
        }
    }

    pub(crate) fn read(body: &mut Body<'_>) -> Result<Self, FrameError> {
        let number = body.u8()?;
        let found = Self::ALL.iter().copied().find(|trigger| trigger.number() == number);
        found.ok_or(FrameError::Text { kind: body.kind })
    }
}

/// How much of the operator's texts a reload reads anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Extent {
    /// Every text.
    Everything,
    /// The rules and their tests, where the configuration in force says that they are.
    Rules,
    /// The users file, where the configuration in force says that it is.
    Users,
}

impl Extent {
    /// Every extent.
    pub const ALL: &'static [Self] = &[Self::Everything, Self::Rules, Self::Users];

    /// What has to be read anew when this text is another one.
    #[must_use]
    pub fn of(kind: DocumentKind) -> Self {
        match kind.part_of() {
            DocumentKind::Rules => Self::Rules,
            DocumentKind::Users => Self::Users,
            // Another configuration may make something else of every other text.
            DocumentKind::Configuration
            | DocumentKind::RuleTests
            | DocumentKind::FirstConfiguration
            | DocumentKind::Tokens
            | DocumentKind::ApiCertificate
            | DocumentKind::ApiKey
            | DocumentKind::MetricsCertificate
            | DocumentKind::MetricsKey => Self::Everything,
        }
    }

    /// Whether a reload of this extent reads that text.
    #[must_use]
    pub fn reads(self, kind: DocumentKind) -> bool {
        self == Self::Everything || self == Self::of(kind)
    }

    /// The stable word for logs and answers.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::Rules => "rules",
            Self::Users => "users",
        }
    }

    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Everything => 1,
            Self::Rules => 2,
            Self::Users => 3,
        }
    }

    pub(crate) fn read(body: &mut Body<'_>) -> Result<Self, FrameError> {
        let number = body.u8()?;
        let found = Self::ALL.iter().copied().find(|extent| extent.number() == number);
        found.ok_or(FrameError::Text { kind: body.kind })
    }
}

/// The number of an order that came through a worker. Each worker counts its own, beginning with 1.
///
/// A reload answers the order whose number it bears, and all earlier ones of the same worker and [`Extent`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

impl Ticket {
    /// Borne by a reload that nobody ordered through the worker.
    pub const NOBODY: Self = Self(0);
}
