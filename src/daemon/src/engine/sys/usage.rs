//! What this process uses, under the names that Prometheus' own client libraries gave it.
//!
//! What is read of proc(5) is opened once and read through its descriptor, so that a sandbox needs no path later.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::dir::Dir;
use nix::fcntl::OFlag;
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::sys::stat::{Mode, fstat};
use nix::sys::time::TimeVal;
use nix::unistd::{SysconfVar, sysconf};
use prometheus::{Counter, IntGauge};

use crate::state::metrics::Metrics;
use crate::state::vitals::Usage;

/// How old a count of descriptors may be where the kernel does not keep one.
const COUNT_AGAIN: Duration = Duration::from_secs(15);

/// Keeps the metrics of this process up to date, from the thread that scrapes.
///
/// # Errors
/// proc(5) is not there.
pub(crate) fn follow(metrics: &Metrics) -> io::Result<Arc<Ourselves>> {
    let started = metrics.gauge("process_start_time_seconds", "When this worker started, in seconds since 1970.");
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    started.set(whole(since.as_secs()));
    let shown = Shown::new(metrics);
    let ourselves = Arc::new(Ourselves::open()?);
    let seen = Arc::clone(&ourselves);
    metrics.before_each_scrape(move || shown.update(&seen));
    Ok(ourselves)
}

#[derive(Debug)]
struct Shown {
    processor: Counter,
    resident: IntGauge,
    mapped: IntGauge,
    threads: IntGauge,
    descriptors: IntGauge,
    most_descriptors: IntGauge,
}

impl Shown {
    fn new(metrics: &Metrics) -> Self {
        Self {
            processor: metrics
                .seconds_spent("process_cpu_seconds_total", "Processor time of this worker, its own and the kernel's."),
            resident: metrics.gauge("process_resident_memory_bytes", "Memory of this worker that is in RAM."),
            mapped: metrics.gauge("process_virtual_memory_bytes", "Address space of this worker."),
            threads: metrics.gauge("process_threads", "Threads of this worker."),
            descriptors: metrics.gauge("process_open_fds", "Open descriptors of this worker."),
            most_descriptors: metrics.gauge("process_max_fds", "Descriptors that this worker may open."),
        }
    }

    /// What cannot be read keeps its last value.
    fn update(&self, ourselves: &Ourselves) {
        if let Some(used) = processor() {
            self.processor.inc_by((used - self.processor.get()).max(0.0));
        }
        if let Ok(Some(size)) = ourselves.size() {
            self.threads.set(whole(size.threads));
            self.mapped.set(whole(size.mapped));
            self.resident.set(whole(size.resident));
        }
        if let Some(descriptors) = ourselves.descriptors(Instant::now()) {
            self.descriptors.set(whole(descriptors));
        }
        if let Ok((soft, _)) = getrlimit(Resource::RLIMIT_NOFILE) {
            self.most_descriptors.set(whole(soft));
        }
    }
}

/// Our own pages of proc(5), and the limit of memory that our control group had at the start.
#[derive(Debug)]
pub(crate) struct Ourselves {
    stat: File,
    /// Nothing where the kernel has no such page.
    network: Option<File>,
    most_memory: Option<u64>,
    descriptors: Mutex<Descriptors>,
    page: u64,
}

