//! Whether PAM can be asked: the services' files, the modules that they name, and the helper.

use std::fs;
use std::path::{Path, PathBuf};

use super::finding::{Finding, Remedy};
use super::patient::Patient;
use super::services::{Module, modules};
use crate::app::pam;

/// Where distributions put modules: one of these, or one below for the architecture.
const PLACES: [&str; 4] = ["/lib", "/usr/lib", "/lib64", "/usr/lib64"];

pub(super) fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let Ok(rules) = &patient.rules else {
        return vec![Finding::warning("what PAM is asked for stays unknown until the files are in order")];
    };
    let settings = patient.settings();
    let services = pam::services(settings, rules);
    if services.is_empty() {
        return vec![Finding::fine("nobody asks PAM")];
    }
    let mut found: Vec<Finding> = pam::remarks(settings, rules).into_iter().map(Finding::warning).collect();
    let directory = &settings.pam.config_dir;
    if let Err(error) = pam::plan(settings, rules) {
        found
            .push(Finding::problem(format!("{error:#}")).with(Remedy::of_file(directory, "auth required pam_unix.so")));
    }
    let files = services.iter().filter_map(|service| pam::file_of(service, directory));
    let missing = files.flat_map(|file| modules(&file)).filter(|module| !is_installed(&module.name));
    found.extend(missing.map(|module| not_installed(&module)));
    if found.is_empty() {
        found.push(Finding::fine(format!("{} and every module that they name are there", services.join(", "))));
    }
    found
}

fn not_installed(module: &Module) -> Finding {
    let Module { file, line, name } = module;
    let remedy = Remedy {
        place: file.display().to_string(),
        line: Some(*line),
        change: "name a module that is installed".to_owned(),
    };
    Finding::problem(format!("the module {name} is not installed: the service refuses everybody")).with(remedy)
}

fn is_installed(module: &str) -> bool {
    if module.starts_with('/') {
        return Path::new(module).exists();
    }
    places().iter().any(|place| place.join(module).exists())
}

fn places() -> Vec<PathBuf> {
    let roots = || PLACES.into_iter().map(PathBuf::from);
    let inner = roots().flat_map(|root| fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path()));
    roots().chain(inner).map(|place| place.join("security")).filter(|place| place.is_dir()).collect()
}
