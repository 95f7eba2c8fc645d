//! Decides whom the worker runs as, from who started the service and what the configuration says.

use anyhow::{Context, ensure};
use config::{AccountName, Admin, Outbound, Server};
use monitor::launch::{self, Profile, Sockets};
use nix::unistd::geteuid;

use crate::engine::sys::accounts::{Account, group_number, user_name};

/// Whom the worker runs as when root starts the service and the configuration names nobody else: every system has that user.
const NOBODY: &str = "nobody";

/// Whom the worker runs as; nothing if it stays whoever started the service.
///
/// # Errors
/// The wrong user started the service, or the user to become does not exist or is root.
pub(super) fn worker_account(server: &Server) -> anyhow::Result<Option<Account>> {
    if let Some(wanted) = &server.user_privileged {
        let (wanted, starter) = (wanted.as_str(), user_name(geteuid()));
        ensure!(starter == wanted, "server.user_privileged is {wanted:?}, and {starter:?} has started rustsocks");
    }
    if !geteuid().is_root() {
        return Ok(None);
    }
    let user = server.user_unprivileged.as_ref().map_or(NOBODY, AccountName::as_str);
    let group = server.group_unprivileged.as_ref().map(AccountName::as_str);
    let account = Account::find(user, group).context("server.user_unprivileged and server.group_unprivileged")?;
    Ok(Some(account))
}

/// What the operator should know about that choice although it stops nothing.
pub(super) fn remark(server: &Server) -> Option<String> {
    let starter = user_name(geteuid());
    match &server.user_unprivileged {
        None if geteuid().is_root() => Some(format!(
            "server.user_unprivileged is not set: the worker runs as {NOBODY}, which other services may do too"
        )),
        Some(user) if !geteuid().is_root() && user.as_str() != starter => Some(format!(
            "server.user_unprivileged has no effect: only root can change the user, and {starter} has started rustsocks"
        )),
        None | Some(_) => None,
    }
}

/// The group that the files of the admin sockets belong to; only root can give them to one.
pub(super) fn readers_group(admin: &Admin) -> Option<u32> {
    if !geteuid().is_root() {
        return None;
    }
    admin.read_groups.iter().find_map(|name| group_number(name.as_str()))
}

pub(super) fn worker_profile(account: Option<Account>, outbound: &Outbound) -> Profile {
    let number = |Account { user, group }| launch::Account { uid: user.as_raw(), gid: group.as_raw() };
    let sockets = if outbound.mark.is_some() { Sockets::Marked } else { Sockets::Plain };
    Profile::Worker { account: account.map(number), sockets }
}
