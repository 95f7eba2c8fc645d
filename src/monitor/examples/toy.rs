//! A monitor with a worker that does what it is told to: the smallest complete service, and the one that the tests drive.
//!
//! `toy monitor key=value…` runs the monitor; it starts itself again as `toy launch …`, which becomes `toy worker`.
//! As root it gives the worker the account 65534, which is nobody's on every system.
//! A client of the worker sends one line, and the worker obeys:
//!
//! | line | the worker |
//! |---|---|
//! | `pid` | answers with its process id |
//! | `environment` | answers with the names of its environment variables |
//! | `hold` | answers `held` and counts a session until the client closes |
//! | `die` | kills itself |
//! | `blame NAME` | reports a thread of that name as silent from now on |
//! | `hush` | sends no more heartbeats |
//! | `helpers` | answers with the numbers of the helpers that it was given |
//! | `helper NUMBER WORD` | says the word to that helper, which ends (`die`, `retire`) or answers with its process id, and is deaf from then on after `hang` |
//! | `stuck NUMBER` | reports that helper as stuck |
//! | `text` | answers with the text that it works by |
//! | `order TICKET EXTENT` | orders a reload of that extent |
//!
//! With `behaviour_at=PATH` the word is in that file, so that the worker of an upgraded toy can behave otherwise than the one before.
//! With `text=PATH` that text is the file's. A reload is refused if it begins with `bad`, takes a moment if it begins with `slow`,
//! lasts until there is a file if it is `until PATH`, and kills the worker if it begins with `deadly`.
//!
//! The word that it finds in its configuration says how it behaves from the start, see [`Behaviour`].

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroU16;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use monitor::launch::{self, Account, Launcher, Profile, Sockets};
use monitor::link::Link;
use monitor::outcome::{BindError, Exit, MonitorError};
use monitor::plan::{Accepted, Document, Listener, PamHelpers, Plan, Successor, Terms, WorkerCommand};
use monitor::sealed::sealed;
use monitor::source::{Source, Text};
use nix::sys::signal::{Signal, raise};
use tracing::{error, info};
use wire::{DocumentKind, Extent, ThreadName, Ticket, ToMonitor, ToWorker};

type Failure = Box<dyn Error + Send + Sync>;

const NOBODY: Account = Account { uid: 65534, gid: 65534 };

const MOMENT: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false).init();
    let outcome = match env::args().nth(1).as_deref() {
        Some("monitor") => monitor_main(monitor::run),
        Some("successor") => monitor_main(monitor::succeed),
        Some("rehearsal") => plan(&mut Texts::default()).map(|_| ExitCode::SUCCESS),
        Some("launch") => Ok(launch::main(env::args_os().skip(2))),
        Some("worker") => worker_main(),
        Some("helper") => helper_main(),
        _ => Err("say `toy monitor`, `toy worker` or `toy helper`".into()),
    };
    outcome.unwrap_or_else(|failure| {
        error!(failure, "toy failed");
        ExitCode::from(2)
    })
}

fn monitor_main(run: fn(Plan, &mut dyn Source) -> Result<Exit, MonitorError>) -> Result<ExitCode, Failure> {
    let mut texts = Texts::default();
    let plan = plan(&mut texts)?;
    match run(plan, &mut texts) {
        Ok(exit) => Ok(ExitCode::from(exit.code())),
        Err(failure) => {
            error!(%failure, "monitor failed");
            Ok(ExitCode::from(failure.code()))
        }
    }
}

