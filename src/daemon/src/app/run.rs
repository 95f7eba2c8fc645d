//! The monitor's side: reads the configuration, and hands the plan to the monitor.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use config::{Admin, Sessions};
use monitor::launch::Launcher;
use monitor::outcome::{Exit, MonitorError};
use monitor::plan::{Document, Plan, Successor, WorkerCommand};
use wire::DocumentKind;

use super::args::{FromMonitor, Selection, own_words};
use super::commands::{EX_CONFIG, EX_SOFTWARE, complain, outcome};
use super::delivery::Text;
use super::files::{Files, terms};
use super::{build, configuration, pam, privileges, soundness, state_directory};
use crate::engine::log;
use crate::engine::sys::accounts::{Account, user_name};

/// How long a worker may take from its start until it serves.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The very program that runs now, even if its file has been replaced since.
const OURSELVES: &str = "/proc/self/exe";

pub(super) fn run(selection: &Selection) -> ExitCode {
    match plan(selection) {
        Ok(planned) => serve(planned, |plan, files| monitor::run(plan, files)),
        Err(error) => outcome(Err(error), EX_CONFIG),
    }
}

/// Takes the place of a monitor in its process.
pub(super) fn succeed(selection: &Selection) -> ExitCode {
    match plan(selection) {
        Ok(planned) => serve(planned, |plan, files| monitor::succeed(plan, files)),
        // Another code than for a start: nobody should take this for a configuration that can never be served.
        Err(error) => outcome(Err(error), EX_SOFTWARE),
    }
}

/// Does everything that comes before, so that whatever is wrong is known while another program still serves.
pub(super) fn rehearse(selection: &Selection, given: &FromMonitor) -> ExitCode {
    outcome(speaks(given.frames).and_then(|()| plan(selection)).map(drop), EX_CONFIG)
}

/// The workers that the former program has started stay, so that both must speak alike.
fn speaks(frames: Option<u8>) -> anyhow::Result<()> {
    let ours = wire::VERSION;
    let theirs = frames.context("the former program does not say which frames it speaks")?;
    ensure!(
        theirs == ours,
        "it speaks frames of version {ours} with its processes, and those that run speak version {theirs}: restart the service"
    );
    Ok(())
}

fn serve(
    (plan, mut files, remarks): (Plan, Files<'_>, Vec<String>),
    monitor: impl FnOnce(Plan, &mut Files<'_>) -> Result<Exit, MonitorError>,
) -> ExitCode {
    for remark in remarks {
        tracing::warn!("{remark}");
    }
    match monitor(plan, &mut files) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => {
            let code = error.code();
            complain(&format!("{:#}", anyhow::Error::new(error)));
            ExitCode::from(code)
        }
    }
}

/// What the monitor is to do, and what the operator should know although it stops nothing.
fn plan(selection: &Selection) -> anyhow::Result<(Plan, Files<'_>, Vec<String>)> {
    let text = configuration::read_file(selection)?;
    let loaded = configuration::load(selection, text.as_deref())?;
    let texts = configuration::read_all_named(&loaded.settings)?;
    // The worker needs them; a mistake should stop the start here, where the words reach the terminal.
    let compiled = soundness::check(&loaded.settings, &texts)?;
    let helpers = pam::plan(&loaded.settings, &compiled)?;
    let account = privileges::worker_account(&loaded.settings.server)?;
    let logging = build::log(&loaded.settings.logging);
    let loudness = log::start_direct(&logging, account).with_context(|| unusable(&logging, account))?;
    let warnings = loaded.warnings.iter().map(ToString::to_string);
    let remarks = warnings.chain(privileges::remark(&loaded.settings.server));
    let remarks = remarks.chain(pam::remarks(&loaded.settings, &compiled)).collect();
    let settings = loaded.settings;
    prepare_history(&settings.sessions, account);
    prepare_audit(&settings.admin, account);
    let plan = Plan {
        terms: terms(&settings),
        threads: build::threads(&settings.server),
        documents: documents(text.unwrap_or_default(), texts),
        launcher: Launcher { program: OURSELVES.into(), args: ["--role", "launch"].map(OsString::from).into() },
        worker: WorkerCommand {
            program: OURSELVES.into(),
            args: worker_arguments(pam::services(&settings, &compiled))?,
            profile: privileges::worker_profile(account, &settings.outbound),
        },
        helpers,
        successor: successor()?,
        start_limit: START_LIMIT,
    };
    let files = Files { selection, first: settings.clone(), in_force: settings, draft: None, loudness };
    Ok((plan, files, remarks))
}

/// Whatever is then where this program was started from, by the same command line.
fn successor() -> anyhow::Result<Successor> {
    let program = std::env::current_exe().context("cannot find our own program")?;
    let in_role = |words: &[&str]| words.iter().map(OsString::from).chain(own_words()).collect();
    let rehearsal = in_role(&["--role", "rehearsal", "--frames", &wire::VERSION.to_string()]);
    Ok(Successor { program, rehearsal, args: in_role(&["--role", "successor"]) })
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

/// Without a place nothing is ordered over the admin socket, and who tries is told.
fn prepare_audit(admin: &Admin, account: Option<Account>) {
    let file = build::audit(admin, None);
    let directory = file.as_deref().and_then(Path::parent);
    if let Some(directory) = directory
        && let Err(error) = state_directory::prepare(directory, account)
    {
        tracing::warn!(%error, directory = %directory.display(), "cannot make the directory of the audit log");
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

fn documents(configuration: String, named: Vec<(DocumentKind, Text)>) -> Vec<Document> {
    let configuration = Document { kind: DocumentKind::Configuration, generation: 1, text: configuration.into_bytes() };
    let document = |(kind, Text { text, generation })| Document { kind, generation, text: text.as_bytes().to_vec() };
    std::iter::once(configuration).chain(named.into_iter().map(document)).collect()
}

fn worker_arguments(pam_services: Vec<String>) -> anyhow::Result<Vec<OsString>> {
    let directory = std::env::current_dir().context("cannot tell the working directory")?;
    let ours = ["--role".into(), "worker".into(), "--directory".into(), directory.into_os_string()];
    let state = state_directory::find().map(|place| ["--state-directory".into(), place.into_os_string()]);
    let services = pam_services.into_iter().flat_map(|service| ["--pam-service".into(), service.into()]);
    let ours = ours.into_iter().chain(state.into_iter().flatten()).chain(services);
    Ok(ours.chain(own_words()).collect())
}
