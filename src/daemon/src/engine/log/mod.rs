//! Where log lines go: an own writer under `tracing_appender`, because that crate's files lose lines silently
//! on a full disk and cannot be reopened.
//!
//! The worker writes through a bounded queue and never waits; the monitor, which has little to say, writes at once.

mod format;
mod gathering;
pub(crate) mod loudness;
mod recorder;
mod sink;

use std::io::{self, BufWriter, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use signal_hook::consts::SIGHUP;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::DefaultFields;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;

use format::Plain;
use gathering::Gathering;
use loudness::filter;
use recorder::Recorder;
use sink::{Patience, Sink, SinkState};

pub(crate) use loudness::Loudness;

use crate::engine::sys::accounts::Account;
use crate::state::journal::{Bounds, Journal};

#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) level: LevelFilter,
    pub(crate) format: Format,
    /// `None` is stderr, which journald reads under systemd.
    pub(crate) file: Option<PathBuf>,
    /// Where the worker writes the lines of sessions once more, as JSON.
    pub(crate) sessions: Option<PathBuf>,
    /// Lines that may wait for a slow disk before further ones are lost and counted.
    pub(crate) queue_lines: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Pretty,
    Json,
}

/// The worker's log, for as long as it is held; dropping it writes out what is queued.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) loudness: Loudness,
    /// Its last lines.
    pub(crate) journal: Arc<Journal>,
    outlets: Vec<Outlet>,
    reported: u64,
}

/// A queue and the file or stderr behind it; dropping it writes out what is queued.
#[derive(Debug)]
struct Outlet {
    sink: Arc<SinkState>,
    overflow: ErrorCounter,
    _flushes_on_drop: WorkerGuard,
}

/// Starts the log of the worker: queued, never waiting. Its last lines are kept too if there is somebody who can ask for them.
///
/// # Errors
/// The file cannot be opened for appending, or no thread is to be had.
pub(crate) fn start_queued(options: &Options, somebody_asks: bool) -> io::Result<Log> {
    // tracing-appender panics when it gets no thread, so whether there is one is asked here.
    let _nothing = std::thread::Builder::new().spawn(|| ())?.join();
    let (outlet, writer) = Outlet::open(options.file.clone(), "log", options.queue_lines)?;
    let mut outlets = vec![outlet];
    let mut sessions = None;
    if let Some(path) = &options.sessions {
        let opened = Outlet::open(Some(path.clone()), "session-log", options.queue_lines);
        let (outlet, writer) = opened.map_err(|error| with_name(path, &error))?;
        outlets.push(outlet);
        sessions = Some(writer);
    }
    let journal = Journal::new(Bounds::USUAL);
    let recorder = somebody_asks.then(|| Recorder(Arc::clone(&journal)));
    let loudness = install(options, writer, sessions, recorder);
    Ok(Log { loudness, journal, outlets, reported: 0 })
}

fn with_name(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot open logging.session_log {}: {error}", path.display()))
}

impl Outlet {
    fn open(path: Option<PathBuf>, thread: &str, queue_lines: usize) -> io::Result<(Self, NonBlocking)> {
        let sink = Sink::open(path, None, Patience::Wait)?;
        let state = sink.state();
        let (writer, guard) = NonBlockingBuilder::default()
            .lossy(true)
            .buffered_lines_limit(queue_lines)
            .thread_name(thread)
            .finish(Gathering::new(BufWriter::with_capacity(64 * 1024, sink), queue_lines));
        Ok((Self { sink: state, overflow: writer.error_counter(), _flushes_on_drop: guard }, writer))
    }

    fn lost(&self) -> u64 {
        self.overflow.dropped_lines() as u64 + self.sink.lost()
    }
}

/// Starts the log of the monitor: each line is written before the next step, and SIGHUP opens the file anew.
///
/// The file is opened with the rights of its owner, if there is one: the worker writes to it too, and root that writes
/// where somebody else can place files writes wherever that somebody wants.
///
/// # Errors
/// The file cannot be opened for appending, or the signal cannot be heard.
pub(crate) fn start_direct(options: &Options, owner: Option<Account>) -> io::Result<Loudness> {
    let sink = Sink::open(options.file.clone(), owner, Patience::Lose)?;
    signal_hook::flag::register(SIGHUP, sink.state().reopen_flag())?;
    Ok(install(options, Mutex::new(sink), None, None))
}

impl Log {
    /// Opens the files anew at the next line, as log rotation asks for.
    pub(crate) fn reopen(&self) {
        for outlet in &self.outlets {
            outlet.sink.reopen();
        }
    }

    /// Says how many lines were lost since the last call, if any were, and returns it.
    pub(crate) fn report_losses(&mut self) -> u64 {
        let lost: u64 = self.outlets.iter().map(Outlet::lost).sum();
        let newly = lost.saturating_sub(self.reported);
        if newly > 0 {
            self.reported = lost;
            tracing::warn!(
                lines = newly,
                total = lost,
                "log lines were lost: the disk or the reader is too slow or full"
            );
        }
        newly
    }
}

fn install<W>(options: &Options, writer: W, sessions: Option<NonBlocking>, recorder: Option<Recorder>) -> Loudness
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let events = fmt::layer().with_writer(writer);
    let is_stderr = options.file.is_none();
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match options.format {
        Format::Json => json(events),
        Format::Pretty if is_stderr && io::stderr().is_terminal() => events.boxed(),
        Format::Pretty if is_stderr && format::journal_reads_stderr() => {
            events.with_ansi(false).event_format(Plain::Journal).boxed()
        }
        Format::Pretty => events.with_ansi(false).event_format(Plain::Dated).boxed(),
    };
    // Whatever is written is kept too, and nothing else.
    let layer = match recorder {
        Some(recorder) => layer.and_then(recorder).boxed(),
        None => layer,
    };
    let (filter, handle) = reload::Layer::new(filter(options.level));
    let mut layers = vec![layer.with_filter(filter).boxed()];
    // What is worth a line in the usual log, however quiet that one is.
    let of_sessions = Targets::new().with_target("session", LevelFilter::INFO);
    layers.extend(sessions.map(|writer| json(fmt::layer().with_writer(writer)).with_filter(of_sessions).boxed()));
    tracing_subscriber::registry().with(layers).init();
    Loudness::new(handle, options.level)
}

/// One object per line.
fn json<W>(
    events: fmt::Layer<Registry, DefaultFields, fmt::format::Format, W>,
) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    events.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
}