/// The plan as written on the command line, over values that suit a test.
fn plan(texts: &mut Texts) -> Result<Plan, Failure> {
    let mut plan = Plan {
        terms: Terms {
            listeners: Vec::new(),
            backlog: 1024,
            accepted: Accepted::default(),
            watchdog: Duration::from_secs(30),
            drain: Duration::from_secs(30),
            upgrade_drain: Duration::from_mins(5),
            watch_files: true,
        },
        threads: NonZeroU16::MIN,
        documents: Vec::new(),
        launcher: Launcher { program: "/proc/self/exe".into(), args: vec![OsString::from("launch")] },
        worker: WorkerCommand {
            program: "/proc/self/exe".into(),
            args: vec![OsString::from("worker")],
            profile: Profile::Worker {
                account: nix::unistd::geteuid().is_root().then_some(NOBODY),
                sockets: Sockets::Plain,
            },
        },
        helpers: None,
        successor: successor()?,
        start_limit: Duration::from_secs(30),
    };
    for argument in env::args().skip(2) {
        let (key, value) = argument.split_once('=').ok_or("arguments are key=value")?;
        match key {
            "tcp" => plan.terms.listeners.push(Listener::Tcp { address: value.parse()? }),
            "unix" => plan.terms.listeners.push(Listener::Unix { path: value.into(), mode: 0o600, group: None }),
            "threads" => plan.threads = value.parse()?,
            "behaviour_at" => texts.behaviour_file = Some(value.into()),
            "behaviour" => value.clone_into(&mut texts.behaviour),
            "text" => texts.file = Some(value.into()),
            "watch_files" => plan.terms.watch_files = value.parse()?,
            "launcher" => plan.launcher.program = value.into(),
            "program" => plan.worker.program = value.into(),
            "helpers" => plan.helpers = Some(helpers("/proc/self/exe", value.parse()?)),
            "helper_program" => plan.helpers = Some(helpers(value, NonZeroU16::MIN)),
            "start_limit_ms" => plan.start_limit = Duration::from_millis(value.parse()?),
            "watchdog_ms" => plan.terms.watchdog = Duration::from_millis(value.parse()?),
            "upgrade_drain_ms" => plan.terms.upgrade_drain = Duration::from_millis(value.parse()?),
            "drain_ms" => plan.terms.drain = Duration::from_millis(value.parse()?),
            _ => return Err(format!("{key} is no key").into()),
        }
    }
    texts.terms = Some(plan.terms.clone());
    for Text { kind, content } in texts.read(Extent::Everything, &mut |_| Ok(())) {
        plan.documents.push(Document { kind, generation: 1, text: content? });
    }
    Ok(plan)
}

/// Whatever is then at the path of this program, with the same arguments.
fn successor() -> Result<Successor, Failure> {
    let in_role = |role: &str| [OsString::from(role)].into_iter().chain(env::args_os().skip(2)).collect();
    Ok(Successor { program: env::current_exe()?, rehearsal: in_role("rehearsal"), args: in_role("successor") })
}

fn helpers(program: &str, count: NonZeroU16) -> PamHelpers {
    PamHelpers { program: program.into(), args: vec![OsString::from("helper")], count }
}

/// The texts of the toy's service: a word that never changes, and a file.
#[derive(Default)]
struct Texts {
    behaviour: String,
    behaviour_file: Option<PathBuf>,
    file: Option<PathBuf>,
    terms: Option<Terms>,
}

impl Source for Texts {
    fn read(&mut self, extent: Extent, claim: &mut dyn FnMut(&Terms) -> Result<(), BindError>) -> Vec<Text> {
        // It has no rules, and its file goes with the word.
        if extent != Extent::Everything {
            return Vec::new();
        }
        let claimed = self.terms.as_ref().map_or(Ok(()), claim);
        let behaviour = self.behaviour_file.as_ref().map_or_else(|| Ok(self.behaviour.clone().into_bytes()), fs::read);
        let content =
            claimed.map_err(|error| error.to_string()).and_then(|()| behaviour.map_err(|error| error.to_string()));
        let configuration = Text { kind: DocumentKind::Configuration, content };
        let file = self.file.as_ref().map(|file| {
            let content = fs::read(file).map_err(|error| error.to_string());
            Text { kind: DocumentKind::Users, content }
        });
        [configuration].into_iter().chain(file).collect()
    }

    /// It has no rules, but says what they would be.
    fn replace(&mut self, _kind: DocumentKind, former: &[u8; 32], text: &str) -> Result<(), String> {
        (*former == [1; 32])
            .then(|| info!(text, "rules written"))
            .ok_or_else(|| "the file says something else".to_owned())
    }

    fn settle(&mut self, taken: &[DocumentKind]) {
        info!(?taken, "settled");
    }

    fn files(&self) -> Vec<PathBuf> {
        self.file.clone().into_iter().collect()
    }
}

