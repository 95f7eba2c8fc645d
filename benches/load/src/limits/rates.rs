//! How exactly a rate is kept, by one stream and by many, up and down, and whether a burst passes.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::Result;

use super::{
    Goal, Measure, Table,
    house::{Direction, House, WARM_UP, precise, rates},
};
use crate::contender::Setup;

/// Megabits a second: 1, 10 and 100 MB/s, and a gigabit.
const RATES: [u32; 4] = [8, 80, 800, 1_000];

const STREAMS: [usize; 2] = [1, 64];

/// How far a rate may be off, in percent.
const TOLERANCE: f64 = 3.0;

/// What may pass at once, and how fast it comes after that.
const BURST_KIB: u32 = 4_096;
const SLOW: f64 = 1e6;

pub(super) fn measure(setup: &Setup, measure: Measure, table: &mut Table) -> Result<()> {
    for mbps in RATES {
        for streams in STREAMS {
            for direction in Direction::BOTH {
                kept(setup, measure, (mbps, streams, direction), table)?;
            }
        }
    }
    burst(setup, table)
}

fn kept(
    setup: &Setup,
    measure: Measure,
    (mbps, streams, direction): (u32, usize, Direction),
    table: &mut Table,
) -> Result<()> {
    let house = House::open(setup, &format!("[limits]\nbandwidth_limit_mbps = {mbps}\n"), &[])?;
    let flow = house.flow(streams, direction)?;
    sleep(WARM_UP);
    let rate = rates(&[&flow], measure.time())[0];
    flow.end()?;
    let wanted = f64::from(mbps) * 1e6 / 8.0;
    let off = (rate / wanted - 1.0) * 100.0;
    let streams = if streams == 1 { "1 stream".to_owned() } else { format!("{streams} streams") };
    let what = format!("{mbps} Mbit/s, {streams} {}", direction.name());
    let found = format!("{:.3} MB/s, {off:+.2} %", rate / 1e6);
    table.line(&what, &found, &Goal::new(format!("within {TOLERANCE} %"), off.abs() <= TOLERANCE));
    Ok(())
}

/// The burst comes at once, and no more than it and the rate after it.
fn burst(setup: &Setup, table: &mut Table) -> Result<()> {
    let lines = format!("bandwidth_limit_mbps = 8\nbandwidth_burst_kib = {BURST_KIB}\n");
    let house = House::open(setup, "", &[("alice", &lines)])?;
    let flow = house.download_of("alice", 1)?;
    let (began, whole) = (Instant::now(), f64::from(BURST_KIB) * 1024.0);
    while precise(flow.received()) < whole * 0.95 && began.elapsed() < Duration::from_secs(5) {
        sleep(Duration::from_millis(1));
    }
    let burst_took = began.elapsed();
    sleep(Duration::from_secs(4));
    let (got, may_have) = (precise(flow.received()), whole + SLOW * began.elapsed().as_secs_f64());
    flow.end()?;
    let found = format!("{burst_took:.0?}; after 4 s {:+.2} % of what may have passed", (got / may_have - 1.0) * 100.0);
    let is_honoured = burst_took < Duration::from_millis(200) && (got / may_have - 1.0).abs() <= TOLERANCE / 100.0;
    table.line("a burst of 4 MiB under 8 Mbit/s", &found, &Goal::new("at once, and no more", is_honoured));
    Ok(())
}
