//! Whether all is well: each check measures one thing, and says what it means if that is too much.

use std::collections::VecDeque;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use nix::sys::statvfs::fstatvfs;

use super::super::counting::Counting;
use super::supervision::Supervision;
use crate::frontends::office::{Office, Record};
use crate::state::metrics::recent::{LOOKS, Recent};
use crate::state::readiness::Reason;
use crate::state::vitals::Usage;
use crate::state::vitals::board::{Finding, State};

/// A relay thread that comes so late lets its sessions wait.
const MOST_LAG: Duration = Duration::from_millis(250);

/// So long may what somebody waits for take, for all but one of twenty.
const MOST_WAIT: Duration = Duration::from_secs(1);

/// Below so many, a share says nothing.
const ENOUGH: u64 = 10;

/// The database of the history may be behind by so many seconds.
const MOST_HISTORY_LAG: u64 = 30;

/// Whoever fetched the metrics comes again within this time.
const FETCHED_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// A step of the clock that is worth a word, and how long that is remembered.
const STEP: Duration = Duration::from_secs(2);
const REMEMBERED: SignedDuration = SignedDuration::from_mins(10);

/// What is remembered from one look to the next.
#[derive(Debug)]
pub(super) struct Examination {
    disk: Option<File>,
    names: Recent,
    pam: Recent,
    /// Of the last minute.
    lags: VecDeque<Duration>,
    growing: VecDeque<Growing>,
    clock: Clock,
    supervision: Supervision,
}

/// Numbers that only grow, at one look.
#[derive(Debug, Clone, Copy, Default)]
struct Growing {
    names_failed: u64,
    overflows: u64,
    lines_lost: u64,
    rows_lost: u64,
}

/// Whether the clock of the calendar goes as the other one does.
#[derive(Debug)]
struct Clock {
    last: (Instant, Timestamp),
    stepped: Option<(Timestamp, SignedDuration)>,
}

impl Examination {
    pub(super) fn new(place: Option<&Path>, supervision: Supervision) -> Self {
        Self {
            disk: place.and_then(|place| File::open(place).ok()),
            names: Recent::default(),
            pam: Recent::default(),
            lags: VecDeque::with_capacity(LOOKS),
            growing: VecDeque::with_capacity(LOOKS + 1),
            clock: Clock { last: (Instant::now(), Timestamp::now()), stepped: None },
            supervision,
        }
    }

    pub(super) fn look(
        &mut self,
        counting: &Counting,
        office: &Office,
        (usage, lag): (Usage, Duration),
        now: Instant,
    ) -> Vec<Finding> {
        self.names.look([counting.lookups.seconds()]);
        self.pam.look(&counting.checks.of_pam());
        remember(&mut self.lags, lag, LOOKS);
        let history = counting.history.standing();
        let growing = Growing {
            names_failed: counting.lookups.failed(),
            overflows: usage.overflows.unwrap_or(0),
            lines_lost: office.journal.kept().lost + counting.lines_lost.get(),
            rows_lost: history.map_or(0, |history| history.lost),
        };
        remember(&mut self.growing, growing, LOOKS + 1);
        self.clock.look(now, Timestamp::now());
        let mut found = readiness(office, now);
        found.extend([self.relays(), seats(office), self.names(), self.pam()]);
        found.extend(usage.overflows.map(|_| self.listeners()));
        found.extend(history.map(|history| self.history(history.waiting, history.lag, history.fails)));
        found.extend(self.disk());
        found.extend([descriptors(usage), memory(usage), self.log()]);
        found.extend(self.supervision.findings(office.vitals.last_beat(), Timestamp::now()));
        found.extend([self.clock.finding()]);
        found.extend(office.vitals.last_fetch().map(metrics));
        found.extend([penalties(office), reload(office)]);
        found.extend(office.record.as_deref().map(audit));
        found
    }

    /// By how much it has grown within the last minute.
    fn grown(&self, of: fn(&Growing) -> u64) -> u64 {
        let ends = self.growing.back().zip(self.growing.front());
        ends.map_or(0, |(last, first)| of(last).saturating_sub(of(first)))
    }

    fn relays(&self) -> Finding {
        let worst = self.lags.iter().max().copied().unwrap_or_default();
        Finding {
            name: "relays",
            state: warn_if(worst > MOST_LAG),
            measured: format!("at most {} late", shown(worst)),
            limit: Some(shown(MOST_LAG)),
            key: Some("server.worker_threads"),
            effect: "new connections and bytes of open ones wait",
            hint: "look for a busy processor, more worker_threads than cores, or a log at trace",
            screen: "health",
        }
    }

