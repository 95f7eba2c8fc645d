//! What limits cost: processor time for each GB, and ten thousand sessions that wait.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use socket2::SockRef;

use super::{
    Goal, Measure, Table,
    house::{Direction, House, WARM_UP, precise},
};
use crate::{contender::Setup, procfs, pump::Flow, stats::count};

/// How much dearer a GB may be with a limit.
const DEARER: f64 = 1.3;

/// The thread that gives turns looks at most once in a millisecond, for all together.
const MOST_LOOKS: f64 = 1_000.0;

/// What each of many sessions may carry, in megabits a second.
const LITTLE: f64 = 0.08;

/// Many sessions, all of which began at once, are looked at for so long: of what each may carry meanwhile a turn of 4 KiB is little
/// more than a hundredth.
const LONG: Duration = Duration::from_secs(30);

/// What each of many sources has sent ahead, in bytes. All of them are on this machine, whose kernel has so much memory for TCP
/// (`tcp_mem`) and throws away what is sent when that is full.
const BACKLOG: usize = 16 * 1024;

/// Handshakes at once, more than the crowd has under way; each takes a descriptor from the sessions.
const HANDSHAKES: u64 = 100;

/// What the proxy keeps back beside the two descriptors of each session: see docs/operations.md.
pub(super) const RESERVED: u64 = 128 + 2 * 256 + HANDSHAKES;

pub(super) fn measure(setup: &Setup, measure: Measure, table: &mut Table) -> Result<()> {
    for streams in [1, 64] {
        of_a_gigabyte(setup, measure, streams, table)?;
    }
    of_many(setup, measure, table)
}

/// The same streams with a limit that they reach, and without one: at the same rate, as their target sends no faster, and as
/// fast as they can.
///
/// Whoever is slower has smaller pieces, each of which costs a call, limited or not; so the first of the two is the base of the
/// comparison, and the other one is shown.
fn of_a_gigabyte(setup: &Setup, measure: Measure, streams: usize, table: &mut Table) -> Result<()> {
    let free = spent(setup, measure, "", &|house| house.flow(streams, Direction::Down))?;
    let what = format!("{streams} streams down without a limit, as fast as they can");
    table.line(&what, &format!("{free:.3} s/GB"), &Goal::None);
    for mbps in [1_000, 8_000] {
        let rate = f64::from(mbps) * 1e6 / 8.0;
        let paced = spent(setup, measure, "", &|house| house.paced_download(streams, rate))?;
        let what = format!("{streams} streams down without a limit, sent at {mbps} Mbit/s");
        table.line(&what, &format!("{paced:.3} s/GB"), &Goal::None);
        let limits = format!("[limits]\nbandwidth_limit_mbps = {mbps}\n");
        let limited = spent(setup, measure, &limits, &|house| house.flow(streams, Direction::Down))?;
        let (times, of_free) = (limited / paced, limited / free);
        let goal = Goal::new(format!("≤ {DEARER} × sent at that rate"), times <= DEARER);
        let what = format!("{streams} streams down under {mbps} Mbit/s");
        let found = format!("{limited:.3} s/GB, {times:.2} × sent at that rate, {of_free:.2} × as fast as they can");
        table.line(&what, &found, &goal);
    }
    Ok(())
}

fn spent(setup: &Setup, measure: Measure, limits: &str, begin: &dyn Fn(&House) -> Result<Flow>) -> Result<f64> {
    let house = House::open(setup, limits, &[])?;
    let flow = begin(&house)?;
    sleep(WARM_UP);
    let (before, meter) = (flow.received(), house.server().meter()?);
    sleep(measure.time());
    let (cpu, moved) = (meter.seconds()?, precise(flow.received() - before));
    flow.end()?;
    Ok(cpu / (moved / 1e9))
}

fn of_many(setup: &Setup, measure: Measure, table: &mut Table) -> Result<()> {
    let room = format!("[limits]\nmax_connections = {}\nmax_handshakes = {HANDSHAKES}\n", measure.sessions);
    let limits = format!("{room}bandwidth_per_session_mbps = {LITTLE}\n");
    let (idle, limited) = (memory(setup, measure, &room)?, memory(setup, measure, &limits)?);
    let house = House::open(setup, &limits, &[])?;
    let (near, far) = house.streams(measure.sessions)?;
    far.iter().try_for_each(|source| SockRef::from(source).set_send_buffer_size(BACKLOG))?;
    let flow = Flow::start(far, near)?;
    sleep(WARM_UP * 4);
    let worker = house.server().group()?.pids();
    let looks = || worker.iter().filter_map(|pid| procfs::sleeps(*pid, "bandwidth")).sum::<u64>();
    let (before, sleeps, began, meter) = (flow.received(), looks(), Instant::now(), house.server().meter()?);
    sleep(measure.time().max(LONG));
    let (cpu, took) = (meter.seconds()?, began.elapsed().as_secs_f64());
    let (moved, sleeps) = (precise(flow.received() - before) / took, precise(looks() - sleeps) / took);
    flow.end()?;
    let sessions = measure.sessions;
    let wanted = LITTLE * 1e6 / 8.0 * count(sessions);
    table.line(&format!("{sessions} idle sessions without a limit"), &format!("{idle:.2} KiB each"), &Goal::None);
    table.line(&format!("{sessions} idle sessions with one"), &format!("{limited:.2} KiB each"), &Goal::None);
    let what = format!("{sessions} sessions under {LITTLE} Mbit/s each, all of which want more");
    let found = format!("{:.1} of {:.1} MB/s", moved / 1e6, wanted / 1e6);
    table.line(&what, &found, &Goal::new("within 3 %", (moved / wanted - 1.0).abs() <= 0.03));
    let (of_a_core, each) = (cpu / took * 100.0, cpu / took / count(sessions) * 1e6);
    let found = format!("{of_a_core:.0} % of a core, {each:.1} µs a second and session");
    table.line("the same: CPU of the proxy", &found, &Goal::None);
    let goal = Goal::new(format!("≤ {MOST_LOOKS}"), sleeps <= MOST_LOOKS * 1.05);
    let what = "the same: how often the thread that gives turns wakes";
    table.line(what, &format!("{sleeps:.0} times a second"), &goal);
    Ok(())
}

/// KiB of each of so many sessions.
fn memory(setup: &Setup, measure: Measure, further: &str) -> Result<f64> {
    let house = House::open(setup, further, &[])?;
    let group = house.server().group()?;
    let before = group.pss_kib();
    let sessions = house.streams(measure.sessions).context("idle sessions")?;
    sleep(Duration::from_secs(1));
    let added = precise(group.pss_kib().saturating_sub(before));
    drop(sessions);
    Ok(added / count(measure.sessions))
}
