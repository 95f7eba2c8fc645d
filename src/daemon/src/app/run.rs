//! The monitor's side: reads the configuration, and hands the plan to the monitor.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use config::{Binding, Settings};
use monitor::plan::{Accepted, Keepalive, Listener, Plan, WorkerCommand};

use super::args::Selection;
use super::commands::{EX_CONFIG, complain};
use super::{build, configuration};
use crate::engine::log;

/// How long a worker may take from its start until it serves.
const START_LIMIT: Duration = Duration::from_secs(30);

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
    // The worker needs the users; a mistake in them should stop the start here, where the words reach the terminal.
    configuration::load_users(&loaded.settings)?;
    let logging = build::log(&loaded.settings.logging);
    log::start_direct(&logging).with_context(|| unusable(&logging))?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let settings = &loaded.settings;
    Ok(Plan {
        listeners: settings.listeners().into_iter().map(|listener| binding(listener.binding)).collect(),
        threads: build::threads(&settings.server),
        backlog: settings.server.backlog,
        accepted: accepted(settings),
        configuration: text.unwrap_or_default().into_bytes(),
        worker: WorkerCommand { program: "/proc/self/exe".into(), args: worker_arguments() },
        helpers: None,
        start_limit: START_LIMIT,
        watchdog: settings.server.watchdog,
        drain: settings.server.drain,
    })
}

fn unusable(logging: &log::Options) -> String {
    let file = logging.file.as_deref().unwrap_or(Path::new("stderr"));
    format!("cannot open logging.file {} (leave it out to log to stderr)", file.display())
}

fn binding(binding: Binding) -> Listener {
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

fn worker_arguments() -> Vec<OsString> {
    ["--role", "worker"].into_iter().map(OsString::from).chain(std::env::args_os().skip(1)).collect()
}
