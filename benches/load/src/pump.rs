//! Both ends of a bulk transfer: one thread that writes to many streams, one that reads from many and counts.
//!
//! Bytes are copied into and out of user space as real programs do it; a generator that cheats there would flatter the direct connection.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use nix::sys::epoll::EpollFlags;

use crate::poller::{Poller, Ready};

const CHUNK: usize = 256 * 1024;

/// How often a paced transfer sends what is due.
const BEAT: Duration = Duration::from_millis(1);

/// A transfer under way; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Flow {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<io::Result<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    received: AtomicU64,
    ended: AtomicBool,
}

impl Flow {
    /// Writes to all `sources` and reads from all `sinks` from here on.
    pub(crate) fn start(sources: Vec<TcpStream>, sinks: Vec<TcpStream>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (sources, sinks) = (End::of(sources, EpollFlags::EPOLLOUT)?, End::of(sinks, EpollFlags::EPOLLIN)?);
        let write = {
            let shared = Arc::clone(&shared);
            let chunk = vec![0x2a; CHUNK];
            move || sources.run(&shared.ended, |mut stream| stream.write(&chunk).map(drop))
        };
        let read = {
            let shared = Arc::clone(&shared);
            let mut chunk = vec![0; CHUNK];
            move || sinks.run(&shared.ended, |stream| shared.take(stream, &mut chunk))
        };
        Ok(Self { shared, threads: vec![thread::spawn(write), thread::spawn(read)] })
    }

    /// The same at an even pace: every millisecond what is due is written, to one of the sources after the other.
    pub(crate) fn start_paced(sources: Vec<TcpStream>, sinks: Vec<TcpStream>, bytes_a_second: f64) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let sinks = End::of(sinks, EpollFlags::EPOLLIN)?;
        sources.iter().try_for_each(|source| source.set_nonblocking(true))?;
        let write = {
            let shared = Arc::clone(&shared);
            move || pace(&sources, bytes_a_second, &shared.ended)
        };
        let read = {
            let shared = Arc::clone(&shared);
            let mut chunk = vec![0; CHUNK];
            move || sinks.run(&shared.ended, |stream| shared.take(stream, &mut chunk))
        };
        Ok(Self { shared, threads: vec![thread::spawn(write), thread::spawn(read)] })
    }

    /// Bytes that have arrived.
    pub(crate) fn received(&self) -> u64 {
        self.shared.received.load(Ordering::Relaxed)
    }

    /// Ends the transfer; an error if a stream broke on the way.
    pub(crate) fn end(mut self) -> io::Result<()> {
        self.shared.ended.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("the pump does not panic")?;
        }
        Ok(())
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn take(&self, mut stream: &TcpStream, chunk: &mut [u8]) -> io::Result<()> {
        match stream.read(chunk)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.received.fetch_add(count as u64, Ordering::Relaxed);
                Ok(())
            }
        }
    }
}

/// Writes so much a second until the end; what one stream does not take now the next one gets.
fn pace(sources: &[TcpStream], bytes_a_second: f64, ended: &AtomicBool) -> io::Result<()> {
    let (chunk, began, mut sent) = (vec![0x2a; CHUNK], Instant::now(), 0);
    let mut streams = sources.iter().cycle();
    while !ended.load(Ordering::Relaxed) {
        let mut due = due(began.elapsed(), bytes_a_second).saturating_sub(sent);
        for _ in sources {
            if due == 0 {
                break;
            }
            let Some(mut stream) = streams.next() else { return Ok(()) };
            let piece = usize::try_from(due).map_or(CHUNK, |due| due.min(CHUNK));
            match stream.write(&chunk[..piece]) {
                Ok(written) => (due, sent) = (due - written as u64, sent + written as u64),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) if ended.load(Ordering::Relaxed) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        thread::sleep(BEAT);
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is positive, and below 2^53")]
fn due(passed: Duration, bytes_a_second: f64) -> u64 {
    (passed.as_secs_f64() * bytes_a_second) as u64
}

struct End {
    poller: Poller,
    streams: Vec<TcpStream>,
}

impl End {
    fn of(streams: Vec<TcpStream>, interest: EpollFlags) -> io::Result<Self> {
        let poller = Poller::new()?;
        for (number, stream) in streams.iter().enumerate() {
            stream.set_nonblocking(true)?;
            poller.watch(stream, number, interest)?;
        }
        Ok(Self { poller, streams })
    }

    /// One step for each stream that is ready, again and again.
    fn run(&self, ended: &AtomicBool, mut step: impl FnMut(&TcpStream) -> io::Result<()>) -> io::Result<()> {
        let mut ready = Ready::default();
        while !ended.load(Ordering::Relaxed) {
            for event in self.poller.wait(&mut ready, Duration::from_millis(50))? {
                match step(&self.streams[event.number]) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    // The other end closes its streams when the transfer ends.
                    Err(_) if ended.load(Ordering::Relaxed) => return Ok(()),
                    outcome => outcome?,
                }
            }
        }
        Ok(())
    }
}
