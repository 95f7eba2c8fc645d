//! Requests that nobody makes, decided by the function that traffic asks, and told as people and programs read it.

mod limits;
pub(crate) mod saved;
pub(crate) mod shown;
pub(crate) mod trial;

use std::path::PathBuf;
use std::sync::Arc;

use ::acl::Guard;

use crate::state::rules::Rules;
use crate::state::snapshot::Snapshot;
use crate::state::users::Users;

/// Rules, with everything that decides beside them.
#[derive(Debug)]
pub(crate) struct Book {
    /// The rule file; none when the rules are switched off or there is none.
    pub(crate) path: Option<PathBuf>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) users: Arc<Users>,
    /// What else the configuration says; none for a rule file by itself.
    pub(crate) snapshot: Option<Arc<Snapshot>>,
}

impl Book {
    /// The rules that traffic is judged by.
    pub(crate) fn in_force(snapshot: &Arc<Snapshot>) -> Self {
        let has_rules = snapshot.rules.set().policy().rule_count() > 0;
        Self {
            path: has_rules.then(|| "acl.config_file".into()),
            rules: Arc::clone(&snapshot.rules),
            guard: snapshot.guard.load_full(),
            users: Arc::clone(&snapshot.users),
            snapshot: Some(Arc::clone(snapshot)),
        }
    }

    /// The groups of a user in the users file.
    pub(crate) fn groups_of(&self, user: &str) -> Vec<Arc<str>> {
        self.users.find(user.as_bytes()).map_or_else(Vec::new, |known| known.user.groups.to_vec())
    }

    /// What messages call the rule file.
    pub(crate) fn name(&self) -> String {
        self.path.as_ref().map_or_else(|| "the configuration".to_owned(), |path| path.display().to_string())
    }
}
