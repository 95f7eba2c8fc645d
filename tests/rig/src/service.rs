//! A daemon whose surroundings a test arranges: its limits, its user, its environment, its log and its service manager.
//!
//! For an ordinary daemon, [`Daemon`](crate::daemon::Daemon) is enough.

use std::fs::{self, Permissions};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::manager::Manager;
use crate::place;
use crate::port::Port;
use crate::process::{Process, exists};
use crate::session_log::{Line, SessionLog};
use crate::wait::{PATIENCE, eventually, found};

/// The name of the configuration file in the daemon's directory.
const CONFIG: &str = "rustsocks.toml";

/// A daemon that is about to be started.
#[derive(Debug)]
pub struct Launch {
    program: PathBuf,
    directory: TempDir,
    manager: Manager,
    port: Port,
    config: String,
    before: Vec<String>,
    environment: Vec<(String, String)>,
    log: Option<PathBuf>,
    stderr: PathBuf,
}

/// A daemon that is ready.
#[derive(Debug)]
pub struct Service {
    pub process: Process,
    pub log: SessionLog,
    pub manager: Manager,
    /// Where its standard error and its log go.
    output: [PathBuf; 2],
    port: Port,
    directory: TempDir,
}

/// What a daemon that did not start left behind.
#[derive(Debug)]
pub struct Refusal {
    /// Its exit code; nothing when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard error and to its log.
    pub words: String,
    /// The last `STATUS=`.
    pub status: String,
}

impl Launch {
    /// A daemon on 127.0.0.1 with a log of its own.
    #[must_use]
    pub fn of(program: &Path) -> Self {
        Self::on(Ipv4Addr::LOCALHOST.into(), program)
    }

    /// A daemon on a free port of this address.
    #[must_use]
    pub fn on(ip: IpAddr, program: &Path) -> Self {
        let directory = place::for_everybody();
        let (log, stderr) = (directory.path().join("log"), directory.path().join("stderr"));
        Self {
            program: program.to_owned(),
            manager: Manager::listen(directory.path()),
            port: Port::reserve(ip),
            config: String::new(),
            before: Vec::new(),
            environment: Vec::new(),
            log: Some(log),
            stderr,
            directory,
        }
    }

    /// The text of its configuration file, in which `{dir}` stands for its directory.
    #[must_use]
    pub fn config(mut self, text: &str) -> Self {
        self.config = placed(text, self.directory.path());
        self
    }

    /// A program with arguments that runs it, such as `prlimit --nofile=1024`, and becomes it by exec(3).
    #[must_use]
    pub fn behind(mut self, wrapper: &str) -> Self {
        self.before.extend(wrapper.split_whitespace().map(str::to_owned));
        self
    }

    /// A user without a name, without groups and without privileges, who has nothing else running.
    #[must_use]
    pub fn as_user(self, id: u32) -> Self {
        self.owned_by(id)
            .behind(&format!("setpriv --reuid={id} --regid={id} --clear-groups --inh-caps=-all --bounding-set=-all"))
    }