    /// Whoever comes while the queue of a listener is full tries again a second later, or gives up.
    fn listeners(&self) -> Finding {
        let overflows = self.grown(|growing| growing.overflows);
        Finding {
            name: "listeners",
            state: warn_if(overflows > 0),
            measured: format!("{overflows} connections found a full queue on this host in a minute"),
            limit: Some("0".to_owned()),
            key: Some("server.backlog"),
            effect: "clients of this or another service here connect a second later, or not at all",
            hint: "raise server.backlog and net.core.somaxconn; look at the relays",
            screen: "health",
        }
    }

    fn names(&self) -> Finding {
        let (slow, asked) = (self.names.quantile(0.95, LOOKS), self.names.count(LOOKS));
        let failed = self.grown(|growing| growing.names_failed);
        let measured = slow.map_or_else(
            || "no questions in a minute".to_owned(),
            |slow| format!("p95 {}, {failed} of {asked} without an answer", shown(Duration::from_secs_f64(slow))),
        );
        let is_failing = asked >= ENOUGH && failed * 5 > asked;
        Finding {
            name: "dns",
            state: warn_if(is_failing || asked >= ENOUGH && slow > Some(MOST_WAIT.as_secs_f64())),
            measured,
            limit: Some(format!("p95 {}, or a fifth without an answer", shown(MOST_WAIT))),
            key: Some("dns.timeout_secs"),
            effect: "destinations with names are reached late or not at all",
            hint: "ask the servers of dns.resolv_conf by hand; rustsocks doctor does",
            screen: "health",
        }
    }

    fn pam(&self) -> Finding {
        let (slow, asked) = (self.pam.quantile(0.95, LOOKS), self.pam.count(LOOKS));
        let measured = slow.map_or_else(
            || "nobody was asked about in a minute".to_owned(),
            |slow| format!("p95 {} of {asked}", shown(Duration::from_secs_f64(slow))),
        );
        Finding {
            name: "pam",
            state: warn_if(slow > Some(MOST_WAIT.as_secs_f64())),
            measured,
            limit: Some(format!("p95 {}", shown(MOST_WAIT))),
            key: None,
            effect: "logins wait; sessions that are open go on",
            hint: "find out which module waits, and for whom: pamtester with the same service",
            screen: "auth",
        }
    }

    fn history(&self, waiting: u64, lag: u64, fails: bool) -> Finding {
        let lost = self.grown(|growing| growing.rows_lost);
        let lost_words = if lost > 0 { format!(", {lost} records lost in a minute") } else { String::new() };
        Finding {
            name: "history",
            state: warn_if(fails || lost > 0 || lag > MOST_HISTORY_LAG),
            measured: format!("{lag} s behind, {} wait{lost_words}", bytes(waiting)),
            limit: Some(format!("{MOST_HISTORY_LAG} s")),
            key: Some("sessions.spool_max_mib"),
            effect: "what happened lately is not in the history yet; what finds no room is lost",
            hint: "look at the disk of sessions.database_url and at the log",
            screen: "history",
        }
    }

    /// Nothing where no history is kept, or the disk does not say.
    fn disk(&self) -> Option<Finding> {
        let room = fstatvfs(self.disk.as_ref()?).ok()?;
        let (free, all) = (room.blocks_available() * room.fragment_size(), room.blocks() * room.fragment_size());
        Some(Finding {
            name: "disk",
            state: warn_if(free * 10 < all),
            measured: format!("{} of {} free where the history is", bytes(free), bytes(all)),
            limit: Some("10%".to_owned()),
            key: Some("sessions.database_url"),
            effect: "the history and the log stop when it is full; sessions go on",
            hint: "make room, or shorten sessions.retention_days",
            screen: "history",
        })
    }

    fn log(&self) -> Finding {
        let lost = self.grown(|growing| growing.lines_lost);
        Finding {
            name: "log",
            state: warn_if(lost > 0),
            measured: format!("{lost} lines lost in a minute"),
            limit: Some("0".to_owned()),
            key: Some("logging.queue_lines"),
            effect: "the log is not complete",
            hint: "look at the disk of the log, or at who reads the journal; log less",
            screen: "logs",
        }
    }
}

impl Clock {
    fn look(&mut self, now: Instant, moment: Timestamp) {
        let (then, before) = std::mem::replace(&mut self.last, (now, moment));
        let passed = SignedDuration::try_from(now.saturating_duration_since(then)).unwrap_or_default();
        let step = moment.duration_since(before) - passed;
        if step.unsigned_abs() > STEP {
            self.stepped = Some((moment, step));
        }
        self.stepped =
            self.stepped.filter(|(at, _)| moment.duration_since(*at).unsigned_abs() < REMEMBERED.unsigned_abs());
    }

