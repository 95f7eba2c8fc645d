//! Where log lines go: an own writer under `tracing_appender`, because that crate's files lose lines silently
//! on a full disk and cannot be reopened.
//!
//! The worker writes through a bounded queue and never waits; the monitor, which has little to say, writes at once.

mod format;
mod sink;

use std::io::{BufWriter, IsTerminal};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use signal_hook::consts::SIGHUP;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;

use sink::{Patience, Sink, SinkState};

use crate::engine::sys::accounts::Account;

#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) level: LevelFilter,
    pub(crate) format: Format,
    /// `None` is stderr, which journald reads under systemd.
    pub(crate) file: Option<PathBuf>,
    /// Lines that may wait for a slow disk before further ones are lost and counted.
    pub(crate) queue_lines: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Pretty,
    Json,
}

/// How much is written; every clone changes the same log.
#[derive(Debug, Clone)]
pub(crate) struct Loudness(reload::Handle<Targets, Registry>);

/// The worker's log, for as long as it is held; dropping it writes out what is queued.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) loudness: Loudness,
    sink: Arc<SinkState>,
    overflow: ErrorCounter,
    reported: u64,
    _flushes_on_drop: WorkerGuard,
}

/// Starts the log of the worker: queued, never waiting.
///
/// # Errors
/// The file cannot be opened for appending, or no thread is to be had.
pub(crate) fn start_queued(options: &Options) -> std::io::Result<Log> {
    // tracing-appender panics when it gets no thread, so whether there is one is asked here.
    let _nothing = std::thread::Builder::new().spawn(|| ())?.join();
    let sink = Sink::open(options.file.clone(), None, Patience::Wait)?;
    let state = sink.state();
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(options.queue_lines)
        .thread_name("log")
        .finish(BufWriter::with_capacity(64 * 1024, sink));
    let overflow = writer.error_counter();
    let loudness = install(options, writer);
    Ok(Log { loudness, sink: state, overflow, reported: 0, _flushes_on_drop: guard })
}

/// Starts the log of the monitor: each line is written before the next step, and SIGHUP opens the file anew.
///
/// The file is opened with the rights of its owner, if there is one: the worker writes to it too, and root that writes
/// where somebody else can place files writes wherever that somebody wants.
///
/// # Errors
/// The file cannot be opened for appending, or the signal cannot be heard.
pub(crate) fn start_direct(options: &Options, owner: Option<Account>) -> std::io::Result<Loudness> {
    let sink = Sink::open(options.file.clone(), owner, Patience::Lose)?;
    signal_hook::flag::register(SIGHUP, sink.state().reopen_flag())?;
    Ok(install(options, Mutex::new(sink)))
}

impl Log {
    /// Opens the file anew at the next line, as log rotation asks for.
    pub(crate) fn reopen(&self) {
        self.sink.reopen();
    }

    /// Says how many lines were lost since the last call, if any were, and returns it.
    pub(crate) fn report_losses(&mut self) -> u64 {
        let lost = self.overflow.dropped_lines() as u64 + self.sink.lost();
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

impl Loudness {
    /// Writes what is at least so important from now on.
    pub(crate) fn set(&self, level: LevelFilter) {
        let _log_is_gone = self.0.reload(filter(level));
    }
}

fn install<W>(options: &Options, writer: W) -> Loudness
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let events = tracing_subscriber::fmt::layer().with_writer(writer);
    let is_stderr = options.file.is_none();
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match options.format {
        Format::Json => events.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
        Format::Pretty if is_stderr && std::io::stderr().is_terminal() => events.boxed(),
        Format::Pretty if is_stderr && format::journal_reads_stderr() => {
            events.with_ansi(false).fmt_fields(format::plain_fields()).event_format(format::Journal::default()).boxed()
        }
        Format::Pretty => events.with_ansi(false).fmt_fields(format::plain_fields()).boxed(),
    };
    let (filter, loudness) = reload::Layer::new(filter(options.level));
    tracing_subscriber::registry().with(layer.with_filter(filter)).init();
    Loudness(loudness)
}

/// Our own words at the operator's level; the libraries', which may name destinations, only while debugging.
fn filter(level: LevelFilter) -> Targets {
    let libraries = if level >= LevelFilter::DEBUG { LevelFilter::WARN } else { LevelFilter::OFF };
    Targets::new()
        .with_default(libraries)
        .with_targets(["auth", "session", "daemon", "monitor", "rustsocks"].map(|target| (target, level)))
}
