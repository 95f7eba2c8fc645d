//! Tells the service manager how the service is, see `sd_notify(3)`.
//!
//! One socket is connected at start and held, so that a full descriptor table cannot make a living service look dead.
//! Knows nothing of workers; without a service manager it says everything to nobody.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::rc::Rc;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use tracing::warn;

/// What the service manager puts into our environment, and what is nobody else's business.
pub(crate) const OURS: [&str; 6] =
    ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];

/// The longest that a service manager that does not read can hold us up.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often a status is sent again for nothing but another number of sessions.
const PACE: Duration = Duration::from_secs(5);

/// The line to the service manager.
#[derive(Debug)]
pub(crate) struct Notify {
    line: Option<Line>,
    feed_every: Option<Duration>,
    feed_at: Instant,
    said: Option<(Status, Instant)>,
}

#[derive(Debug)]
struct Line {
    socket: UnixDatagram,
    address: SocketAddr,
}

/// What `systemctl status` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) activity: Activity,
    pub(crate) sessions: u32,
    pub(crate) restarts: u32,
    /// What became of the last reload, if there was one.
    pub(crate) reload: Option<Rc<str>>,
    /// Workers whose place others have taken, and their sessions.
    pub(crate) retiring: (usize, u32),
    /// What became of the last upgrade, if it failed.
    pub(crate) upgrade: Option<Rc<str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activity {
    Starting { worker: u32 },
    Serving { worker: u32 },
    Draining { worker: u32 },
    WaitingToRestart,
}

impl Notify {
    /// Connects to the service manager named in the environment, if there is one.
    pub(crate) fn from_environment(now: Instant) -> Self {
        let line = env::var_os("NOTIFY_SOCKET").and_then(|name| {
            Line::connect(&name)
                .inspect_err(|error| warn!(%error, socket = ?name, "cannot reach the service manager"))
                .ok()
        });
        let feed_every = sd_notify::watchdog_enabled().map(|limit| limit / 3);
        Self { line, feed_every, feed_at: now, said: None }
    }

    /// The time within which the service manager wants to be fed, if it does.
    pub(crate) fn watchdog(&self) -> Option<Duration> {
        self.feed_every.map(|every| every * 3)
    }

    /// When the next feeding is due, if feeding is wanted.
    pub(crate) fn feed_at(&self) -> Option<Instant> {
        self.feed_every.map(|_| self.feed_at)
    }

    /// A reload or an upgrade has begun; its end is another [`ready`](Self::ready).
    pub(crate) fn reloading(&mut self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.send(&[NotifyState::Reloading, now]),
            Err(error) => warn!(%error, "cannot tell the service manager the time of the reload"),
        }
    }

    /// The service has started, or a reload or an upgrade is over.
    pub(crate) fn ready(&mut self) {
        self.send(&[NotifyState::Ready]);
    }

    /// The service stops and may need so long for it.
    pub(crate) fn stopping(&mut self, at_most: Duration) {
        let microseconds = u32::try_from(at_most.as_micros()).unwrap_or(u32::MAX);
        self.send(&[NotifyState::Stopping, NotifyState::ExtendTimeoutUsec(microseconds)]);
    }

    /// Feeds the service manager's watchdog if that is due; to be called only while all is well.
    pub(crate) fn feed(&mut self, now: Instant) {
        if let Some(every) = self.feed_every
            && now >= self.feed_at
        {
            self.feed_at = now + every;
            self.send(&[NotifyState::Watchdog]);
        }
    }

    /// Says how the service is, if that is news.
    pub(crate) fn status(&mut self, status: Status, now: Instant) {
        if self.is_news(&status, now) {
            let line = one_line(&status.to_string());
            self.said = Some((status, now));
            self.send(&[NotifyState::Status(&line)]);
        }
    }

    /// The last status, which stays to be seen when the service has ended.
    ///
    /// Control characters become spaces, for a line break would begin a message of its own.
    pub(crate) fn farewell(&mut self, text: &str) {
        self.send(&[NotifyState::Status(&one_line(text))]);
    }

    fn is_news(&self, status: &Status, now: Instant) -> bool {
        let Some((said, at)) = &self.said else { return true };
        let retiring = (status.retiring.0, said.retiring.1);
        let is_same_but_for_sessions = Status { sessions: said.sessions, retiring, ..status.clone() } == *said;
        if is_same_but_for_sessions { status != said && now >= *at + PACE } else { true }
    }

    fn send(&self, states: &[NotifyState<'_>]) {
        let Some(line) = &self.line else { return };
        let message = states.iter().fold(String::new(), |lines, state| lines + &state.to_string() + "\n");
        if let Err(error) = line.send(message.as_bytes()) {
            warn!(%error, "the service manager does not listen");
        }
    }
}

fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

impl Line {
    fn connect(name: &OsStr) -> io::Result<Self> {
        let address = address(name)?;
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { socket, address })
    }

    /// Connects the same socket anew if the other side has bound its own anew.
    fn send(&self, message: &[u8]) -> io::Result<()> {
        match self.send_uninterrupted(message) {
            Err(error) if is_gone(&error) => {
                self.socket.connect_addr(&self.address)?;
                self.send_uninterrupted(message)
            }
            other => other,
        }
    }

    fn send_uninterrupted(&self, message: &[u8]) -> io::Result<()> {
        loop {
            match self.socket.send(message) {
                // With a timeout, the kernel does not resume the call by itself (signal(7)).
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other.map(drop),
            }
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotConnected | io::ErrorKind::ConnectionReset
    )
}

