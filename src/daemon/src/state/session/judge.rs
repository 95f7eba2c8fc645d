//! One request before the rules and the guard: the same question about every place that it may lead to.
//!
//! Nothing is dialled, sent to or let in that was not asked about here, as it is then reached.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use acl::{AuthMethod, By, Decision, Destination, Guard, HostName, Moment, Request, Ruling, ServiceId};
use acl::{Services, Target, View};
use arc_swap::ArcSwap;
use socks::{Command, Host};

use super::facts::{Identity, Proof};
use super::refusal::Refusal;
use super::ticket::Session;
use crate::state::rules::Rules;
use crate::state::snapshot::Snapshot;

/// What is known of a client once it is in, as far as rules care.
#[derive(Debug)]
pub(crate) struct Standing {
    view: View,
    method: AuthMethod,
}

/// What an answer allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Go there.
    Granted,
    /// Look the name up, and ask about each of its addresses.
    LookUp,
    /// Ask this PAM service about the client, and then again here.
    Ask(ServiceId),
}

/// A request of one client, to be asked about its destinations.
#[derive(Debug)]
pub(crate) struct Judge<'s> {
    session: &'s Session,
    snapshot: &'s Snapshot,
    standing: &'s Standing,
    command: acl::Command,
    source: Option<IpAddr>,
    moment: Moment,
    services: Services,
}

impl Standing {
    /// Who the client turned out to be, before these rules.
    pub(crate) fn of(rules: &Rules, proof: &Proof) -> Self {
        let rules = rules.set();
        let view = match &proof.identity {
            Identity::Anonymous => View::new(rules, acl::Who::Anonymous, []),
            Identity::User(user) => {
                View::new(rules, acl::Who::User(&user.name), user.groups.iter().map(|group| &**group))
            }
        };
        Self { view, method: proof.method.into() }
    }
}

impl<'s> Judge<'s> {
    /// Judges by the policy of the session's hour.
    pub(crate) fn new(session: &'s Session, standing: &'s Standing, command: Command) -> Self {
        Self::under(&session.snapshot, session, standing, command)
    }

    /// Judges by another policy, under which the client has this standing.
    pub(super) fn under(
        snapshot: &'s Snapshot,
        session: &'s Session,
        standing: &'s Standing,
        command: Command,
    ) -> Self {
        let source = session.origin().ip();
        let (moment, services) = (snapshot.rules.now(), Services::default());
        let command = named(command);
        Self { session, snapshot, standing, command, source, moment, services }
    }

    /// Whether there is any destination for this command; to whom there is none, that is better said at once.
    ///
    /// # Errors
    /// No rule could ever allow it. The one that is against this place is noted with it, or that none is for it.
    pub(crate) fn may_ever(&self, asked: &socks::Target) -> Result<(), Refusal> {
        if self.standing.view.may_ever(self.command) {
            return Ok(());
        }
        let is_a_place = matches!(self.command, acl::Command::Connect | acl::Command::Resolve);
        let place = destination(asked).ok().filter(|_| is_a_place);
        let against = place.and_then(|place| self.judged(Target::of(&place), asked.port).err());
        let nothing = Decision { verdict: Ruling::Deny, by: By::Default, shadow: None };
        Err(against.unwrap_or_else(|| self.refused(nothing)))
    }

