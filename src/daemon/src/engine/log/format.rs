//! The form of a line for people who read files and the journal: what `tracing_subscriber` would write, at half of its cost,
//! as each session has such a line.

use std::cell::RefCell;
use std::fmt::{self, Debug, Write as _};

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent};
use tracing_subscriber::registry::LookupSpan;

/// A session's line fits.
const USUAL: usize = 768;

/// What is divided by it leaves the digits behind the point.
const MICROSECONDS: i64 = 1_000_000;

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

/// How a line without colours begins, before its target, its words and its fields as `name=value`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Plain {
    /// With the time and the level.
    Dated,
    /// With the priority for journald, which notes the time itself (sd-daemon(3)).
    Journal,
}

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (level, target) = (*event.metadata().level(), event.metadata().target());
        let mut line = Line { text: String::with_capacity(USUAL), fields_begin: 0 };
        match self {
            Self::Dated => {
                line.add_moment(Timestamp::now());
                line.add([" ", name(level), " "]);
            }
            Self::Journal => line.add(["<", priority(level), ">"]),
        }
        line.add([target, ": "]);
        line.fields_begin = line.text.len();
        event.record(&mut line);
        line.add(["\n"]);
        writer.write_str(&line.text)
    }
}

/// All names have the same width.
fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => " WARN",
        Level::INFO => " INFO",
        Level::DEBUG => "DEBUG",
        _ => "TRACE",
    }
}

/// The syslog priority of a level.
fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        _ => "7",
    }
}

thread_local! {
    /// The last second that a line began with on this thread, and how that is written.
    static SECOND: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
}

struct Line {
    text: String,
    fields_begin: usize,
}

impl Line {
    fn add<const N: usize>(&mut self, pieces: [&str; N]) {
        self.text.extend(pieces);
    }

    fn add_moment(&mut self, now: Timestamp) {
        let (second, rest) =
            (now.as_microsecond().div_euclid(MICROSECONDS), now.as_microsecond().rem_euclid(MICROSECONDS));
        SECOND.with_borrow_mut(|(known, text)| {
            if *known != second {
                text.clear();
                let begun = Timestamp::from_second(second).unwrap_or(now);
                write!(text, "{begun:.0}").expect("a string takes everything");
                *known = second;
            }
            self.text.push_str(text.strip_suffix('Z').unwrap_or(text));
        });
        // A seventh digit in front keeps the noughts.
        let (mut digits, rest) = (itoa::Buffer::new(), MICROSECONDS + rest);
        self.add([".", &digits.format(rest)[1..], "Z"]);
    }

    fn add_number(&mut self, number: u64) {
        self.text.push_str(itoa::Buffer::new().format(number));
    }

    /// What comes before a value.
    fn begin(&mut self, field: &Field) {
        if self.text.len() > self.fields_begin {
            self.text.push(' ');
        }
        if field.name() != "message" {
            self.add([field.name(), "="]);
        }
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        if value.bytes().all(is_plain) {
            self.begin(field);
            self.add(["\"", value, "\""]);
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.begin(field);
        self.add_number(value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.begin(field);
        // Only a value that cannot show itself fails, and then the rest of the line is still worth reading.
        let _shown = write!(self.text, "{value:?}");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::Subscriber;
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::{fmt as layer, registry};

    use super::*;

    #[derive(Debug, Default, Clone)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Paper {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    impl Paper {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn say_much() {
        tracing::info!(target: "session", user = %"żółw", word = "connect", "session closed");
        tracing::warn!(quoted = "a \"b\" \\ \n ż", empty = "", nothing = None::<u64>, yes = true);
        for number in [0, 7, 1_000_000, u64::MAX] {
            tracing::error!(number, less = -3_i64, "{} things", 3);
        }
        for value in [0.0, -0.0, 0.001, 0.5, 12.0, 12.34, 7.125, 1e-7, 0.1 + 0.2, 999_999.999, 1e15, -2.5, f64::NAN] {
            tracing::error!(value);
        }
    }

    #[test]
    fn lines_are_what_the_library_would_write() {
        let (ours, theirs) = (Paper::default(), Paper::default());
        let plain = layer::layer().with_ansi(false).with_writer(ours.clone()).event_format(Plain::Journal);
        let debug = layer::format::debug_fn(|writer, field, value| {
            if field.name() == "message" { write!(writer, "{value:?}") } else { write!(writer, "{field}={value:?}") }
        });
        let usual = layer::layer().with_ansi(false).without_time().with_level(false).with_writer(theirs.clone());
        let usual = usual.fmt_fields(tracing_subscriber::field::MakeExt::delimited(debug, " "));
        tracing::subscriber::with_default(registry().with(plain).with(usual), say_much);
        let without_priority: Vec<String> = ours.text().lines().map(|line| line[3..].to_owned()).collect();
        assert_eq!(without_priority, theirs.text().lines().collect::<Vec<_>>());
        assert!(
            ours.text().starts_with("<6>session: session closed user=żółw word=\"connect\"\n<4>"),
            "{}",
            ours.text()
        );
    }

    fn dated(subscriber: impl Subscriber + Send + Sync + 'static, paper: &Paper) -> (Timestamp, String) {
        tracing::subscriber::with_default(subscriber, || tracing::warn!(target: "auth", "one"));
        let text = paper.text();
        let (moment, rest) = text.split_at("2026-11-23T02:41:54.725161Z".len());
        (moment.parse().unwrap(), rest.to_owned())
    }

    #[test]
    fn a_dated_line_begins_with_the_moment_to_the_microsecond() {
        let paper = Paper::default();
        let before = Timestamp::from_microsecond(Timestamp::now().as_microsecond()).unwrap();
        let lines = layer::layer().with_ansi(false).with_writer(paper.clone()).event_format(Plain::Dated);
        let (moment, rest) = dated(registry().with(lines), &paper);
        assert!((before..=Timestamp::now()).contains(&moment), "{moment}");
        assert_eq!(rest, "  WARN auth: one\n");
    }

    #[test]
    fn every_moment_is_written_as_it_is() {
        for (microsecond, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1_785_000_000_000_007, "2026-07-25T17:20:00.000007Z"),
            (1_785_000_000_999_999, "2026-07-25T17:20:00.999999Z"),
            (1_785_000_001_000_000, "2026-07-25T17:20:01.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
        ] {
            let mut line = Line { text: String::new(), fields_begin: 0 };
            line.add_moment(Timestamp::from_microsecond(microsecond).unwrap());
            assert_eq!(line.text, expected);
        }
    }
}