/// A path, or the name of an abstract socket after `@`.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes() {
        [b'@', abstract_name @ ..] => SocketAddr::from_abstract_name(abstract_name),
        [b'/', ..] => SocketAddr::from_pathname(name),
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "only paths and abstract sockets are supported")),
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.activity {
            Activity::Starting { worker } => write!(f, "Starting: worker {worker}")?,
            Activity::Serving { worker } => write!(f, "Serving: worker {worker}, sessions {}", self.sessions)?,
            Activity::Draining { worker } => write!(f, "Draining: worker {worker}, sessions {}", self.sessions)?,
            Activity::WaitingToRestart => f.write_str("Waiting to restart the worker")?,
        }
        write!(f, ", restarts {}", self.restarts)?;
        match self.retiring {
            (0, _) => {}
            (1, sessions) => write!(f, ", retiring: 1 worker with {sessions} sessions")?,
            (workers, sessions) => write!(f, ", retiring: {workers} workers with {sessions} sessions")?,
        }
        self.reload.iter().chain(&self.upgrade).try_for_each(|outcome| write!(f, ", {outcome}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(receiver: &UnixDatagram) -> String {
        let mut bytes = [0; 256];
        let length = receiver.recv(&mut bytes).expect("a message");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    fn serving(sessions: u32) -> Status {
        Status {
            activity: Activity::Serving { worker: 7 },
            sessions,
            restarts: 2,
            reload: None,
            retiring: (0, 0),
            upgrade: None,
        }
    }

    #[test]
    fn an_abstract_socket_and_a_path_are_reached() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notify");
        let unique = format!("rustsocks-notify-test-{}", std::process::id());
        let at_name = SocketAddr::from_abstract_name(&unique).expect("a name");
        for (receiver, name) in [
            (UnixDatagram::bind(&path), path.clone().into_os_string()),
            (UnixDatagram::bind_addr(&at_name), format!("@{unique}").into()),
        ] {
            let line = Line::connect(&name).expect("connected");
            line.send(b"READY=1\n").expect("sent");
            assert_eq!(heard(&receiver.expect("bound")), "READY=1\n");
        }
        assert!(Line::connect(OsStr::new("vsock:2:1234")).is_err());
    }

    #[test]
    fn a_manager_that_came_back_is_reached_with_the_same_socket() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notify");
        let receiver = UnixDatagram::bind(&path).expect("bound");
        let line = Line::connect(path.as_os_str()).expect("connected");
        drop(receiver);
        std::fs::remove_file(&path).expect("removed");
        assert!(line.send(b"READY=1\n").is_err());

        let receiver = UnixDatagram::bind(&path).expect("bound");
        line.send(b"STATUS=back\n").expect("sent");
        assert_eq!(heard(&receiver), "STATUS=back\n");
    }

    #[test]
    fn a_status_is_said_when_it_is_news() {
        let now = Instant::now();
        let mut notify = Notify { line: None, feed_every: None, feed_at: now, said: None };
        assert!(notify.is_news(&serving(1), now));
        notify.status(serving(1), now);
        for (what, status, later, is_news) in [
            ("the same", serving(1), PACE, false),
            ("another number at once", serving(2), Duration::ZERO, false),
            ("another number later", serving(2), PACE, true),
            ("another restart at once", Status { restarts: 3, ..serving(1) }, Duration::ZERO, true),
            (
                "another activity at once",
                Status { activity: Activity::WaitingToRestart, ..serving(1) },
                Duration::ZERO,
                true,
            ),
            (
                "another reload at once",
                Status { reload: Some("generation 2".into()), ..serving(1) },
                Duration::ZERO,
                true,
            ),
        ] {
            assert_eq!(notify.is_news(&status, now + later), is_news, "{what}");
        }
    }

    #[test]
    fn a_farewell_is_one_line_whatever_it_quotes() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notify");
        let receiver = UnixDatagram::bind(&path).expect("bound");
        let line = Line::connect(path.as_os_str()).ok();
        let mut notify = Notify { line, feed_every: None, feed_at: Instant::now(), said: None };
        notify.farewell("no such key\nMAINPID=1\u{1b}[31m");
        assert_eq!(heard(&receiver), "STATUS=no such key MAINPID=1 [31m\n");
    }

    #[test]
    fn the_watchdog_is_fed_at_a_third_of_its_time() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notify");
        let receiver = UnixDatagram::bind(&path).expect("bound");
        receiver.set_nonblocking(true).expect("set");
        let now = Instant::now();
        let every = Duration::from_secs(10);
        let line = Line::connect(path.as_os_str()).ok();
        let mut notify = Notify { line, feed_every: Some(every), feed_at: now, said: None };

        notify.feed(now);
        notify.feed(now + every / 2);
        assert_eq!(heard(&receiver), "WATCHDOG=1\n");
        assert!(receiver.recv(&mut [0]).is_err());
        notify.feed(now + every);
        assert_eq!(heard(&receiver), "WATCHDOG=1\n");
    }
}
