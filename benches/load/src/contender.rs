//! The servers that are compared: how each is configured, started and found ready.
//!
//! Knows nothing of loads and figures.

use std::{
    ffi::OsString,
    fs,
    io::Write,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::ValueEnum;
use nix::unistd::{Uid, User};
use tempfile::TempDir;

use crate::{
    group::{Group, Launch},
    socks,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Contender {
    /// No proxy at all: what the machine itself can do.
    Direct,
    /// This project.
    Ours,
    /// A thread per connection.
    Microsocks,
    /// A tree of processes, each with a share of the sessions.
    Dante,
}

impl Contender {
    pub(crate) const ALL: [Self; 4] = [Self::Direct, Self::Ours, Self::Microsocks, Self::Dante];
    pub(crate) const PROXIES: [Self; 3] = [Self::Ours, Self::Microsocks, Self::Dante];
    /// Dante would need a user of the system.
    pub(crate) const WITH_LOGIN: [Self; 2] = [Self::Ours, Self::Microsocks];
    /// microsocks has no UDP.
    pub(crate) const WITH_UDP: [Self; 3] = [Self::Direct, Self::Ours, Self::Dante];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Ours => "rustsocks",
            Self::Microsocks => "microsocks",
            Self::Dante => "dante",
        }
    }
}

/// What is started, and how.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// The rustsocks executable.
    pub rustsocks: PathBuf,
    pub threads: Threads,
    /// A command that runs the server, such as an instrument; empty for none.
    pub runner: Vec<OsString>,
    pub login: Login,
    /// Who may log in besides the one of [`socks::USER`], to rustsocks alone.
    pub members: Vec<Member>,
    /// What the configuration of rustsocks ends with.
    pub further: String,
}

/// A user with the usual password.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub name: String,
    /// Further lines of the user's table.
    pub lines: String,
}

/// What a proxy asks of its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    Nobody,
    /// The name and password of [`socks::USER`] (RFC 1929).
    Password,
}

/// How many runtimes rustsocks may use.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Threads {
    /// What it chooses by itself: one per core.
    PerCore,
    One,
}

/// How a client reaches its target.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Route {
    Direct,
    Through { entry: SocketAddrV4, login: Login },
}

/// A running contender; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    route: Route,
    // The processes end before their directory goes.
    group: Option<Group>,
    _home: TempDir,
}

impl Server {
    /// Starts the contender on a free port of 127.0.0.1 and returns once that port accepts.
    pub(crate) fn start(contender: Contender, setup: &Setup) -> Result<Self> {
        let home = tempfile::tempdir().context("cannot make a directory for the server")?;
        let entry = free_entry()?;
        let Some(launch) = contender.launch(setup, entry, home.path())? else {
            return Ok(Self { route: Route::Direct, group: None, _home: home });
        };
        let mut group = Group::start(launch.under(setup.runner.iter().cloned()))?;
        wait_until_ready(&mut group, entry)
            .with_context(|| format!("{} did not start: {}", contender.name(), printed(home.path())))?;
        Ok(Self { route: Route::Through { entry, login: setup.login }, group: Some(group), _home: home })
    }

    pub(crate) fn route(&self) -> Route {
        self.route
    }

    /// The processes of the server; an error for the direct connection, which has none.
    pub(crate) fn group(&self) -> Result<&Group> {
        self.group.as_ref().ok_or_else(|| anyhow!("the direct connection has no processes"))
    }

    /// Lets the server end by itself, so that instruments around it can write what they saw.
    pub(crate) fn stop(mut self, limit: Duration) -> Result<()> {
        self.group.as_mut().map_or(Ok(()), |group| group.stop(limit))
    }

    /// Starts counting the CPU time of the server from here.
    pub(crate) fn meter(&self) -> Result<Meter<'_>> {
        let group = self.group.as_ref();
        Ok(Meter { since: cpu(group)?, group })
    }
}

/// CPU time of a server from one moment on.
#[derive(Debug)]
pub(crate) struct Meter<'a> {
    group: Option<&'a Group>,
    since: Duration,
}

impl Meter<'_> {
    /// Seconds of CPU time so far; NaN for the direct connection.
    pub(crate) fn seconds(&self) -> Result<f64> {
        match self.group {
            Some(_) => Ok((cpu(self.group)?.saturating_sub(self.since)).as_secs_f64()),
            None => Ok(f64::NAN),
        }
    }
}

fn cpu(group: Option<&Group>) -> Result<Duration> {
    group.map_or(Ok(Duration::ZERO), Group::cpu)
}

