//! Whether a users file or a configuration could be in force, with everything that is wrong with it.

use std::collections::BTreeSet;

use serde_json::json;

use super::candidate::{Diagnosis, Validation};
use super::store::Blueprint;
use crate::state::users::Users;

/// What messages call a text that is in no file.
const NAME: &str = "draft";

/// Of a users file.
pub(super) fn of_users(text: &str) -> Validation {
    let users = match config::users::load(NAME, text) {
        Ok(users) => users,
        Err(problems) => return Validation::refused(&problems),
    };
    if let Err(error) = Users::new(0, &users) {
        return Validation::failed(&error.to_string());
    }
    let groups: BTreeSet<&str> =
        users.as_slice().iter().flat_map(|user| &user.groups).map(config::users::UserName::as_str).collect();
    let off = users.as_slice().iter().filter(|user| !user.enabled).count();
    Validation::fine(
        Vec::new(),
        Some(json!({ "users": users.as_slice().len(), "disabled": off, "groups": groups.len() })),
    )
}

/// Of a configuration.
pub(super) fn of_configuration(text: &str, blueprint: &dyn Blueprint) -> Validation {
    match blueprint.read(text) {
        Ok(wanted) => {
            let mut remarks: Vec<_> = wanted.warnings.iter().map(Diagnosis::of_warning).collect();
            remarks.extend(wanted.needs_restart.iter().map(|key| Diagnosis::of_restart(key)));
            Validation { needs_restart: wanted.needs_restart, ..Validation::fine(remarks, None) }
        }
        Err(error) => match error.downcast_ref::<config::Problems>() {
            Some(problems) => Validation::refused(problems),
            None => Validation::failed(&format!("{error:#}")),
        },
    }
}
