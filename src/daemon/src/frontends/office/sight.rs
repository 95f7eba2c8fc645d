//! A live session as tables show it: cells by column, for filters, orders and windows.
//!
//! Nothing is worked out that nobody asks for: of ten thousand sessions, most are only counted.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use compact_str::CompactString;
use filter::Value as Asked;
use jiff::Timestamp;
use serde_json::Value;
use socks::{Host, Plainly, Target};
use uuid::Uuid;

use super::Office;
use super::classes::limiting;
use crate::state::history::record::{address_in, decided};
use crate::state::limits::share::Client;
use crate::state::limits::tuning::Tuning;
use crate::state::session::facts::{self, Facts, Identity, Origin};
use crate::state::session::ticket::{Session, command, protocol};
use crate::state::snapshot::Snapshot;

/// What is in one place of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cell {
    /// In an order, nothing comes before something.
    Nothing,
    Number(u64),
    /// Microseconds since 1970.
    Time(i64),
    /// One of a few.
    Word(&'static str),
    /// The number of a session, which is told in hexadecimal.
    Short(u64),
    Uuid(Uuid),
    /// Addresses are in the order of their numbers, and before names.
    Ip(IpAddr),
    Address(SocketAddr),
    Text(CompactString),
    List(Vec<CompactString>),
}

/// A column: its name, what kind of value it has, and whether that changes while the row is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) is_dynamic: bool,
}

pub(crate) const fn fixed(name: &'static str, kind: &'static str) -> Column {
    Column { name, kind, is_dynamic: false }
}

pub(crate) const fn dynamic(name: &'static str, kind: &'static str) -> Column {
    Column { name, kind, is_dynamic: true }
}

/// Those of sessions.
pub(crate) const SESSIONS: &[Column] = &[
    fixed("id", "text"),
    fixed("user", "text"),
    fixed("groups", "list"),
    fixed("src", "text"),
    fixed("sport", "number"),
    fixed("dst", "text"),
    fixed("dport", "number"),
    fixed("host", "text"),
    fixed("ip", "text"),
    fixed("proto", "text"),
    fixed("cmd", "text"),
    dynamic("state", "text"),
    fixed("start", "time"),
    dynamic("idle", "seconds"),
    dynamic("up", "bytes"),
    dynamic("down", "bytes"),
    dynamic("pup", "number"),
    dynamic("pdown", "number"),
    dynamic("rup", "rate"),
    dynamic("rdown", "rate"),
    dynamic("rate", "rate"),
    dynamic("limit", "text"),
    fixed("rule", "text"),
    fixed("decision", "text"),
    fixed("auth", "text"),
    fixed("listener", "text"),
    fixed("gen", "number"),
    fixed("uuid", "text"),
];

/// A session at one moment, for whoever keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Sight {
    pub(crate) session: Arc<Session>,
    pub(crate) read: Reading,
    light: Arc<Light>,
}

/// The same for whoever walks past: of most sessions nothing is kept, and nothing is written where all others read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Glimpse<'a> {
    session: &'a Arc<Session>,
    pub(crate) read: &'a Reading,
    light: &'a Arc<Light>,
}

/// What is read of every session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    id: Uuid,
    pub(crate) number: u64,
    pub(crate) up: u64,
    pub(crate) down: u64,
    rates: Option<(u64, u64)>,
}

/// In what light sessions are seen: what holds of all of them at the moment of a look.
#[derive(Debug)]
pub(crate) struct Light {
    snapshot: Arc<Snapshot>,
    tuning: Arc<Tuning>,
    /// Whoever looks may not see whole addresses of clients.
    is_masked: bool,
}

impl Cell {
    /// As it is said to programs.
    pub(crate) fn json(&self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Number(number) => (*number).into(),
            Self::Time(micros) => seconds(*micros).into(),
            Self::Word(word) => (*word).into(),
            Self::Short(number) => short(*number).into(),
            Self::Uuid(id) => id.to_string().into(),
            Self::Ip(address) => address.to_string().into(),
            Self::Address(address) => Plainly(*address).to_string().into(),
            Self::Text(text) => text.as_str().into(),
            Self::List(items) => items.iter().map(CompactString::as_str).collect(),
        }
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn list(items: &[Arc<str>]) -> Self {
        Self::List(items.iter().map(|item| CompactString::new(item)).collect())
    }

