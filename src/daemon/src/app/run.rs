//! The monitor's side: reads the configuration, and hands the plan to the monitor.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use config::{Binding, Sessions, Settings};
use monitor::launch::Launcher;
use monitor::plan::{Accepted, Document, Keepalive, Listener, Plan, WorkerCommand};
use wire::DocumentKind;

use super::args::Selection;
use super::commands::{EX_CONFIG, complain};
use super::{build, configuration, pam, privileges, state_directory};
use crate::engine::log;
use crate::engine::sys::accounts::{Account, user_name};

/// How long a worker may take from its start until it serves.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The very program that runs now, even if its file has been replaced since.
const OURSELVES: &str = "/proc/self/exe";

pub(super) fn run(selection: &Selection) -> ExitCode {
    let plan = match plan(selection) {
        Ok(plan) => plan,
        Err(error) => {
            complain(&format!("{error:#}"));
            return ExitCode::from(EX_CONFIG);
        }
    };
    match monitor::run(plan) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => {
            let code = error.code();
            complain(&format!("{:#}", anyhow::Error::new(error)));
            ExitCode::from(code)
        }
    }
}

fn plan(selection: &Selection) -> anyhow::Result<Plan> {
    let text = configuration::read_file(selection)?;
    let loaded = configuration::load(selection, text.as_deref())?;
    let users = configuration::read_users(&loaded.settings)?;
    // The worker needs the users; a mistake in them should stop the start here, where the words reach the terminal.
    configuration::users(&loaded.settings, users.as_deref())?;
    let rules = configuration::read_rules(&loaded.settings)?;
    let compiled = configuration::rules(&loaded.settings, rules.as_deref())?;
    let helpers = pam::plan(&loaded.settings, &compiled)?;
    let account = privileges::worker_account(&loaded.settings.server)?;
    let logging = build::log(&loaded.settings.logging);
    log::start_direct(&logging, account).with_context(|| unusable(&logging, account))?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    for remark in
        privileges::remark(&loaded.settings.server).into_iter().chain(pam::remarks(&loaded.settings, &compiled))
    {
        tracing::warn!("{remark}");
    }
    let settings = &loaded.settings;
    prepare_history(&settings.sessions, account);
    Ok(Plan {
        listeners: bindings(settings).into_iter().map(listener).collect(),
        threads: build::threads(&settings.server),
        backlog: settings.server.backlog,
        accepted: accepted(settings),
        documents: documents(text.unwrap_or_default(), users, rules),
        launcher: Launcher { program: OURSELVES.into(), args: ["--role", "launch"].map(OsString::from).into() },
        worker: WorkerCommand {
            program: OURSELVES.into(),
            args: worker_arguments()?,
            profile: privileges::worker_profile(account, &settings.outbound),
        },
        helpers,
        start_limit: START_LIMIT,
        watchdog: settings.server.watchdog,
        drain: settings.server.drain,
    })
}

/// Without a place the service does its work, and the worker says why there is no history.
fn prepare_history(sessions: &Sessions, account: Option<Account>) {
    let place = build::database(sessions.database_url.as_ref(), None).filter(|_| sessions.enabled);
    let directory = place.as_deref().and_then(Path::parent);
    if let Some(directory) = directory
        && let Err(error) = state_directory::prepare(directory, account)
    {
        tracing::warn!(%error, directory = %directory.display(), "cannot make the directory of the history");
    }
}

/// The worker writes the log too, so that the file must be open to it, now and after each rotation.
fn unusable(logging: &log::Options, account: Option<Account>) -> String {
    let file = logging.file.as_deref().unwrap_or(Path::new("stderr")).display();
    let remedy = "leave it out to log to stderr";
    match account.map(|account| user_name(account.user)) {
        None => format!("cannot open logging.file {file} ({remedy})"),
        Some(user) => format!("cannot open logging.file {file} as {user}, whose directory it should be in ({remedy})"),
    }
}

fn documents(configuration: String, users: Option<String>, rules: Option<String>) -> Vec<Document> {
    let document = |kind, text: String| Document { kind, generation: 1, text: text.into_bytes() };
    let users = users.map(|users| document(DocumentKind::Users, users));
    let rules = rules.map(|rules| document(DocumentKind::Rules, rules));
    [document(DocumentKind::Configuration, configuration)].into_iter().chain(users).chain(rules).collect()
}

/// Every place to listen, in the order in which the worker is given the sockets: the doors, then the metrics.
fn bindings(settings: &Settings) -> Vec<Binding> {
    let doors = settings.listeners().into_iter().map(|listener| listener.binding);
    doors.chain(settings.metrics_binding()).collect()
}

fn listener(binding: Binding) -> Listener {
    match binding {
        Binding::Tcp(address) => Listener::Tcp { address },
        Binding::Unix { path, mode } => Listener::Unix { path, mode: mode.bits() },
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

fn worker_arguments() -> anyhow::Result<Vec<OsString>> {
    let directory = std::env::current_dir().context("cannot tell the working directory")?;
    let ours = ["--role".into(), "worker".into(), "--directory".into(), directory.into_os_string()];
    let state = state_directory::find().map(|place| ["--state-directory".into(), place.into_os_string()]);
    Ok(ours.into_iter().chain(state.into_iter().flatten()).chain(std::env::args_os().skip(1)).collect())
}