    /// The session whose request it is.
    pub(crate) fn session(&self) -> &'s Session {
        self.session
    }

    /// Judges a destination as the client named it: what has to be asked before anything is looked up or dialled.
    ///
    /// # Errors
    /// It is refused.
    pub(crate) fn destination(&self, destination: &Destination, port: u16) -> Result<Leave, Refusal> {
        self.leave(Target::of(destination), port)
    }

    /// Whether a name may be looked up at all.
    ///
    /// # Errors
    /// It is refused whatever its addresses are.
    pub(crate) fn name(&self, name: &HostName, port: u16) -> Result<(), Refusal> {
        self.leave(Target::Name(name), port).map(drop)
    }

    /// Judges one address, by the name under which it was found, if any.
    ///
    /// # Errors
    /// It is refused, or as many connections as may be are in by the rule that allows it.
    pub(crate) fn address(&self, name: Option<&HostName>, address: IpAddr, port: u16) -> Result<SocketAddr, Refusal> {
        match self.judged(place(name, address), port)? {
            (Leave::Granted, decision) => self.count_in(decision).map(|()| SocketAddr::new(address, port)),
            // All services that matter were asked before; a rule that still waits for one does not open anything.
            (Leave::LookUp | Leave::Ask(_), _) => Err(Refusal::Denied),
        }
    }

    /// A connection counts for the rule that lets it in; the first one that has room stands, wherever it then leads.
    ///
    /// # Errors
    /// As many as may be are in by this rule.
    fn count_in(&self, decision: Decision) -> Result<(), Refusal> {
        self.note(decision);
        let is_connection = matches!(self.command, acl::Command::Connect | acl::Command::Bind);
        if !is_connection || self.session.facts().is_let_in {
            return Ok(());
        }
        decision.rule().map_or(Ok(()), |rule| self.session.is_let_in_by(rule))?;
        let mut facts = self.session.facts();
        (facts.decision, facts.is_let_in) = (Some(decision), true);
        Ok(())
    }

    /// The same for a datagram: counted, not noted.
    pub(crate) fn lets_pass(&self, name: Option<&HostName>, to: SocketAddr) -> bool {
        let decision = self.decide(place(name, to.ip()), to.port());
        self.snapshot.rules.hits().count(&decision);
        decision.verdict == Ruling::Allow
    }

    /// Whether the name of a datagram's destination may be looked up.
    pub(crate) fn lets_look_up(&self, name: &HostName, port: u16) -> bool {
        matches!(self.decide(Target::Name(name), port).verdict, Ruling::Allow | Ruling::Resolve)
    }

    /// Whether a peer may be awaited by a BIND; it is asked about again when it has come, for its port is not known before.
    ///
    /// # Errors
    /// A rule or the guard is against it from whatever port it comes.
    pub(crate) fn awaited(&self, name: Option<&HostName>, address: IpAddr) -> Result<SocketAddr, Refusal> {
        let target = place(name, address);
        if self.is_against(target) {
            Err(self.refused(self.decide(target, 0)))
        } else {
            Ok(SocketAddr::new(address, 0))
        }
    }

    /// Whether something is against a peer from whatever port it comes.
    fn is_against(&self, target: Target<'_>) -> bool {
        let decision = self.decide(target, 0);
        decision.verdict == Ruling::Deny && decision.by != By::Default
    }

    /// What is against a request that leads there, and perhaps has got there already, beyond doubt.
    pub(super) fn objection(&self, asked: &Destination, port: u16, reached: Option<SocketAddr>) -> Option<By> {
        if !self.standing.view.may_ever(self.command) {
            return Some(By::Default);
        }
        let target = Target::of(asked);
        match (self.command, reached) {
            (_, Some(reached)) => self.objection_to(place(target.name(), reached.ip()), reached.port()),
            (acl::Command::UdpAssociate, None) => None,
            (acl::Command::Bind, None) if awaits_anybody(asked) => None,
            // The port of the peer is not known yet.
            (acl::Command::Bind, None) => self.objection_to(target, 0).filter(|by| *by != By::Default),
            (acl::Command::Connect | acl::Command::Resolve, None) => self.objection_to(target, port),
        }
    }

    /// What is against one place, beyond doubt.
    pub(super) fn objection_to(&self, target: Target<'_>, port: u16) -> Option<By> {
        let decision = self.decide(target, port);
        (decision.verdict == Ruling::Deny).then_some(decision.by)
    }

    /// The rules go by another minute now, perhaps.
    pub(crate) fn renew(&mut self) {
        self.moment = self.snapshot.rules.now();
    }

    /// The guard, for whoever remembers what was said.
    pub(crate) fn guard(&self) -> &'s ArcSwap<Guard> {
        &self.snapshot.guard
    }

    /// What a PAM service said of the client.
    pub(crate) fn heard(&mut self, service: ServiceId, accepts: bool) {
        self.services = if accepts { self.services.accepting(service) } else { self.services.refusing(service) };
    }

    /// A service that the rules for this client name and that has not been asked yet.
    pub(crate) fn unasked(&self) -> Option<ServiceId> {
        let services = self.standing.view.services();
        services.into_iter().find(|service| self.services.accepts(*service).is_none())
    }

    fn leave(&self, target: Target<'_>, port: u16) -> Result<Leave, Refusal> {
        let (leave, decision) = self.judged(target, port)?;
        if leave == Leave::Granted {
            self.note(decision);
        }
        Ok(leave)
    }

    /// What an answer allows, and why; only what is refused is noted.
    fn judged(&self, target: Target<'_>, port: u16) -> Result<(Leave, Decision), Refusal> {
        let began = Instant::now();
        let decision = self.decide(target, port);
        self.took(began.elapsed());
        match decision.verdict {
            Ruling::Allow => Ok((Leave::Granted, decision)),
            Ruling::Resolve => Ok((Leave::LookUp, decision)),
            Ruling::Ask(service) => Ok((Leave::Ask(service), decision)),
            Ruling::Deny => Err(self.refused(decision)),
        }
    }

    fn refused(&self, decision: Decision) -> Refusal {
        self.note(decision);
        match decision.by {
            By::Guard(reason) => Refusal::Guarded(reason),
            By::Rule(_) | By::Default => Refusal::Denied,
        }
    }

    fn decide(&self, target: Target<'_>, port: u16) -> Decision {
        let Self { standing, command, source, moment, services, .. } = self;
        let request = Request {
            target,
            port,
            command: *command,
            source: *source,
            method: standing.method,
            moment,
            services: *services,
        };
        standing.view.decide(&request, &self.snapshot.guard.load())
    }

    fn took(&self, time: Duration) {
        let rules = &mut self.session.facts().phases.rules;
        *rules = Some(rules.unwrap_or_default() + time);
    }

    /// Of several addresses one that was allowed counts more than those that were not, and one that let the connection in most.
    fn note(&self, decision: Decision) {
        let mut facts = self.session.facts();
        if facts.decision.is_none_or(|noted| noted.verdict != Ruling::Allow) {
            facts.decision = Some(decision);
        }
    }
}

