//! A terminal with an emulator behind it: what somebody would see, and the state in which it is left.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, Termios, tcgetattr};
use nix::unistd::Pid;

use crate::client;
use crate::wait::{PATIENCE, eventually};

/// The client's console on a terminal of its own.
pub struct Screen {
    keyboard: File,
    line: OwnedFd,
    before: Termios,
    child: Child,
    emulator: vt100::Parser,
    /// What the client has written, and the emulator has not drawn.
    written: VecDeque<u8>,
    /// How much it has written at all.
    received: u64,
}

/// What ends a picture: everything is drawn as usual again.
const END_OF_PICTURE: &[u8] = b"\x1b[0m";

/// How long to wait for another picture before looking at the clock, in milliseconds.
const A_MOMENT: u8 = 20;

impl Screen {
    /// Opens the console on a terminal of this size, with this environment.
    #[must_use]
    pub fn open(socket: &Path, size: (u16, u16), environment: &[(&str, &str)]) -> Self {
        Self::run(socket, &[], size, environment)
    }

    /// Runs the client with these arguments.
    #[must_use]
    pub fn run(socket: &Path, arguments: &[&str], size: (u16, u16), environment: &[(&str, &str)]) -> Self {
        let socket = socket.to_str().expect("temporary directories have plain names");
        Self::of(client::program(), &[&["--socket", socket], arguments].concat(), size, environment)
    }

