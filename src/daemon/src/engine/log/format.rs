//! The form of a line for journald: a priority, no time stamp, no colours (sd-daemon(3)).

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{Format, FormatFields, Full, Writer, debug_fn};
use tracing_subscriber::fmt::{FmtContext, FormatEvent};
use tracing_subscriber::registry::LookupSpan;

/// Whether systemd has connected stderr to the journal (systemd.exec(5), `$JOURNAL_STREAM`).
pub(super) fn journal_reads_stderr() -> bool {
    std::env::var_os("JOURNAL_STREAM")
        .is_some_and(|stream| stream.to_str().and_then(device_and_inode) == stderr_identity())
}

fn device_and_inode(stream: &str) -> Option<(u64, u64)> {
    let (device, inode) = stream.split_once(':')?;
    Some((device.parse().ok()?, inode.parse().ok()?))
}

fn stderr_identity() -> Option<(u64, u64)> {
    let status = nix::sys::stat::fstat(std::io::stderr()).ok()?;
    Some((status.st_dev, status.st_ino))
}

/// Fields as `name=value`; the default does the same with styles, and takes half of the time of a line to leave them out.
pub(super) fn plain_fields() -> impl for<'w> FormatFields<'w> + Send + Sync + 'static {
    debug_fn(
        |writer, field, value| {
            if field.name() == "message" { write!(writer, "{value:?}") } else { write!(writer, "{field}={value:?}") }
        },
    )
    .delimited(" ")
}

pub(super) struct Journal(Format<Full, ()>);

impl Default for Journal {
    fn default() -> Self {
        Self(Format::default().without_time().with_level(false).with_ansi(false))
    }
}

impl<S, N> FormatEvent<S, N> for Journal
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        write!(writer, "<{}>", priority(*event.metadata().level()))?;
        self.0.format_event(context, writer, event)
    }
}

/// The syslog priority of a level.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}