impl Contender {
    /// The command line, its configuration written to `home`; none for the direct connection.
    fn launch(self, setup: &Setup, entry: SocketAddrV4, home: &Path) -> Result<Option<Launch>> {
        let words: Vec<OsString> = match self {
            Self::Direct => return Ok(None),
            Self::Ours => {
                let config = rustsocks_config(setup, entry, home)?;
                vec![setup.rustsocks.clone().into(), "--config".into(), config.into()]
            }
            Self::Microsocks => {
                let (ip, port) = (entry.ip().to_string(), entry.port().to_string());
                let mut words = vec!["microsocks", "-i", &ip, "-p", &port];
                if setup.login == Login::Password {
                    words.extend(["-u", socks::USER.0, "-P", socks::USER.1]);
                }
                words.into_iter().map(OsString::from).collect()
            }
            Self::Dante => {
                let config = write(home, "danted.conf", &dante_config(entry)?)?;
                let pid_file = home.join("danted.pid");
                vec!["danted".into(), "-f".into(), config.into(), "-p".into(), pid_file.into()]
            }
        };
        Ok(Some(Launch { words, home: home.to_owned(), input: Stdio::null() }))
    }
}

/// The file in `home` with the configuration of rustsocks.
///
/// Everything stays at its default except what the load needs: the port, and targets on loopback.
pub(crate) fn rustsocks_config(setup: &Setup, entry: SocketAddrV4, home: &Path) -> Result<PathBuf> {
    let worker_threads = match setup.threads {
        Threads::PerCore => "",
        Threads::One => "worker_threads = 1\n",
    };
    let auth = match setup.login {
        Login::Nobody => String::new(),
        Login::Password => {
            let users = write(home, "users.toml", &users_file(setup)?)?;
            fs::set_permissions(&users, fs::Permissions::from_mode(0o600)).context("cannot close the users file")?;
            format!("\n[auth]\nsocks_method = \"userpass\"\nusers_file = {:?}\n", users.display().to_string())
        }
    };
    // The worker, which is another user than root, keeps its history there.
    fs::set_permissions(home, fs::Permissions::from_mode(0o777)).context("cannot open the directory of the server")?;
    let text = format!(
        "[server]\nbind_address = \"{}\"\nbind_port = {}\n{worker_threads}\n[guard]\nallow = [\"127.0.0.0/8\"]\n\
         [sessions]\ndatabase_url = \"sqlite://{}/sessions.db\"\n{auth}\n{}",
        entry.ip(),
        entry.port(),
        home.display(),
        setup.further,
    );
    write(home, "rustsocks.toml", &text)
}

/// Users with one hash of our own making, which costs what it costs everyone.
fn users_file(setup: &Setup) -> Result<String> {
    let (name, password) = socks::USER;
    let mut child =
        Command::new(&setup.rustsocks).arg("hash-password").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().context("the input is piped")?.write_all(format!("{password}\n").as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "hash-password failed: {}", output.status);
    let hash = String::from_utf8(output.stdout)?;
    let user =
        |name: &str, lines: &str| format!("[[users]]\nname = {name:?}\npassword_hash = {:?}\n{lines}\n", hash.trim());
    let members = setup.members.iter().map(|member| user(&member.name, &member.lines));
    Ok([user(name, "")].into_iter().chain(members).collect())
}

/// The mother keeps the user that started it: a change of user would clear the signal that ends it with us (prctl(2)).
fn dante_config(entry: SocketAddrV4) -> Result<String> {
    let user = User::from_uid(Uid::effective())?.context("the current user has no name")?.name;
    let (ip, port) = (entry.ip(), entry.port());
    Ok(format!(
        "logoutput: stderr
internal: {ip} port = {port}
external: {ip}
clientmethod: none
socksmethod: none
user.privileged: {user}
user.unprivileged: {user}
client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
socks pass {{
    from: 0.0.0.0/0 to: 0.0.0.0/0
    command: bind connect udpassociate bindreply udpreply
}}
"
    ))
}

fn write(home: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = home.join(name);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// A port that was free a moment ago; the servers cannot be told to choose one and say which.
fn free_entry() -> Result<SocketAddrV4> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    match listener.local_addr()? {
        SocketAddr::V4(entry) => Ok(entry),
        SocketAddr::V6(_) => bail!("an IPv4 listener has an IPv6 address"),
    }
}

fn wait_until_ready(group: &mut Group, entry: SocketAddrV4) -> Result<()> {
    // Long enough for a server under valgrind.
    let limit = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(entry).is_err() {
        if group.has_ended() {
            bail!("it ended before its port accepted");
        }
        if Instant::now() > limit {
            bail!("its port {} did not accept within 30 s", entry.port());
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// The last lines that a server printed, on one line.
pub(crate) fn printed(home: &Path) -> String {
    let log = fs::read_to_string(home.join(Launch::LOG)).unwrap_or_default();
    log.lines().rev().take(5).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join(" | ")
}
