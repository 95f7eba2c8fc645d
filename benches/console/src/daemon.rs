//! What views and what-if cost the daemon, and those whose bytes it carries.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rig::usage::exact_processor_time_by_thread;
use rig::wire::Wire;
use serde_json::{Value, json};

use crate::report::Budget;
use crate::times::{Times, milliseconds};
use crate::world::{World, greet, rules};

/// How long another window may take of ten thousand rows, and of fifty thousand.
pub(crate) const MANY: Duration = Duration::from_millis(5);
pub(crate) const VERY_MANY: Duration = Duration::from_millis(20);

/// Windows that are asked for, and how often: what else the host does makes some passes slower than others, and the middle one counts.
const WINDOWS: usize = 200;
const PASSES: usize = 5;

/// A screenful at 100x30, and one before and one behind it.
const ROWS: usize = 69;

/// Threads that work for views.
const ADMIN: [&str; 2] = ["admin", "pulse"];

/// Between two messages of the session whose way is watched, and rounds with and without questions beside it.
const BETWEEN: Duration = Duration::from_millis(2);
const ROUNDS: u32 = 6;

/// What the daemon does each second for a view of its sessions as the console has it, in part of one processor.
pub(crate) fn view_costs(world: &World, round: Duration) -> Budget {
    let round = round / ROUNDS * 2;
    let (mut without, mut with) = (Times::default(), Times::default());
    let open =
        json!({ "of": "sessions", "sort": [["rate", "desc"]], "win": { "off": 0, "len": ROWS }, "every_ms": 1000 });
    for _ in 0..ROUNDS {
        without.add(used(world, round, || thread::sleep(round)));
        let mut conversation = world.conversation();
        conversation.ask("view.open", open.clone());
        let watch = || {
            let end = Instant::now() + round;
            while Instant::now() < end {
                let _patch = conversation.push();
            }
        };
        with.add(used(world, round, watch));
    }
    let (without, with) = (without.median(), with.median());
    let part = |time: Duration| time.as_secs_f64() / round.as_secs_f64() * 100.0;
    let percent = part(with.saturating_sub(without));
    let measured = format!("{percent:.2}%, of {:.2}% for everything about operators", part(with));
    Budget::of("daemon's processor for an open sessions view at 1 Hz", "0.2%", percent <= 0.2, &measured)
}

/// Processor time of the threads that work for views, while something is done: as much as a round of this length would have.
fn used(world: &World, round: Duration, something: impl FnOnce()) -> Duration {
    let spent = || {
        let times = exact_processor_time_by_thread(world.worker());
        ADMIN.iter().filter_map(|name| times.get(*name)).sum::<Duration>()
    };
    let (before, began) = (spent(), Instant::now());
    something();
    let used = spent().saturating_sub(before);
    used.mul_f64(round.as_secs_f64() / began.elapsed().as_secs_f64())
}

/// Other windows of a table, each somewhere else and in another order.
pub(crate) fn windows_change(socket: &Path, of: &str, rows: usize, limit: Duration) -> Budget {
    let mut conversation = greet(socket);
    let opened = conversation.ask("view.open", json!({ "of": of, "every_ms": 60_000 }));
    let columns: Vec<Value> = list(&opened["cols"]).iter().map(|column| column["name"].clone()).collect();
    let mut pass = || {
        let mut times = Times::default();
        for number in 0..WINDOWS {
            let column = &columns[number % columns.len()];
            let direction = if number % 2 == 0 { "desc" } else { "asc" };
            // A prime number of steps goes everywhere.
            let window = json!({ "off": number * 7919 % rows.max(1), "len": ROWS });
            let change = json!({ "sub": opened["sub"], "sort": [[column, direction]], "win": window });
            let began = Instant::now();
            let answer = conversation.ask("view.set", change);
            times.add(began.elapsed());
            assert!(answer["total"].as_u64() > Some(0), "{answer}");
        }
        times
    };
    let slowest_twentieth = |mut times: Times| (times.percentile(95), times);
    let mut passes: Vec<_> = (0..PASSES).map(|_| slowest_twentieth(pass())).collect();
    let longest = passes.iter_mut().map(|(_, times)| times.longest()).max().unwrap_or_default();
    passes.sort_by_key(|(p95, _)| *p95);
    let (p95, mut times) = passes.swap_remove(PASSES / 2);
    let is_kept = p95 <= limit;
    let [median, p95, longest] = [times.median(), p95, longest].map(milliseconds);
    let measured = format!("median {median}, p95 {p95}, longest {longest}");
    Budget::of(&format!("another window (view.set) of {rows} {of}, p95"), &milliseconds(limit), is_kept, &measured)
}

/// What other rules would say to everybody who is in, and what that does to the bytes of somebody who is.
pub(crate) fn what_if(world: &World, sessions: usize, round: Duration) -> Vec<Budget> {
    let mut conversation = world.conversation();
    let mut wire = world.session();
    let (mut times, mut alone, mut beside) = (Times::default(), Times::default(), Times::default());
    for _ in 0..ROUNDS {
        alone.add(slowest_hundredth(&mut wire, round / ROUNDS, || {}));
        let mut due = Instant::now();
        let ask = || {
            if Instant::now() >= due {
                due += Duration::from_secs(1);
                conversation.send("acl.whatif", &question());
            }
        };
        beside.add(slowest_hundredth(&mut wire, round / ROUNDS, ask));
        // The last one's answer comes before this one's.
        let _answer = conversation.ask("acl.whatif", question());
    }
    let rounds = ROUNDS * 2;
    for _ in 0..rounds {
        let began = Instant::now();
        let answer = conversation.ask("acl.whatif", question());
        times.add(began.elapsed());
        assert!(answer["live"]["evaluated"].as_u64() >= Some(sessions as u64 / 2), "{answer}");
    }
    let (median, longest) = (times.median(), times.longest());
    let measured = format!("median {}, longest {}", milliseconds(median), milliseconds(longest));
    let name = format!("what-if, {sessions} sessions and 100 rules");
    let (alone, beside) = (alone.median(), beside.median());
    let change = (beside.as_secs_f64() / alone.as_secs_f64() - 1.0) * 100.0;
    let ways = format!("{change:+.1}%: {} and {}", milliseconds(alone), milliseconds(beside));
    vec![
        Budget::of(&name, "250 ms", longest <= Duration::from_millis(250), &measured),
        Budget::of("p99 of 64 bytes there and back beside one what-if a second", "5% more", change <= 5.0, &ways),
    ]
}

fn question() -> Value {
    json!({ "text": rules("127.0.0.0/16") })
}

/// The way of a message there and back that 1 of 100 exceeds; `meanwhile` is done before each.
fn slowest_hundredth(wire: &mut Wire, round: Duration, mut meanwhile: impl FnMut()) -> Duration {
    let mut times = Times::default();
    let end = Instant::now() + round;
    while Instant::now() < end {
        meanwhile();
        let began = Instant::now();
        wire.send(&[7; 64]);
        let _echo = wire.receive_all(64);
        times.add(began.elapsed());
        thread::sleep(BETWEEN);
    }
    times.percentile(99)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
