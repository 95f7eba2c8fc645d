//! Opens many sessions through a server, a few at a time.
//!
//! Knows nothing of what they will carry.

use std::{
    io,
    net::{SocketAddrV4, TcpStream},
    time::{Duration, Instant},
};

use crate::{
    client::{Client, Progress},
    contender::Route,
    poller::{Event, Poller, Ready},
};

/// How many handshakes are under way at once.
const ABREAST: usize = 64;
/// How long nothing at all may happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens `count` sessions; the first that fails ends it all. The streams come back blocking.
pub(crate) fn open(route: Route, targets: &[SocketAddrV4], count: usize) -> io::Result<Vec<TcpStream>> {
    let mut crowd = Crowd { route, targets, count, poller: Poller::new()?, entering: Vec::new(), inside: Vec::new() };
    while crowd.entering.len() < count.min(ABREAST) {
        crowd.enter()?;
    }
    crowd.wait()?;
    Ok(crowd.inside)
}

struct Crowd<'a> {
    route: Route,
    targets: &'a [SocketAddrV4],
    count: usize,
    poller: Poller,
    /// By number; `None` once inside.
    entering: Vec<Option<Client>>,
    inside: Vec<TcpStream>,
}

impl Crowd<'_> {
    fn enter(&mut self) -> io::Result<()> {
        let number = self.entering.len();
        let client = Client::start(self.route, self.targets[number % self.targets.len()], number)?;
        self.poller.watch(&client.stream, number, Client::INTEREST)?;
        self.entering.push(Some(client));
        Ok(())
    }

    fn wait(&mut self) -> io::Result<()> {
        let mut ready = Ready::default();
        let mut quiet_since = Instant::now();
        while self.inside.len() < self.count {
            let events: Vec<_> = self.poller.wait(&mut ready, Duration::from_millis(100))?.collect();
            if !events.is_empty() {
                quiet_since = Instant::now();
            } else if quiet_since.elapsed() > PATIENCE {
                return Err(self.gave_up());
            }
            for event in events {
                self.step(event)?;
            }
        }
        Ok(())
    }

    fn step(&mut self, event: Event) -> io::Result<()> {
        let Some(client) = &mut self.entering[event.number] else { return Ok(()) };
        if client.advance(event)? == Progress::Waiting {
            return Ok(());
        }
        let client = self.entering[event.number].take().expect("it was there a moment ago");
        self.poller.forget(&client.stream)?;
        client.stream.set_nonblocking(false)?;
        self.inside.push(client.stream);
        if self.entering.len() < self.count { self.enter() } else { Ok(()) }
    }

    fn gave_up(&self) -> io::Error {
        let (inside, count) = (self.inside.len(), self.count);
        io::Error::new(
            io::ErrorKind::TimedOut,
            format!("{inside} of {count} sessions opened, then nothing for {PATIENCE:?}"),
        )
    }
}