    fn finding(&self) -> Finding {
        let measured = self.stepped.map_or_else(
            || "goes evenly".to_owned(),
            |(at, step)| format!("was set by {} s at {at:.0}", step.as_secs()),
        );
        Finding {
            name: "clock",
            state: warn_if(self.stepped.is_some()),
            measured,
            limit: Some(format!("{} s within {} min", STEP.as_secs(), REMEMBERED.as_mins())),
            key: None,
            effect: "rules with hours, dates of users and times in the history follow it",
            hint: "find out who sets the clock: timedatectl; rustsocks doctor looks whether somebody keeps it",
            screen: "health",
        }
    }
}

/// The same that HTTP's `/health` says.
fn readiness(office: &Office, now: Instant) -> Vec<Finding> {
    let reasons = office.readiness.reasons(now);
    let finding = |reason: Reason| {
        let is_so = reasons.contains(&reason);
        let (effect, hint) = match reason {
            Reason::Draining => (
                "no new client is taken; sessions may go on for server.drain_secs, after an upgrade for server.upgrade_drain_secs",
                "it was told to stop or upgrade",
            ),
            Reason::AcceptPaused => {
                ("new clients wait: the kernel has no descriptor or memory", "raise LimitNOFILE= or look at memory")
            }
        };
        Finding {
            name: reason.label(),
            state: if is_so { State::Fail } else { State::Ok },
            measured: if is_so { "yes" } else { "no" }.to_owned(),
            limit: None,
            key: None,
            effect,
            hint,
            screen: "health",
        }
    };
    Reason::ALL.into_iter().map(finding).collect()
}

fn seats(office: &Office) -> Finding {
    let (taken, bound) = (office.world.seats.taken(), office.world.seats.bound());
    Finding {
        name: "sessions",
        state: warn_if(taken * 10 >= bound * 9),
        measured: format!("{taken} of {bound}"),
        limit: Some("90%".to_owned()),
        key: Some("limits.max_connections"),
        effect: "who comes when there is no room is refused",
        hint: "find out who has the most: rustsocks-cli users top; raise limits.max_connections and LimitNOFILE=",
        screen: "sessions",
    }
}

fn descriptors(usage: Usage) -> Finding {
    let Usage { descriptors, most_descriptors, .. } = usage;
    Finding {
        name: "descriptors",
        state: warn_if(descriptors * 10 >= most_descriptors * 9),
        measured: format!("{descriptors} of {most_descriptors}"),
        limit: Some("90%".to_owned()),
        key: None,
        effect: "new connections wait or fail when there are none left",
        hint: "raise LimitNOFILE= of the unit",
        screen: "health",
    }
}

fn memory(usage: Usage) -> Finding {
    let Usage { resident, most_memory, .. } = usage;
    let of = most_memory.map_or_else(String::new, |most| format!(" of {}", bytes(most)));
    Finding {
        name: "memory",
        state: warn_if(most_memory.is_some_and(|most| resident / 9 >= most / 10)),
        measured: format!("{}{of}", bytes(resident)),
        limit: most_memory.map(|_| "90%".to_owned()),
        key: None,
        effect: "the kernel ends the worker when it has used its memory up, and all its sessions with it",
        hint: "raise MemoryMax= of the unit, or lower limits.max_connections",
        screen: "health",
    }
}

fn metrics(last: Timestamp) -> Finding {
    let age = Timestamp::now().duration_since(last);
    Finding {
        name: "metrics",
        state: warn_if(age > FETCHED_WITHIN),
        measured: format!("last fetched {} s ago", age.as_secs()),
        limit: Some(format!("{} min", FETCHED_WITHIN.as_mins())),
        key: Some("metrics.bind_port"),
        effect: "nobody is told when something goes wrong",
        hint: "look whether Prometheus runs and reaches this host",
        screen: "health",
    }
}

fn penalties(office: &Office) -> Finding {
    let (sources, most) =
        (office.world.penalties.turned_away_sources(), office.world.regime().snapshot.penalties.most_remembered);
    Finding {
        name: "penalties",
        state: warn_if(sources * 10 >= most * 9),
        measured: format!("{sources} sources are turned away"),
        limit: Some(format!("90% of {most}")),
        key: Some("penalties.max_sources"),
        effect: "who guessed longest ago is forgotten early, and guesses again",
        hint: "see who it is: 7 Auth; many networks at once are an attack, which a firewall stops cheaper",
        screen: "auth",
    }
}

