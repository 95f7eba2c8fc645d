//! Why a request is decided as it is: every rule that holds for the client, and what it has to say.
//!
//! The decision is made by the function that traffic uses, with a watch that writes down what it sees.

use std::fmt::Write as _;

use crate::decision::{By, Decision, RuleId};
use crate::guard::Guard;
use crate::policy::pattern::Pattern;
use crate::policy::{Action, Rule};
use crate::request::{Request, Target};
use crate::ruleset::Ruleset;
use crate::ruleset::entry::{Finding, Miss};
use crate::ruleset::judge::Watch;
use crate::ruleset::table::Table;
use crate::ruleset::view::View;

/// A decision and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What traffic would have been told.
    pub decision: Decision,
    /// Every rule that holds for the client, in the order in which one of them is credited: those that block, then those
    /// that allow, each by priority and place in the file. Empty when the guard decided, since no rule was asked.
    pub steps: Vec<Step>,
}

/// What one rule has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The rule.
    pub rule: RuleId,
    /// What it says.
    pub finding: Finding,
    /// Which of its destinations is meant, from 0.
    pub destination: Option<usize>,
}

impl View {
    /// Decides a request like [`View::decide`], and says why. Its time grows with the number of rules.
    #[must_use]
    pub fn explain(&self, request: &Request<'_>, guard: &Guard) -> Explanation {
        let mut seen = Seen::default();
        let rules = self.rules();
        let decision = rules.judge(self.owners(), request, guard, &mut seen);
        let is_heard = !matches!(decision.by, By::Guard(_));
        let own = rules.rules().filter(|rule| is_heard && rules.is_owned_by(*rule, self.owners()));
        let mut steps: Vec<Step> = own.map(|rule| seen.step(rule, rules.rule(rule), request)).collect();
        steps.sort_by_key(|step| rules.order(step.rule));
        Explanation { decision, steps }
    }
}

/// What the decision saw of each rule whose destination is meant.
#[derive(Debug, Default)]
struct Seen(Table<RuleId, (u32, Finding)>);

impl Watch for Seen {
    const IS_CURIOUS: bool = true;

    /// A rule may be met by several of its destinations; what fits counts more than what does not.
    fn saw(&mut self, rule: RuleId, destination: u32, finding: Finding) {
        let known = self.0.entry(rule).or_insert((destination, finding));
        if weight(finding) > weight(known.1) {
            *known = (destination, finding);
        }
    }
}

impl Seen {
    fn step(&self, id: RuleId, rule: &Rule, request: &Request<'_>) -> Step {
        let unmet = || (None, Finding::Misses(unmet(rule, request)));
        let met = |(destination, finding): &(u32, Finding)| match finding {
            Finding::Misses(Miss::Destination) => (None, *finding),
            Finding::Fits | Finding::Asks(_) | Finding::Misses(_) => (Some(*destination as usize), *finding),
        };
        let (destination, finding) = self.0.get(&id).map_or_else(unmet, met);
        Step { rule: id, finding, destination }
    }
}

/// Why a rule was not met at all.
fn unmet(rule: &Rule, request: &Request<'_>) -> Miss {
    let waits = matches!(request.target, Target::Name(_)) && rule.destinations.iter().any(Pattern::is_address);
    if waits { Miss::Unresolved } else { Miss::Destination }
}

fn weight(finding: Finding) -> u8 {
    match finding {
        Finding::Misses(Miss::Destination) => 0,
        Finding::Misses(Miss::Internal) => 1,
        Finding::Misses(_) => 2,
        Finding::Asks(_) => 3,
        Finding::Fits => 4,
    }
}

impl Step {
    /// What the rule says, in words for people: `port 80 is not among 22, 443`.
    #[must_use]
    pub fn words(&self, rules: &Ruleset, request: &Request<'_>) -> String {
        let rule = rules.rule(self.rule);
        match self.finding {
            Finding::Fits => self.met(rule),
            Finding::Asks(service) => {
                format!("{}, if PAM service {} accepts the client", self.met(rule), rules.service(service))
            }
            Finding::Misses(miss) => self.missed(miss, rule, request),
        }
    }

    fn met(&self, rule: &Rule) -> String {
        let meant = self.destination.and_then(|destination| rule.destinations.get(destination));
        meant.map_or_else(String::new, |pattern| format!("{pattern} is meant"))
    }

    fn missed(&self, miss: Miss, rule: &Rule, request: &Request<'_>) -> String {
        match miss {
            Miss::Destination if is_about_names_only(rule) && request.target.name().is_none() => {
                format!("names do not fit an address: {}", shortened(&rule.destinations))
            }
            Miss::Destination => format!("other destinations: {}", shortened(&rule.destinations)),
            Miss::Unresolved => format!("the name has no address yet: {}", shortened(&rule.destinations)),
            Miss::Internal => format!("{}, but private addresses are not admitted by it", self.met(rule)),
            Miss::Port => format!("port {} is not among {}", request.port, rule.ports),
            Miss::Protocol => format!("{} is not among {}", request.command.protocol(), rule.protocols),
            Miss::Command => format!("{} is not among {}", request.command, rule.commands),
            Miss::Source => format!("the client is not in {}", shortened(&rule.sources)),
            Miss::Method => format!("{} is not among {}", request.method, rule.auth_methods),
            Miss::Time => rule.time.as_ref().map_or_else(String::new, |time| format!("only {time}")),
            Miss::Ended => "the rule has ended".to_owned(),
            Miss::Service => {
                format!("PAM service {} refuses the client", rule.pam_service.as_deref().unwrap_or_default())
            }
        }
    }
}

impl Ruleset {
    /// Where a rule stands among all: what blocks comes first.
    fn order(&self, rule: RuleId) -> impl Ord + use<> {
        let entry = self.entry(rule);
        (entry.action == Action::Allow, entry.rank)
    }
}

fn is_about_names_only(rule: &Rule) -> bool {
    rule.destinations.iter().all(Pattern::is_name)
}

/// The first few of a list that may be long.
fn shortened(items: &[impl std::fmt::Display]) -> String {
    const SHOWN: usize = 4;
    let mut text = items.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if items.len() > SHOWN {
        write!(text, " and {} more", items.len() - SHOWN).expect("a string takes everything");
    }
    text
}