    /// Runs any program with these arguments.
    #[must_use]
    pub fn of(program: &Path, arguments: &[&str], (columns, lines): (u16, u16), environment: &[(&str, &str)]) -> Self {
        let size = Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).expect("a terminal can be had");
        // Whoever is started meanwhile would keep the terminal open.
        for end in [&pty.master, &pty.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).expect("a descriptor has flags");
        }
        let before = tcgetattr(&pty.slave).expect("it is a terminal");
        let end = || Stdio::from(pty.slave.try_clone().expect("a descriptor can be had"));
        // In a session of its own, the terminal is the one that the client controls.
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(program).args(arguments);
        command.env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR");
        command.envs(environment.iter().copied());
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().expect("setsid can be run");
        let rows = std::num::NonZeroU16::new(lines).expect("a terminal has lines");
        let cols = std::num::NonZeroU16::new(columns).expect("a terminal has columns");
        Self {
            keyboard: pty.master.into(),
            line: pty.slave,
            before,
            child,
            emulator: vt100::Parser::new(rows, cols, 0),
            written: VecDeque::new(),
            received: 0,
        }
    }

    /// The client's process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Bytes that the client has written to the terminal by now.
    #[must_use]
    pub fn received(&mut self) -> u64 {
        self.look();
        self.received
    }

    /// Whatever was shown before is over.
    pub fn type_in(&mut self, keys: &str) {
        self.look();
        self.keyboard.write_all(keys.as_bytes()).expect("a terminal takes keys");
    }

    /// Waits until the screen shows this.
    pub fn wait_for(&mut self, words: &str) {
        self.wait_until(words, |text| text.contains(words));
    }

    /// Waits until what the screen shows is so, or was on any picture since somebody looked.
    pub fn wait_until(&mut self, claim: &str, is_so: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !self.shows(&is_so) {
            assert!(Instant::now() < deadline, "{claim:?} should be on the screen:\n{}", self.text());
            let mut waiting = [PollFd::new(self.keyboard.as_fd(), PollFlags::POLLIN)];
            poll(&mut waiting, A_MOMENT).expect("a terminal can be waited for");
        }
    }

    /// Whether what the screen shows is so, or was on any picture since somebody looked.
    fn shows(&mut self, is_so: impl Fn(&str) -> bool) -> bool {
        self.read();
        loop {
            if is_so(&self.text()) {
                return true;
            }
            if !self.draw() {
                return false;
            }
        }
    }

    /// The picture that was last waited for.
    #[must_use]
    pub fn text(&self) -> String {
        self.emulator.screen().contents()
    }

    /// Whether the client hears of the mouse.
    #[must_use]
    pub fn hears_mouse(&self) -> bool {
        self.emulator.screen().mouse_protocol_mode() != vt100::MouseProtocolMode::None
    }

    /// Waits until the client has stopped itself, with the terminal as it was.
    pub fn wait_for_stop(&mut self) {
        let stat = format!("/proc/{}/stat", self.child.id());
        let is_stopped = || std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T "));
        assert!(eventually(PATIENCE, is_stopped), "the client should have stopped:\n{}", self.text());
        self.look();
        assert!(!self.emulator.screen().alternate_screen() && !self.hears_mouse(), "the terminal is the shell's");
        let now = tcgetattr(&self.line).expect("it is a terminal");
        assert!(now.local_flags.contains(LocalFlags::ECHO | LocalFlags::ICANON));
    }

    /// Presses the mouse on the first place that shows this.
    pub fn click(&mut self, words: &str) {
        let text = self.text();
        let place = text.lines().enumerate().find_map(|(y, line)| Some((line.find(words)?, y)));
        let (bytes, y) = place.unwrap_or_else(|| panic!("{words:?} is not on the screen:\n{text}"));
        let line = text.lines().nth(y).unwrap_or_default();
        let (column, line) = (line[..bytes].chars().count() + 1, y + 1);
        self.type_in(&format!("\x1b[<0;{column};{line}M\x1b[<0;{column};{line}m"));
    }

    /// Tells the client and the emulator that the terminal has another size.
    pub fn resize(&mut self, (columns, lines): (u16, u16)) {
        self.look();
        let line = self.line.try_clone().expect("a descriptor can be had");
        let mut set = Command::new("stty");
        set.args(["rows", &lines.to_string(), "cols", &columns.to_string()]).stdin(Stdio::from(line));
        assert!(set.status().expect("stty can be run").success());
        let rows = std::num::NonZeroU16::new(lines).expect("a terminal has lines");
        let cols = std::num::NonZeroU16::new(columns).expect("a terminal has columns");
        self.emulator.screen_mut().set_size(rows, cols);
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("the client is there");
    }

    /// Waits until the client is gone, and says how; the terminal must be as it was.
    pub fn wait_for_end(mut self) -> ExitStatus {
        let mut status = None;
        let is_gone = eventually(PATIENCE, || {
            self.look();
            status = self.child.try_wait().expect("it is a child of ours");
            status.is_some()
        });
        assert!(is_gone, "the client should be gone:\n{}", self.text());
        self.look();
        assert!(!self.emulator.screen().alternate_screen(), "the other screen is back");
        assert!(!self.emulator.screen().hide_cursor(), "the cursor is there");
        let mouse = self.emulator.screen().mouse_protocol_mode();
        assert_eq!(mouse, vt100::MouseProtocolMode::None, "the mouse is the terminal's");
        assert!(!self.emulator.screen().bracketed_paste(), "pastes are no brackets any more");
        let after = tcgetattr(&self.line).expect("it is a terminal");
        assert_eq!(after.local_flags, self.before.local_flags);
        assert_eq!(after.input_flags, self.before.input_flags);
        assert_eq!(after.output_flags, self.before.output_flags);
        assert!(after.local_flags.contains(LocalFlags::ECHO | LocalFlags::ICANON));
        status.expect("it is gone")
    }

    /// Takes the terminal away, and waits until the client is gone.
    #[must_use]
    pub fn hang_up(mut self) -> ExitStatus {
        let (master, slave) =
            (std::mem::replace(&mut self.keyboard, nowhere()), std::mem::replace(&mut self.line, nowhere().into()));
        drop((master, slave));
        let mut status = None;
        let is_gone = eventually(PATIENCE, || {
            status = self.child.try_wait().expect("it is a child of ours");
            status.is_some()
        });
        assert!(is_gone, "the client should be gone");
        status.expect("it is gone")
    }

    fn look(&mut self) {
        self.read();
        while self.draw() {}
    }

    fn read(&mut self) {
        let mut room = [0; 16 * 1024];
        while poll(&mut [PollFd::new(self.keyboard.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO) == Ok(1) {
            let length = self.keyboard.read(&mut room).expect("the line is open");
            self.written.extend(&room[..length]);
            self.received += length as u64;
        }
    }

    /// The next picture; nothing if there is none.
    fn draw(&mut self) -> bool {
        let written = self.written.make_contiguous();
        let end = written.windows(END_OF_PICTURE.len()).position(|bytes| bytes == END_OF_PICTURE);
        let length = end.map_or(written.len(), |at| at + END_OF_PICTURE.len());
        self.emulator.process(&written[..length]);
        self.written.drain(..length);
        length > 0
    }
}

fn nowhere() -> File {
    File::open("/dev/null").expect("every system has it")
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            // A test has failed before the client could be left.
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen").field("text", &self.text()).finish_non_exhaustive()
    }
}
