//! 64 bytes there and back, again and again: on one connection, where latency shows, and on 256, where cost shows.

use std::{
    io,
    net::TcpStream,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use nix::sys::epoll::EpollFlags;

use crate::{
    call::Call,
    contender::{Contender, Server},
    crowd,
    echo::EchoTarget,
    goal::Goal,
    poller::{Poller, Ready},
    scenario::{Figure, Pace, Scenario},
    stats::{Latencies, count},
};

#[derive(Debug)]
pub(crate) struct Pingpong {
    pub pace: Pace,
}

const MANY: usize = 256;
const ONE_P50: Figure = Figure::new("1 connection, p50 µs", 1);
const ONE_P99: Figure = Figure::new("1 connection, p99 µs", 1);
const RATE: Figure = Figure::new("256 connections, round trips/s", 0);
const CPU: Figure = Figure::new("256 connections, CPU µs/round trip", 2);
const P99: Figure = Figure::new("256 connections, p99 ms", 2);

impl Scenario for Pingpong {
    fn title(&self) -> String {
        "Ping-pong".into()
    }

    fn about(&self) -> String {
        format!("64 bytes and their echo, the next as soon as the last is back, {:?} each.", self.pace.pingpong)
    }

    fn contenders(&self) -> &'static [Contender] {
        &Contender::ALL
    }

    fn figures(&self) -> Vec<Figure> {
        vec![ONE_P50, ONE_P99, RATE, CPU, P99]
    }

    fn goals(&self) -> Vec<Goal> {
        vec![
            Goal::at_most_times(ONE_P50.name, 1.00, Contender::Microsocks),
            Goal::at_most_times(ONE_P99.name, 1.00, Contender::Microsocks),
            Goal::at_most_times(CPU.name, 0.95, Contender::Dante),
            Goal::at_most_times(P99.name, 1.00, Contender::Microsocks),
        ]
    }

    fn sample(&self, server: &Server) -> Result<Vec<f64>> {
        let target = EchoTarget::start()?;
        let mut one = self.play(server, &target, 1)?;
        let mut many = self.play(server, &target, MANY)?;
        Ok(vec![
            one.latencies.percentile(500) * 1e6,
            one.latencies.percentile(990) * 1e6,
            many.rate,
            many.cpu * 1e6,
            many.latencies.percentile(990) * 1e3,
        ])
    }
}

struct Score {
    latencies: Latencies,
    /// Round trips a second.
    rate: f64,
    /// CPU seconds of the proxy for each.
    cpu: f64,
}

impl Pingpong {
    fn play(&self, server: &Server, target: &EchoTarget, connections: usize) -> Result<Score> {
        let streams = crowd::open(server.route(), target.addresses(), connections)?;
        let mut table = Table::seat(streams)?;
        table.play(Duration::from_millis(100))?;
        let (since, meter) = (Instant::now(), server.meter()?);
        let latencies = table.play(self.pace.pingpong)?;
        let (cpu, took) = (meter.seconds()?, since.elapsed().as_secs_f64());
        let done = count(latencies.len());
        Ok(Score { latencies, rate: done / took, cpu: cpu / done })
    }
}

struct Table {
    poller: Poller,
    calls: Vec<Call>,
}

impl Table {
    /// Every connection asks its first question.
    fn seat(streams: Vec<TcpStream>) -> io::Result<Self> {
        let poller = Poller::new()?;
        let mut calls = Vec::with_capacity(streams.len());
        for (number, stream) in streams.into_iter().enumerate() {
            stream.set_nonblocking(true)?;
            poller.watch(&stream, number, EpollFlags::EPOLLIN)?;
            let mut call = Call::over(stream);
            call.ask()?;
            calls.push(call);
        }
        Ok(Self { poller, calls })
    }

    fn play(&mut self, length: Duration) -> Result<Latencies> {
        let end = Instant::now() + length;
        let mut latencies = Latencies::default();
        let mut ready = Ready::default();
        while Instant::now() < end {
            for event in self.poller.wait(&mut ready, Duration::from_millis(10))? {
                let call = &mut self.calls[event.number];
                if let Some(took) = call.hear()? {
                    latencies.record(took);
                    call.ask()?;
                }
            }
        }
        ensure!(latencies.len() > 0, "no answer came back");
        Ok(latencies)
    }
}