    /// A source as it is shown: an address, a network, or what is left of one for those who may not see it whole.
    pub(crate) fn source(shown: &str) -> Self {
        shown.parse().map_or_else(|_| Self::text(shown), Self::Ip)
    }

    fn host(host: &Host) -> Self {
        match host {
            Host::V4(address) => Self::Ip((*address).into()),
            Host::V6(address) => Self::Ip((*address).into()),
            Host::Name(_) => Self::source(&host.to_string()),
        }
    }

    fn target(target: &Target) -> Self {
        match target.host {
            Host::V4(address) => Self::Address((address, target.port).into()),
            Host::V6(address) => Self::Address((address, target.port).into()),
            // Somebody asked for an address by its text.
            Host::Name(_) => {
                let shown = target.to_string();
                shown.parse().map_or_else(|_| Self::Text(shown.into()), Self::Address)
            }
        }
    }
}

/// The short id of a session, which holds for this run of the daemon.
pub(crate) fn short(number: u64) -> String {
    format!("{number:x}")
}

/// Seconds since 1970, to the millisecond.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of this age fit into 53 bits")]
pub(crate) fn seconds(micros: i64) -> f64 {
    (micros / 1_000) as f64 / 1e3
}

impl Office {
    /// What holds now, for somebody who may see whole addresses or may not.
    pub(crate) fn light(&self, is_masked: bool) -> Arc<Light> {
        let (snapshot, tuning) = (Arc::clone(&self.world.regime().snapshot), self.world.quotas.tuning());
        Arc::new(Light { snapshot, tuning, is_masked })
    }

    /// These sessions, in or over.
    pub(crate) fn sights_of<'s>(
        &self,
        sessions: impl Iterator<Item = &'s Arc<Session>>,
        is_masked: bool,
    ) -> Vec<Sight> {
        self.paces.look(&self.world.roster, Instant::now());
        let light = self.light(is_masked);
        sessions.map(|session| Sight::of(session, &light)).collect()
    }

    /// The one that was read a moment ago, as it was then; nothing if it is over by now.
    pub(crate) fn read_once(&self, read: &Reading, light: &Arc<Light>) -> Option<Sight> {
        let session = self.world.roster.find(read.id)?;
        Some(Sight { session, read: *read, light: Arc::clone(light) })
    }

    /// Shows everybody who is in now to `visit`, which must not touch the roster nor take long: somebody may wait to come in.
    pub(crate) fn glimpses(&self, light: &Arc<Light>, mut visit: impl FnMut(Glimpse<'_>)) {
        let visit = |session: &Arc<Session>, read| visit(Glimpse { session, read: &read, light });
        self.paces.each_seen(&self.world.roster, Instant::now(), Reading::of, visit);
    }

    /// Everybody who is in now.
    pub(crate) fn sights(&self, light: &Arc<Light>) -> Vec<Sight> {
        let mut sights = Vec::with_capacity(self.world.roster.count());
        self.glimpses(light, |glimpse| sights.push(glimpse.kept()));
        sights
    }
}

impl Sight {
    pub(crate) fn of(session: &Arc<Session>, light: &Arc<Light>) -> Self {
        Self { session: Arc::clone(session), read: Reading::of(session.id, session), light: Arc::clone(light) }
    }

    pub(crate) fn glimpse(&self) -> Glimpse<'_> {
        Glimpse { session: &self.session, read: &self.read, light: &self.light }
    }

    /// What it has in the column of this name.
    pub(crate) fn cell(&self, column: &str) -> Cell {
        self.glimpse().cell(column)
    }

    /// The whole row, by name.
    pub(crate) fn object(&self) -> Value {
        SESSIONS.iter().map(|column| (column.name.to_owned(), self.cell(column.name).json())).collect()
    }
}

impl Reading {
    fn of(id: Uuid, session: &Session) -> Self {
        let (up, down) = (session.up.bytes(), session.down.bytes());
        Self { id, number: session.number, up, down, rates: session.pace.rates() }
    }

    /// Bytes a second from and to the client, as far as they are known.
    pub(crate) fn rates(&self) -> (u64, u64) {
        self.rates.unwrap_or_default()
    }
}

