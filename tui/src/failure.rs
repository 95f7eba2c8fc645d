//! What can go wrong for somebody at a terminal, and the exit code that says so to a script.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Group};
use wire::admin::{CallError, Code, Diagnostic, Refusal};

use crate::shown::visible;

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("cannot reach the daemon at {}: {cause}; {}", .socket.display(), to_do(.socket, .cause))]
    Unreachable { socket: PathBuf, cause: io::Error },
    #[error("{}", said(.0))]
    Refused(Refusal),
    #[error("the conversation with the daemon failed: {0}")]
    Conversation(String),
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    /// Something of this machine other than the output.
    #[error("{what}: {cause}")]
    Here { what: String, cause: io::Error },
    #[error("{0}")]
    Usage(String),
    #[error("not done: {0}")]
    Declined(String),
}

impl Failure {
    /// The codes of docs/cli.md.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Output(_) | Self::Here { .. } | Self::Declined(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable { .. } | Self::Conversation(_) => 3,
            Self::Refused(refusal) => match refusal.code {
                Code::BadRequest | Code::UnknownOp | Code::Version => 2,
                Code::Denied => 4,
                Code::Conflict | Code::Epoch => 5,
                Code::Invalid | Code::TooLarge => 6,
                Code::Timeout | Code::Cancelled => 7,
                Code::Partial => 8,
                Code::NotFound
                | Code::Busy
                | Code::Unavailable
                | Code::ReadonlyStore
                | Code::AuditFailed
                | Code::Other => 1,
            },
        }
    }

    /// Whether the same will be said again until somebody has changed something.
    pub(crate) fn is_for_good(&self) -> bool {
        match self {
            Self::Refused(refusal) => matches!(refusal.code, Code::Denied | Code::Version),
            Self::Unreachable { cause, .. } => cause.kind() == io::ErrorKind::PermissionDenied,
            Self::Conversation(_) | Self::Output(_) | Self::Here { .. } | Self::Usage(_) | Self::Declined(_) => false,
        }
    }

    /// What went wrong with something of this machine, in words.
    pub(crate) fn here(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        |cause| Self::Here { what: what.into(), cause }
    }

    /// Whether nobody reads the output any more. Nothing else that breaks is as good as done.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(cause) if cause.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => Self::Refused(refusal),
            broken @ (CallError::Stream(_)
            | CallError::Closed
            | CallError::Long(_)
            | CallError::Message(_)
            | CallError::Form(_)
            | CallError::Flood) => Self::Conversation(with_causes(&broken)),
        }
    }
}

/// What may help whoever cannot connect.
fn to_do(socket: &Path, cause: &io::Error) -> String {
    if cause.kind() != io::ErrorKind::PermissionDenied {
        return "is it running, and does it have [admin]?".to_owned();
    }
    // What lets nobody further can itself be looked at.
    let door = socket.ancestors().find_map(|place| Some((place, fs::metadata(place).ok()?)));
    door.map_or_else(|| "is this user in a group that may, since the login?".to_owned(), |(place, is)| whom(place, &is))
}

/// Whom a file or a directory lets in, and what to do about it.
fn whom(place: &Path, is: &Metadata) -> String {
    let (place, mode) = (place.display(), is.mode() & 0o7777);
    let needed = if is.is_dir() { 0o010 } else { 0o020 };
    if mode & needed == 0 {
        return format!("{place} (mode {mode:04o}) lets in no group");
    }
    if is.gid() == 0 {
        let groups = "a group of admin.read_groups has to exist when the daemon starts, so make one and restart it";
        let to_do = if is.is_dir() { String::new() } else { format!(": {groups}") };
        return format!("{place} (mode {mode:04o}) lets in root alone{to_do}");
    }
    let group = Group::from_gid(Gid::from_raw(is.gid())).ok().flatten();
    let group = group.map_or_else(|| is.gid().to_string(), |group| group.name);
    format!(
        "{place} (mode {mode:04o}) lets in the group {group}: as root, usermod -aG {group} USER, which counts from the next login"
    )
}

fn with_causes(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", with_causes(cause)),
        None => error.to_string(),
    }
}

/// The daemon's words, and each fault that came with them on a line of its own.
fn said(refusal: &Refusal) -> String {
    let faults = refusal.data.as_ref().and_then(|data| data.get("diagnostics").or(data.get("diag")));
    let faults: Vec<Diagnostic> =
        faults.and_then(|faults| serde_json::from_value(faults.clone()).ok()).unwrap_or_default();
    let mut text = visible(&refusal.msg).into_owned();
    for Diagnostic { severity, path, line, column, text: fault, hint, .. } in &faults {
        let place = [path.clone(), line.map(|line| line.to_string()), column.map(|column| column.to_string())];
        let place: Vec<String> = place.into_iter().flatten().collect();
        let hint = hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        text.push_str("\n  ");
        text.push_str(&visible(&format!("{severity}: {}: {fault}{hint}", place.join(":"))));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown};

    use super::*;

    #[test]
    fn whoever_is_not_let_in_is_told_by_which_group() {
        let refused = |socket: &Path| {
            let cause = io::Error::from(io::ErrorKind::PermissionDenied);
            Failure::Unreachable { socket: socket.to_owned(), cause }.to_string()
        };
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let (directory, socket) = (directory.path(), directory.path().join("admin.sock"));
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).expect("it is ours");
        let said = refused(&socket);
        assert!(said.ends_with(&format!("{} (mode 0700) lets in no group", directory.display())), "{said}");
        fs::write(&socket, "").expect("there is room");
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o660)).expect("it is ours");
        // Only root can give it to a group that it is not in.
        let gid = if nix::unistd::geteuid().is_root() { 1 } else { fs::metadata(&socket).expect("it is there").gid() };
        chown(&socket, None, Some(gid)).expect("it is ours");
        let group = Group::from_gid(Gid::from_raw(gid)).expect("groups are known").map(|group| group.name);
        let group = group.unwrap_or_else(|| gid.to_string());
        let said = refused(&socket);
        let wanted =
            format!("{} (mode 0660) lets in the group {group}: as root, usermod -aG {group} USER", socket.display());
        assert!(said.contains(&wanted), "{said}");
    }

    #[test]
    fn nobody_is_told_to_join_the_group_of_root() {
        if !nix::unistd::geteuid().is_root() {
            return; // nobody else can give a file to that group
        }
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let socket = directory.path().join("admin.sock");
        fs::write(&socket, "").expect("there is room");
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o660)).expect("it is ours");
        chown(&socket, None, Some(0)).expect("it is ours");
        let said = whom(&socket, &fs::metadata(&socket).expect("it is there"));
        assert!(said.contains("lets in root alone: a group of admin.read_groups has to exist"), "{said}");
        assert!(!said.contains("usermod"), "{said}");
    }

    #[test]
    fn only_the_output_may_be_read_no_further() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(Failure::from(broken()).is_broken_pipe());
        let question = Failure::here("cannot ask")(broken());
        assert!(!question.is_broken_pipe() && question.exit_code() == 1);
        assert!(question.to_string().starts_with("cannot ask: "), "{question}");
    }
}
