//! Thousands of sessions that each say a little once a second.

use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

use anyhow::Result;
use nix::sys::epoll::EpollFlags;

use crate::{
    call::Call,
    contender::{Contender, Server},
    crowd,
    echo::EchoTarget,
    goal::Goal,
    poller::{Event, Poller, Ready},
    scenario::{Figure, Pace, Scenario},
    stats::{Latencies, count},
};

#[derive(Debug)]
pub(crate) struct Active {
    pub pace: Pace,
}

/// How often each session speaks.
const PERIOD: Duration = Duration::from_secs(1);

const ERRORS: Figure = Figure::new("errors", 0);
const CPU: Figure = Figure::new("CPU µs/transfer", 1);
const P50: Figure = Figure::new("p50, ms", 2);
const P99: Figure = Figure::new("p99, ms", 2);

impl Scenario for Active {
    fn title(&self) -> String {
        "Active sessions".into()
    }

    fn about(&self) -> String {
        format!(
            "{} sessions, each with 64 bytes and their echo a second, evenly spread, for {:?}. \
             No answer within that second is an error.",
            self.pace.sessions, self.pace.active
        )
    }

    // No goal of this load names dante, which answers with code 3 when so many sessions follow those of another load.
    fn contenders(&self) -> &'static [Contender] {
        &[Contender::Ours, Contender::Microsocks]
    }

    fn figures(&self) -> Vec<Figure> {
        vec![ERRORS, CPU, P50, P99]
    }

    fn goals(&self) -> Vec<Goal> {
        vec![
            Goal::at_most(ERRORS.name, 0.0),
            Goal::at_most_times(CPU.name, 0.90, Contender::Microsocks),
            Goal::at_most_times(P99.name, 1.00, Contender::Microsocks),
        ]
    }

    fn sample(&self, server: &Server) -> Result<Vec<f64>> {
        let target = EchoTarget::start()?;
        let sessions = crowd::open(server.route(), target.addresses(), self.pace.sessions)?;
        let mut choir = Choir::of(sessions)?;
        let meter = server.meter()?;
        choir.sing(self.pace.active)?;
        let cpu = meter.seconds()? / count(choir.latencies.len());
        let (p50, p99) = (choir.latencies.percentile(500), choir.latencies.percentile(990));
        Ok(vec![count(choir.errors), cpu * 1e6, p50 * 1e3, p99 * 1e3])
    }
}

struct Choir {
    poller: Poller,
    /// `None` for a session that broke.
    voices: Vec<Option<Call>>,
    latencies: Latencies,
    errors: usize,
}

impl Choir {
    fn of(sessions: Vec<TcpStream>) -> Result<Self> {
        let poller = Poller::new()?;
        for (number, session) in sessions.iter().enumerate() {
            session.set_nonblocking(true)?;
            poller.watch(session, number, EpollFlags::EPOLLIN)?;
        }
        let voices = sessions.into_iter().map(|session| Some(Call::over(session))).collect();
        Ok(Self { poller, voices, latencies: Latencies::default(), errors: 0 })
    }

    /// Everyone speaks once a period, one after another, then everyone has a last period to be answered in.
    fn sing(&mut self, length: Duration) -> Result<()> {
        let since = Instant::now();
        let mut spoken = 0;
        while since.elapsed() < length {
            let due = self.due(since.elapsed());
            (spoken..due).for_each(|turn| self.speak(turn % self.voices.len()));
            spoken = due;
            self.listen()?;
        }
        let end = Instant::now() + PERIOD;
        while Instant::now() < end && self.voices.iter().flatten().any(Call::is_waiting) {
            self.listen()?;
        }
        self.errors += self.voices.iter().flatten().filter(|call| call.is_waiting()).count();
        Ok(())
    }

    /// How many turns should have been taken by now.
    fn due(&self, elapsed: Duration) -> usize {
        let turns = elapsed.as_nanos() * self.voices.len() as u128 / PERIOD.as_nanos();
        usize::try_from(turns).expect("a run is seconds long")
    }

    fn speak(&mut self, number: usize) {
        let Some(call) = &mut self.voices[number] else { return };
        if call.is_waiting() || call.ask().is_err() {
            self.lose(number);
        }
    }

    fn listen(&mut self) -> Result<()> {
        let mut ready = Ready::default();
        for event in self.poller.wait(&mut ready, Duration::from_millis(1))? {
            self.hear(event);
        }
        Ok(())
    }

    fn hear(&mut self, event: Event) {
        match self.voices[event.number].as_mut().map(Call::hear) {
            Some(Ok(Some(took))) => self.latencies.record(took),
            Some(Err(_)) => self.lose(event.number),
            Some(Ok(None)) | None => {}
        }
    }

    fn lose(&mut self, number: usize) {
        self.voices[number] = None;
        self.errors += 1;
    }
}
