//! Reads what the configuration consists of: the file, and the files that it names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use acl::{Action, Policy, PrivateByName, Ruleset};
use anyhow::{Context, ensure};
use config::{Acl, Loaded, Settings, Source};
use wire::DocumentKind;

use super::args::Selection;
use super::certificate::{Listening, OfApi, OfMetrics};
use super::delivery::Text;
use super::trusted::{self, Readers};
use crate::state::rules::Rules;
use crate::state::tokens::Tokens;
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
    for (index, quota) in loaded.settings.quotas.iter().enumerate() {
        let zone = quota.time_zone.as_str();
        ensure!(
            Rules::knows_zone(zone),
            "limits.quotas[{index}].time_zone: {zone:?} is not a known time zone; write a name of the tz database: \"Europe/Warsaw\""
        );
    }
    if let Some(directory) = &selection.directory {
        anchor(&mut loaded.settings, directory);
    }
    Ok(loaded)
}

/// Whether a configuration that came over the admin socket changes only what may be changed from there.
pub(super) fn leaves_the_host_alone(present: &str, text: &str) -> anyhow::Result<()> {
    let changed = config::host_keys_changed(present, text);
    ensure!(
        changed.is_empty(),
        "{}: the rights of the service, who gives it orders, and the files that it opens are changed with an editor, in the file itself",
        changed.join(", ")
    );
    Ok(())
}

/// Lets relative paths begin where the monitor stands, since the worker stands in `/`.
fn anchor(settings: &mut Settings, directory: &Path) {
    let Settings { logging, dns, admin, pam, .. } = settings;
    let logs = logging.file.iter_mut().chain(&mut logging.session_log).chain(&mut admin.audit_log);
    for path in logs.chain([&mut dns.resolv_conf, &mut dns.hosts_file, &mut pam.config_dir]) {
        *path = directory.join(&*path);
    }
}

/// The files that these settings name and need, each with what it is.
pub(super) fn named(settings: &Settings) -> impl Iterator<Item = (DocumentKind, PathBuf)> {
    let path = |kind: DocumentKind| match kind {
        DocumentKind::Users => needed_users(settings).map(Path::to_owned),
        DocumentKind::Rules => needed_rules(settings).map(Path::to_owned),
        DocumentKind::RuleTests => needed_rules(settings).map(tests_beside),
        DocumentKind::Tokens => needed_tokens(settings).map(Path::to_owned),
        DocumentKind::ApiCertificate => OfApi::files(settings).map(|files| files.certificate),
        DocumentKind::ApiKey => OfApi::files(settings).map(|files| files.key),
        DocumentKind::MetricsCertificate => OfMetrics::files(settings).map(|files| files.certificate),
        DocumentKind::MetricsKey => OfMetrics::files(settings).map(|files| files.key),
        DocumentKind::Configuration | DocumentKind::FirstConfiguration => None,
    };
    DocumentKind::ALL.iter().filter_map(move |kind| Some((*kind, path(*kind)?)))
}

/// The text of a file that the configuration names.
pub(super) fn read_named(kind: DocumentKind, path: &Path) -> anyhow::Result<String> {
    match kind {
        DocumentKind::Users => trusted::read("auth.users_file", path, Readers::NotOthers),
        DocumentKind::Rules => trusted::read("acl.config_file", path, Readers::Anyone),
        // Rules without tests are as good as any.
        DocumentKind::RuleTests if path.try_exists().is_ok_and(|exists| !exists) => Ok(String::new()),
        DocumentKind::RuleTests => trusted::read("the tests of the rules", path, Readers::Anyone),
        DocumentKind::Tokens => trusted::read("api.tokens_file", path, Readers::NotOthers),
        DocumentKind::ApiCertificate => trusted::read("api.tls_cert", path, Readers::Anyone),
        DocumentKind::ApiKey => trusted::read("api.tls_key", path, Readers::NotOthers),
        DocumentKind::MetricsCertificate => trusted::read("metrics.tls_cert", path, Readers::Anyone),
        DocumentKind::MetricsKey => trusted::read("metrics.tls_key", path, Readers::NotOthers),
        DocumentKind::Configuration | DocumentKind::FirstConfiguration => {
            trusted::read("the configuration", path, Readers::Anyone)
        }
    }
}

