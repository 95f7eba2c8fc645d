//! The rules in force, and what they would say to somebody.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use ::acl::{Action, AuthMethod, Command, Destination, HostName, Identity, Protocol, RuleId, Ruleset, Word};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::acl::trial::Trial;
use super::acl::{Book, shown};
use super::{No, Office};
use crate::state::snapshot::Snapshot;

/// More than anybody tries at once.
const MOST_ITEMS: usize = 64;

/// How long the name servers may take for somebody who only wants to know.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize)]
pub(crate) struct RuleList {
    generation: u64,
    default_policy: &'static str,
    total: usize,
    /// In the order of the file.
    rules: Vec<Rule>,
    /// Where the next page begins, if there is one.
    next: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Rule {
    name: String,
    identity: String,
    owner: String,
    action: &'static str,
    description: String,
    destinations: Vec<String>,
    ports: String,
    protocols: String,
    commands: String,
    sources: Vec<String>,
    auth_methods: String,
    time: Option<String>,
    pam_service: Option<String>,
    valid_until: Option<Timestamp>,
    priority: i32,
    max_connections: Option<u32>,
    /// One number, or one for each direction: `10:100`.
    bandwidth_per_user_mbps: Option<String>,
    max_age_secs: Option<u32>,
    connection_timeout_secs: Option<u32>,
    line: u32,
}

/// A request that nobody makes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// Who asks; nobody in particular without it.
    user: Option<String>,
    /// Groups that the authentication finds, besides those of the files.
    #[serde(default)]
    groups: Vec<String>,
    /// Where to: a name or an address.
    dest: String,
    /// A lookup has none.
    port: Option<u16>,
    protocol: Option<String>,
    command: Option<String>,
    source: Option<IpAddr>,
    auth_method: Option<String>,
    /// Addresses of the name.
    #[serde(default)]
    addresses: Vec<IpAddr>,
    /// The addresses of the name are those that the name servers give now; without it nothing is looked up.
    #[serde(default)]
    resolve: bool,
    /// Those that accept the client; the others refuse it.
    #[serde(default)]
    pam_services: Vec<String>,
    at: Option<Timestamp>,
    /// Whether every rule is to say why it fits or does not.
    #[serde(default)]
    explain: bool,
}

impl RuleList {
    pub(super) fn of(snapshot: &Snapshot, after: usize, limit: usize) -> Self {
        let set = snapshot.rules.set();
        let total = set.policy().rule_count();
        let rules: Vec<Rule> = set.rules().skip(after).take(limit).map(|rule| Rule::of(set, rule)).collect();
        let end = after.saturating_add(rules.len());
        Self {
            generation: snapshot.generation,
            default_policy: if set.policy().default == Action::Allow { "allow" } else { "deny" },
            total,
            next: (end < total && !rules.is_empty()).then_some(end),
            rules,
        }
    }
}

impl Rule {
    fn of(set: &Ruleset, id: RuleId) -> Self {
        let rule = set.rule(id);
        let bounds = rule.bounds.as_deref().copied().unwrap_or_default();
        Self {
            name: set.label(id),
            identity: set.identity(id).to_string(),
            owner: set.owner(id),
            action: rule.action.as_str(),
            description: rule.description.to_string(),
            destinations: rule.destinations.iter().map(ToString::to_string).collect(),
            ports: rule.ports.to_string(),
            protocols: rule.protocols.to_string(),
            commands: rule.commands.to_string(),
            sources: rule.sources.iter().map(ToString::to_string).collect(),
            auth_methods: rule.auth_methods.to_string(),
            time: rule.time.as_ref().map(ToString::to_string),
            pam_service: rule.pam_service.as_ref().map(ToString::to_string),
            valid_until: rule.valid_until.and_then(|until| Timestamp::from_second(until).ok()),
            priority: rule.priority,
            max_connections: bounds.at_once,
            bandwidth_per_user_mbps: shown::rates(&bounds),
            max_age_secs: bounds.max_age,
            connection_timeout_secs: bounds.idle,
            line: rule.line,
        }
    }
}

