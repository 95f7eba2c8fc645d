//! Short connections, 64 at once: connect, greeting, CONNECT, 64 bytes each way, close; also with a login each time.

use std::{
    io,
    net::SocketAddrV4,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use crate::{
    call::Call,
    client::{Client, Progress},
    contender::{Contender, Login, Route, Server},
    echo::EchoTarget,
    goal::Goal,
    poller::{Event, Poller, Ready},
    scenario::{Figure, Pace, Scenario},
    stats::{Latencies, count},
};

#[derive(Debug)]
pub(crate) struct Short {
    pub pace: Pace,
    pub login: Login,
}

const WORKERS: usize = 64;
const RATE: Figure = Figure::new("connections/s", 0);
const CPU: Figure = Figure::new("CPU µs/connection", 1);
const P50: Figure = Figure::new("p50, ms", 2);
const P99: Figure = Figure::new("p99, ms", 2);
const ERRORS: Figure = Figure::new("errors", 0);

impl Scenario for Short {
    fn title(&self) -> String {
        match self.login {
            Login::Nobody => "Short connections".into(),
            Login::Password => "Short connections that log in".into(),
        }
    }

    fn about(&self) -> String {
        let login = match self.login {
            Login::Nobody => "",
            Login::Password => " name and password,",
        };
        format!(
            "{WORKERS} at once for {:?}: connect, greeting,{login} CONNECT, 64 bytes each way, close by the client. \
             Times run from the connect to the last byte of the answer.",
            self.pace.short
        )
    }

    fn contenders(&self) -> &'static [Contender] {
        match self.login {
            Login::Nobody => &Contender::ALL,
            Login::Password => &Contender::WITH_LOGIN,
        }
    }

    fn login(&self) -> Login {
        self.login
    }

    fn figures(&self) -> Vec<Figure> {
        vec![RATE, CPU, P50, P99, ERRORS]
    }

    fn goals(&self) -> Vec<Goal> {
        vec![
            Goal::at_most_times(CPU.name, 0.80, Contender::Microsocks),
            Goal::at_least_times(RATE.name, 1.15, Contender::Microsocks),
            Goal::at_most_times(P99.name, 1.00, Contender::Microsocks),
            Goal::at_most(ERRORS.name, 0.0),
        ]
    }

    fn sample(&self, server: &Server) -> Result<Vec<f64>> {
        let target = EchoTarget::start()?;
        work(server.route(), target.addresses(), Duration::from_millis(200))?;
        settle();
        let meter = server.meter()?;
        let mut tally = work(server.route(), target.addresses(), self.pace.short)?;
        settle();
        let cpu = meter.seconds()?;
        let done = count(tally.latencies.len());
        let rate = done / tally.took.as_secs_f64();
        let (p50, p99) = (tally.latencies.percentile(500), tally.latencies.percentile(990));
        Ok(vec![rate, cpu * 1e6 / done, p50 * 1e3, p99 * 1e3, count(tally.errors)])
    }
}

/// Time for the server to clean up after the last connections, which is part of their cost.
fn settle() {
    sleep(Duration::from_millis(50));
}

/// Keeps all workers busy for so long, and waits for the last of them.
fn work(route: Route, targets: &[SocketAddrV4], length: Duration) -> Result<Tally> {
    let mut shift = Shift {
        route,
        targets,
        end: Instant::now() + length,
        poller: Poller::new()?,
        workers: (0..WORKERS).map(|_| None).collect(),
        started: 0,
        tally: Tally::default(),
    };
    shift.run()?;
    Ok(shift.tally)
}

#[derive(Debug, Default)]
struct Tally {
    latencies: Latencies,
    errors: usize,
    took: Duration,
}

struct Shift<'a> {
    route: Route,
    targets: &'a [SocketAddrV4],
    end: Instant,
    poller: Poller,
    /// `None` once the shift is over.
    workers: Vec<Option<Worker>>,
    started: usize,
    tally: Tally,
}

struct Worker {
    since: Instant,
    stage: Stage,
}

enum Stage {
    Entering(Client),
    Talking(Call),
}

impl Shift<'_> {
    fn run(&mut self) -> Result<()> {
        let since = Instant::now();
        for worker in 0..WORKERS {
            self.begin(worker)?;
        }
        let mut ready = Ready::default();
        while self.workers.iter().any(Option::is_some) {
            for event in self.poller.wait(&mut ready, Duration::from_millis(100))? {
                self.step(event)?;
            }
            ensure!(Instant::now() < self.end + Duration::from_secs(5), "connections got stuck for 5 s");
        }
        self.tally.took = since.elapsed();
        Ok(())
    }

    fn begin(&mut self, worker: usize) -> io::Result<()> {
        let since = Instant::now();
        let target = self.targets[self.started % self.targets.len()];
        let client = Client::start(self.route, target, self.started)?;
        self.poller.watch(&client.stream, worker, Client::INTEREST)?;
        self.workers[worker] = Some(Worker { since, stage: Stage::Entering(client) });
        self.started += 1;
        Ok(())
    }

    fn step(&mut self, event: Event) -> Result<()> {
        let Some(worker) = self.workers[event.number].take() else { return Ok(()) };
        let since = worker.since;
        match worker.advance(event) {
            Ok(Some(worker)) => self.workers[event.number] = Some(worker),
            Ok(None) => {
                self.tally.latencies.record(since.elapsed());
                self.begin_again(event.number)?;
            }
            Err(error) => {
                self.tally.errors += 1;
                ensure!(self.tally.errors < 1000, "connections keep failing: {error}");
                self.begin_again(event.number)?;
            }
        }
        Ok(())
    }

    fn begin_again(&mut self, worker: usize) -> io::Result<()> {
        if Instant::now() < self.end { self.begin(worker) } else { Ok(()) }
    }
}

impl Worker {
    /// None once its connection is done, and closed.
    fn advance(self, event: Event) -> io::Result<Option<Self>> {
        let since = self.since;
        let stage = match self.stage {
            Stage::Entering(mut client) => match client.advance(event)? {
                Progress::Waiting => Stage::Entering(client),
                Progress::Open => {
                    let mut call = Call::over(client.stream);
                    call.ask()?;
                    Stage::Talking(call)
                }
            },
            Stage::Talking(mut call) => match call.hear()? {
                Some(_) => return Ok(None),
                None => Stage::Talking(call),
            },
        };
        Ok(Some(Self { since, stage }))
    }
}