/// Where the client wants to go, in the one form that is judged and dialled.
///
/// # Errors
/// The name cannot be one.
pub(crate) fn destination(target: &socks::Target) -> Result<Destination, Refusal> {
    match &target.host {
        Host::V4(address) => Ok(Destination::from_address((*address).into())),
        Host::V6(address) => Ok(Destination::from_address((*address).into())),
        Host::Name(name) => Destination::parse_name(name.as_bytes()).map_err(|_fault| Refusal::BadName),
    }
}

/// To a BIND, an unspecified address is no place.
fn awaits_anybody(asked: &Destination) -> bool {
    matches!(asked, Destination::Address(address) if address.is_unspecified())
}

/// What the rules call a command.
pub(crate) fn named(command: Command) -> acl::Command {
    match command {
        Command::Connect => acl::Command::Connect,
        Command::Bind => acl::Command::Bind,
        Command::UdpAssociate => acl::Command::UdpAssociate,
        Command::Resolve | Command::ResolvePtr => acl::Command::Resolve,
    }
}

fn place(name: Option<&HostName>, address: IpAddr) -> Target<'_> {
    name.map_or(Target::Address(address), |name| Target::Resolved(name, address))
}

#[cfg(test)]
impl<'s> Judge<'s> {
    /// Judges a CONNECT of nobody in particular.
    pub(crate) fn anonymous(session: &'s Session) -> Self {
        let proof = Proof { identity: Identity::Anonymous, method: super::facts::AuthMethod::None };
        Self::new(session, session.admit(&proof), Command::Connect)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::state::limits::Limits;
    use crate::state::session::roster::Roster;
    use crate::state::session::ticket::Ticket;

    /// One rule for IPv6 that lets a single connection in, and one for IPv4.
    const RULES: &str = r#"
[global]
default_policy = "deny"
[[users]]
username = "*"
  [[users.rules]]
  action = "allow"
  destinations = ["2001:db8::/32"]
  max_connections = 1
  [[users.rules]]
  action = "allow"
  destinations = ["192.0.2.0/24"]
"#;

    #[test]
    fn an_address_whose_rule_is_full_leaves_the_others_to_theirs() {
        let policy = config::rules::load("acl.toml", RULES, &|_| true).unwrap();
        let rules = Rules::new(Arc::new(acl::Ruleset::new(policy, acl::PrivateByName::default()))).unwrap();
        let (snapshot, limits) = (Arc::new(Snapshot::of_rules(rules)), Limits::new(Instant::now()));
        let roster = Roster::new(16, Vec::new());
        let [first, second] = [(), ()].map(|()| {
            let ticket = Ticket::for_tests(&roster, Arc::clone(&snapshot));
            ticket.session().credit.is_kept_by(&limits);
            ticket
        });
        let reach = |ticket: &Ticket, address: &str| {
            Judge::anonymous(ticket.session()).address(None, address.parse().unwrap(), 80).map(drop)
        };
        let rule = |ticket: &Ticket| {
            let session = ticket.session();
            let decision = session.facts().decision.unwrap();
            decision.rule().map(|rule| session.rule(rule).to_owned())
        };
        assert_eq!(reach(&first, "2001:db8::1"), Ok(()));
        assert_eq!(reach(&second, "2001:db8::1"), Err(Refusal::TooManyOfRule));
        assert_eq!(rule(&second).as_deref(), Some("users/*#1"), "it says which rule is full");
        assert_eq!(reach(&second, "192.0.2.1"), Ok(()));
        assert_eq!(rule(&second).as_deref(), Some("users/*#2"));
        drop(first);
        assert_eq!(reach(&second, "2001:db8::1"), Ok(()));
        assert_eq!(rule(&second).as_deref(), Some("users/*#2"), "the rule that let it in stands");
    }
}
