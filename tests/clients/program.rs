//! Runs one program on a host, feeds it, and says what came of it.
//!
//! Knows nothing of SOCKS.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::{env, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Longer than any test here takes on a busy machine; only a program that hangs comes this far.
const PATIENCE_SECONDS: &str = "30";

/// A program about to run on a host, with an environment that holds nothing of the caller's but the search path.
#[derive(Debug)]
pub(crate) struct Program {
    host: String,
    name: OsString,
    arguments: Vec<OsString>,
    variables: Vec<(&'static str, OsString)>,
    input: Vec<u8>,
}

/// What a program printed, and how it ended.
#[derive(Debug)]
#[must_use = "a client that failed is what these tests look for"]
pub(crate) struct Outcome {
    name: OsString,
    code: Option<i32>,
    stdout: Vec<u8>,
    stderr: String,
}

/// A program that is asked to end on drop, and made to if it will not.
#[derive(Debug)]
pub(crate) struct Running(Child);

/// A program that says lines while it runs.
#[derive(Debug)]
pub(crate) struct Talking {
    lines: BufReader<ChildStdout>,
    _program: Running,
}

impl Program {
    /// Panics with the remedy when there is no such program.
    pub(crate) fn on(host: &str, name: impl Into<OsString>) -> Self {
        let name = name.into();
        demand(&name);
        Self { host: host.to_owned(), name, arguments: Vec::new(), variables: Vec::new(), input: Vec::new() }
    }

    pub(crate) fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    pub(crate) fn env(mut self, variable: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.push((variable, value.into()));
        self
    }

    /// What the program reads from its standard input, which then ends.
    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Runs the program to its end, or to the end of our patience.
    pub(crate) fn run(self) -> Outcome {
        let mut command = self.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("ip made this host, so it can be started");
        let (mut stdin, input) = (child.stdin.take().expect("it was piped"), self.input);
        let output = thread::scope(|scope| {
            // A program that has enough closes its end early, and that is its own affair.
            scope.spawn(move || drop(stdin.write_all(&input)));
            child.wait_with_output().expect("both pipes can be read")
        });
        Outcome {
            name: self.name,
            code: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Starts the program for as long as the result lives; it writes to `log`.
    pub(crate) fn start(self, log: &File) -> Running {
        let mut command = self.command();
        let log = || log.try_clone().expect("a descriptor is left");
        let child = command.stdin(Stdio::null()).stdout(log()).stderr(log()).spawn();
        Running(child.expect("ip made this host, so it can be started"))
    }

    /// Starts the program and listens to what it prints.
    pub(crate) fn talk(self) -> Talking {
        let mut command = self.command();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("ip made this host, so it can be started");
        let lines = BufReader::new(child.stdout.take().expect("it was piped"));
        Talking { lines, _program: Running(child) }
    }

    fn command(&self) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.host, "timeout", "--kill-after=2", PATIENCE_SECONDS]);
        command.arg(&self.name).args(&self.arguments);
        command.env_clear().env("HOME", "/nonexistent").env("LC_ALL", "C.UTF-8");
        // The second is how a coverage run tells the daemon where to leave its counts.
        for inherited in ["PATH", "LLVM_PROFILE_FILE"] {
            command.envs(env::var_os(inherited).map(|value| (inherited, value)));
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Outcome {
    /// The program succeeded and printed exactly this.
    #[track_caller]
    pub(crate) fn prints(&self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        assert!(self.code == Some(0) && self.stdout == expected, "expected {} from {self}", shown(expected));
    }

    /// The program succeeded and printed this among other things.
    #[track_caller]
    pub(crate) fn mentions(&self, expected: &str) {
        let printed = String::from_utf8_lossy(&self.stdout);
        assert!(self.code == Some(0) && printed.contains(expected), "expected to see {expected:?} from {self}");
    }

    /// The program failed and complained with these words.
    #[track_caller]
    pub(crate) fn complains(&self, words: &str) {
        let failed = self.code.is_some_and(|code| code != 0);
        assert!(failed && self.stderr.contains(words), "expected a complaint with {words:?} from {self}");
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, code, stdout, stderr } = self;
        write!(out, "{} that ended with {code:?}, printed {} and complained:\n{stderr}", name.display(), shown(stdout))
    }
}

impl Running {
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("it is our child").is_some()
    }
}

impl Talking {
    /// The next line it prints, without its end; empty once it has ended.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("it prints UTF-8");
        line.trim_end().to_owned()
    }

    /// All it prints until it ends.
    pub(crate) fn rest(mut self) -> String {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).expect("it prints UTF-8");
        rest
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // `timeout` passes the signal on. The program may have ended by itself; waiting then only collects it.
        let pid = i32::try_from(self.0.id()).expect("Linux process ids are below 2^22");
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

/// Panics with the remedy when `name` is neither a program in `PATH` nor the path of a file.
pub(crate) fn demand(name: impl AsRef<OsStr>) {
    let name = name.as_ref();
    let places = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&places).any(|place| place.join(name).is_file());
    assert!(found, "{} is missing: run `make test`, it installs every client", name.display());
}

/// Text as it is, and of anything else its size.
fn shown(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("{} bytes", bytes.len()),
    }
}