impl Glimpse<'_> {
    pub(crate) fn kept(&self) -> Sight {
        Sight { session: Arc::clone(self.session), read: *self.read, light: Arc::clone(self.light) }
    }

    /// What it has in the column of this name.
    pub(crate) fn cell(&self, column: &str) -> Cell {
        let (session, number) = (&**self.session, Cell::Number);
        let rate = |of: fn((u64, u64)) -> u64| self.read.rates.map_or(Cell::Nothing, |rates| Cell::Number(of(rates)));
        match column {
            "id" => Cell::Short(self.read.number),
            "uuid" => Cell::Uuid(self.read.id),
            "src" => self.source(),
            "sport" => match session.origin() {
                Origin::Address(address) => number(address.port().into()),
                Origin::Local => Cell::Nothing,
            },
            "state" => Cell::Word(session.course.stage().label()),
            "start" => Cell::Time(self.session.started()),
            "idle" => number(session.idle().as_secs()),
            "up" => number(self.read.up),
            "down" => number(self.read.down),
            "total" => number(self.read.up + self.read.down),
            "pup" => number(session.up.packets()),
            "pdown" => number(session.down.packets()),
            "rup" => rate(|(up, _)| up),
            "rdown" => rate(|(_, down)| down),
            "rate" => rate(|(up, down)| up + down),
            "limit" => self.limits().pop().map_or(Cell::Nothing, |limit| Cell::Text(limit.into())),
            "listener" => Cell::text(&session.listener),
            "gen" => number(session.snapshot.generation),
            _ => self.fact(column, &session.facts()),
        }
    }

    fn fact(&self, column: &str, facts: &Facts) -> Cell {
        let asked = facts.request.as_ref();
        let target = asked.and_then(facts::Asked::destination);
        let found = match column {
            "user" => facts.proof.as_ref().map(|proof| Cell::text(proof.identity.name())),
            "groups" => facts.proof.as_ref().and_then(|proof| match &proof.identity {
                Identity::Anonymous => None,
                Identity::User(user) => Some(Cell::list(&user.groups)),
            }),
            "dst" => target.map(Cell::target),
            "dport" => target.map(|target| Cell::Number(target.port.into())),
            "host" => target.map(|target| Cell::host(&target.host)),
            "ip" => facts.peer.map(|peer| Cell::Ip(peer.ip())),
            "proto" => asked.map(|asked| Cell::Word(protocol(asked.command))),
            "cmd" => asked.map(|asked| Cell::Word(command(asked.command))),
            "rule" => facts
                .decision
                .and_then(|decision| decision.rule())
                .map(|rule| Cell::Text(self.session.rule(rule).into())),
            "decision" => facts.decision.and_then(decided).map(Cell::Word),
            "auth" => facts.proof.as_ref().map(|proof| Cell::Word(proof.method.word())),
            _ => None,
        };
        found.unwrap_or(Cell::Nothing)
    }

    /// The rule that decided, under its name alone and with its description.
    fn rule(&self, facts: &Facts) -> Option<Asked<'static>> {
        let rule = facts.decision.and_then(|decision| decision.rule())?;
        let names = [self.session.snapshot.rules.set().label(rule), self.session.rule(rule).to_owned()];
        Some(Asked::Many(names.map(|name| Asked::Text(Cow::Owned(name))).into()))
    }

    /// The classes that limit what it carries, the narrowest last.
    fn limits(&self) -> Vec<String> {
        let (facts, light) = (self.session.facts(), &**self.light);
        let Some(proof) = &facts.proof else { return Vec::new() };
        let source = self.session.caller().map(|caller| caller.source);
        let client = Client { source, identity: &proof.identity, rule: self.session.credit.rule() };
        limiting((&light.snapshot, &light.tuning), client, light.is_masked)
    }

    /// What it has for a filter in the field of this name.
    fn asked(&self, field: &str) -> Option<Asked<'static>> {
        let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let cell = match field {
            // Neither by looking nor by asking.
            "src" if self.light.is_masked => return None,
            "src" => return self.session.origin().ip().map(Asked::Address),
            "ip" => return self.session.facts().peer.map(|peer| Asked::Address(peer.ip())),
            "dst" => return destination(&self.session.facts()),
            "idle" => return Some(Asked::Number(micros(self.session.idle()))),
            "age" => return Some(Asked::Number(micros(self.session.opened.elapsed()))),
            "id" => {
                let ids = [short(self.read.number), self.read.id.to_string()];
                return Some(Asked::Many(ids.map(|id| Asked::Text(Cow::Owned(id))).into()));
            }
            "rule" => return self.rule(&self.session.facts()),
            "limit" => Cell::List(self.limits().into_iter().map(CompactString::from).collect()),
            "group" => self.cell("groups"),
            "port" => self.cell("dport"),
            other => self.cell(other),
        };
        match cell {
            Cell::Nothing => None,
            Cell::Number(number) => Some(Asked::Number(number)),
            Cell::Time(micros) => Some(Asked::Time(micros)),
            Cell::Word(word) => Some(Asked::Text(Cow::Borrowed(word))),
            Cell::Short(number) => Some(Asked::Text(Cow::Owned(short(number)))),
            Cell::Uuid(id) => Some(Asked::Text(Cow::Owned(id.to_string()))),
            Cell::Ip(address) => Some(Asked::Text(Cow::Owned(address.to_string()))),
            Cell::Address(address) => Some(Asked::Text(Cow::Owned(Plainly(address).to_string()))),
            Cell::Text(text) => Some(Asked::Text(Cow::Owned(text.into()))),
            Cell::List(items) => {
                Some(Asked::Many(items.into_iter().map(|item| Asked::Text(Cow::Owned(item.into()))).collect()))
            }
        }
    }

    fn source(&self) -> Cell {
        match self.session.origin() {
            Origin::Address(address) if self.light.is_masked => Cell::Text(masked(address.ip()).into()),
            Origin::Address(address) => Cell::Address(address),
            Origin::Local => Cell::text(Origin::LOCAL),
        }
    }
}

