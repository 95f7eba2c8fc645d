//! The console itself on a terminal: how soon it answers, and what it takes of terminal, socket and machine.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rig::screen::Screen;
use rig::usage::{exact_processor_time, status_line};
use rig::wait::eventually;

use crate::report::Budget;
use crate::tap::Tap;
use crate::times::{Times, milliseconds};
use crate::world::World;

const SIZE: (u16, u16) = (100, 30);

/// How often the console is opened, and how often a key is pressed.
const OPENED: usize = 20;
const KEYS: u32 = 200;

/// Between two keys; a little more each time, so that they meet every moment of a second.
const PAUSE: Duration = Duration::from_millis(60);

/// How long a screen may take to be what it will be.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn measured(world: &World, round: Duration) -> Result<Vec<Budget>> {
    let mut budgets = vec![start(&world.socket()), keys(&world.socket())];
    let tap = Tap::on(&world.socket())?;
    let mut screen = at_sessions(&tap.socket());
    // Nobody types from here on.
    let (began, written, passed) = (Instant::now(), screen.received(), tap.passed());
    let used = exact_processor_time(screen.pid());
    thread::sleep(round);
    let lasted = began.elapsed().as_secs_f64();
    let used = (exact_processor_time(screen.pid()).saturating_sub(used)).as_secs_f64() / lasted * 100.0;
    let written = a_second(screen.received() - written, lasted);
    let passed = a_second(tap.passed() - passed, lasted);
    let memory = memory(screen.pid())?;
    budgets.extend([
        Budget::of("bytes to the terminal, sessions screen at 100x30", "2.5 KB/s", written <= 2_500.0, &kilo(written)),
        Budget::of("bytes on the socket, sessions screen, both ways", "6 KB/s", passed <= 6_000.0, &kilo(passed)),
        Budget::of("client memory at rest, resident", "20 MiB", memory <= 20.0, &format!("{memory:.1} MiB")),
        Budget::of("client processor at rest", "0.5%", used <= 0.5, &format!("{used:.2}%")),
    ]);
    screen.type_in("q");
    Ok(budgets)
}

/// From the start of the process to the overview with what the daemon has said.
fn start(socket: &Path) -> Budget {
    let mut times = Times::default();
    // The client is built before anybody looks at the clock.
    let _program = rig::client::program();
    for _ in 0..OPENED {
        let began = Instant::now();
        let mut screen = Screen::open(socket, SIZE, &[]);
        screen.wait_until("the overview", |text| text.contains("[1 Overview]") && text.contains("anonymous"));
        times.add(began.elapsed());
        screen.type_in("q");
        let _code = screen.wait_for_end();
    }
    let is_kept = times.percentile(95) <= Duration::from_millis(100);
    let [median, p95] = [times.median(), times.percentile(95)].map(milliseconds);
    Budget::of("start to first complete screen", "100 ms", is_kept, &format!("median {median}, p95 {p95}"))
}

/// From the key to another row that is meant, by the pane that tells more of it.
fn keys(socket: &Path) -> Budget {
    let mut screen = at_sessions(socket);
    let mut times = Times::default();
    for number in 0..KEYS {
        thread::sleep(PAUSE + Duration::from_millis(u64::from(number) % 37));
        let before = meant(&screen.text()).map(str::to_owned);
        let began = Instant::now();
        screen.type_in("j");
        screen.wait_until("another session", |text| meant(text).is_some() && meant(text) != before.as_deref());
        times.add(began.elapsed());
    }
    screen.type_in("q");
    let is_kept = times.percentile(95) <= Duration::from_millis(30);
    let [median, p95, longest] = [times.median(), times.percentile(95), times.longest()].map(milliseconds);
    let measured = format!("median {median}, p95 {p95}, longest {longest}");
    Budget::of("key to screen through a pty, p95", "30 ms", is_kept, &measured)
}

/// The session that the pane below the table tells of.
fn meant(text: &str) -> Option<&str> {
    text.split("Session ").nth(1)?.split_whitespace().next()
}

fn at_sessions(socket: &Path) -> Screen {
    let mut screen = Screen::open(socket, SIZE, &[]);
    screen.wait_for("[1 Overview]");
    screen.type_in("2");
    screen.wait_until("a session", |text| meant(text).is_some());
    let mut received = 0;
    // The first pictures are whole.
    let is_settled = || {
        thread::sleep(Duration::from_secs(1));
        let before = std::mem::replace(&mut received, screen.received());
        received - before < 10_000
    };
    assert!(eventually(PATIENCE, is_settled), "it draws and draws:\n{}", screen.text());
    screen
}

fn memory(pid: u32) -> Result<f64> {
    let line = status_line(pid, "VmRSS");
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().context("VmRSS is a number of kB")?;
    Ok(kib / 1024.0)
}

fn a_second(bytes: u64, seconds: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "there are no 2^52 of them")]
    let bytes = bytes as f64;
    bytes / seconds
}

fn kilo(bytes: f64) -> String {
    format!("{:.2} KB/s", bytes / 1e3)
}
