//! Shuts this process in before it hears a stranger: no core dumps and no debuggers, few files, few system calls.
//!
//! To be entered by the only thread there is, because what holds for it holds for all threads that it starts.
//! A kernel that knows less gives less, and the report says so; nothing here can stop the service.

mod calls;
mod files;

use std::fmt;
use std::path::PathBuf;

use nix::sys::prctl;

/// What the process will have to do from inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Files to read, which may be replaced at any time.
    pub(crate) read: Vec<PathBuf>,
    /// Directories to read anything in.
    pub(crate) look: Vec<PathBuf>,
    /// Files to append to, which may be renamed or removed and are then begun anew.
    pub(crate) append: Vec<PathBuf>,
    /// Directories that are ours: files and directories in them are made, written, renamed and removed.
    pub(crate) keep: Vec<PathBuf>,
    pub(crate) names: Names,
}

/// Who looks names up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// Our own code.
    Ourselves,
    /// The C library, which loads whatever nsswitch.conf(5) names.
    System,
}

/// What holds now, and what does not and why.
#[derive(Debug)]
pub(crate) struct Sandbox {
    /// The version of Landlock's rules that hold.
    pub(crate) landlock: Result<u32, String>,
    pub(crate) seccomp: Result<(), String>,
    pub(crate) undumpable: Result<(), String>,
}

/// Enters the sandbox; there is no way out.
pub(crate) fn enter(needs: &Needs) -> Sandbox {
    Sandbox {
        undumpable: prctl::set_dumpable(false).map_err(|errno| errno.to_string()),
        landlock: files::confine(needs),
        // Last, since it takes away the calls that the others make.
        seccomp: calls::confine(needs.names),
    }
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.landlock {
            Ok(version) => write!(f, "landlock ABI {version}"),
            Err(reason) => write!(f, "no landlock ({reason})"),
        }?;
        match &self.seccomp {
            Ok(()) => f.write_str(", seccomp on"),
            Err(reason) => write!(f, ", no seccomp ({reason})"),
        }?;
        match &self.undumpable {
            Ok(()) => Ok(()),
            Err(reason) => write!(f, ", can be dumped ({reason})"),
        }
    }
}

impl Sandbox {
    /// Whether everything that was asked for holds.
    pub(crate) fn is_complete(&self) -> bool {
        self.landlock.is_ok() && self.seccomp.is_ok() && self.undumpable.is_ok()
    }
}
