//! Counts the user-space instructions of a SOCKS5 handshake and of a relayed message, in all threads of the worker process.
//!
//! Wall time lies on a busy machine; instructions hardly move. Each count is the difference of two runs of different length under
//! callgrind, divided by the difference in work, so that start and end cancel out.

use std::{
    ffi::OsString,
    fs,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddrV4},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{
    call::MESSAGE,
    contender::{Contender, Route, Server, Setup},
    echo::EchoTarget,
    socks,
    worker::Worker,
};

/// How much above the baseline a count may be.
const TOLERANCE: f64 = 1.10;
/// The lengths of the two runs.
///
/// The thread that writes the log gathers lines as it happens to be scheduled, at a cost of 700 to 1,500 instructions a session.
/// With 1,000 sessions between the runs that moved the count of a handshake by up to 3 %, with 4,000 by less than 1 %.
const SHORT_RUN: u32 = 200;
const LONG_RUN: u32 = 4200;
/// How long a server under valgrind may take to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// Instructions of one handshake (greeting, CONNECT, close) and of one message of 64 bytes in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub handshake: u64,
    pub message: u64,
}

impl Counts {
    /// Runs the contender under valgrind, four times.
    pub(crate) fn take(contender: Contender, setup: &Setup) -> Result<Self> {
        let handshake = slope(contender, setup, handshakes)?;
        let round_trip = slope(contender, setup, round_trips)?;
        Ok(Self { handshake, message: round_trip / 2 })
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read {}; write it with --update", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} needs `handshake = N` and `message = N`", path.display()))
    }

    pub(crate) fn write(self, path: &Path) -> Result<()> {
        let text = format!(
            "# User-space instructions of the worker, written by `bench instructions --update`.\nhandshake = {}\nmessage = {}\n",
            self.handshake, self.message
        );
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Both counts with their names.
    pub(crate) fn named(self) -> [(&'static str, u64); 2] {
        [("handshake", self.handshake), ("message", self.message)]
    }

    /// One line for each count, and whether all are within the tolerance.
    pub(crate) fn compare(self, baseline: Self) -> (String, bool) {
        let rows = self.named().into_iter().zip(baseline.named());
        let lines: Vec<(String, bool)> = rows.map(|((name, now), (_, then))| compare(name, now, then)).collect();
        let holds = lines.iter().all(|(_, holds)| *holds);
        (lines.into_iter().map(|(line, _)| line).collect(), holds)
    }

    fn parse(text: &str) -> Option<Self> {
        let value = |name| {
            let lines = text.lines().filter_map(|line| line.split_once('='));
            lines.filter(|(key, _)| key.trim() == name).find_map(|(_, value)| value.trim().parse().ok())
        };
        Some(Self { handshake: value("handshake")?, message: value("message")? })
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are thousands")]
fn compare(name: &str, now: u64, then: u64) -> (String, bool) {
    let ratio = now as f64 / then as f64;
    let holds = ratio <= TOLERANCE;
    let verdict = if holds { "PASS" } else { "FAIL" };
    (
        format!(
            "{verdict} {name}: {now} instructions are {ratio:.2} × the baseline ({then}); goal ≤ {TOLERANCE:.2} ×\n"
        ),
        holds,
    )
}

type Work = fn(SocketAddrV4, SocketAddrV4, u32) -> io::Result<()>;

fn slope(contender: Contender, setup: &Setup, work: Work) -> Result<u64> {
    let short = total(contender, setup, work, SHORT_RUN)?;
    let long = total(contender, setup, work, LONG_RUN)?;
    let more = long.checked_sub(short).context("the longer run took fewer instructions than the shorter one")?;
    Ok(more / u64::from(LONG_RUN - SHORT_RUN))
}

/// All instructions of a server that did so much work, from its start to its end.
fn total(contender: Contender, setup: &Setup, work: Work, times: u32) -> Result<u64> {
    let records = tempfile::tempdir().context("cannot make a directory for callgrind's files")?;
    let setup = Setup { runner: callgrind(records.path()), ..setup.clone() };
    let target = EchoTarget::start()?;
    let work = |entry| work(entry, target.addresses()[0], times);
    let main_pid = match contender {
        Contender::Direct => bail!("only a proxy's instructions can be counted"),
        Contender::Ours => run_worker(&setup, work)?,
        Contender::Microsocks | Contender::Dante => run_server(contender, &setup, work)?,
    };
    recorded(records.path(), main_pid)
}

fn callgrind(records: &Path) -> Vec<OsString> {
    let files = format!("--callgrind-out-file={}", records.join("out.%p").display());
    ["valgrind", "--quiet", "--tool=callgrind", "--trace-children=yes", &files].map(Into::into).into()
}

fn run_worker(setup: &Setup, work: impl FnOnce(SocketAddrV4) -> io::Result<()>) -> Result<i32> {
    let worker = Worker::start(setup)?;
    work(worker.entry())?;
    let pid = worker.pid();
    worker.stop(PATIENCE)?;
    Ok(pid)
}

fn run_server(contender: Contender, setup: &Setup, work: impl FnOnce(SocketAddrV4) -> io::Result<()>) -> Result<i32> {
    let server = Server::start(contender, setup)?;
    let Route::Through { entry, .. } = server.route() else { bail!("{} is no proxy", contender.name()) };
    work(entry)?;
    let pid = server.group()?.main_pid();
    server.stop(PATIENCE)?;
    Ok(pid)
}

/// The instructions of all workers; of the main process only where there is no other.
fn recorded(directory: &Path, main_pid: i32) -> Result<u64> {
    let main = format!("out.{main_pid}");
    let mut workers = 0;
    let mut alone = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let total = totals(&fs::read_to_string(entry.path())?);
        if entry.file_name() == main.as_str() { alone += total } else { workers += total }
    }
    match (workers, alone) {
        (0, 0) => bail!("callgrind wrote no counts: did the server end by itself?"),
        (0, alone) => Ok(alone),
        (workers, _) => Ok(workers),
    }
}

/// The sum of the `totals:` lines of callgrind's format, one for each part.
fn totals(text: &str) -> u64 {
    text.lines().filter_map(|line| line.strip_prefix("totals:")?.trim().parse::<u64>().ok()).sum()
}

/// Sessions that carry nothing, each closed by both sides before the next begins.
fn handshakes(entry: SocketAddrV4, target: SocketAddrV4, times: u32) -> io::Result<()> {
    (0..times).try_for_each(|_| {
        let mut session = socks::connect(entry, target)?;
        session.shutdown(Shutdown::Write)?;
        session.read(&mut [0]).map(drop)
    })
}

/// One session that carries so many messages there and back.
fn round_trips(entry: SocketAddrV4, target: SocketAddrV4, times: u32) -> io::Result<()> {
    let mut session = socks::connect(entry, target)?;
    (0..times).try_for_each(|_| {
        session.write_all(&[0x2a; MESSAGE])?;
        session.read_exact(&mut [0; MESSAGE])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baseline_reads_back_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("baseline");
        let counts = Counts { handshake: 21_000, message: 1_300 };
        counts.write(&path).unwrap();
        assert_eq!(Counts::read(&path).unwrap(), counts);
        fs::write(&path, "handshake = 1\n").unwrap();
        assert!(Counts::read(&path).unwrap_err().to_string().contains("message = N"));
    }

    #[test]
    fn ten_per_cent_more_is_the_most_that_passes() {
        let baseline = Counts { handshake: 1000, message: 100 };
        for (handshake, message, expected) in
            [(1100, 110, true), (1101, 100, false), (1000, 111, false), (500, 50, true)]
        {
            let (lines, holds) = Counts { handshake, message }.compare(baseline);
            assert_eq!(holds, expected, "{lines}");
        }
    }

    #[test]
    fn the_main_process_counts_only_when_it_is_alone() {
        let directory = tempfile::tempdir().unwrap();
        assert!(recorded(directory.path(), 1).is_err());
        fs::write(directory.path().join("out.1"), "events: Ir\nsummary: 70\ntotals: 70\n").unwrap();
        assert_eq!(recorded(directory.path(), 1).unwrap(), 70);
        fs::write(directory.path().join("out.2"), "totals: 5\npart: 2\ntotals: 6\n").unwrap();
        assert_eq!(recorded(directory.path(), 1).unwrap(), 11);
    }
}
