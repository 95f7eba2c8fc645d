//! The rules as the operator wrote them, each value in range.
//!
//! Knows nothing of files: whoever reads one leaves only the line of each rule behind.

pub(crate) mod bounds;
pub(crate) mod identity;
pub(crate) mod pattern;
pub(crate) mod ports;
pub(crate) mod schedule;
pub(crate) mod services;
pub(crate) mod words;

use std::fmt;

use ipnet::IpNet;

use crate::policy::bounds::Bounds;
use crate::policy::pattern::Pattern;
use crate::policy::ports::Ports;
use crate::policy::schedule::Schedule;
use crate::policy::words::{AuthMethod, Command, Loudness, Protocol, Set};

/// Every rule, and what happens to a request that none of them fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// `default_policy`
    pub default: Action,
    /// `[[users]]`, in the order of the file; no subject twice.
    pub users: Vec<User>,
    /// `[[groups]]`, in the order of the file; no name twice.
    pub groups: Vec<Group>,
}

/// What a rule does with a request that it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Let it pass, unless a rule blocks it.
    Allow,
    /// Refuse it, whatever else allows it.
    Block,
}

/// One `[[users]]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Whose rules these are.
    pub subject: Subject,
    /// The groups whose rules hold for the user too.
    pub groups: Vec<Membership>,
    /// The user's own rules, in the order of the file.
    pub rules: Vec<Rule>,
    /// The line of the table, from 1; 0 when it was not read from a file.
    pub line: u32,
}

/// Whom a `[[users]]` table is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// `"*"`: everyone, authenticated or not.
    Everyone,
    /// `"anonymous"`: whoever did not authenticate.
    Anonymous,
    /// The user of this name.
    Named(Box<str>),
}

/// That a user is in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The name of the group.
    pub group: Box<str>,
    /// The line on which it is written.
    pub line: u32,
}

/// One `[[groups]]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What users call it.
    pub name: Box<str>,
    /// Its rules, in the order of the file.
    pub rules: Vec<Rule>,
    /// The line of the table, from 1; 0 when it was not read from a file.
    pub line: u32,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What happens to a request that it fits.
    pub action: Action,
    /// For people; may be empty.
    pub description: Box<str>,
    /// Where the request goes: one of these, of which there is at least one.
    pub destinations: Box<[Pattern]>,
    /// At which port.
    pub ports: Ports,
    /// Over what; never empty.
    pub protocols: Set<Protocol>,
    /// Decides which of several rules that fit is credited, and nothing else; a higher one comes first.
    pub priority: i32,
    /// Where the client is; anywhere when empty.
    pub sources: Box<[IpNet]>,
    /// What the client asks for; never empty.
    pub commands: Set<Command>,
    /// When.
    pub time: Option<Box<Schedule>>,
    /// From when on the rule no longer holds, in seconds since 1970.
    pub valid_until: Option<i64>,
    /// How the client proved who it is; never empty.
    pub auth_methods: Set<AuthMethod>,
    /// A PAM service that has to accept the client too.
    pub pam_service: Option<Box<str>>,
    /// Whether a name or `*` admits private addresses; what the guard says when nothing is written.
    pub internal: Option<bool>,
    /// Whether the rule is obeyed.
    pub mode: Mode,
    /// How loud the log is about a session that it decides.
    pub log: Option<Loudness>,
    /// What the connections that it lets in may have; only in rules that allow.
    pub bounds: Option<Box<Bounds>>,
    /// The line of the rule, from 1; 0 when it was not read from a file.
    pub line: u32,
}

/// Whether a rule is obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It is.
    Enforced,
    /// It is judged and reported, and changes nothing.
    Shadow,
}

/// Whether a name, or `*`, admits the private addresses that it resolves to, where the rule does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PrivateByName {
    /// What the operator writes is what holds: internal names are names too.
    #[default]
    Admitted,
    /// Private addresses need a rule that names them as addresses.
    Denied,
}

impl Rule {
    /// A rule for these destinations without any further condition.
    #[must_use]
    pub fn new(action: Action, destinations: impl Into<Box<[Pattern]>>) -> Self {
        Self {
            action,
            description: "".into(),
            destinations: destinations.into(),
            ports: Ports::all(),
            protocols: Set::all(),
            priority: 0,
            sources: Box::default(),
            commands: Set::all(),
            time: None,
            valid_until: None,
            auth_methods: Set::all(),
            pam_service: None,
            internal: None,
            mode: Mode::Enforced,
            log: None,
            bounds: None,
            line: 0,
        }
    }
}

impl Rule {
    /// The commands that it may fit: those that its protocols carry.
    pub(crate) fn carried_commands(&self) -> Set<Command> {
        self.commands.iter().filter(|command| self.protocols.contains(command.protocol())).collect()
    }

    /// About how many bytes it has on the heap.
    pub(crate) fn memory(&self) -> usize {
        let names = self.destinations.iter().map(Pattern::memory).sum::<usize>();
        self.description.len()
            + self.destinations.len() * size_of::<Pattern>()
            + names
            + size_of_val(self.ports.spans())
            + size_of_val(&*self.sources)
            + self.time.as_ref().map_or(0, |_| size_of::<Schedule>())
            + self.pam_service.as_ref().map_or(0, |service| service.len())
            + self.bounds.as_ref().map_or(0, |_| size_of::<Bounds>())
    }
}

impl Policy {
    /// About how many bytes it has on the heap.
    pub(crate) fn memory(&self) -> usize {
        let of_rules =
            |rules: &Vec<Rule>| rules.capacity() * size_of::<Rule>() + rules.iter().map(Rule::memory).sum::<usize>();
        let users = self.users.iter().map(|user| {
            let groups = user.groups.iter().map(|membership| membership.group.len() + size_of::<Membership>());
            size_of::<User>() + groups.sum::<usize>() + of_rules(&user.rules)
        });
        let groups = self.groups.iter().map(|group| size_of::<Group>() + group.name.len() + of_rules(&group.rules));
        users.sum::<usize>() + groups.sum::<usize>()
    }

    /// No rules: everything is allowed, or nothing.
    #[must_use]
    pub fn without_rules(default: Action) -> Self {
        Self { default, users: Vec::new(), groups: Vec::new() }
    }

    /// How many rules there are, of users and groups together.
    #[must_use]
    pub fn rule_count(&self) -> usize {
        let of_users: usize = self.users.iter().map(|user| user.rules.len()).sum();
        of_users + self.groups.iter().map(|group| group.rules.len()).sum::<usize>()
    }
}

impl Action {
    /// The word in a rule.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Subject {
    /// Whom this `username` is about.
    #[must_use]
    pub fn of(username: &str) -> Self {
        match username {
            "*" => Self::Everyone,
            "anonymous" => Self::Anonymous,
            name => Self::Named(name.into()),
        }
    }

    /// The `username`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Everyone => "*",
            Self::Anonymous => "anonymous",
            Self::Named(name) => name,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
