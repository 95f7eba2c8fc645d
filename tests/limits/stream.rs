//! Streams that move as much as they may, and what they move in a second.
//!
//! Rates are looked at over seconds, so that a machine that is busy for a moment changes little.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rig::service::Service;
use rig::socks5::{CONNECT, rep};
use rig::target::{Endless, Target};
use rig::wire::Wire;

use crate::PASSWORD;

/// Until bursts and buffers are used up.
pub(crate) const WARM_UP: Duration = Duration::from_millis(1_500);

/// What is measured.
const WHILE: Duration = Duration::from_secs(4);

/// A million bytes a second is so many megabits.
pub(crate) const MEGABYTE: f64 = 1e6;

/// A stream that moves as much as it may until it is dropped.
pub(crate) struct Stream {
    /// Ours: the client's, and where it sends to also the target's, so that nothing that waits on the way has to arrive.
    ends: Vec<TcpStream>,
    moved: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Stream {
    /// Reads what a target sends without end.
    pub(crate) fn download(client: Wire, source: &Endless) -> Self {
        let client = asked(client, source.addr());
        Self::of(&[client.stream()], |mut stream, moved| {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                moved.fetch_add(read as u64, Relaxed);
            }
        })
    }

    /// Sends without end, and counts what a target has got.
    pub(crate) fn upload(client: Wire) -> Self {
        let target = Target::listen();
        let client = asked(client, target.addr());
        let received = target.accept();
        let mut got = received.stream().try_clone().expect("a socket can be duplicated");
        Self::of(&[client.stream(), received.stream()], move |mut stream, moved| {
            let reader = thread::spawn(move || {
                let mut buffer = vec![0; 1 << 16];
                while let Ok(read @ 1..) = got.read(&mut buffer) {
                    moved.fetch_add(read as u64, Relaxed);
                }
            });
            while stream.write_all(&[b'.'; 1 << 14]).is_ok() {}
            reader.join().expect("it only reads");
        })
    }

    /// The work is done on the first of these.
    fn of(ends: &[&TcpStream], work: impl FnOnce(TcpStream, Arc<AtomicU64>) + Send + 'static) -> Self {
        let ends: Vec<TcpStream> =
            ends.iter().map(|end| end.try_clone().expect("a socket can be duplicated")).collect();
        for timeout in ends.iter().flat_map(|end| [end.set_read_timeout(None), end.set_write_timeout(None)]) {
            timeout.expect("a socket can wait for ever");
        }
        let stream = ends[0].try_clone().expect("a socket can be duplicated");
        let moved = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&moved);
        Self { ends, moved, thread: Some(thread::spawn(move || work(stream, counter))) }
    }

    /// Bytes that have arrived.
    pub(crate) fn moved(&self) -> u64 {
        self.moved.load(Relaxed)
    }

    /// Where the client is.
    pub(crate) fn client(&self) -> SocketAddr {
        self.ends[0].local_addr().expect("it is connected")
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        for end in &self.ends {
            let _already_over = end.shutdown(Shutdown::Both);
        }
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn asked(mut client: Wire, to: SocketAddr) -> Wire {
    assert_eq!(client.ask(CONNECT, to).code, rep::SUCCEEDED);
    client
}

pub(crate) fn greeted(service: &Service) -> Wire {
    rig::socks5::greeted(service.addr())
}

pub(crate) fn logged_in(service: &Service, user: &str) -> Wire {
    let mut client = Wire::connect(service.addr());
    assert_eq!(client.log_in(user.as_bytes(), PASSWORD), [1, 0]);
    client
}

/// Bytes a second of each, from now on.
pub(crate) fn rates(streams: &[&Stream]) -> Vec<f64> {
    let look = || streams.iter().map(|stream| stream.moved.load(Relaxed)).collect::<Vec<_>>();
    let (before, began) = (look(), Instant::now());
    thread::sleep(WHILE);
    let (after, took) = (look(), began.elapsed().as_secs_f64());
    after.iter().zip(before).map(|(after, before)| precise(after - before) / took).collect()
}

pub(crate) fn total(streams: &[Stream]) -> f64 {
    rates(&streams.iter().collect::<Vec<_>>()).iter().sum()
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) fn precise(count: u64) -> f64 {
    count as f64
}

/// No more than so much. A machine that is busy with something else may take some of it.
pub(crate) fn assert_kept(rates: &[f64], megabytes: &[f64]) {
    let is_kept = |(rate, megabytes): (&f64, &f64)| (megabytes * 0.4..megabytes * 1.08).contains(&(rate / MEGABYTE));
    assert!(rates.iter().zip(megabytes).all(is_kept), "{rates:?} is not {megabytes:?} MB/s");
}

/// No more than all of it, and nobody much less than his part: what one cannot take in time, because the machine is busy, others get.
pub(crate) fn assert_shared(rates: &[f64], megabytes: &[f64]) {
    assert_kept(&[rates.iter().sum()], &[megabytes.iter().sum()]);
    let has_part = |(rate, megabytes): (&f64, &f64)| rate / MEGABYTE > megabytes * 0.6;
    assert!(rates.iter().zip(megabytes).all(has_part), "{rates:?} is not {megabytes:?} MB/s");
}
