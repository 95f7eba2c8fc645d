//! Rules and requests in few words.

use std::net::IpAddr;
use std::sync::Arc;

use acl::{
    Action, AuthMethod, By, Command, Decision, Destination, Group, Guard, LocalMinute, Membership, Mode, Moment,
    Pattern, Policy, Ports, PrivateByName, Request, Rule, Ruleset, Ruling, ServiceId, Services, Subject, Target, User,
    View, Who,
};

/// `"alice allow 10.0.0.0/8, *.example.com : 22, 443"`: the owner (a group with a percent sign in front), the action,
/// the destinations, and the ports behind a colon with spaces around it.
pub(crate) fn rules(lines: &[&str]) -> Policy {
    rules_with(lines, |_, rule| rule)
}

/// The same, with further conditions for each rule by its number.
pub(crate) fn rules_with(lines: &[&str], further: impl Fn(usize, Rule) -> Rule) -> Policy {
    let mut policy = Policy::without_rules(Action::Block);
    for (number, line) in lines.iter().enumerate() {
        let (owner, rest) = line.split_once(' ').expect("an owner stands first");
        let rule = further(number, Rule { line: u32::try_from(number).expect("a small number") + 1, ..rule(rest) });
        rules_of(&mut policy, owner).push(rule);
    }
    policy
}

/// The policy with these members of groups: `"alice staff"`.
pub(crate) fn with_members(mut policy: Policy, members: &[&str]) -> Policy {
    for member in members {
        let (user, group) = member.split_once(' ').expect("a user and a group");
        let _rules = rules_of(&mut policy, user);
        let user = policy.users.iter_mut().find(|known| known.subject.as_str() == user).expect("it is there now");
        user.groups.push(Membership { group: group.into(), line: 0 });
    }
    policy
}

pub(crate) fn allowing(policy: Policy) -> Policy {
    Policy { default: Action::Allow, ..policy }
}

fn rules_of<'p>(policy: &'p mut Policy, owner: &str) -> &'p mut Vec<Rule> {
    if let Some(name) = owner.strip_prefix('%') {
        if !policy.groups.iter().any(|group| &*group.name == name) {
            policy.groups.push(Group { name: name.into(), rules: Vec::new(), line: 0 });
        }
        return &mut policy.groups.iter_mut().find(|group| &*group.name == name).expect("it is there now").rules;
    }
    if !policy.users.iter().any(|user| user.subject.as_str() == owner) {
        policy.users.push(User { subject: Subject::of(owner), groups: Vec::new(), rules: Vec::new(), line: 0 });
    }
    &mut policy.users.iter_mut().find(|user| user.subject.as_str() == owner).expect("it is there now").rules
}

fn rule(text: &str) -> Rule {
    let (action, rest) = text.split_once(' ').expect("an action stands second");
    let (mode, action) = action.strip_prefix('~').map_or((Mode::Enforced, action), |action| (Mode::Shadow, action));
    let action = if action == "allow" { Action::Allow } else { Action::Block };
    let (destinations, ports) = rest.split_once(" : ").unwrap_or((rest, "*"));
    let patterns = destinations.split(", ").map(|text| Pattern::parse(text).expect(text));
    let ports = Ports::parse(ports).expect("ports");
    Rule { ports, mode, ..Rule::new(action, patterns.collect::<Vec<_>>()) }
}

/// Someone who asks, and all that is known of him.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) view: View,
    pub(crate) guard: Guard,
    pub(crate) command: Command,
    pub(crate) source: Option<IpAddr>,
    pub(crate) method: AuthMethod,
    pub(crate) moment: Moment,
    pub(crate) services: Services,
}

impl Client {
    pub(crate) fn of(policy: Policy, name: &str) -> Self {
        Self::over(&Arc::new(Ruleset::new(policy, PrivateByName::Admitted)), name)
    }

    pub(crate) fn over(rules: &Arc<Ruleset>, name: &str) -> Self {
        let who = if name == "anonymous" { Who::Anonymous } else { Who::User(name) };
        Self {
            view: View::new(rules, who, []),
            guard: Guard::default(),
            command: Command::Connect,
            source: Some(ip("192.0.2.1")),
            method: AuthMethod::UserPass,
            moment: rules.moment(0, |_| LocalMinute::new(0, 0)),
            services: Services::default(),
        }
    }

    /// `"db.example.com:443"`, or `"db.example.com=10.0.0.1:443"` once the name is resolved.
    pub(crate) fn asks(&self, request: &str) -> Decision {
        self.with_request(request, |request| self.view.decide(request, &self.guard))
    }

    /// What each rule says: `"users/alice#1: 10.0.0.0/8 is meant"`.
    pub(crate) fn steps(&self, request: &str) -> Vec<String> {
        let rules = self.view.rules();
        self.with_request(request, |request| {
            let steps = self.view.explain(request, &self.guard).steps.into_iter();
            steps.map(|step| format!("{}: {}", rules.label(step.rule), step.words(rules, request))).collect()
        })
    }

    fn with_request<T>(&self, request: &str, work: impl FnOnce(&Request<'_>) -> T) -> T {
        let (host, port) = request.rsplit_once(':').expect("a port stands last");
        let (host, address) = host.split_once('=').map_or((host, None), |(host, address)| (host, Some(ip(address))));
        let destination = Destination::parse_name(host.as_bytes()).expect(host);
        let target = match (&destination, address) {
            (Destination::Name(name), Some(address)) => Target::Resolved(name, address),
            (destination, _) => Target::of(destination),
        };
        work(&Request {
            target,
            port: port.parse().expect("a port"),
            command: self.command,
            source: self.source,
            method: self.method,
            moment: &self.moment,
            services: self.services,
        })
    }

    /// `"allow by users/alice#1"`, `"deny by default"`, `"resolve by …"`, `"ask rustsocks"`, `"deny by guard: loopback"`,
    /// and `"; shadow users/alice#2"` behind it.
    pub(crate) fn told(&self, request: &str) -> String {
        let rules = self.view.rules();
        let Decision { verdict, by, shadow } = self.asks(request);
        let by = match by {
            By::Rule(rule) => rules.label(rule),
            By::Default => "default".to_owned(),
            By::Guard(reason) => format!("guard: {reason}"),
        };
        let shadow = shadow.map_or(String::new(), |rule| format!("; shadow {}", rules.label(rule)));
        match verdict {
            Ruling::Allow => format!("allow by {by}{shadow}"),
            Ruling::Deny => format!("deny by {by}{shadow}"),
            Ruling::Resolve => format!("resolve by {by}{shadow}"),
            Ruling::Ask(service) => format!("ask {}{shadow}", rules.service(service)),
        }
    }

    pub(crate) fn service(&self, name: &str) -> ServiceId {
        let mut services = self.view.rules().services();
        services.find(|(_, known)| *known == name).map(|(id, _)| id).expect("a rule names it")
    }
}

/// Each request with what is expected.
pub(crate) fn check(client: &Client, table: &[(&str, &str)]) {
    for (request, expected) in table {
        assert_eq!(client.told(request), *expected, "{request}");
    }
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect(text)
}
