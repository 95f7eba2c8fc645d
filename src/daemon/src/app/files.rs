//! The operator's files, as the monitor reads them: the configuration, and the files that it names.
//!
//! The worker is a user who may not open them, and so never reads any of them itself.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use config::{Binding, Settings};
use monitor::outcome::BindError;
use monitor::plan::{Accepted, Keepalive, Listener, Terms};
use monitor::source::{Source, Text};
use wire::{DocumentKind, Extent};

use super::args::Selection;
use super::{build, configuration, delivery, pam, privileges, rewriting, soundness};
use crate::engine::log::Loudness;
use crate::frontends::office::policy::Digest;

/// The files, and what the configuration among them says that is in force.
#[derive(Debug)]
pub(super) struct Files<'a> {
    pub(super) selection: &'a Selection,
    /// That of the start, for what cannot change while the service runs.
    pub(super) first: Settings,
    pub(super) in_force: Settings,
    /// The last one that was read, if it made sense.
    pub(super) draft: Option<Settings>,
    /// Of the monitor's own log.
    pub(super) loudness: Loudness,
}

impl Source for Files<'_> {
    fn read(&mut self, extent: Extent, claim: &mut dyn FnMut(&Terms) -> Result<(), BindError>) -> Vec<Text> {
        self.draft = None;
        let configuration = match extent {
            Extent::Everything => Some(text(DocumentKind::Configuration, self.configuration(claim))),
            Extent::Rules | Extent::Users => None,
        };
        let naming = self.draft.as_ref().unwrap_or(&self.in_force);
        let wanted = configuration::named(naming).filter(|(kind, _)| extent.reads(*kind));
        let named = wanted.map(|(kind, path)| {
            let read = is_file(&path).and_then(|()| configuration::read_named(kind, &path));
            text(kind, read)
        });
        configuration.into_iter().chain(named).collect()
    }

    fn replace(&mut self, kind: DocumentKind, former: &[u8; 32], text: &str) -> Result<(), String> {
        self.rewrite(kind, former, text).map_err(|error| format!("{error:#}"))
    }

    fn says(&self, kind: DocumentKind) -> Option<[u8; 32]> {
        let path = self.path_of(kind).filter(|path| is_file(path).is_ok())?;
        Some(Digest::of(&configuration::read_named(kind, &path).ok()?).bytes())
    }

    fn is_writable(&self, kind: DocumentKind) -> Result<(), String> {
        let could = |path: &Path| {
            is_file(path)?;
            rewriting::could_rewrite(path).with_context(|| format!("cannot write {}", path.display()))
        };
        let path = self.path_of(kind).with_context(|| format!("there is no file of the {}", kind.name()));
        path.and_then(|path| could(&path)).map_err(|error| format!("{error:#}"))
    }

    fn suits(&self, kind: DocumentKind, text: &str) -> Result<(), String> {
        self.could_start_by(kind, text).map_err(|error| format!("{error:#}"))
    }

    fn settle(&mut self, taken: &[DocumentKind]) {
        if let Some(draft) = self.draft.take().filter(|_| taken.contains(&DocumentKind::Configuration)) {
            self.loudness.set(build::log(&draft.logging).level);
            self.in_force = draft;
        }
    }

    fn forget(&mut self) {
        self.draft = None;
    }

    fn files(&self) -> Vec<PathBuf> {
        let settings = [Some(&self.in_force), self.draft.as_ref()].into_iter().flatten();
        let mut files: Vec<PathBuf> = settings.flat_map(configuration::named).map(|(_, path)| path).collect();
        files.extend(self.selection.config.clone());
        files.sort();
        files.dedup();
        files
    }
}

