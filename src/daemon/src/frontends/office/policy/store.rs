//! The files of the operator's that are written here, and what is known of the one that this worker does not read.

use std::fmt::Debug;
use std::sync::Arc;

use config::Problem;
use serde::Deserialize;
use wire::DocumentKind;

/// Which file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Store {
    /// Who may go where.
    #[default]
    Acl,
    /// Who may log in, and what each may have.
    Users,
    /// Everything else.
    Config,
}

impl Store {
    pub(crate) const ALL: [Self; 3] = [Self::Acl, Self::Users, Self::Config];

    /// The stable word of requests, answers and the audit log.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Acl => "acl",
            Self::Users => "users",
            Self::Config => "config",
        }
    }

    /// The one that is in such a text.
    pub(crate) fn of(kind: DocumentKind) -> Option<Self> {
        Self::ALL.into_iter().find(|store| store.kind() == kind)
    }

    pub(crate) fn kind(self) -> DocumentKind {
        match self {
            Self::Acl => DocumentKind::Rules,
            Self::Users => DocumentKind::Users,
            Self::Config => DocumentKind::Configuration,
        }
    }

    /// Why there is nothing to write.
    pub(crate) fn absence(self) -> &'static str {
        match self {
            Self::Acl => "there is no rule file: acl.config_file is not set, or acl.enabled is false",
            Self::Users => "there is no users file: auth.users_file is not set, or no listener asks for passwords",
            Self::Config => "there is no configuration file: the service was started without --config",
        }
    }
}

/// The configuration as it is written, and what another text would be: flags and the environment outrank the file, and only
/// whoever read those knows.
pub(crate) trait Blueprint: Debug + Send + Sync {
    /// In force; nothing if no file says so.
    fn text(&self) -> Option<Arc<str>>;

    /// # Errors
    /// Everything that is wrong with it, as `config::Problems` if it is that.
    fn read(&self, text: &str) -> anyhow::Result<Wanted>;
}

/// A configuration that could be in force.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) warnings: Vec<Problem>,
    /// The keys that stay as they are until the service is started anew.
    pub(crate) needs_restart: Vec<String>,
}
