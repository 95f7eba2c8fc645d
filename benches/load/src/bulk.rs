//! Bulk transfer over 1, 8 and 64 streams, up and down: throughput, and what a gigabyte costs the proxy.

use std::{
    net::{SocketAddrV4, TcpStream},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use socket2::Socket;

use crate::{
    contender::{Contender, Route, Server},
    crowd, echo,
    goal::Goal,
    pump::Flow,
    scenario::{Figure, Pace, Scenario},
    stats::mean,
};

#[derive(Debug)]
pub(crate) struct Bulk {
    pub pace: Pace,
}

/// One number of streams in one direction.
struct Cell {
    streams: usize,
    direction: Direction,
    /// GB/s.
    speed: &'static str,
    /// CPU seconds of the proxy for each GB.
    cost: &'static str,
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    Up,
    Down,
}

const fn cell(streams: usize, direction: Direction, speed: &'static str, cost: &'static str) -> Cell {
    Cell { streams, direction, speed, cost }
}

const CELLS: [Cell; 6] = [
    cell(1, Direction::Up, "1 stream up, GB/s", "1 stream up, CPU s/GB"),
    cell(1, Direction::Down, "1 stream down, GB/s", "1 stream down, CPU s/GB"),
    cell(8, Direction::Up, "8 streams up, GB/s", "8 streams up, CPU s/GB"),
    cell(8, Direction::Down, "8 streams down, GB/s", "8 streams down, CPU s/GB"),
    cell(64, Direction::Up, "64 streams up, GB/s", "64 streams up, CPU s/GB"),
    cell(64, Direction::Down, "64 streams down, GB/s", "64 streams down, CPU s/GB"),
];
const MEAN: (&str, &str) = ("mean, GB/s", "mean, CPU s/GB");
/// Time for the streams to grow their windows and for a proxy to see that this is bulk.
const WARM_UP: Duration = Duration::from_millis(150);

impl Scenario for Bulk {
    fn title(&self) -> String {
        "Bulk".into()
    }

    fn about(&self) -> String {
        format!("Streams that never pause, {:?} for each line; a GB is 10^9 bytes.", self.pace.bulk)
    }

    fn contenders(&self) -> &'static [Contender] {
        &Contender::ALL
    }

    fn figures(&self) -> Vec<Figure> {
        names().flat_map(|(speed, cost)| [Figure::new(speed, 2), Figure::new(cost, 3)]).collect()
    }

    fn goals(&self) -> Vec<Goal> {
        names()
            .flat_map(|(speed, cost)| {
                [
                    Goal::at_most_times(cost, 0.30, Contender::Dante),
                    Goal::at_least_times(speed, 1.70, Contender::Dante),
                    Goal::at_least_times(speed, 0.65, Contender::Direct),
                ]
            })
            .collect()
    }

    fn sample(&self, server: &Server) -> Result<Vec<f64>> {
        let mut speeds = Vec::new();
        let mut costs = Vec::new();
        for cell in &CELLS {
            let (speed, cost) = self.transfer(server, cell).with_context(|| cell.speed)?;
            speeds.push(speed);
            costs.push(cost);
        }
        speeds.push(mean(&speeds));
        costs.push(mean(&costs));
        Ok(speeds.into_iter().zip(costs).flat_map(|(speed, cost)| [speed, cost]).collect())
    }
}

impl Bulk {
    fn transfer(&self, server: &Server, cell: &Cell) -> Result<(f64, f64)> {
        let (near, far) = streams(server.route(), cell.streams)?;
        let flow = match cell.direction {
            Direction::Up => Flow::start(near, far)?,
            Direction::Down => Flow::start(far, near)?,
        };
        sleep(WARM_UP);
        let (before, since, meter) = (flow.received(), Instant::now(), server.meter()?);
        sleep(self.pace.bulk);
        let (cpu, took) = (meter.seconds()?, since.elapsed().as_secs_f64());
        let gigabytes = gigabytes(flow.received() - before);
        flow.end()?;
        Ok((gigabytes / took, cpu / gigabytes))
    }
}

fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    CELLS.iter().map(|cell| (cell.speed, cell.cost)).chain([MEAN])
}

/// Both ends of so many sessions, in no particular order.
fn streams(route: Route, count: usize) -> Result<(Vec<TcpStream>, Vec<TcpStream>)> {
    let listener = echo::listener()?;
    let target: SocketAddrV4 = echo::address(&listener)?;
    let near = crowd::open(route, &[target], count)?;
    let far = (0..count).map(|_| accept(&listener)).collect::<Result<_>>()?;
    Ok((near, far))
}

/// A session that is open has been accepted by the kernel at the other end: nothing to wait for.
fn accept(listener: &Socket) -> Result<TcpStream> {
    let (socket, _) = listener.accept().context("a session is open, but its target saw no connection")?;
    Ok(socket.into())
}

#[expect(clippy::cast_precision_loss, reason = "a run moves far less than 2^53 bytes")]
fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}