#[derive(Debug)]
struct Descriptors {
    directory: Dir,
    counted: Option<(Instant, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size {
    threads: u64,
    /// In bytes.
    mapped: u64,
    resident: u64,
}

impl Ourselves {
    fn open() -> io::Result<Self> {
        let directory = Dir::open("/proc/self/fd", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
        let page = sysconf(SysconfVar::PAGE_SIZE)?.and_then(|size| u64::try_from(size).ok());
        Ok(Self {
            stat: File::open("/proc/self/stat")?,
            network: File::open("/proc/self/net/netstat").ok(),
            most_memory: memory_limit(),
            descriptors: Mutex::new(Descriptors { directory, counted: None }),
            page: page.unwrap_or(4096),
        })
    }

    /// What this process uses now; what cannot be read is 0.
    pub(crate) fn look(&self, now: Instant) -> Usage {
        let size = self.size().ok().flatten();
        Usage {
            resident: size.map_or(0, |size| size.resident),
            most_memory: self.most_memory,
            descriptors: self.descriptors(now).unwrap_or(0),
            most_descriptors: getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft),
            processor: processor().unwrap_or(0.0),
            overflows: self.overflows(),
        }
    }

    /// Of this network namespace: a connection that finds a queue full, whoever listens (`proc_pid_net(5)`).
    fn overflows(&self) -> Option<u64> {
        let network = self.network.as_ref()?;
        let mut text = vec![0; 16 * 1024];
        let length = network.read_at(&mut text, 0).ok()?;
        named_number(&String::from_utf8_lossy(&text[..length]), "TcpExt:", "ListenOverflows")
    }

    fn size(&self) -> io::Result<Option<Size>> {
        let mut stat = [0; 1024];
        let length = self.stat.read_at(&mut stat, 0)?;
        Ok(Size::parse(&String::from_utf8_lossy(&stat[..length]), self.page))
    }

    fn descriptors(&self, now: Instant) -> Option<u64> {
        self.descriptors.lock().unwrap_or_else(PoisonError::into_inner).count(now)
    }
}

impl Size {
    /// The fields after the name, which may hold anything, from the third on (`proc_pid_stat(5)`).
    fn parse(stat: &str, page: u64) -> Option<Self> {
        let (_, fields) = stat.rsplit_once(')')?;
        let field = |number: usize| fields.split_whitespace().nth(number - 3)?.parse::<u64>().ok();
        Some(Self { threads: field(20)?, mapped: field(23)?, resident: field(24)?.checked_mul(page)? })
    }
}

impl Descriptors {
    /// Linux 6.2 and later keep the number as the size of the directory; before, they have to be listed, which costs
    /// milliseconds when there are thousands, so it is done now and then.
    fn count(&mut self, now: Instant) -> Option<u64> {
        match fstat(&self.directory) {
            Ok(status) if status.st_size > 0 => u64::try_from(status.st_size).ok(),
            _ => self.listed(now),
        }
    }

    fn listed(&mut self, now: Instant) -> Option<u64> {
        match self.counted {
            Some((at, count)) if now.saturating_duration_since(at) < COUNT_AGAIN => Some(count),
            _ => {
                let entries = self.directory.iter().flatten();
                let numbers = entries.filter(|entry| !entry.file_name().to_bytes().starts_with(b"."));
                let count = u64::try_from(numbers.count()).ok()?;
                self.counted = Some((now, count));
                Some(count)
            }
        }
    }
}

/// A line of names and a line of numbers behind the same word.
fn named_number(text: &str, word: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(word));
    let position = lines.next()?.split_whitespace().position(|known| known == name)?;
    lines.next()?.split_whitespace().nth(position)?.parse().ok()
}

/// The limit of our control group (cgroups(7), version 2); nothing where there is none or nobody may read it.
fn memory_limit() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let limit = std::fs::read_to_string(Path::new("/sys/fs/cgroup").join(group).join("memory.max")).ok()?;
    limit.trim().parse().ok()
}

/// Seconds of processor time so far.
fn processor() -> Option<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    Some(seconds(usage.user_time()) + seconds(usage.system_time()))
}

#[expect(clippy::cast_precision_loss, reason = "seconds of processor time are far from 2^53")]
fn seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_is_passed_over() {
        let fields: Vec<String> = (4..=52).map(|number| number.to_string()).collect();
        let stat = format!("7 (a) b) S {}", fields.join(" "));
        assert_eq!(Size::parse(&stat, 4096), Some(Size { threads: 20, mapped: 23, resident: 24 * 4096 }));
        assert_eq!(Size::parse("7 (short) S 1", 4096), None);
    }

    #[test]
    fn a_number_stands_below_its_name() {
        let text = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 1 7 8\nIpExt: A\nIpExt: 9\n";
        assert_eq!(named_number(text, "TcpExt:", "ListenOverflows"), Some(7));
        assert_eq!(named_number(text, "TcpExt:", "Nothing"), None);
        assert!(Ourselves::open().unwrap().look(Instant::now()).resident > 0);
    }

    #[test]
    fn both_ways_to_count_descriptors_agree() {
        let ourselves = Ourselves::open().unwrap();
        let mut descriptors = ourselves.descriptors.lock().unwrap();
        let now = Instant::now();
        let agree = (0..100).any(|_| {
            descriptors.counted = None;
            descriptors.count(now) == descriptors.listed(now)
        });
        assert!(agree, "other tests open and close descriptors, but not always between the two");
    }

    #[test]
    fn a_listing_is_kept_for_a_while() {
        let ourselves = Ourselves::open().unwrap();
        let mut descriptors = ourselves.descriptors.lock().unwrap();
        let now = Instant::now();
        descriptors.counted = Some((now, 77));
        assert_eq!(descriptors.listed(now + COUNT_AGAIN / 2), Some(77));
        assert_ne!(descriptors.listed(now + COUNT_AGAIN), Some(77));
    }

    #[test]
    fn what_this_process_uses_is_read() {
        let metrics = Metrics::default();
        follow(&metrics).unwrap();
        let text = String::from_utf8(metrics.exposition()).unwrap();
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|value| value.parse::<f64>().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
        };
        for name in ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes"] {
            assert!(value(name) > 0.0, "{name}");
        }
        assert!(value("process_threads") >= 1.0 && value("process_open_fds") >= 3.0);
        assert!(value("process_max_fds") >= value("process_open_fds"));
        assert!(value("process_start_time_seconds") > 1.7e9);
    }
}