/// How a worker behaves from its start, by the word in its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    /// It serves.
    Good,
    /// It names a reason and exits.
    Refuse,
    /// It exits without a word.
    Exit,
    /// It never gets ready.
    Dawdle,
    /// It gets ready and dies.
    Collapse,
    /// It does not obey when told to drain.
    Deaf,
    /// It says that its first helper is stuck, and then that it is ready.
    Complain,
}

impl Behaviour {
    fn parse(word: &str) -> Result<Self, Failure> {
        match word {
            "" => Ok(Self::Good),
            "refuse" => Ok(Self::Refuse),
            "exit" => Ok(Self::Exit),
            "dawdle" => Ok(Self::Dawdle),
            "collapse" => Ok(Self::Collapse),
            "deaf" => Ok(Self::Deaf),
            "complain" => Ok(Self::Complain),
            _ => Err(format!("{word:?} is no behaviour").into()),
        }
    }
}

/// What all threads of the worker see.
#[derive(Default)]
struct Shared {
    sessions: AtomicU32,
    is_closed: AtomicBool,
    is_hushed: AtomicBool,
    blamed: Mutex<Vec<ThreadName>>,
    helpers: Mutex<Vec<(u32, File)>>,
    link: Mutex<Option<Link>>,
    text: Mutex<String>,
}

fn worker_main() -> Result<ExitCode, Failure> {
    let link = Link::adopt()?;
    let shared = Arc::new(Shared::default());
    *shared.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(link.try_clone()?);
    let mut behaviour = Behaviour::Good;
    let mut listeners = Vec::new();
    let mut offered = None;
    while let Some((frame, descriptor)) = link.receive()? {
        match (frame, descriptor) {
            (ToWorker::Document { kind: DocumentKind::Users, .. }, Some(text)) => offered = Some(Ok(read(text)?)),
            (ToWorker::Document { .. }, Some(text)) => behaviour = Behaviour::parse(&read(text)?)?,
            (ToWorker::Unavailable { .. }, Some(reason)) => offered = Some(Err(read(reason)?)),
            (ToWorker::Reload { generation, trigger, extent, ticket }, _) => {
                info!(generation, trigger = trigger.label(), extent = extent.label(), ticket = ticket.0, "ordered");
                reload(generation, offered.take(), &link, &shared)?;
            }
            (ToWorker::Rehearse { .. }, _) => {
                info!(worker = std::process::id(), offered = ?offered.take(), "told to rehearse");
                link.send(&ToMonitor::Rehearsed)?;
            }
            (ToWorker::Writable { .. }, Some(why_not)) => info!(why_not = read(why_not)?, "told"),
            (ToWorker::Listener { .. }, Some(socket)) => listeners.push(socket),
            (ToWorker::PamHelper { number }, Some(helper)) => {
                shared.helpers.lock().unwrap_or_else(PoisonError::into_inner).push((number, File::from(helper)));
            }
            (ToWorker::Begin { .. }, _) => {
                *shared.text.lock().unwrap_or_else(PoisonError::into_inner) =
                    offered.take().transpose()?.unwrap_or_default();
                if let Some(exit) = begin(behaviour, &link, listeners.split_off(0), &shared)? {
                    return Ok(exit);
                }
                info!("begun");
            }
            (ToWorker::ReopenLogs, _) => info!("logs reopened"),
            (ToWorker::Drain { .. }, _) if behaviour == Behaviour::Deaf => info!("not listening"),
            (ToWorker::Drain { deadline_ms }, _) => {
                drain(Duration::from_millis(deadline_ms.into()), link.try_clone()?, &shared);
            }
            (ToWorker::Retire { deadline_ms }, _) => {
                info!("retiring");
                drain(Duration::from_millis(deadline_ms.into()), link.try_clone()?, &shared);
            }
            (ToWorker::StopNow, _) => return Ok(ExitCode::SUCCESS),
            (frame, None) => return Err(format!("{frame:?} came alone, which the link should have seen").into()),
        }
    }
    Ok(ExitCode::from(3))
}

