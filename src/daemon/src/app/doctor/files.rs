//! Whether the files and directories can be used by those who need them.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use config::Binding;

use super::super::build;
use super::finding::{Finding, Remedy};
use super::patient::Patient;
use crate::engine::sys::accounts::user_name;

pub(super) fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    match &patient.rules {
        Ok(_) => {
            found.push(Finding::fine("the files that the configuration names can be read, and changed by nobody else"));
        }
        Err(problems) => found.extend(problems.iter().cloned()),
    }
    if let Err(words) = &patient.account {
        found.push(Finding::problem(words).with(patient.change("server.user_unprivileged", "\"socks\"")));
    }
    let logging = &patient.settings().logging;
    for (key, file) in [("logging.file", &logging.file), ("logging.session_log", &logging.session_log)] {
        found.extend(file.iter().map(|file| log_file(patient, key, file)));
    }
    // What cannot be written down is not done.
    let audit = build::audit(&patient.settings().admin, None).filter(|_| patient.settings().admin.audit_required);
    found.extend(audit.map(|file| log_file(patient, "admin.audit_log", &file)));
    found.extend(unix_listeners(patient).filter_map(|(key, path)| directory_of_listener(patient, &key, &path)));
    found
}

/// The worker writes it, and makes it anew when it has been rotated.
fn log_file(patient: &Patient<'_>, key: &str, file: &Path) -> Finding {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = patient.as_worker(|| can_append(file).and_then(|()| can_make_files_in(directory)));
    match written {
        Ok(()) => Finding::fine(format!("{key}: the worker can write {}", file.display())),
        Err(error) => {
            let user = worker(patient);
            let command = format!("install --directory --owner {user} {}", directory.display());
            Finding::problem(format!("{key}: {user} cannot write {}: {error}", file.display()))
                .with(Remedy::of_file(directory, command))
        }
    }
}

fn can_append(file: &Path) -> io::Result<()> {
    if file.exists() { OpenOptions::new().append(true).open(file).map(drop) } else { Ok(()) }
}

/// Makes one and removes it: nothing else says what a file system lets somebody do.
pub(super) fn can_make_files_in(directory: &Path) -> io::Result<()> {
    let probe = directory.join(format!(".rustsocks-doctor-{}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&probe)?;
    fs::remove_file(probe)
}

pub(super) fn worker(patient: &Patient<'_>) -> String {
    match patient.account {
        Ok(Some(account)) => user_name(account.user),
        Ok(None) | Err(_) => user_name(nix::unistd::geteuid()),
    }
}

fn unix_listeners<'a>(patient: &'a Patient<'_>) -> impl Iterator<Item = (String, PathBuf)> + 'a {
    let settings = patient.settings();
    let keys = (0..settings.listen.len()).map(|index| format!("listen[{index}].address"));
    let listed = settings.listeners().into_iter().rev().take(settings.listen.len()).rev();
    let listed = keys.zip(listed.map(|listener| listener.binding));
    let metrics = settings.metrics_binding().map(|binding| ("metrics.bind_address".to_owned(), binding));
    let api = settings.api_binding().map(|binding| ("api.bind_address".to_owned(), binding));
    let admin = ["admin.socket", "admin.readonly_socket"].map(str::to_owned).into_iter().zip(settings.admin_bindings());
    let admin = admin.filter_map(|(key, binding)| Some((key, binding?)));
    listed.chain(metrics).chain(api).chain(admin).filter_map(|(key, binding)| match binding {
        Binding::Unix { path, .. } => Some((key, path)),
        Binding::Tcp(_) => None,
    })
}

/// The monitor binds it; that its directory is there is all that can be wrong for root.
fn directory_of_listener(patient: &Patient<'_>, key: &str, path: &Path) -> Option<Finding> {
    let directory = path.parent()?;
    (!directory.is_dir()).then(|| {
        let suggestion = Path::new("/run/rustsocks").join(path.file_name().unwrap_or_default());
        Finding::problem(format!("{key}: there is no directory {}", directory.display()))
            .with(patient.change(key, &format!("\"{}\"", suggestion.display())))
    })
}
