//! A terminal with somebody in front of it (pty(7)): for programs that behave otherwise than in a pipe.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::termios::{LocalFlags, tcgetattr};

use crate::wait::{PATIENCE, eventually};

/// The side of the person.
#[derive(Debug)]
pub struct Terminal {
    screen: File,
    /// Kept open, so that the screen can be read when the program is over.
    line: OwnedFd,
    seen: String,
}

impl Terminal {
    /// Starts a program whose standard input and error are a terminal and whose standard output is a pipe.
    #[must_use]
    pub fn run(mut command: Command) -> (Self, Child) {
        let pty = openpty(None, None).expect("a terminal can be had");
        let end = || Stdio::from(pty.slave.try_clone().expect("a descriptor can be had"));
        let child = command.stdin(end()).stderr(end()).stdout(Stdio::piped()).spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        (Self { screen: pty.master.into(), line: pty.slave, seen: String::new() }, child)
    }

    /// Waits until the screen shows this.
    pub fn wait_for(&mut self, words: &str) {
        let shows = || {
            self.look();
            self.seen.contains(words)
        };
        assert!(eventually(PATIENCE, shows), "{words:?} should be on the screen: {:?}", self.seen);
    }

    /// Types.
    pub fn type_in(&mut self, text: &str) {
        self.screen.write_all(text.as_bytes()).expect("a terminal takes a line");
    }

    /// All that has been on the screen.
    #[must_use]
    pub fn screen(&mut self) -> &str {
        self.look();
        &self.seen
    }

    /// Whether what is typed is shown.
    #[must_use]
    pub fn echoes(&self) -> bool {
        tcgetattr(&self.line).expect("it is a terminal").local_flags.contains(LocalFlags::ECHO)
    }

    fn look(&mut self) {
        let mut room = [0; 4096];
        while poll(&mut [PollFd::new(std::os::fd::AsFd::as_fd(&self.screen), PollFlags::POLLIN)], PollTimeout::ZERO)
            == Ok(1)
        {
            let length = self.screen.read(&mut room).expect("the line is open");
            self.seen += &String::from_utf8_lossy(&room[..length]);
        }
    }
}