    /// Gives such a user everything that a daemon of theirs needs, to be started by a wrapper that becomes them.
    #[must_use]
    pub fn owned_by(mut self, id: u32) -> Self {
        let place = self.directory.path();
        fs::set_permissions(place, Permissions::from_mode(0o755)).expect("the directory is ours");
        chown(place, Some(id), Some(id)).expect("root may give its files away");
        chown(self.manager.path(), Some(id), Some(id)).expect("root may give its files away");
        // The program may lie where that user cannot go.
        let copy = place.join("program");
        // Copied by another process: what this one has open for writing, any process that it starts meanwhile may hold
        // open too, and such a file cannot be executed (execve(2), ETXTBSY).
        let copied = Command::new("cp").arg(&self.program).arg(&copy).status().expect("cp is installed");
        assert!(copied.success(), "a temporary directory can be written");
        self.program = copy;
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes its log, in JSON, elsewhere than to a file of its own directory.
    #[must_use]
    pub fn log_at(mut self, file: &Path) -> Self {
        file.clone_into(self.log.get_or_insert_default());
        self
    }

    /// Writes its log to standard error, which is this file or FIFO.
    #[must_use]
    pub fn log_on_stderr(mut self, stderr: &Path) -> Self {
        self.log = None;
        stderr.clone_into(&mut self.stderr);
        self
    }

    /// Where it will listen.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// Its own directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Starts it and waits until it is ready.
    #[must_use]
    pub fn start(self) -> Service {
        let (mut process, log) = (self.spawn(), self.session_log());
        let is_decided = || self.manager.count("READY=1") > 0 || !process.runs();
        let decided = eventually(2 * PATIENCE, is_decided);
        assert!(decided && self.manager.count("READY=1") > 0, "the daemon is not ready: {}", text_of(&self.stderr));
        let output = self.output();
        let Self { manager, port, directory, .. } = self;
        Service { process, log, manager, output, port, directory }
    }

    /// Starts it and waits until it has given up.
    ///
    /// # Errors
    /// The service, if it became ready.
    pub fn refused(self) -> Result<Refusal, Box<Service>> {
        let (mut process, log) = (self.spawn(), self.session_log());
        let ended = found(2 * PATIENCE, || {
            process.exit_within(Duration::ZERO).map(Some).or((self.manager.count("READY=1") > 0).then_some(None))
        });
        self.manager.hear_out();
        let status = self.manager.heard().into_iter().rfind(|said| said.starts_with("STATUS=")).unwrap_or_default();
        let output = self.output();
        let words = output.each_ref().map(|path| text_of(path)).concat();
        let Self { manager, port, directory, .. } = self;
        match ended.expect("a daemon starts or gives up") {
            Some(exit) => Ok(Refusal { code: exit.code(), words, status }),
            None => Err(Box::new(Service { process, log, manager, output, port, directory })),
        }
    }

    fn output(&self) -> [PathBuf; 2] {
        [self.stderr.clone(), self.log.clone().unwrap_or_default()]
    }

    fn session_log(&self) -> SessionLog {
        SessionLog::of(self.log.clone().unwrap_or_else(|| self.stderr.clone()))
    }

    fn spawn(&self) -> Process {
        let config = self.directory.path().join(CONFIG);
        fs::write(&config, &self.config).expect("a temporary directory can be written");
        let line: Vec<&str> = self.before.iter().map(String::as_str).collect();
        let mut command = match line.split_first() {
            None => Command::new(&self.program),
            Some((wrapper, rest)) => {
                let mut command = Command::new(wrapper);
                command.args(rest).arg(&self.program);
                command
            }
        };
        let address = self.addr();
        command.arg("--config").arg(config);
        command.args(["--bind", &address.ip().to_string(), "--port", &address.port().to_string()]);
        command.env("NOTIFY_SOCKET", self.manager.path()).env("RUSTSOCKS_LOGGING_FORMAT", "json");
        command.env("STATE_DIRECTORY", self.directory.path());
        command.envs(self.log.iter().map(|file| ("RUSTSOCKS_LOGGING_FILE", file)));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Process::start(command, self.stderr.clone())
    }
}

impl Service {
    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// Its own directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The process that speaks with clients.
    #[must_use]
    pub fn worker_pid(&self) -> u32 {
        let workers = found(PATIENCE, || Some(self.workers()).filter(|workers| workers.len() == 1));
        workers.unwrap_or_else(|| panic!("the monitor has one worker, not {:?}", self.workers()))[0]
    }

    fn workers(&self) -> Vec<u32> {
        self.process.children_called("rustsocks: worker")
    }

    /// The processes that ask PAM.
    #[must_use]
    pub fn pam_helpers(&self) -> Vec<u32> {
        self.process.children_called("rustsocks: pam")
    }

