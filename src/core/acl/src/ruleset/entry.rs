//! One rule in the form in which it is asked: everything but its destinations, small and without detours.

use std::net::IpAddr;

use ipnet::IpNet;
use prefix_trie::joint::JointPrefixSet;

use crate::decision::RuleId;
use crate::policy::schedule::Schedule;
use crate::policy::words::{AuthMethod, Command, Protocol, Set};
use crate::policy::{Action, Mode, PrivateByName, Rule};
use crate::request::{Request, ServiceId};

/// A rule without its destinations.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) rank: Rank,
    ports: Spans,
    further: Option<Box<Further>>,
    pub(crate) action: Action,
    pub(crate) mode: Mode,
    pub(crate) internal: Internal,
    protocols: Set<Protocol>,
    commands: Set<Command>,
    methods: Set<AuthMethod>,
}

/// The order in which rules are credited: a higher priority comes first, then a lower line. The first is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank(u64);

/// Which private addresses a rule admits when a name or `*` leads to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Internal {
    /// All of them.
    Admitted,
    /// Those that a client names as addresses.
    AskedAsAddress,
    /// None.
    Denied,
}

/// Most rules have one span of ports.
#[derive(Debug)]
enum Spans {
    One(u16, u16),
    Many(Box<[(u16, u16)]>),
}

/// Conditions that few rules have.
#[derive(Debug)]
struct Further {
    sources: Sources,
    schedule: Option<Clocked>,
    valid_until: Option<i64>,
    service: Option<ServiceId>,
}

#[derive(Debug)]
enum Sources {
    One(IpNet),
    Few(Box<[IpNet]>),
    Many(Box<JointPrefixSet<IpNet>>),
}

/// A schedule and the number of its zone among the zones of the rules.
#[derive(Debug)]
struct Clocked {
    schedule: Schedule,
    zone: usize,
}

/// What a rule has to say of a request whose destination it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// It fits.
    Fits,
    /// It fits if this service accepts the client, which nobody has asked yet.
    Asks(ServiceId),
    /// It does not fit.
    Misses(Miss),
}

/// Why a rule does not fit a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Miss {
    /// None of its destinations is meant.
    Destination,
    /// It names addresses, and the name that is asked for has not been looked up.
    Unresolved,
    /// A destination is meant, but the address is private, and the rule does not admit those.
    Internal,
    /// Another port.
    Port,
    /// Another protocol.
    Protocol,
    /// Another command.
    Command,
    /// The client is elsewhere.
    Source,
    /// The client proved who it is in another way.
    Method,
    /// Another time of the week.
    Time,
    /// The rule has ended.
    Ended,
    /// Its PAM service refuses the client.
    Service,
}

/// What an entry needs to know of the ruleset that it becomes a part of.
pub(crate) struct Numbers<'a> {
    pub(crate) zone: &'a mut dyn FnMut(&Schedule) -> usize,
    pub(crate) service: &'a mut dyn FnMut(&str) -> ServiceId,
    pub(crate) private_by_name: PrivateByName,
}

/// More sources than this are looked up instead of gone through.
const FEW_SOURCES: usize = 16;

impl Entry {
    pub(crate) fn new(rule: &Rule, id: RuleId, numbers: &mut Numbers<'_>) -> Self {
        Self {
            rank: Rank::new(rule.priority, id),
            ports: Spans::new(rule.ports.spans()),
            further: Further::new(rule, numbers).map(Box::new),
            action: rule.action,
            mode: rule.mode,
            internal: Internal::of(rule.internal, numbers.private_by_name),
            protocols: rule.protocols,
            commands: rule.commands,
            methods: rule.auth_methods,
        }
    }

    /// About how many bytes it has on the heap.
    pub(crate) fn memory(&self) -> usize {
        let spans = match &self.ports {
            Spans::One(..) => 0,
            Spans::Many(spans) => size_of_val(&**spans),
        };
        let sources = self.further.as_ref().map_or(0, |further| match &further.sources {
            Sources::One(_) => 0,
            Sources::Few(networks) => size_of_val(&**networks),
            // A node of the trie holds up to 31 prefixes.
            Sources::Many(networks) => networks.len() * size_of::<IpNet>(),
        });
        spans + sources + self.further.as_ref().map_or(0, |_| size_of::<Further>())
    }

    /// The PAM service on which it depends; a shadow rule is not worth asking one.
    pub(crate) fn service(&self) -> Option<ServiceId> {
        let service = self.further.as_ref().and_then(|further| further.service);
        service.filter(|_| self.mode == Mode::Enforced)
    }

