//! How users and groups share one limit: in equal parts, by guarantees that are lent, by strict priority.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::Result;

use super::{
    Goal, Measure, Table,
    house::{House, WARM_UP, precise, rates},
};
use crate::{contender::Setup, pump::Flow, stats::count};

const USERS: [&str; 10] = ["u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8", "u9"];

/// What all have, and what is guaranteed to the lender, in bytes a second.
const ALL: f64 = 12.5e6;
const GUARANTEED: f64 = 10e6;

/// How soon a lender has what is its own again.
const AT_ONCE: Duration = Duration::from_millis(100);

/// The lender's streams and those of who borrows from it.
const CROWD: usize = 32;

pub(super) fn measure(setup: &Setup, measure: Measure, table: &mut Table) -> Result<()> {
    equal_parts(setup, measure, table)?;
    given_back(setup, table)?;
    guarantee(setup, measure, table)?;
    priority(setup, measure, table)
}

/// The first of ten opens ten streams, the others one each.
fn equal_parts(setup: &Setup, measure: Measure, table: &mut Table) -> Result<()> {
    let house = House::open(setup, "[limits]\nbandwidth_limit_mbps = 80\n", &USERS.map(|user| (user, "")))?;
    let flows =
        USERS.iter().enumerate().map(|(number, user)| house.download_of(user, if number == 0 { 10 } else { 1 }));
    let flows = flows.collect::<Result<Vec<_>>>()?;
    sleep(WARM_UP);
    let rates = rates(&flows.iter().collect::<Vec<_>>(), measure.time());
    end(flows)?;
    let part = 10e6 / count(rates.len());
    let worst = rates.iter().map(|rate| (rate / part - 1.0).abs() * 100.0).fold(0.0, f64::max);
    let found = format!("{worst:.2} % off at most");
    let goal = Goal::new("within 5 %", worst <= 5.0);
    table.line("ten users under 80 Mbit/s, one with ten streams", &found, &goal);
    Ok(())
}

/// A group that has lent all it has, and wants it back.
fn lent(setup: &Setup) -> Result<House> {
    let groups = "[limits]\nbandwidth_limit_mbps = 100\n\
                  [[limits.groups]]\nname = \"lender\"\nbandwidth_guaranteed_mbps = 80\n\
                  [[limits.groups]]\nname = \"borrower\"\nbandwidth_priority = 7\n";
    House::open(setup, groups, &[("alice", "groups = [\"lender\"]\n"), ("bob", "groups = [\"borrower\"]\n")])
}

fn given_back(setup: &Setup, table: &mut Table) -> Result<()> {
    let house = lent(setup)?;
    let borrower = house.download_of("bob", CROWD)?;
    let (near, far) = house.stream_of("alice")?;
    sleep(WARM_UP);
    let alone = rates(&[&borrower], Duration::from_secs(1))[0];
    let (began, lender) = (Instant::now(), Flow::start(vec![far], vec![near])?);
    // From when on it never has less than it would have with its guarantee.
    let (mut late, mut looks) = (Duration::ZERO, 0);
    while began.elapsed() < Duration::from_secs(2) {
        sleep(Duration::from_millis(2));
        let passed = began.elapsed();
        let due = GUARANTEED * passed.saturating_sub(AT_ONCE).as_secs_f64();
        if precise(lender.received()) < due * 0.97 {
            late = passed;
        }
        looks += 1;
    }
    let in_time = precise(lender.received()) / 2.0;
    end(vec![lender, borrower])?;
    let found = format!(
        "{}; the borrower had {:.1} of {:.1} MB/s before, the lender {:.1} MB/s in the first 2 s ({looks} looks)",
        if late.is_zero() { "never behind".to_owned() } else { format!("behind until {late:.0?}") },
        alone / 1e6,
        ALL / 1e6,
        in_time / 1e6
    );
    let what = format!("what was lent to {CROWD} streams of a higher priority is back");
    table.line(&what, &found, &Goal::new("within 100 ms", late.is_zero() && alone > ALL * 0.97));
    Ok(())
}

fn guarantee(setup: &Setup, measure: Measure, table: &mut Table) -> Result<()> {
    let house = lent(setup)?;
    let flows = vec![house.download_of("alice", 1)?, house.download_of("bob", CROWD)?];
    sleep(WARM_UP);
    let rates = rates(&flows.iter().collect::<Vec<_>>(), measure.time());
    end(flows)?;
    let off = (rates[0] / GUARANTEED - 1.0) * 100.0;
    let found = format!("{:.2} MB/s, {off:+.2} %; the others {:.2} MB/s", rates[0] / 1e6, rates[1] / 1e6);
    let what = format!("10 MB/s guaranteed to 1 stream beside {CROWD} of a higher priority");
    // More than its guarantee is nobody's loss.
    table.line(&what, &found, &Goal::new("at least 97 %", off >= -3.0));
    Ok(())
}

fn priority(setup: &Setup, measure: Measure, table: &mut Table) -> Result<()> {
    let groups = "[limits]\nbandwidth_limit_mbps = 100\n\
                  [[limits.groups]]\nname = \"first\"\nbandwidth_priority = 7\n\
                  [[limits.groups]]\nname = \"last\"\nbandwidth_priority = 1\n";
    let users = [("alice", "groups = [\"first\"]\n"), ("bob", "groups = [\"last\"]\n")];
    let house = House::open(setup, groups, &users)?;
    let flows = vec![house.download_of("alice", 2)?, house.download_of("bob", CROWD)?];
    sleep(WARM_UP);
    let rates = rates(&flows.iter().collect::<Vec<_>>(), measure.time());
    end(flows)?;
    let part = rates[0] / ALL * 100.0;
    let found = format!("{part:.1} % for the first, {:.1} % for the last", rates[1] / ALL * 100.0);
    let what = format!("2 streams of a higher priority beside {CROWD}");
    table.line(&what, &found, &Goal::new("≥ 97 % for the first", part >= 97.0));
    Ok(())
}

fn end(flows: Vec<Flow>) -> Result<()> {
    Ok(flows.into_iter().try_for_each(Flow::end)?)
}
