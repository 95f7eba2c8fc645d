//! What PAM needs: in the monitor the services' files and the plan of the helpers, in the worker the lines to them.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use config::{ClientMethod, Method, Settings};
use monitor::link::Link;
use monitor::plan::PamHelpers;
use nix::unistd::{User, geteuid};
use wire::ToMonitor;

use crate::engine::auth::pam::helpers::{Helpers, LIMIT};
use crate::engine::auth::pam::{Options, Pam};
use crate::state::rules::Rules;

/// The helper's program, beside our own or where packages put what nobody calls by hand.
const PROGRAM: &str = "rustsocks-pam";
const PACKAGED: &str = "../lib/rustsocks/rustsocks-pam";

/// Where libpam looks by itself, in this order (pam.d(5)).
const DIRECTORIES: [&str; 2] = ["/etc/pam.d", "/usr/lib/pam.d"];

/// How long helpers may take from their start until they take questions, all of them together.
const READY_LIMIT: Duration = Duration::from_secs(10);

/// The line to a helper, as the monitor hands it over.
#[derive(Debug)]
pub(super) struct HelperLine {
    pub(super) number: u32,
    pub(super) socket: OwnedFd,
}

/// The helpers that these settings need; none if no listener asks PAM.
///
/// # Errors
/// A service has no file, or the helper's program is not there.
pub(super) fn plan(settings: &Settings, rules: &Rules) -> anyhow::Result<Option<PamHelpers>> {
    if services(settings, rules).is_empty() {
        return Ok(None);
    }
    verify(settings, rules)?;
    let ourselves = std::env::current_exe().context("cannot find our own program")?;
    let places = [PROGRAM, PACKAGED].map(|place| ourselves.with_file_name(place));
    let Some(program) = places.iter().find(|place| place.exists()).cloned() else {
        let [beside, packaged] = places.each_ref().map(|place| place.display());
        bail!("PAM needs the program {PROGRAM}, and neither {beside} nor {packaged} exists");
    };
    let count = settings.pam.helpers.try_into().context("auth.pam.helpers")?;
    Ok(Some(PamHelpers { program, args: arguments(settings, rules)?, count }))
}

/// # Errors
/// A service that is used has no file, and the operator did not say that this is no matter.
pub(super) fn verify(settings: &Settings, rules: &Rules) -> anyhow::Result<()> {
    let is_wanted = settings.pam.verify_service_files;
    let services = services(settings, rules);
    let missing = services.iter().find(|service| is_wanted && !has_file(service, &settings.pam.config_dir));
    let Some(service) = missing else { return Ok(()) };
    bail!(
        "the PAM service {name:?} has no file {path}, and the service \"other\" would be asked in its place; \
         write one (docs/pam-authentication.md has examples), or set auth.pam.verify_service_files = false",
        name = service,
        path = settings.pam.config_dir.join(service).display(),
    );
}

/// Whether the helpers can answer for all of these services: they know those of their start and no others.
///
/// # Errors
/// A service that only a restart can add.
pub(super) fn suffice<'s>(known: &[String], wanted: impl IntoIterator<Item = &'s str>) -> anyhow::Result<()> {
    let Some(added) = wanted.into_iter().find(|service| !known.iter().any(|known| known == service)) else {
        return Ok(());
    };
    bail!(
        "the PAM service {added:?} was not in use when rustsocks was started, and only a start can make it known to the PAM helpers: \
         start rustsocks anew"
    );
}

/// What the operator should know although it stops nothing.
pub(super) fn remarks(settings: &Settings, rules: &Rules) -> Vec<String> {
    let listeners = settings.listeners();
    let asks_for_addresses = listeners.iter().any(|listener| {
        listener.methods.contains(Method::PamAddress) || listener.client_method == ClientMethod::PamAddress
    });
    let default_user = settings.pam.default_user.as_str();
    let mut remarks = Vec::new();
    if asks_for_addresses && matches!(User::from_name(default_user), Ok(None)) {
        remarks.push(format!(
            "auth.pam.default_user is {default_user:?}, which is no user of this system: most PAM modules then refuse every address"
        ));
    }
    if !services(settings, rules).is_empty() && !geteuid().is_root() {
        remarks.push(
            "PAM is asked without root: modules that need it, such as pam_unix for other users, will fail".to_owned(),
        );
    }
    remarks
}

/// Takes the lines over and waits until somebody is at the other ends.
///
/// # Errors
/// No thread can be started, or the monitor sent something else than a line.
pub(super) fn open(
    settings: &Settings,
    services: Vec<String>,
    link: &Link,
    lines: Vec<HelperLine>,
) -> anyhow::Result<(Arc<Helpers>, Arc<Pam>)> {
    let monitor = link.try_clone()?;
    let helpers = Arc::new(Helpers::new(LIMIT, move |number| {
        // Whoever would act on it is gone, and this process with it.
        let _monitor_is_gone = monitor.send(&ToMonitor::PamHelperStuck { number });
    }));
    let count = lines.len();
    for HelperLine { number, socket } in lines {
        helpers.add(number, socket).context("cannot use the line to a PAM helper")?;
    }
    helpers.wait_until_ready(READY_LIMIT);
    let options = Options {
        services,
        directories: directories(&settings.pam.config_dir).map(Path::to_owned).collect(),
        default_user: settings.pam.default_user.to_string(),
        remote_user: settings.pam.default_ruser.to_string(),
        helpers: count,
        waiting: settings.limits.max_handshakes,
    };
    let pam = Pam::new(options, Arc::clone(&helpers)).context("cannot start the threads that ask PAM")?;
    Ok((helpers, Arc::new(pam)))
}

/// The services of listeners and rules, each once; helpers know them by their place in this list.
pub(super) fn services(settings: &Settings, rules: &Rules) -> Vec<String> {
    let mut services: Vec<String> = settings.pam_services().iter().map(|service| service.as_str().to_owned()).collect();
    for (_, service) in rules.set().services() {
        if !services.iter().any(|known| known == service) {
            services.push(service.to_owned());
        }
    }
    services
}

fn has_file(service: &str, directory: &Path) -> bool {
    file_of(service, directory).is_some()
}

/// The file of a service, where libpam would find it.
pub(super) fn file_of(service: &str, directory: &Path) -> Option<PathBuf> {
    directories(directory).map(|place| place.join(service)).find(|file| file.is_file())
}

/// Where files of services are looked for if they are in this one.
fn directories(directory: &Path) -> impl Iterator<Item = &Path> {
    let is_default = directory == Path::new(DIRECTORIES[0]);
    let places = DIRECTORIES[1..].iter().filter(move |_| is_default).map(Path::new);
    [directory].into_iter().chain(places)
}

/// The helper's command line, as its `args` module reads it.
fn arguments(settings: &Settings, rules: &Rules) -> anyhow::Result<Vec<OsString>> {
    let config::Pam { verbose, config_dir, .. } = &settings.pam;
    let verbose = verbose.then(|| "--verbose".into());
    // The helper stands in the root directory.
    let directory: PathBuf = std::path::absolute(config_dir).context("auth.pam.config_dir")?;
    let is_default = directory == Path::new(DIRECTORIES[0]);
    let directory = (!is_default).then(|| ["--directory".into(), directory.into_os_string()]);
    let services = services(settings, rules).into_iter().map(OsString::from);
    Ok(verbose.into_iter().chain(directory.into_iter().flatten()).chain(services).collect())
}