/// Takes the text or does not, as it says itself.
fn reload(
    generation: u64,
    offered: Option<Result<String, String>>,
    link: &Link,
    shared: &Shared,
) -> Result<(), Failure> {
    info!(generation, ?offered, "told to reload");
    let (taken, remark) = match offered {
        None => (Vec::new(), String::new()),
        Some(Err(reason)) => (Vec::new(), reason),
        Some(Ok(text)) if text.starts_with("bad") => (Vec::new(), format!("refused\n{text}")),
        Some(Ok(text)) => {
            if text.starts_with("deadly") {
                raise(Signal::SIGKILL)?;
            }
            if text.starts_with("slow") {
                thread::sleep(25 * MOMENT);
            }
            while text.strip_prefix("until ").is_some_and(|path| !PathBuf::from(path).exists()) {
                thread::sleep(MOMENT);
            }
            *shared.text.lock().unwrap_or_else(PoisonError::into_inner) = text;
            (vec![DocumentKind::Users], String::new())
        }
    };
    Ok(link.send(&ToMonitor::Reloaded { generation, taken, remark })?)
}

fn read(descriptor: OwnedFd) -> Result<String, Failure> {
    let file = File::from(descriptor);
    let mut text = vec![0; usize::try_from(file.metadata()?.len())?];
    // A worker that retires may have been given the same file.
    file.read_exact_at(&mut text, 0)?;
    Ok(String::from_utf8(text)?)
}

/// Starts to serve, or ends in its own way.
fn begin(
    behaviour: Behaviour,
    link: &Link,
    listeners: Vec<OwnedFd>,
    shared: &Arc<Shared>,
) -> Result<Option<ExitCode>, Failure> {
    match behaviour {
        Behaviour::Refuse => link.send(&ToMonitor::Failed { reason: "line 3: no such key\nMAINPID=1".to_owned() })?,
        Behaviour::Exit | Behaviour::Dawdle => {}
        Behaviour::Good | Behaviour::Deaf | Behaviour::Collapse | Behaviour::Complain => {
            for socket in listeners {
                let shared = Arc::clone(shared);
                thread::Builder::new()
                    .name("accept".into())
                    .spawn(move || accept(&TcpListener::from(socket), &shared))?;
            }
            let (heart, shared) = (link.try_clone()?, Arc::clone(shared));
            thread::Builder::new().name("heart".into()).spawn(move || beat(&heart, &shared))?;
            if behaviour == Behaviour::Complain {
                link.send(&ToMonitor::PamHelperStuck { number: 1 })?;
            }
            link.send(&ToMonitor::Ready)?;
        }
    }
    Ok(match behaviour {
        Behaviour::Good | Behaviour::Deaf | Behaviour::Dawdle | Behaviour::Complain => None,
        Behaviour::Refuse | Behaviour::Exit | Behaviour::Collapse => Some(ExitCode::from(3)),
    })
}

fn beat(link: &Link, shared: &Shared) {
    while !shared.is_hushed.load(Ordering::Relaxed) {
        let sessions = shared.sessions.load(Ordering::Relaxed);
        let silent = shared.blamed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if link.send(&ToMonitor::Heartbeat { sessions, silent }).is_err() {
            return;
        }
        thread::sleep(Duration::from_secs(1));
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while !shared.is_closed.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((client, _)) => {
                let shared = Arc::clone(shared);
                thread::spawn(move || client.set_nonblocking(false).and_then(|()| obey(&client, &shared)));
            }
            Err(_) => thread::sleep(MOMENT),
        }
    }
}

