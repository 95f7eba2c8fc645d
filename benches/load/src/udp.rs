//! One association, datagrams of 64 and 1,200 bytes and their echoes: as fast as a window of 256 allows, and at a steady rate.

use std::{
    io,
    net::{SocketAddrV4, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use crate::{
    contender::{Contender, Route, Server},
    datagrams::{Endpoint, Inbox},
    goal::Goal,
    scenario::{Figure, Pace, Scenario},
    socks::{self, UDP_HEAD},
    stats::count,
};

#[derive(Debug)]
pub(crate) struct Udp {
    pub pace: Pace,
}

/// Payload bytes, and what its figures are called.
struct Size {
    payload: usize,
    rate: Figure,
    cpu: Figure,
    lost: Figure,
    lost_steady: Figure,
}

const SIZES: [Size; 2] = [
    Size {
        payload: 64,
        rate: Figure::new("64 B, datagrams/s", 0),
        cpu: Figure::new("64 B, CPU µs/datagram", 2),
        lost: Figure::new("64 B, lost in saturation, %", 2),
        lost_steady: Figure::new("64 B, lost at a steady rate, %", 2),
    },
    Size {
        payload: 1200,
        rate: Figure::new("1,200 B, datagrams/s", 0),
        cpu: Figure::new("1,200 B, CPU µs/datagram", 2),
        lost: Figure::new("1,200 B, lost in saturation, %", 2),
        lost_steady: Figure::new("1,200 B, lost at a steady rate, %", 2),
    },
];
/// Datagrams under way at once.
const WINDOW: u64 = 256;
/// Sent together: at least this many in saturation, so that batches can form, and at most this many at the steady rate.
const BURST: u64 = 32;
/// The steady rate, per second: a fraction of what the slowest contender manages.
const STEADY: u64 = 20_000;
/// Silence after which the window opens again: what was under way is probably lost.
const SILENCE: Duration = Duration::from_millis(5);
/// Silence at the end after which what is missing is lost for good.
const LAST_SILENCE: Duration = Duration::from_millis(100);

impl Scenario for Udp {
    fn title(&self) -> String {
        "UDP".into()
    }

    fn about(&self) -> String {
        format!(
            "One association with {WINDOW} datagrams under way for {:?}; then {STEADY} a second for as long. \
             A datagram and its echo count as two. Both ends batch (UDP_SEGMENT, UDP_GRO, recvmmsg).",
            self.pace.udp
        )
    }

    fn contenders(&self) -> &'static [Contender] {
        &Contender::WITH_UDP
    }

    fn figures(&self) -> Vec<Figure> {
        SIZES.iter().flat_map(|size| [size.rate, size.cpu, size.lost, size.lost_steady]).collect()
    }

    fn goals(&self) -> Vec<Goal> {
        SIZES
            .iter()
            .flat_map(|size| {
                [
                    Goal::at_least_times(size.rate.name, 3.00, Contender::Dante),
                    Goal::at_most_times(size.cpu.name, 0.33, Contender::Dante),
                    Goal::at_most(size.lost_steady.name, 0.0),
                ]
            })
            .collect()
    }

    fn sample(&self, server: &Server) -> Result<Vec<f64>> {
        let mut values = Vec::new();
        for size in &SIZES {
            values.extend(self.exchange(server, size)?);
        }
        Ok(values)
    }
}

impl Udp {
    fn exchange(&self, server: &Server, size: &Size) -> Result<[f64; 4]> {
        let target = EchoTarget::start(size.payload)?;
        let mut volley = Volley::open(server.route(), target.address, size.payload)?;
        volley.saturate(Duration::from_millis(100))?;
        volley.drain()?;

        let tally = |volley: &Volley| Tally { echoed: target.echoed(), ..volley.tally };
        let (since, meter, before) = (Instant::now(), server.meter()?, tally(&volley));
        volley.saturate(self.pace.udp)?;
        let (took, cpu, relayed) =
            (since.elapsed().as_secs_f64(), meter.seconds()?, tally(&volley).since(before).relayed());
        volley.drain()?;
        let saturated = tally(&volley);
        volley.keep_steady(self.pace.udp)?;
        volley.drain()?;
        let steady = tally(&volley);

        ensure!(saturated.received > before.received, "no datagram came back");
        let (lost, lost_steady) = (saturated.since(before).lost_percent(), steady.since(saturated).lost_percent());
        Ok([relayed / took, cpu * 1e6 / relayed, lost, lost_steady])
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    sent: u64,
    /// What the target got, and sent back.
    echoed: u64,
    received: u64,
}

impl Tally {
    fn since(self, before: Self) -> Self {
        Self {
            sent: self.sent - before.sent,
            echoed: self.echoed - before.echoed,
            received: self.received - before.received,
        }
    }

    /// What went through the proxy, there and back.
    fn relayed(self) -> f64 {
        figure(self.echoed + self.received)
    }

    /// Below zero if the proxy duplicates.
    fn lost_percent(self) -> f64 {
        (figure(self.sent) - figure(self.received)) * 100.0 / figure(self.sent)
    }
}

/// How many datagrams a steady sender has sent by now.
fn due(elapsed: Duration) -> u64 {
    let millis = u64::try_from(elapsed.as_millis()).expect("a run is seconds long");
    STEADY * millis / 1000
}

fn figure(number: u64) -> f64 {
    count(usize::try_from(number).expect("the benchmark runs on 64 bits"))
}

/// The sending side. Each datagram carries its number, so that an echo tells which ones before it are lost:
/// nothing on the way reorders datagrams of one socket.
struct Volley {
    endpoint: Endpoint,
    inbox: Inbox,
    relay: SocketAddrV4,
    /// The SOCKS head, empty for the direct connection, and an empty payload.
    template: Vec<u8>,
    head: usize,
    /// The number that comes next.
    next: u64,
    /// One more than the highest number that came back or was given up.
    answered: u64,
    tally: Tally,
    /// The association lives as long as this does.
    _control: Option<TcpStream>,
}

impl Volley {
    fn open(route: Route, target: SocketAddrV4, payload: usize) -> io::Result<Self> {
        let (control, relay, mut template) = match route {
            Route::Direct => (None, target, Vec::new()),
            Route::Through { entry, .. } => {
                let (control, relay) = socks::associate(entry)?;
                (Some(control), relay, socks::udp_head(target).to_vec())
            }
        };
        let head = template.len();
        debug_assert!(head == 0 || head == UDP_HEAD);
        template.resize(head + payload, 0);
        let endpoint = Endpoint::bind(template.len())?;
        Ok(Self {
            endpoint,
            inbox: Inbox::default(),
            relay,
            template,
            head,
            next: 0,
            answered: 0,
            tally: Tally::default(),
            _control: control,
        })
    }

    /// Keeps the window full for so long.
    fn saturate(&mut self, length: Duration) -> io::Result<()> {
        let end = Instant::now() + length;
        while Instant::now() < end {
            let room = WINDOW - (self.next - self.answered);
            if room >= BURST {
                self.send(room)?;
            }
            if !self.receive(SILENCE)? {
                self.answered = self.next;
            }
        }
        Ok(())
    }

    /// A few datagrams every millisecond. A sender that was kept waiting does not make up for it: that would be a burst.
    fn keep_steady(&mut self, length: Duration) -> io::Result<()> {
        let since = Instant::now();
        let mut planned = 0;
        while since.elapsed() < length {
            let due = due(since.elapsed());
            if due > planned {
                self.send((due - planned).min(BURST))?;
                planned = due;
            }
            self.receive(Duration::from_millis(1))?;
        }
        Ok(())
    }

    /// Waits for the last echoes.
    fn drain(&mut self) -> io::Result<()> {
        while self.next > self.answered && self.receive(LAST_SILENCE)? {}
        self.answered = self.next;
        Ok(())
    }

    fn send(&mut self, number: u64) -> io::Result<()> {
        let mut datagrams = Vec::with_capacity(self.template.len() * usize::try_from(number).unwrap_or(0));
        for number in self.next..self.next + number {
            let start = datagrams.len() + self.head;
            datagrams.extend_from_slice(&self.template);
            datagrams[start..start + 8].copy_from_slice(&number.to_be_bytes());
        }
        self.endpoint.send(&datagrams, self.relay)?;
        self.next += number;
        self.tally.sent += number;
        Ok(())
    }

    fn receive(&mut self, limit: Duration) -> io::Result<bool> {
        let Self { endpoint, inbox, template, head, next, answered, tally, .. } = self;
        endpoint.receive(inbox, limit, |bytes, _| {
            for datagram in bytes.chunks_exact(template.len()) {
                let number = datagram[*head..*head + 8].try_into().expect("a payload is at least 64 bytes long");
                let number = u64::from_be_bytes(number);
                if number < *next {
                    *answered = (*answered).max(number + 1);
                    tally.received += 1;
                }
            }
        })
    }
}

/// Sends every datagram back to where it came from.
struct EchoTarget {
    address: SocketAddrV4,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

#[derive(Default)]
struct Shared {
    echoed: AtomicU64,
    ended: AtomicBool,
}

impl EchoTarget {
    fn start(size: usize) -> io::Result<Self> {
        let endpoint = Endpoint::bind(size)?;
        let address = endpoint.address()?;
        let shared = Arc::new(Shared::default());
        let thread = thread::spawn({
            let shared = Arc::clone(&shared);
            move || echo(&endpoint, size, &shared)
        });
        Ok(Self { address, shared, thread: Some(thread) })
    }

    fn echoed(&self) -> u64 {
        self.shared.echoed.load(Ordering::Relaxed)
    }
}

impl Drop for EchoTarget {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let outcome = thread.join();
            assert!(matches!(outcome, Ok(Ok(()))) || thread::panicking(), "the echo target failed: {outcome:?}");
        }
    }
}

fn echo(endpoint: &Endpoint, size: usize, shared: &Shared) -> io::Result<()> {
    let (mut inbox, mut batch) = (Inbox::default(), Batch::default());
    while !shared.ended.load(Ordering::Relaxed) {
        let mut batches = Vec::new();
        endpoint
            .receive(&mut inbox, Duration::from_millis(50), |bytes, from| batches.extend(batch.add(bytes, from)))?;
        batches.extend(batch.take());
        for (bytes, to) in batches {
            endpoint.send(&bytes, to)?;
            shared.echoed.fetch_add((bytes.len() / size) as u64, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// Datagrams in a row from one sender.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    from: Option<SocketAddrV4>,
}

impl Batch {
    /// Adds datagrams; what another sender's were before, if they end here.
    fn add(&mut self, bytes: &[u8], from: SocketAddrV4) -> Option<(Vec<u8>, SocketAddrV4)> {
        let before = if self.from == Some(from) { None } else { self.take() };
        self.bytes.extend_from_slice(bytes);
        self.from = Some(from);
        before
    }

    fn take(&mut self) -> Option<(Vec<u8>, SocketAddrV4)> {
        let from = self.from.take()?;
        Some((std::mem::take(&mut self.bytes), from))
    }
}
