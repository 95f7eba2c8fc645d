//! The tables of a rule file and their keys.

use acl::{
    Action, Bounds, Command, Group, Membership, Mode, Ports, Protocol, Rule, Schedule, Set, Subject, User, Word, Zone,
};

use crate::kinds::numbers::count;
use crate::kinds::rates::MbpsEachWay;
use crate::kinds::strings::{list, text};
use crate::kinds::{Flag, Maybe};
use crate::problem::Fault;
use crate::reader::{Section, Table};
use crate::rules::RULE_KEYS;
use crate::rules::values::{Days, Description, Name, Priority, Source, several};
use crate::settings::{LONGEST_AGE, LONGEST_IDLE, MOST_CONNECTIONS};
use crate::users::UserName;
use crate::users::expiry::Moment;
use crate::values::Parsed;
use crate::values::text::PamService;

/// `[global]`
pub(super) struct Global {
    pub(super) default_policy: Action,
}

/// A `[[users]]` table while parts of it may be missing.
pub(super) struct UserEntry {
    pub(super) name: Option<Placed>,
    groups: Vec<Membership>,
    pub(super) rules: Vec<RuleEntry>,
    line: u32,
}

/// A `[[groups]]` table while parts of it may be missing.
pub(super) struct GroupEntry {
    pub(super) name: Option<Placed>,
    pub(super) rules: Vec<RuleEntry>,
    line: u32,
}

/// A `[[….rules]]` table while parts of it may be missing.
pub(super) struct RuleEntry {
    rule: Option<Rule>,
    pub(super) zone: Option<Placed>,
    pub(super) service: Option<Placed>,
}

/// A word that is compared with those of other tables, and where it is written.
pub(super) struct Placed {
    pub(super) text: Box<str>,
    pub(super) key: String,
    pub(super) at: usize,
}

/// `time = { … }` while its zone is not known to exist.
struct Time {
    schedule: Schedule,
    zone: Option<Placed>,
}

impl Table for Global {
    const KEYS: &'static [&'static str] = &["default_policy"];

    fn read(section: &mut Section<'_, '_>) -> Self {
        Self { default_policy: section.key("default_policy", &text(), Action::Block) }
    }
}

impl Table for UserEntry {
    const KEYS: &'static [&'static str] = &["username", "groups", "rules"];

    fn read(section: &mut Section<'_, '_>) -> Self {
        let name: Option<UserName> = section.required("username", &text(), "\"alice\"");
        let line = section.line_of("groups");
        let groups = section.key("groups", &list::<UserName>(), Vec::new());
        Self {
            name: name.map(|name| Placed::new(section, "username", name.as_str())),
            groups: groups.iter().map(|group| Membership { group: group.as_str().into(), line }).collect(),
            rules: section.tables("rules"),
            line: section.line(),
        }
    }
}

impl Table for GroupEntry {
    const KEYS: &'static [&'static str] = &["name", "rules"];

    fn read(section: &mut Section<'_, '_>) -> Self {
        let name: Option<UserName> = section.required("name", &text(), "\"developers\"");
        Self {
            name: name.map(|name| Placed::new(section, "name", name.as_str())),
            rules: section.tables("rules"),
            line: section.line(),
        }
    }
}

impl Table for RuleEntry {
    const KEYS: &'static [&'static str] = RULE_KEYS;

    fn read(section: &mut Section<'_, '_>) -> Self {
        let time: Option<Time> = section.table("time", "{ weekdays = [\"mon-fri\"], hours = [\"08:00-18:00\"] }");
        let (schedule, zone) = time.map_or((None, None), |time| (Some(Box::new(time.schedule)), time.zone));
        let service = section.key("pam_service", &Maybe(text::<PamService>()), None);
        let rule = rule(section).map(|rule| Rule {
            time: schedule,
            pam_service: service.as_ref().map(|service| service.as_str().into()),
            ..rule
        });
        if let Some(rule) = &rule {
            refuse_contradictions(rule, section);
        }
        Self { rule, zone, service: service.map(|service| Placed::new(section, "pam_service", service.as_str())) }
    }
}

/// Everything but what has to be compared with other rules.
fn rule(section: &mut Section<'_, '_>) -> Option<Rule> {
    let action = section.required("action", &text(), "\"allow\"");
    let destinations = section.required("destinations", &several(), "[\"*.example.com\"]");
    let ports = section.key("ports", &several::<Ports>(), Vec::new());
    let description = section.key("description", &text(), Description("".into()));
    let sources: Vec<Source> = section.key("sources", &list(), Vec::new());
    let until = section.key("valid_until", &Maybe(Moment), None);
    let rule = Rule {
        description: description.0,
        ports: Ports::union(ports).unwrap_or_else(Ports::all),
        protocols: set(section, "protocols"),
        priority: section.key("priority", &Priority, 0),
        sources: sources.into_iter().map(|source| source.0).collect(),
        commands: set(section, "commands"),
        valid_until: until.map(|until| until.timestamp().as_second()),
        auth_methods: set(section, "auth_methods"),
        internal: section.key("internal", &Maybe(Flag), None),
        mode: section.key("mode", &text(), Mode::Enforced),
        log: section.key("log", &Maybe(text()), None),
        bounds: bounds(section),
        line: section.line(),
        ..Rule::new(Action::Block, [])
    };
    Some(Rule { action: action?, destinations: Vec::into(destinations?), ..rule })
}