fn obey(mut client: &TcpStream, shared: &Shared) -> io::Result<()> {
    let mut lines = BufReader::new(client).lines();
    let line = lines.next().transpose()?.unwrap_or_default();
    let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
    match word {
        "pid" => writeln!(client, "{}", std::process::id()),
        "environment" => writeln!(client, "{}", env::vars().map(|(name, _)| name).collect::<Vec<_>>().join(" ")),
        "text" => writeln!(client, "{}", shared.text.lock().unwrap_or_else(PoisonError::into_inner)),
        "hold" => {
            shared.sessions.fetch_add(1, Ordering::Relaxed);
            writeln!(client, "held")?;
            lines.next().transpose()?;
            shared.sessions.fetch_sub(1, Ordering::Relaxed);
            Ok(())
        }
        "die" => raise(Signal::SIGKILL).map_err(Into::into),
        "blame" => {
            shared.blamed.lock().unwrap_or_else(PoisonError::into_inner).push(ThreadName::new(rest));
            Ok(())
        }
        "hush" => {
            shared.is_hushed.store(true, Ordering::Relaxed);
            Ok(())
        }
        "helpers" => {
            let numbers: Vec<String> = known_helpers(shared).iter().map(|(number, _)| number.to_string()).collect();
            writeln!(client, "{}", numbers.join(" "))
        }
        "helper" => writeln!(client, "{}", say_to_helper(shared, rest)?),
        "stuck" => {
            let frame = ToMonitor::PamHelperStuck { number: rest.parse().unwrap_or_default() };
            let monitor = shared.link.lock().unwrap_or_else(PoisonError::into_inner);
            monitor.iter().try_for_each(|monitor| monitor.send(&frame)).map_err(io::Error::other)
        }
        "order" => {
            let (ticket, extent) = rest.split_once(' ').unwrap_or((rest, ""));
            let extent = Extent::ALL.iter().copied().find(|known| known.label() == extent);
            let (Ok(ticket), Some(extent)) = (ticket.parse(), extent) else { return writeln!(client, "what?") };
            let frame = ToMonitor::WantReload { ticket: Ticket(ticket), extent };
            let monitor = shared.link.lock().unwrap_or_else(PoisonError::into_inner);
            monitor.iter().try_for_each(|monitor| monitor.send(&frame)).map_err(io::Error::other)?;
            writeln!(client, "sent")
        }
        "rules" => {
            let (ticket, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            let (former, text) = rest.split_once(' ').unwrap_or((rest, ""));
            let (Ok(ticket), Ok(former)) = (ticket.parse(), former.parse()) else { return writeln!(client, "what?") };
            let kind = DocumentKind::Rules;
            let frame = ToMonitor::ReplaceText { ticket: Ticket(ticket), kind, former: [former; 32] };
            let is_sealed = text != "unsealed";
            let text = if is_sealed { sealed("rules", text.as_bytes())? } else { tempfile::tempfile()?.into() };
            let monitor = shared.link.lock().unwrap_or_else(PoisonError::into_inner);
            monitor.iter().try_for_each(|line| line.send_with(&frame, text.as_fd())).map_err(io::Error::other)?;
            writeln!(client, "sent")
        }
        _ => writeln!(client, "what?"),
    }
}

fn known_helpers(shared: &Shared) -> std::sync::MutexGuard<'_, Vec<(u32, File)>> {
    shared.helpers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The helper's answer; nothing if it ends without one.
fn say_to_helper(shared: &Shared, order: &str) -> io::Result<String> {
    let (number, word) = order.split_once(' ').unwrap_or((order, ""));
    let line =
        known_helpers(shared).iter().find(|(known, _)| known.to_string() == number).map(|(_, line)| line.try_clone());
    let mut line = line.ok_or(io::ErrorKind::NotFound)??;
    line.write_all(word.as_bytes())?;
    let mut answer = [0; 64];
    // Whoever ends with the word unread resets the line.
    let length = line.read(&mut answer).unwrap_or(0);
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}

/// Obeys until its worker hangs up.
fn helper_main() -> Result<ExitCode, Failure> {
    let mut line = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut word = [0; 64];
    loop {
        let length = line.read(&mut word)?;
        match &word[..length] {
            b"" | b"retire" => return Ok(ExitCode::SUCCESS),
            b"die" => return Ok(ExitCode::from(5)),
            word => {
                line.write_all(std::process::id().to_string().as_bytes())?;
                if word == b"hang" {
                    thread::sleep(Duration::MAX);
                }
            }
        }
    }
}

/// Waits for the sessions beside the thread that hears the monitor, which may yet say to stop at once.
fn drain(deadline: Duration, link: Link, shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    shared.is_closed.store(true, Ordering::Relaxed);
    let until = Instant::now() + deadline;
    thread::spawn(move || {
        while shared.sessions.load(Ordering::Relaxed) > 0 && Instant::now() < until {
            thread::sleep(MOMENT);
        }
        let remaining = shared.sessions.load(Ordering::Relaxed);
        if let Err(failure) = link.send(&ToMonitor::Drained { remaining }) {
            error!(%failure, "cannot say that it has drained");
        }
        exit();
    });
}

#[expect(
    clippy::disallowed_methods,
    reason = "a toy has no destructors to skip, and its main thread waits for the monitor"
)]
fn exit() -> ! {
    std::process::exit(0)
}
