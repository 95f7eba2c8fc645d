//! A proxy with limits, its users, and streams through it.

use std::{
    io::{self, Read, Write},
    net::{SocketAddrV4, TcpStream},
    thread::{self, sleep},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use socket2::Socket;

use crate::{
    contender::{Contender, Login, Member, Route, Server, Setup},
    crowd, echo,
    pump::Flow,
    socks,
};

/// Until bursts and buffers are used up.
pub(super) const WARM_UP: Duration = Duration::from_millis(1_500);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}

impl Direction {
    pub(super) const BOTH: [Self; 2] = [Self::Up, Self::Down];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

pub(super) struct House {
    server: Server,
    target: Socket,
}

impl House {
    /// A proxy whose configuration ends with these lines, and its users, each with lines of his own; without users, for everybody.
    pub(super) fn open(setup: &Setup, further: &str, users: &[(&str, &str)]) -> Result<Self> {
        let members = users.iter().map(|(name, lines)| Member { name: (*name).into(), lines: (*lines).into() });
        let login = if users.is_empty() { Login::Nobody } else { Login::Password };
        let setup = Setup { further: further.into(), members: members.collect(), login, ..setup.clone() };
        let target = echo::listener()?;
        target.set_nonblocking(false)?;
        Ok(Self { server: Server::start(Contender::Ours, &setup)?, target })
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// Both ends of so many streams of nobody in particular.
    pub(super) fn streams(&self, count: usize) -> Result<(Vec<TcpStream>, Vec<TcpStream>)> {
        let target = echo::address(&self.target)?;
        thread::scope(|scope| {
            // Beside, as a backlog holds fewer.
            let far = scope.spawn(|| (0..count).map(|_| accept(&self.target)).collect::<Result<_>>());
            let near = crowd::open(self.server.route(), &[target], count)?;
            Ok((near, far.join().expect("accepting does not panic")?))
        })
    }

    /// A flow over so many streams.
    pub(super) fn flow(&self, count: usize, direction: Direction) -> Result<Flow> {
        let (near, far) = self.streams(count)?;
        Ok(match direction {
            Direction::Up => Flow::start(near, far)?,
            Direction::Down => Flow::start(far, near)?,
        })
    }

    /// What goes to the clients over so many streams, no faster than so many bytes a second.
    pub(super) fn paced_download(&self, count: usize, bytes_a_second: f64) -> Result<Flow> {
        let (near, far) = self.streams(count)?;
        Ok(Flow::start_paced(far, near, bytes_a_second)?)
    }

    /// Both ends of a stream of this user.
    pub(super) fn stream_of(&self, user: &str) -> Result<(TcpStream, TcpStream)> {
        let Route::Through { entry, login: Login::Password } = self.server.route() else {
            bail!("nobody logs in there")
        };
        let near =
            log_in(entry, user, echo::address(&self.target)?).with_context(|| format!("{user} did not get in"))?;
        Ok((near, accept(&self.target)?))
    }

    /// What goes to this user over so many streams.
    pub(super) fn download_of(&self, user: &str, count: usize) -> Result<Flow> {
        let streams = (0..count).map(|_| self.stream_of(user)).collect::<Result<Vec<_>>>()?;
        let (near, far) = streams.into_iter().unzip();
        Ok(Flow::start(far, near)?)
    }
}

/// Bytes a second of each, over so long.
pub(super) fn rates(flows: &[&Flow], time: Duration) -> Vec<f64> {
    let look = || flows.iter().map(|flow| flow.received()).collect::<Vec<_>>();
    let (before, began) = (look(), Instant::now());
    sleep(time);
    let (after, took) = (look(), began.elapsed().as_secs_f64());
    after.iter().zip(before).map(|(after, before)| precise(after - before) / took).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of bytes are far below 2^53")]
pub(super) fn precise(bytes: u64) -> f64 {
    bytes as f64
}

fn accept(target: &Socket) -> Result<TcpStream> {
    let (stream, _) = target.accept().context("the target was not reached")?;
    Ok(stream.into())
}

fn log_in(entry: SocketAddrV4, user: &str, target: SocketAddrV4) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(entry)?;
    stream.write_all(&socks::GREETING_WITH_PASSWORD)?;
    expect(&mut stream, socks::CHOICE_OF_PASSWORD)?;
    stream.write_all(&socks::login_as(user))?;
    expect(&mut stream, socks::LOGGED_IN)?;
    stream.write_all(&socks::connect_request(target))?;
    let mut reply = [0; socks::REPLY];
    stream.read_exact(&mut reply)?;
    socks::reply_address(reply)?;
    Ok(stream)
}

fn expect(stream: &mut TcpStream, answer: [u8; 2]) -> io::Result<()> {
    let mut found = [0; 2];
    stream.read_exact(&mut found)?;
    if found == answer { Ok(()) } else { Err(socks::unexpected("the proxy did not let the user in")) }
}