    /// Asks every condition but the destination.
    pub(crate) fn examine(&self, request: &Request<'_>) -> Finding {
        if !self.ports.contains(request.port) {
            return Finding::Misses(Miss::Port);
        }
        if !self.commands.contains(request.command) {
            return Finding::Misses(Miss::Command);
        }
        if !self.protocols.contains(request.command.protocol()) {
            return Finding::Misses(Miss::Protocol);
        }
        if !self.methods.contains(request.method) {
            return Finding::Misses(Miss::Method);
        }
        self.further.as_ref().map_or(Finding::Fits, |further| further.examine(request, self.action))
    }
}

impl Rank {
    fn new(priority: i32, id: RuleId) -> Self {
        // The order of the integers, turned round, in the upper half.
        let upper = (priority ^ i32::MAX).cast_unsigned();
        Self(u64::from(upper) << 32 | u64::from(id.0))
    }

    pub(crate) fn rule(self) -> RuleId {
        RuleId(u32::try_from(self.0 & 0xffff_ffff).expect("32 bits are left"))
    }
}

impl Internal {
    fn of(written: Option<bool>, by_name: PrivateByName) -> Self {
        match (written, by_name) {
            (Some(true), _) | (None, PrivateByName::Admitted) => Self::Admitted,
            (None, PrivateByName::Denied) => Self::AskedAsAddress,
            (Some(false), _) => Self::Denied,
        }
    }
}

impl Spans {
    fn new(spans: &[(u16, u16)]) -> Self {
        match spans {
            [(first, last)] => Self::One(*first, *last),
            several => Self::Many(several.into()),
        }
    }

    fn contains(&self, port: u16) -> bool {
        match self {
            Self::One(first, last) => (*first..=*last).contains(&port),
            Self::Many(spans) => {
                let after = spans.partition_point(|(first, _)| *first <= port);
                after > 0 && port <= spans[after - 1].1
            }
        }
    }
}

impl Further {
    fn new(rule: &Rule, numbers: &mut Numbers<'_>) -> Option<Self> {
        let Rule { sources, time, valid_until, pam_service, .. } = rule;
        if sources.is_empty() && time.is_none() && valid_until.is_none() && pam_service.is_none() {
            return None;
        }
        let clocked = |schedule: &Schedule| Clocked { zone: (numbers.zone)(schedule), schedule: schedule.clone() };
        Some(Self {
            sources: Sources::new(sources),
            schedule: time.as_deref().map(clocked),
            valid_until: *valid_until,
            service: pam_service.as_deref().map(&mut *numbers.service),
        })
    }

    fn examine(&self, request: &Request<'_>, action: Action) -> Finding {
        if !self.sources.contain(request.source) {
            return Finding::Misses(Miss::Source);
        }
        if self.valid_until.is_some_and(|until| until <= request.moment.seconds) {
            return Finding::Misses(Miss::Ended);
        }
        if self.schedule.as_ref().is_some_and(|clocked| !clocked.includes(request, action)) {
            return Finding::Misses(Miss::Time);
        }
        let Some(service) = self.service else { return Finding::Fits };
        match request.services.accepts(service) {
            Some(true) => Finding::Fits,
            Some(false) => Finding::Misses(Miss::Service),
            None => Finding::Asks(service),
        }
    }
}

impl Clocked {
    fn includes(&self, request: &Request<'_>, action: Action) -> bool {
        match request.moment.local.get(self.zone) {
            Some(now) => self.schedule.includes(*now),
            // A moment of other rules: nobody knows what time it is there, so nothing is let through by it.
            None => action == Action::Block,
        }
    }
}

impl Sources {
    fn new(networks: &[IpNet]) -> Self {
        let truncated = networks.iter().map(IpNet::trunc);
        match networks {
            [only] => Self::One(only.trunc()),
            few if few.len() <= FEW_SOURCES => Self::Few(truncated.collect()),
            _ => Self::Many(Box::new(truncated.collect())),
        }
    }

    fn contain(&self, source: Option<IpAddr>) -> bool {
        match (self, source.map(|source| source.to_canonical())) {
            (Self::Few(networks), _) if networks.is_empty() => true,
            (_, None) => false,
            (Self::One(network), Some(source)) => network.contains(&source),
            (Self::Few(networks), Some(source)) => networks.iter().any(|network| network.contains(&source)),
            (Self::Many(networks), Some(source)) => networks.is_covered(&source.into()),
        }
    }
}
