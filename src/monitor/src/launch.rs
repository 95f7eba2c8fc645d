//! The stage between fork and exec: gives up everything that a program does not need, proves that it is gone, and becomes the program.
//!
//! The monitor starts nothing directly.
//! It starts its own executable in this role ([`Launcher`]), which has one thread, has read no configuration and heard nothing from the network,
//! so that every call below holds for the whole process: `setresuid(2)` is for all threads in the C library, while capabilities and
//! no-new-privileges are for the calling thread alone.
//!
//! Whatever fails ends the stage: nothing is ever started with more than its [`Profile`].
//! A worker's line leads to the monitor, and so the reason goes there as [`ToMonitor::Failed`]; a helper's does not, and says it on standard error.

mod order;
mod profile;
mod proof;
mod shed;

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use wire::ToMonitor;

use self::order::Order;
pub use self::profile::{Account, Profile, Sockets};
use crate::channel::Channel;

/// `EX_CONFIG` of sysexits.h: what the process exits with if it could not become the program.
const REFUSED: u8 = 78;

/// How the monitor's executable is started in this role.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// `/proc/self/exe` starts the very program that runs now, even if its file has been replaced since.
    pub program: PathBuf,
    /// The arguments after which `program` calls [`main`] with all further ones.
    pub args: Vec<OsString>,
}

impl Launcher {
    /// The command that becomes `program` with no more rights than `profile` leaves, shown as `title` by `ps`.
    ///
    /// Arguments that the caller adds are those of `program`; so are the environment and the three standard descriptors, of which
    /// standard input should be the line to the monitor or the worker. No other descriptor survives.
    #[must_use]
    pub fn command(&self, profile: &Profile, program: &Path, title: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg0(title).args(&self.args).args(Order::words(profile, program, title));
        command
    }
}

/// Becomes the program that the arguments name, as [`Launcher::command`] has written them; returns only if that failed.
///
/// To be called first thing, by a process without other threads.
#[must_use]
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Order::parse(args) {
        Ok(order) => complain(&order.profile, &carry_out(&order).to_string()),
        Err(error) => say(&error.to_string()),
    }
    ExitCode::from(REFUSED)
}

/// Why the program was not started.
#[derive(Debug, thiserror::Error)]
enum LaunchError {
    #[error("this role is for the monitor alone, start the program without it")]
    NotAnOrder,
    #[error("started as root without a user for the worker")]
    NoAccount,
    #[error("cannot give up {what}: {cause}; {advice}")]
    Shed { what: &'static str, cause: String, advice: &'static str },
    #[error("after giving up {what} there is {found}")]
    Kept { what: &'static str, found: String },
    #[error("after giving up root, {call} gives it back")]
    Regained { call: &'static str },
    #[error("cannot look at its own privileges: {cause}")]
    Look { cause: io::Error },
    #[error("cannot start {}: {cause}", program.display())]
    Exec { program: PathBuf, cause: io::Error },
}

fn carry_out(order: &Order) -> LaunchError {
    if let Err(error) = shed::shed(&order.profile) {
        return error;
    }
    let cause = Command::new(&order.program).arg0(&order.title).args(&order.args).exec();
    LaunchError::Exec { program: order.program.clone(), cause }
}

fn complain(profile: &Profile, reason: &str) {
    let is_told = match profile {
        Profile::Worker { .. } => tell_the_monitor(reason),
        Profile::PamHelper => false,
    };
    if !is_told {
        say(reason);
    }
}

/// Whether there is a monitor at the other end of standard input, and it knows now.
fn tell_the_monitor(reason: &str) -> bool {
    let line = io::stdin().as_fd().try_clone_to_owned().ok().and_then(Channel::from_descriptor);
    let frame = ToMonitor::Failed { reason: reason.to_owned() }.encode();
    line.is_some_and(|line| line.send(&frame, None).is_ok())
}

#[expect(clippy::print_stderr, reason = "there is no log in this stage, and nobody else to tell")]
fn say(reason: &str) {
    eprintln!("rustsocks: {reason}");
}