impl filter::Row for Sight {
    fn value(&self, field: &str) -> Option<Asked<'_>> {
        self.glimpse().asked(field)
    }
}

impl filter::Row for Glimpse<'_> {
    fn value(&self, field: &str) -> Option<Asked<'_>> {
        self.asked(field)
    }
}

/// Now, as filters want it.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_microsecond()
}

/// The name that was asked for, and the address that it led to.
fn destination(facts: &Facts) -> Option<Asked<'static>> {
    let target = facts.request.as_ref()?.destination()?;
    let peer = facts.peer.map(|peer| Asked::Address(peer.ip()));
    let (named, written) = match target.host {
        Host::V4(address) => (Asked::Address(address.into()), None),
        Host::V6(address) => (Asked::Address(address.into()), None),
        Host::Name(ref name) => (Asked::Text(Cow::Owned(name.to_string())), address_in(name.as_bytes())),
    };
    let reached = peer.or(written.map(Asked::Address));
    Some(Asked::Many(std::iter::once(named).chain(reached).collect()))
}

/// The network alone: `10.8.x.x`, `2001:db8:x`.
pub(crate) fn masked(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            format!("{first}.{second}.x.x")
        }
        IpAddr::V6(address) => {
            let mut text = String::new();
            for part in &address.segments()[..2] {
                write!(text, "{part:x}:").expect("a string takes everything");
            }
            text + "x"
        }
    }
}

#[cfg(test)]
mod tests {
    use socks::Name;

    use super::*;

    #[test]
    fn addresses_are_in_the_order_of_their_numbers_and_before_names() {
        let (near, far) = (target("10.8.0.9", 443), target("10.8.0.10", 80));
        let named = Target { host: Host::Name(Name::new(b"10.example").unwrap()), port: 1 };
        let mut cells = [&named, &far, &near].map(Cell::target);
        cells.sort();
        assert_eq!(cells.map(|cell| cell.json()), ["10.8.0.9:443", "10.8.0.10:80", "10.example:1"]);
        let mut hosts = [&named.host, &far.host, &near.host].map(Cell::host);
        hosts.sort();
        assert_eq!(hosts.map(|host| host.json()), ["10.8.0.9", "10.8.0.10", "10.example"]);
    }

    fn target(address: &str, port: u16) -> Target {
        SocketAddr::new(address.parse().unwrap(), port).into()
    }

    #[test]
    fn a_masked_address_is_a_network() {
        for (address, shown) in
            [("10.8.0.14", "10.8.x.x"), ("::ffff:10.8.0.14", "10.8.x.x"), ("2001:db8::7", "2001:db8:x")]
        {
            assert_eq!(masked(address.parse().unwrap()), shown);
        }
    }
}
