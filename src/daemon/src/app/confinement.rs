//! Enters the sandbox and says in one line what this process still is and may, as the kernel shows it.

use std::path::{Path, PathBuf};

use config::{Resolver, Settings};
use monitor::standing::Standing;

use crate::engine::history;
use crate::engine::sys::accounts::user_name;
use crate::engine::sys::sandbox::{self, Names, Needs, Sandbox};

/// What was done to the worker before it begins; nothing if the operator wants no sandbox.
#[derive(Debug)]
pub(super) struct Confinement(Option<Sandbox>);

impl Confinement {
    /// To be called by the only thread there is.
    pub(super) fn enter(settings: &Settings, history: Option<&history::Options>, audit: Option<&Path>) -> Self {
        let place = history.and_then(history::Options::make_place);
        Self(settings.server.sandbox.then(|| sandbox::enter(&needs(settings, place, audit))))
    }

    /// Says what holds; louder if something does not that was asked for.
    pub(super) fn report(&self) {
        let sandbox = self.0.as_ref().map_or_else(|| "off".to_owned(), ToString::to_string);
        let standing = match Standing::look() {
            Ok(standing) => describe(&standing),
            Err(error) => format!("unknown: {error}"),
        };
        match &self.0 {
            Some(incomplete) if !incomplete.is_complete() => {
                tracing::warn!(sandbox, "the worker is not confined as it should be: {standing}");
            }
            Some(_) | None => tracing::info!(sandbox, "the worker is confined: {standing}"),
        }
    }
}

fn needs(settings: &Settings, history: Option<PathBuf>, audit: Option<&Path>) -> Needs {
    let dns = &settings.dns;
    let logs = settings.logging.file.iter().chain(&settings.logging.session_log).map(PathBuf::as_path);
    let append = logs.chain(audit);
    let names = match dns.resolver {
        Resolver::Hickory => Names::Ourselves,
        Resolver::System => Names::System,
    };
    Needs {
        read: [&*dns.resolv_conf, &*dns.hosts_file].into_iter().chain(audit).map(Path::to_owned).collect(),
        append: append.map(Path::to_owned).collect(),
        // Operators' processes are known by what proc(5) says of them.
        look: audit.map(|_| "/proc".into()).into_iter().collect(),
        keep: history.into_iter().collect(),
        names,
    }
}

/// Whatever is still there is named, so that a short line is a good one.
fn describe(standing: &Standing) -> String {
    let Standing { users, groups, further_groups, capabilities, no_new_privileges, threads: _ } = standing;
    let mut words = vec![format!("user {}, group {}", user_name(users[1].into()), groups[1])];
    if further_groups.iter().any(|group| *group != groups[1]) {
        words.push(format!("further groups {further_groups:?}, which only root can give up"));
    }
    let sets = [
        ("permitted", capabilities.permitted),
        ("inheritable", capabilities.inheritable),
        ("ambient", capabilities.ambient),
    ];
    let left = sets.into_iter().filter(|(_, set)| *set != 0);
    words.extend(left.map(|(name, set)| format!("{name} capabilities {set:#x}")));
    words.push(if *no_new_privileges { "no new privileges" } else { "new privileges possible" }.to_owned());
    words.join(", ")
}
