//! Changes to the configuration: one key, or what somebody may have.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::limits::{Limits, Target};
use super::{Misuse, Sheet};

/// One change; a list of them is applied in order, each to what the ones before it left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", deny_unknown_fields)]
pub enum ConfigurationEdit {
    /// Another value for a key.
    #[serde(rename = "set")]
    Set {
        /// The table and the key: `limits.max_connections`, `limits.groups/staff.max_connections`.
        key: String,
        /// What it says from now on.
        value: Json,
    },
    /// A key less, for which its default holds.
    #[serde(rename = "unset")]
    Unset {
        /// The table and the key.
        key: String,
    },
    /// What somebody may have.
    #[serde(rename = "limit.set")]
    SetLimit {
        /// `global`, `users` for each of them, `source` for each of them, or `group/staff`.
        target: String,
        /// What is said.
        limits: Limits,
    },
    /// Nothing is said any more of what somebody may have.
    #[serde(rename = "limit.del")]
    RemoveLimit {
        /// As above.
        target: String,
    },
}

impl Sheet {
    /// Makes one change to a configuration.
    ///
    /// # Errors
    /// It does not fit.
    pub fn configure(&mut self, edit: &ConfigurationEdit) -> Result<(), Misuse> {
        match edit {
            ConfigurationEdit::Set { key, value } => {
                let (table, key) = table_and_key(key)?;
                self.set(table, key, value)
            }
            ConfigurationEdit::Unset { key } => {
                let (table, key) = table_and_key(key)?;
                self.unset(table, key)
            }
            ConfigurationEdit::SetLimit { target, limits } => {
                let found = Target::of_configuration(target)?;
                let keys = limits.keys_for(&found, target)?;
                self.limit(&found.table(), keys, target)
            }
            ConfigurationEdit::RemoveLimit { target } => {
                let found = Target::of_configuration(target)?;
                let table = found.table();
                if self.lift(&table, found.keys()) && self.is_hollow(&table) { self.remove(&table) } else { Ok(()) }
            }
        }
    }
}

/// The last dot divides them, for names may have dots and keys have none.
fn table_and_key(key: &str) -> Result<(&str, &str), Misuse> {
    let parts = key.rsplit_once('.').filter(|(table, key)| !table.is_empty() && !key.is_empty());
    parts.ok_or_else(|| Misuse::NoKey(key.to_owned()))
}