fn reload(office: &Office) -> Finding {
    let last = office.reloads.last();
    let is_good = last.as_ref().is_none_or(|last| last.is_good());
    let measured = match &last {
        None => "none since the start".to_owned(),
        Some(last) if is_good => format!("generation {} at {:.0}", last.generation, last.at),
        Some(last) => format!("failed at {:.0}: {}", last.at, last.remark()),
    };
    Finding {
        name: "reload",
        state: warn_if(!is_good),
        measured,
        limit: None,
        key: None,
        effect: "what is in force is not what the files say",
        hint: "mend the file and reload: rustsocks-cli reload",
        screen: "config",
    }
}

const OWNER_AND_MODE: &str = "look at the owner and the mode of the file and its directory; rustsocks doctor does";

/// But for the room on its disk, which only a record finds out.
fn audit(record: &Record) -> Finding {
    let reached = record.audit.reach();
    let is_cut = reached.is_ok() && record.audit.is_cut();
    let (effect, hint) = match (is_cut, record.is_required) {
        (true, _) => {
            ("records of who did what are gone", "keep the file, see rustsocks-cli audit verify, and rotate it")
        }
        (false, true) => ("orders are refused, because they cannot be written down", OWNER_AND_MODE),
        (false, false) => ("orders are carried out, and are not written down", OWNER_AND_MODE),
    };
    let fine = if is_cut { "records were taken off its end" } else { "can be written" };
    Finding {
        name: "audit",
        state: warn_if(reached.is_err() || is_cut),
        measured: reached.map_or_else(|error| error.to_string(), |()| fine.to_owned()),
        limit: None,
        key: Some("admin.audit_log"),
        effect,
        hint,
        screen: "health",
    }
}

pub(super) fn warn_if(is_too_much: bool) -> State {
    if is_too_much { State::Warn } else { State::Ok }
}

fn remember<T>(queue: &mut VecDeque<T>, what: T, most: usize) {
    queue.push_back(what);
    if queue.len() > most {
        queue.pop_front();
    }
}

/// `0.4 ms`, `38 ms`, `1.9 s`.
fn shown(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    match millis {
        ..10.0 => format!("{millis:.1} ms"),
        10.0..1_000.0 => format!("{millis:.0} ms"),
        _ => format!("{:.1} s", millis / 1e3),
    }
}

/// `286 MiB`.
#[expect(clippy::cast_precision_loss, reason = "a size is shown, not accounted")]
fn bytes(count: u64) -> String {
    let mut size = count as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if size < 1_024.0 {
            return format!("{size:.0} {unit}");
        }
        size /= 1_024.0;
    }
    format!("{size:.1} TiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_told_for_a_while() {
        let (now, moment) = (Instant::now(), Timestamp::from_second(10_000).unwrap());
        let mut clock = Clock { last: (now, moment), stepped: None };
        let after = |seconds| now + Duration::from_secs(seconds);
        clock.look(after(1), moment + SignedDuration::from_secs(2));
        assert_eq!(clock.finding().state, State::Ok);
        clock.look(after(2), moment + SignedDuration::from_secs(3_603));
        assert_eq!(clock.finding().state, State::Warn);
        assert!(clock.finding().measured.starts_with("was set by 3600 s"), "{}", clock.finding().measured);
        clock.look(after(1_002), moment + SignedDuration::from_secs(4_603));
        assert_eq!(clock.finding().state, State::Ok);
    }

    #[test]
    fn descriptors_and_memory_are_too_many_at_nine_tenths() {
        let usage =
            Usage { descriptors: 89, most_descriptors: 100, resident: 89, most_memory: Some(100), ..Usage::default() };
        assert_eq!((descriptors(usage).state, memory(usage).state), (State::Ok, State::Ok));
        let usage = Usage { descriptors: 90, resident: 95, ..usage };
        assert_eq!((descriptors(usage).state, memory(usage).state), (State::Warn, State::Warn));
        assert_eq!(memory(Usage { most_memory: None, ..usage }).measured, "95 B");
    }

    #[test]
    fn times_and_sizes_are_short() {
        let times = [(400, "0.4 ms"), (38_000, "38 ms"), (1_900_000, "1.9 s")];
        for (micros, text) in times {
            assert_eq!(shown(Duration::from_micros(micros)), text);
        }
        for (count, text) in [(5, "5 B"), (300_000_000, "286 MiB"), (u64::MAX, "16777216.0 TiB")] {
            assert_eq!(bytes(count), text);
        }
    }
}
