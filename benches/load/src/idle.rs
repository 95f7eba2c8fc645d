//! Memory and descriptors of sessions that do nothing: fresh ones, and ones that have carried something.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    thread::{self, sleep},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{
    contender::{Contender, Server},
    crowd,
    echo::EchoTarget,
    goal::Goal,
    scenario::{Figure, Pace, Scenario},
    stats::count,
};

#[derive(Debug)]
pub(crate) struct Idle {
    pub pace: Pace,
}

/// Sent and sent back, so that a session carries 1 MiB in all.
const TRANSFER: usize = 512 * 1024;
/// How many sessions transfer at once.
const ABREAST: usize = 16;
/// Time for a server to give back what it holds only while bytes flow.
const SETTLE: Duration = Duration::from_secs(1);

const BASE: Figure = Figure::new("no session, MiB", 1);
const FRESH: Figure = Figure::new("fresh sessions, KiB each", 2);
const USED: Figure = Figure::new("after a message and a transfer, KiB each", 2);
const DESCRIPTORS: Figure = Figure::new("descriptors each", 2);

impl Scenario for Idle {
    fn title(&self) -> String {
        "Idle sessions".into()
    }

    fn about(&self) -> String {
        format!(
            "{} sessions at once. Memory is the proportional set size of all processes of the server; each session's is what was added. \
             The transfer is 1 MiB, half of it each way.",
            self.pace.sessions
        )
    }

    fn contenders(&self) -> &'static [Contender] {
        &Contender::PROXIES
    }

    fn figures(&self) -> Vec<Figure> {
        vec![BASE, FRESH, USED, DESCRIPTORS]
    }

    fn goals(&self) -> Vec<Goal> {
        vec![
            Goal::at_most(BASE.name, 20.0),
            Goal::at_most(FRESH.name, 8.0),
            Goal::at_most(USED.name, 8.0),
            // A few descriptors that are not sessions' may come and go meanwhile.
            Goal::at_most(DESCRIPTORS.name, 2.01),
        ]
    }

    fn sample(&self, server: &Server) -> Result<Vec<f64>> {
        let group = server.group()?;
        let target = EchoTarget::start()?;
        sleep(SETTLE / 4);
        let (base, base_descriptors) = (kib(group.pss_kib()), group.descriptors());
        let sessions = crowd::open(server.route(), target.addresses(), self.pace.sessions)?;
        sleep(SETTLE);
        let (fresh, descriptors) = (kib(group.pss_kib()), group.descriptors());
        use_each(&sessions)?;
        sleep(SETTLE);
        let used = kib(group.pss_kib());
        let each = |total: f64, base: f64| (total - base) / count(self.pace.sessions);
        Ok(vec![base / 1024.0, each(fresh, base), each(used, base), each(count(descriptors), count(base_descriptors))])
    }
}

/// One message, then one transfer, on every session.
fn use_each(sessions: &[TcpStream]) -> Result<()> {
    sessions.iter().try_for_each(|session| exchange(session, 64)).context("a message")?;
    let share = sessions.len().div_ceil(ABREAST).max(1);
    thread::scope(|scope| {
        let transfer = |share: &[TcpStream]| share.iter().try_for_each(|session| exchange(session, TRANSFER));
        let workers: Vec<_> = sessions.chunks(share).map(|share| scope.spawn(move || transfer(share))).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a transfer does not panic"))
    })
    .context("a transfer")
}

/// Sends so many bytes while reading them back.
fn exchange(mut session: &TcpStream, length: usize) -> io::Result<()> {
    session.set_read_timeout(Some(Duration::from_secs(10)))?;
    let sent = vec![0x2a; length];
    let mut received = vec![0; length];
    let mut way_out = session;
    thread::scope(|scope| {
        let writer = scope.spawn(|| way_out.write_all(&sent));
        session.read_exact(&mut received)?;
        writer.join().expect("a write does not panic")
    })
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 KiB")]
fn kib(kib: u64) -> f64 {
    kib as f64
}