impl Office {
    /// How many of those who are in were let in by each rule, whatever rules were in force then.
    pub(crate) fn admitted(&self) -> HashMap<Identity, u64> {
        let mut admitted = HashMap::new();
        self.world.roster.each(|session| {
            let rule = session.facts().decision.and_then(|decision| decision.rule());
            if let Some(rule) = rule {
                *admitted.entry(session.snapshot.rules.set().identity(rule)).or_default() += 1;
            }
        });
        admitted
    }

    /// What traffic would be told under these rules, as `acl-check --json` says it.
    pub(super) fn answered(&self, question: &Question, book: &Book) -> Result<Value, No> {
        let destination =
            Destination::parse_name(question.dest.as_bytes()).map_err(|fault| No::Invalid(format!("dest: {fault}")))?;
        let command = question.command()?;
        question.check(&destination, command)?;
        let found = match &destination {
            Destination::Name(name) if question.resolve => self.addresses_of(name)?,
            Destination::Name(_) | Destination::Address(_) => question.addresses.clone(),
        };
        question.answer(book, (&destination, &found), command)
    }

    /// As a connection would find them, but in less time.
    fn addresses_of(&self, name: &HostName) -> Result<Vec<IpAddr>, No> {
        let found = self.world.regime().dialer.look_up_apart(name, PATIENCE);
        let unresolved = |why: String| No::Unresolved(format!("{name} is not resolved: {why}"));
        found
            .map_err(|error| unresolved(error.to_string()))?
            .map_err(|refusal| unresolved(refusal.label().replace('_', " ")))
    }
}

impl Question {
    fn answer(
        &self,
        book: &Book,
        (destination, addresses): (&Destination, &[IpAddr]),
        command: Command,
    ) -> Result<Value, No> {
        let trial = Trial {
            user: self.user.as_deref(),
            groups: &self.groups,
            destination,
            addresses,
            port: self.port.unwrap_or(0),
            command,
            source: self.source,
            method: word::<AuthMethod>("auth_method", self.auth_method.as_deref())?,
            services: &self.pam_services,
            at: self.at.unwrap_or_else(Timestamp::now),
        };
        let outcome = trial.run(book);
        let mut answer = shown::json(book, &trial, &outcome, self.explain);
        if self.resolve {
            answer["limits"] = shown::limits(book, &trial, &outcome);
        }
        Ok(answer)
    }

    fn command(&self) -> Result<Command, No> {
        let by_protocol = match word::<Protocol>("protocol", self.protocol.as_deref())? {
            Some(_) if self.command.is_some() => {
                return Err(No::Invalid("protocol and command exclude each other".to_owned()));
            }
            Some(Protocol::Udp) => Command::UdpAssociate,
            Some(Protocol::Tcp) | None => Command::Connect,
        };
        Ok(word::<Command>("command", self.command.as_deref())?.unwrap_or(by_protocol))
    }

    fn check(&self, destination: &Destination, command: Command) -> Result<(), No> {
        let invalid = |message: &str| Err(No::Invalid(message.to_owned()));
        let is_lookup = command == Command::Resolve;
        if is_lookup != self.port.is_none() {
            return invalid(if is_lookup { "port: a lookup has none" } else { "port: it is missing" });
        }
        if matches!(destination, Destination::Address(_)) && !self.addresses.is_empty() {
            return invalid("addresses: they are for names");
        }
        if self.resolve && !self.addresses.is_empty() {
            return invalid("addresses: with resolve they are looked up");
        }
        if [self.groups.len(), self.addresses.len(), self.pam_services.len()]
            .into_iter()
            .any(|count| count > MOST_ITEMS)
        {
            return invalid("a list has at most 64 items");
        }
        Ok(())
    }
}

fn word<W: Word>(key: &str, text: Option<&str>) -> Result<Option<W>, No> {
    let Some(text) = text else { return Ok(None) };
    let found = W::ALL.iter().copied().find(|word| word.as_str() == text);
    let words = || W::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(", ");
    found.map(Some).ok_or_else(|| No::Invalid(format!("{key}: it is one of {}", words())))
}
