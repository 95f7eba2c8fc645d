//! What is examined: the configuration as the daemon would read it, and whom its worker would be.

use std::path::Path;
use std::sync::Arc;

use config::{Loaded, Origin, Problem, Problems, Settings};
use nix::unistd::geteuid;
use wire::DocumentKind;

use super::finding::{Finding, Remedy};
use crate::app::args::Selection;
use crate::app::{configuration, privileges, soundness};
use crate::engine::sys::accounts::Account;
use crate::state::rules::Rules;

/// What a file without a path is called.
const EMBEDDED: &str = "rustsocks.toml";

#[derive(Debug)]
pub(super) struct Patient<'a> {
    file: Option<&'a Path>,
    loaded: Loaded,
    /// Or what is wrong with the files that the configuration names.
    pub(super) rules: Result<Arc<Rules>, Vec<Finding>>,
    /// Whom the worker runs as, if that is another one; or why nobody can be.
    pub(super) account: Result<Option<Account>, String>,
}

impl<'a> Patient<'a> {
    /// # Errors
    /// What is wrong with the configuration itself, which must be right before anything else can be asked.
    pub(super) fn admit(selection: &'a Selection) -> Result<Self, Vec<Finding>> {
        let file = selection.config.as_deref();
        let ill = |error: anyhow::Error| findings_of(&error, file);
        let text = configuration::read_file(selection).map_err(ill)?;
        let loaded = configuration::load(selection, text.as_deref()).map_err(ill)?;
        let unreadable = unreadable(&loaded, file);
        let rules = if unreadable.is_empty() { sound(&loaded.settings).map_err(ill) } else { Err(unreadable) };
        let account = privileges::worker_account(&loaded.settings.server).map_err(|error| format!("{error:#}"));
        Ok(Self { file, loaded, rules, account })
    }

    /// The configuration's file, as it was named.
    pub(super) fn file(&self) -> Option<&'a Path> {
        self.file
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.loaded.settings
    }

    /// Does something with the rights of the worker.
    pub(super) fn as_worker<T>(&self, deed: impl FnOnce() -> std::io::Result<T>) -> std::io::Result<T> {
        match self.account {
            Ok(Some(account)) => account.act(deed),
            Ok(None) | Err(_) => deed(),
        }
    }

    /// The change of a key: where it stands, or where it should.
    pub(super) fn change(&self, key: &str, value: &str) -> Remedy {
        change(&self.loaded, self.file, key, value)
    }

    /// What is to be known of the configuration, although it is correct.
    pub(super) fn remarks(&self) -> Vec<Finding> {
        let mut found: Vec<Finding> =
            self.loaded.warnings.iter().map(|problem| finding_of(problem, Finding::warning)).collect();
        if !geteuid().is_root() {
            found.push(Finding::warning(
                "the doctor is not root: what the worker's user may do, and what only root may read, stays unknown; start it with sudo",
            ));
        }
        if found.is_empty() {
            let name = self.file.map_or("the embedded default".into(), Path::to_string_lossy);
            found.push(Finding::fine(format!("{name} is correct")));
        }
        found
    }
}

fn change(loaded: &Loaded, file: Option<&Path>, key: &str, value: &str) -> Remedy {
    let (table, name) = key.rsplit_once('.').unwrap_or(("", key));
    let change = format!("[{table}] {name} = {value}");
    match loaded.origin(key) {
        Origin::File { path, line, .. } => Remedy { place: path.clone(), line: Some(*line), change },
        Origin::Environment { variable } => Remedy { place: variable.clone(), line: None, change },
        Origin::Flag { flag } => Remedy { place: flag.clone(), line: None, change },
        Origin::Default => Remedy::of_file(file.unwrap_or(Path::new(EMBEDDED)), change),
    }
}

/// What is wrong with each file that is named, as far as it cannot be read or must not be trusted.
fn unreadable(loaded: &Loaded, file: Option<&Path>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (kind, path) in configuration::named(&loaded.settings) {
        let Err(error) = configuration::read_named(kind, &path) else { continue };
        let key = match kind {
            DocumentKind::Users => "auth.users_file",
            DocumentKind::Tokens => "api.tokens_file",
            DocumentKind::ApiCertificate => "api.tls_cert",
            DocumentKind::ApiKey => "api.tls_key",
            DocumentKind::MetricsCertificate => "metrics.tls_cert",
            DocumentKind::MetricsKey => "metrics.tls_key",
            DocumentKind::Rules
            | DocumentKind::RuleTests
            | DocumentKind::Configuration
            | DocumentKind::FirstConfiguration => "acl.config_file",
        };
        let remedy = change(loaded, file, key, "\"A FILE THAT CAN BE READ\"");
        found.extend(findings_of(&error, Some(&path)).into_iter().map(|finding| finding.or_with(&remedy)));
    }
    found
}

/// What stands in the files that can be read.
fn sound(settings: &Settings) -> anyhow::Result<Arc<Rules>> {
    soundness::check(settings, &configuration::read_all_named(settings)?)
}

/// Each problem with its line, or the error as a whole.
fn findings_of(error: &anyhow::Error, file: Option<&Path>) -> Vec<Finding> {
    if let Some(problems) = error.downcast_ref::<Problems>() {
        return problems.as_slice().iter().map(|problem| finding_of(problem, Finding::problem)).collect();
    }
    let words = format!("{error:#}");
    let place = file.unwrap_or(Path::new(EMBEDDED));
    words.lines().map(|line| finding_with_command(line, place)).collect()
}

/// A message that ends with a command between backticks has the command as its remedy.
fn finding_with_command(line: &str, place: &Path) -> Finding {
    match line.strip_suffix('`').and_then(|line| line.rsplit_once("; `")) {
        Some((text, command)) => {
            let target = command.rsplit(' ').next().map_or(place, Path::new);
            Finding::problem(text).with(Remedy::of_file(target, command))
        }
        None => Finding::problem(line),
    }
}

fn finding_of(problem: &Problem, finding: impl Fn(String) -> Finding) -> Finding {
    let found = finding(format!("{}: {}", problem.key, problem.message));
    let hint = || problem.hint.clone().unwrap_or_else(|| format!("correct {}", problem.key));
    match &problem.origin {
        Origin::File { path, line, .. } => {
            found.with(Remedy { place: path.clone(), line: Some(*line), change: hint() })
        }
        Origin::Environment { variable } => found.with(Remedy { place: variable.clone(), line: None, change: hint() }),
        Origin::Flag { flag } => found.with(Remedy { place: flag.clone(), line: None, change: hint() }),
        Origin::Default => found.with(Remedy::of_file(Path::new(EMBEDDED), hint())),
    }
}