impl Files<'_> {
    /// Only a text goes into a file by which a service would start.
    fn rewrite(&self, kind: DocumentKind, former: &[u8; 32], text: &str) -> anyhow::Result<()> {
        let path = self.path_of(kind).with_context(|| format!("there is no file of the {}", kind.name()))?;
        is_file(&path)?;
        let present = configuration::read_named(kind, &path)?;
        ensure!(
            Digest::of(&present).bytes() == *former,
            "{} does not say what is in force; somebody has edited it: reload it or put it back first",
            path.display()
        );
        if kind == DocumentKind::Configuration {
            configuration::leaves_the_host_alone(&present, text)?;
        }
        self.could_start_by(kind, text)?;
        let cannot = || format!("cannot write {}", path.display());
        if kind == DocumentKind::RuleTests && !path.try_exists().with_context(cannot)? {
            // Whoever may read the rules may read their tests.
            let rules = self.path_of(DocumentKind::Rules).context("there is no rule file")?;
            return rewriting::make(&path, text, &rules).with_context(cannot);
        }
        rewriting::rewrite(&path, text).with_context(cannot)
    }

    /// Those that an operator may write through the worker.
    fn path_of(&self, kind: DocumentKind) -> Option<PathBuf> {
        match kind {
            DocumentKind::Configuration => self.selection.config.clone(),
            DocumentKind::Users => configuration::needed_users(&self.in_force).map(Path::to_owned),
            DocumentKind::Rules => configuration::needed_rules(&self.in_force).map(Path::to_owned),
            DocumentKind::RuleTests => configuration::needed_rules(&self.in_force).map(configuration::tests_beside),
            DocumentKind::FirstConfiguration
            | DocumentKind::Tokens
            | DocumentKind::ApiCertificate
            | DocumentKind::ApiKey
            | DocumentKind::MetricsCertificate
            | DocumentKind::MetricsKey => None,
        }
    }

    /// Whether a service would start if this text were in its place and every other file were as it is.
    fn could_start_by(&self, kind: DocumentKind, text: &str) -> anyhow::Result<()> {
        let is_configuration = kind == DocumentKind::Configuration;
        let loaded = is_configuration.then(|| configuration::load(self.selection, Some(text))).transpose()?;
        let settings = loaded.as_ref().map_or(&self.in_force, |loaded| &loaded.settings);
        let mut texts = Vec::new();
        for (named, path) in configuration::named(settings) {
            is_file(&path)?;
            let text = if named == kind { text.to_owned() } else { configuration::read_named(named, &path)? };
            texts.push((named, delivery::Text { text: text.into(), generation: 0 }));
        }
        let rules = soundness::check(settings, &texts)?;
        pam::verify(settings, &rules)
    }

    fn configuration(&mut self, claim: &mut dyn FnMut(&Terms) -> Result<(), BindError>) -> anyhow::Result<String> {
        self.selection.config.as_deref().map_or(Ok(()), is_file)?;
        let text = configuration::read_file(self.selection)?;
        let loaded = match (configuration::load(self.selection, text.as_deref()), &text) {
            // The worker finds the same in it and says so; operators can then see what it says.
            (Err(_), Some(text)) => return Ok(text.clone()),
            (loaded, _) => loaded?,
        };
        let mut settings = loaded.settings;
        let _the_worker_tells = settings.keep_fixed(&self.first);
        claim(&terms(&settings))?;
        self.draft = Some(settings);
        Ok(text.unwrap_or_default())
    }
}

/// What these settings ask of the monitor.
pub(super) fn terms(settings: &Settings) -> Terms {
    let server = &settings.server;
    Terms {
        listeners: listeners(settings),
        backlog: server.backlog,
        accepted: accepted(settings),
        watchdog: server.watchdog,
        drain: server.drain,
        upgrade_drain: server.upgrade_drain,
        watch_files: server.watch_files,
    }
}

/// A pipe, which was good enough for the start, cannot be read a second time, and would keep the monitor waiting.
fn is_file(path: &Path) -> anyhow::Result<()> {
    let is_other = std::fs::metadata(path).is_ok_and(|found| !found.is_file());
    ensure!(
        !is_other,
        "{} is not a regular file, so that it can be read only once; start the service anew",
        path.display()
    );
    Ok(())
}

fn text(kind: DocumentKind, read: anyhow::Result<String>) -> Text {
    Text { kind, content: read.map(String::into_bytes).map_err(|error| format!("{error:#}")) }
}

/// Every place to listen, in the order in which the worker is given the sockets: the doors, then the metrics, then the API, then
/// the admin sockets.
fn listeners(settings: &Settings) -> Vec<Listener> {
    let doors = settings.listeners().into_iter().map(|listener| listener.binding);
    let all = doors.chain(settings.metrics_binding()).chain(settings.api_binding());
    let admin = settings.admin_bindings().into_iter().flatten();
    let readers = privileges::readers_group(&settings.admin);
    all.map(|binding| listener(binding, None)).chain(admin.map(|binding| listener(binding, readers))).collect()
}

fn listener(binding: Binding, group: Option<u32>) -> Listener {
    match binding {
        Binding::Tcp(address) => Listener::Tcp { address },
        Binding::Unix { path, mode } => Listener::Unix { path, mode: mode.bits(), group },
    }
}

/// Clients are kept alive like targets are.
fn accepted(settings: &Settings) -> Accepted {
    let outbound = &settings.outbound;
    let keepalive = outbound.keepalive.map(|idle| Keepalive {
        idle,
        interval: outbound.keepalive_interval,
        probes: outbound.keepalive_probes,
    });
    Accepted { nodelay: outbound.nodelay, keepalive, user_timeout: outbound.user_timeout, oob_inline: true }
}