/// The texts of all files that these settings name, as they are at the start of the service.
pub(super) fn read_all_named(settings: &Settings) -> anyhow::Result<Vec<(DocumentKind, Text)>> {
    named(settings)
        .map(|(kind, path)| Ok((kind, Text { text: read_named(kind, &path)?.into(), generation: 1 })))
        .collect()
}

/// The text of one of them, if it is needed.
pub(super) fn read_one_named(kind: DocumentKind, settings: &Settings) -> anyhow::Result<Option<Text>> {
    let path = named(settings).find(|(named, _)| *named == kind).map(|(_, path)| path);
    path.map(|path| Ok(Text { text: read_named(kind, &path)?.into(), generation: 1 })).transpose()
}

/// The users in that text; none if no listener asks for passwords.
pub(super) fn users(settings: &Settings, text: Option<&Text>) -> anyhow::Result<Users> {
    let Some(path) = needed_users(settings) else {
        return Ok(Users::default());
    };
    let Text { text, generation } = text.context("there is no text of auth.users_file")?;
    let users = config::users::load(&path.to_string_lossy(), text)?;
    Ok(Users::new(*generation, &users)?.written_as(text))
}

/// The tokens in that text; none are wanted without a file.
pub(super) fn tokens(settings: &Settings, text: Option<&Text>) -> anyhow::Result<Tokens> {
    let Some(path) = needed_tokens(settings) else {
        return Ok(Tokens::default());
    };
    let Text { text, .. } = text.context("there is no text of api.tokens_file")?;
    Ok(Tokens::new(config::tokens::load(&path.to_string_lossy(), text)?))
}

/// The rules in that text, compiled; without a file, what holds then.
pub(super) fn rules(settings: &Settings, text: Option<&Text>) -> anyhow::Result<Rules> {
    let policy = match needed_rules(settings) {
        None => Policy::without_rules(fallback(&settings.acl)),
        Some(path) => {
            let Text { text, .. } = text.context("there is no text of acl.config_file")?;
            config::rules::load(&path.to_string_lossy(), text, &Rules::knows_zone)?
        }
    };
    let private_by_name = match settings.guard.private_by_name {
        config::Policy::Allow => PrivateByName::Admitted,
        config::Policy::Deny => PrivateByName::Denied,
    };
    let rules = Rules::new(Arc::new(Ruleset::new(policy, private_by_name)))?;
    Ok(match text.filter(|_| needed_rules(settings).is_some()) {
        Some(written) => rules.written_as(&written.text),
        None => rules,
    })
}

/// What holds without a rule file.
fn fallback(acl: &Acl) -> Action {
    match acl.default_policy {
        config::Policy::Deny if acl.enabled => Action::Block,
        config::Policy::Allow | config::Policy::Deny => Action::Allow,
    }
}

/// If any listener asks for passwords.
pub(super) fn needed_users(settings: &Settings) -> Option<&Path> {
    let is_needed = settings.listeners().iter().any(|listener| listener.methods.contains(config::Method::UserPass));
    settings.auth.users_file.as_deref().filter(|_| is_needed)
}

/// If there is an API.
pub(super) fn needed_tokens(settings: &Settings) -> Option<&Path> {
    settings.api.tokens_file.as_deref().filter(|_| settings.api.enabled)
}

/// If rules count.
pub(super) fn needed_rules(settings: &Settings) -> Option<&Path> {
    settings.acl.config_file.as_deref().filter(|_| settings.acl.enabled)
}

/// `acl.toml` is tested by `acl.tests.toml`.
pub(super) fn tests_beside(rules: &Path) -> PathBuf {
    rules.with_extension("tests.toml")
}
