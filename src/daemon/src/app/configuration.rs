//! Reads what the configuration consists of: the file, and the files that it names.

use std::path::Path;
use std::sync::Arc;

use acl::{Action, Policy, PrivateByName, Ruleset};
use anyhow::Context;
use config::{Acl, Loaded, Settings, Source};

use super::args::Selection;
use super::trusted::{self, Readers};
use crate::state::rules::Rules;
use crate::state::users::Users;

/// The text of the selected file; `None` selects the defaults.
pub(super) fn read_file(selection: &Selection) -> anyhow::Result<Option<String>> {
    let path = selection.config.as_ref();
    path.map(|path| trusted::read("the configuration", path, Readers::Anyone)).transpose()
}

/// The settings that `text` and whatever outranks it make.
pub(super) fn load(selection: &Selection, text: Option<&str>) -> anyhow::Result<Loaded> {
    let path = selection.config.as_deref().unwrap_or(Path::new("")).to_string_lossy();
    let source = text.map_or(Source::Embedded, |text| Source::File { path: &path, text });
    let mut loaded = config::load(source, &selection.overrides())?;
    if let Some(directory) = &selection.directory {
        anchor(&mut loaded.settings, directory);
    }
    Ok(loaded)
}

/// Lets relative paths begin where the monitor stands, since the worker stands in `/`.
fn anchor(settings: &mut Settings, directory: &Path) {
    let Settings { logging, dns, .. } = settings;
    for path in logging.file.iter_mut().chain([&mut dns.resolv_conf, &mut dns.hosts_file]) {
        *path = directory.join(&*path);
    }
}

/// The text of the users file, if any listener asks for passwords.
pub(super) fn read_users(settings: &Settings) -> anyhow::Result<Option<String>> {
    let path = needed_users(settings);
    path.map(|path| trusted::read("auth.users_file", path, Readers::NotOthers)).transpose()
}

/// The users in that text.
pub(super) fn users(settings: &Settings, text: Option<&str>) -> anyhow::Result<Users> {
    let Some(path) = needed_users(settings) else {
        return Ok(Users::default());
    };
    let users = config::users::load(&path.to_string_lossy(), text.context("there is no text of auth.users_file")?)?;
    Ok(Users::new(&users)?)
}

fn needed_users(settings: &Settings) -> Option<&Path> {
    let is_needed = settings.listeners().iter().any(|listener| listener.methods.contains(config::Method::UserPass));
    settings.auth.users_file.as_deref().filter(|_| is_needed)
}

/// The text of the rule file, if there is one and it holds.
pub(super) fn read_rules(settings: &Settings) -> anyhow::Result<Option<String>> {
    let path = needed_rules(settings);
    path.map(|path| trusted::read("acl.config_file", path, Readers::Anyone)).transpose()
}

/// The rules in that text, compiled.
pub(super) fn rules(settings: &Settings, text: Option<&str>) -> anyhow::Result<Rules> {
    let policy = match needed_rules(settings) {
        None => Policy::without_rules(fallback(&settings.acl)),
        Some(path) => {
            let text = text.context("there is no text of acl.config_file")?;
            config::rules::load(&path.to_string_lossy(), text, &Rules::knows_zone)?
        }
    };
    let private_by_name = match settings.guard.private_by_name {
        config::Policy::Allow => PrivateByName::Admitted,
        config::Policy::Deny => PrivateByName::Denied,
    };
    Ok(Rules::new(Arc::new(Ruleset::new(policy, private_by_name)))?)
}

/// What holds without a rule file.
fn fallback(acl: &Acl) -> Action {
    match acl.default_policy {
        config::Policy::Deny if acl.enabled => Action::Block,
        config::Policy::Allow | config::Policy::Deny => Action::Allow,
    }
}

fn needed_rules(settings: &Settings) -> Option<&Path> {
    settings.acl.config_file.as_deref().filter(|_| settings.acl.enabled)
}
