//! The rules that a command is about, with everything that decides beside them.
//!
//! `--config` may name the main configuration, whose rule file is then meant and whose guard and users count, or a rule
//! file by itself.

use std::collections::HashSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use acl::{PrivateByName, Ruleset};
use anyhow::{Context, bail};
use config::{Binding, Settings};
use wire::DocumentKind;

use super::super::args::Selection;
use super::super::commands::complain;
use super::super::{build, configuration};
use crate::frontends::office::acl::Book;
use crate::state::rules::Rules;
use crate::state::users::Users;

/// Reads what the command line selects.
pub(super) fn open(selection: &Selection) -> anyhow::Result<Book> {
    let Some(path) = &selection.config else {
        bail!("--config must name the main configuration or a rule file");
    };
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    if config::rules::are_in(&text) { alone(path, &text) } else { of_settings(selection) }
}

/// A rule file by itself: nothing is known of the host, so the guard has no exceptions and knows no own addresses.
fn alone(path: &Path, text: &str) -> anyhow::Result<Book> {
    let policy = config::rules::load(&path.to_string_lossy(), text, &Rules::knows_zone)?;
    let rules = Arc::new(Rules::new(Arc::new(Ruleset::new(policy, PrivateByName::default())))?);
    Ok(Book { path: Some(path.to_owned()), rules, guard: Arc::default(), users: Arc::default(), snapshot: None })
}

fn of_settings(selection: &Selection) -> anyhow::Result<Book> {
    let text = configuration::read_file(selection)?;
    let settings = configuration::load(selection, text.as_deref())?.settings;
    let text = configuration::read_one_named(DocumentKind::Rules, &settings)?;
    let rules = Arc::new(configuration::rules(&settings, text.as_ref())?);
    of(&settings, &rules, &Arc::new(users(&settings)))
}

/// These rules and users, under the guard of these settings on this host.
pub(super) fn of(settings: &Settings, rules: &Arc<Rules>, users: &Arc<Users>) -> anyhow::Result<Book> {
    let (rules, users) = (Arc::clone(rules), Arc::clone(users));
    let listeners = own_listeners(settings);
    let snapshot = build::snapshot(settings, Arc::clone(&users), Arc::clone(&rules), 1, listeners);
    let snapshot = snapshot.context("cannot list this host's addresses")?;
    let path = settings.acl.config_file.clone().filter(|_| settings.acl.enabled);
    let guard = snapshot.guard.load_full();
    Ok(Book { path, rules, guard, users, snapshot: Some(Arc::new(snapshot)) })
}

/// Without the right to read the users file, everything but its groups is still known.
fn users(settings: &Settings) -> Users {
    let text = configuration::read_one_named(DocumentKind::Users, settings);
    let users = text.and_then(|text| configuration::users(settings, text.as_ref()));
    users.unwrap_or_else(|error| {
        complain(&format!("warning: {error:#}; its users count as users without groups"));
        Users::default()
    })
}

fn own_listeners(settings: &Settings) -> HashSet<SocketAddr> {
    let bindings = settings.listeners().into_iter().map(|listener| listener.binding);
    let fixed = bindings.filter_map(|binding| match binding {
        Binding::Tcp(address) => Some(address),
        Binding::Unix { .. } => None,
    });
    fixed.filter(|address| address.port() != 0).collect()
}