/// What the rule says of how much its connections may have.
fn bounds(section: &mut Section<'_, '_>) -> Option<Box<Bounds>> {
    let rates = section.key("bandwidth_per_user_mbps", &Maybe(MbpsEachWay), None);
    let bounds = Bounds {
        at_once: section.key("max_connections", &Maybe(count(0, MOST_CONNECTIONS)), None),
        up: rates.map(|rates| rates.up.bytes()),
        down: rates.map(|rates| rates.down.bytes()),
        max_age: section.key("max_age_secs", &Maybe(count(0, LONGEST_AGE)), None),
        idle: section.key("connection_timeout_secs", &Maybe(count(0, LONGEST_IDLE)), None),
    };
    (bounds != Bounds::default()).then(|| Box::new(bounds))
}

/// The words of a list; all of them when there is none.
fn set<W: Word + Parsed>(section: &mut Section<'_, '_>, key: &'static str) -> Set<W> {
    let words = section.key(key, &several(), Vec::new());
    if words.is_empty() { Set::all() } else { words.into_iter().collect() }
}

/// The keys of a rule that hold for its connections.
const BOUNDS: [&str; 4] = ["max_connections", "bandwidth_per_user_mbps", "max_age_secs", "connection_timeout_secs"];

/// Values that are each right and make a rule that fits nothing, or a key that means nothing.
fn refuse_contradictions(rule: &Rule, section: &mut Section<'_, '_>) {
    let carried: Set<Protocol> = rule.commands.iter().map(Command::protocol).collect();
    if !rule.protocols.iter().any(|protocol| carried.contains(protocol)) {
        let fault = Fault::new(format!("{} needs {carried}, and protocols has only {}", rule.commands, rule.protocols));
        section.report("commands", fault.hint("remove one of the two keys"));
    }
    if rule.action == Action::Block && rule.internal.is_some() {
        let fault = Fault::new("means nothing in a rule that blocks");
        section.report("internal", fault.hint("remove it; \"@private\" is a destination"));
    }
    refuse_bounds_of_nothing(rule, section);
}

/// Limits of a rule that lets no connection in.
fn refuse_bounds_of_nothing(rule: &Rule, section: &mut Section<'_, '_>) {
    let is_for_connections = rule.protocols.contains(Protocol::Tcp)
        && [Command::Connect, Command::Bind].into_iter().any(|command| rule.commands.contains(command));
    let why = match rule.action {
        Action::Block => "means nothing in a rule that blocks",
        Action::Allow if !is_for_connections => "holds for connections, and the rule lets none in",
        Action::Allow => return,
    };
    for key in BOUNDS {
        if section.has(key) {
            section.report(key, Fault::new(why).hint("remove it"));
        }
    }
}

impl Table for Time {
    const KEYS: &'static [&'static str] = &["weekdays", "hours", "zone"];

    fn read(section: &mut Section<'_, '_>) -> Self {
        if !section.has("weekdays") && !section.has("hours") {
            section.report("hours", Fault::new("is missing").hint("add hours = [\"08:00-18:00\"], or weekdays"));
        }
        let days = section.key("weekdays", &several::<Days>(), Vec::new());
        let days =
            if days.is_empty() { Set::all() } else { days.iter().fold(Set::default(), |all, days| all.union(days.0)) };
        let hours = section.key("hours", &several(), Vec::new());
        let zone = section.key("zone", &Maybe(text::<Name>()), None);
        let named = zone.as_ref().map_or(Zone::Host, |zone| Zone::Named(zone.0.clone()));
        Self {
            schedule: Schedule::new(days, hours, named),
            zone: zone.map(|zone| Placed::new(section, "zone", &zone.0)),
        }
    }
}

impl UserEntry {
    pub(super) fn complete(self) -> Option<User> {
        let Self { name, groups, rules, line } = self;
        let rules = rules.into_iter().filter_map(|entry| entry.rule).collect();
        Some(User { subject: Subject::of(&name?.text), groups, rules, line })
    }
}

impl GroupEntry {
    pub(super) fn complete(self) -> Option<Group> {
        let Self { name, rules, line } = self;
        let rules = rules.into_iter().filter_map(|entry| entry.rule).collect();
        Some(Group { name: name?.text, rules, line })
    }
}

impl Placed {
    fn new(section: &Section<'_, '_>, key: &str, text: &str) -> Self {
        Self { text: text.into(), key: section.path_of(key), at: section.start_of(key) }
    }
}