    /// The worker that has taken the place of another one; waits until that is gone and its successor is ready.
    #[must_use]
    pub fn successor_of(&self, worker: u32) -> u32 {
        let ready = |line: &Line| line.text("message") == "worker ready" && line.number("worker") != u64::from(worker);
        let is_new =
            |pid: &u32| self.log.lines().iter().any(|line| ready(line) && line.number("worker") == u64::from(*pid));
        let look = || self.workers().into_iter().find(|pid| *pid != worker).filter(is_new);
        let successor = found(2 * PATIENCE, look).unwrap_or_else(|| panic!("nobody took the place of worker {worker}"));
        assert!(eventually(PATIENCE, || !exists(worker)), "worker {worker} is still there");
        successor
    }

    /// Waits until the history has opened what it keeps open; that begins with the first session.
    pub fn wait_for_history(&self) {
        let _ = self.event_with("the history's database has its schema");
        let spool = self.directory().join("sessions.db-spool");
        let names = || fs::read_dir(&spool).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let is_open = || names().any(|name| name.to_string_lossy().ends_with(".spool"));
        assert!(eventually(PATIENCE, is_open), "the history writes no spool");
    }

    /// Its configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.directory().join(CONFIG)
    }

    /// Writes another text into its configuration file, in which `{dir}` stands for its directory.
    pub fn rewrite(&self, text: &str) {
        fs::write(self.config(), placed(text, self.directory())).expect("the file is ours");
    }

    /// Every reload so far, as the log has it.
    #[must_use]
    pub fn reloads(&self) -> Vec<Line> {
        self.log.lines().into_iter().filter(|line| line.text("message") == "reload").collect()
    }

    /// Asks for a reload by signal, and waits for what the log says of it.
    #[must_use]
    pub fn reload(&self) -> Line {
        let before = self.reloads().len();
        self.process.signal(Signal::SIGHUP);
        self.next_reload(before)
    }

    /// What the log says of the reload that follows so many; waits for it.
    #[must_use]
    pub fn next_reload(&self, before: usize) -> Line {
        let line = found(PATIENCE, || self.reloads().into_iter().nth(before));
        line.unwrap_or_else(|| panic!("the log should have reload {}", before + 1))
    }

    /// The line of the session from this client address; waits for it.
    #[must_use]
    pub fn session_of(&self, client: SocketAddr) -> Line {
        let client = client.to_string();
        let line = self.log.session(|line| line.text("client") == client, PATIENCE);
        line.unwrap_or_else(|| panic!("the session of {client} should be over and have its line"))
    }

    /// The first event with this message; waits for it.
    #[must_use]
    pub fn event(&self, message: &str) -> Line {
        let look = || self.log.lines().into_iter().find(|line| line.text("message") == message);
        found(PATIENCE, look).unwrap_or_else(|| panic!("the log should say: {message}"))
    }

    /// The first message that contains these words; waits for it.
    #[must_use]
    pub fn event_with(&self, words: &str) -> String {
        let messages = || self.log.lines().into_iter().map(|line| line.text("message").to_owned());
        let message = found(PATIENCE, || messages().find(|message| message.contains(words)));
        message.unwrap_or_else(|| panic!("the log should say something with: {words}"))
    }

    /// How many sessions are over, by the word for their ending.
    #[must_use]
    pub fn endings(&self, word: &str) -> usize {
        self.log.sessions().iter().filter(|line| line.text("ending") == word).count()
    }
}

fn placed(text: &str, directory: &Path) -> String {
    text.replace("{dir}", &directory.to_string_lossy())
}

impl Drop for Service {
    fn drop(&mut self) {
        if thread::panicking() {
            let [errors, log] = self.output.each_ref().map(|path| text_of(path));
            tell(&errors, &log);
        }
    }
}

#[expect(clippy::print_stderr, reason = "the test harness shows it below the failure")]
fn tell(errors: &str, log: &str) {
    let end: Vec<&str> = log.lines().rev().take(100).collect();
    let end: Vec<&str> = end.into_iter().rev().collect();
    eprintln!("--- the daemon's standard error\n{errors}--- and the end of its log\n{}\n---", end.join("\n"));
}

/// Only of a file: a FIFO would keep us waiting, and a device may have no end.
fn text_of(path: &Path) -> String {
    let is_file = fs::metadata(path).is_ok_and(|found| found.is_file());
    if is_file { String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned() } else { String::new() }
}
