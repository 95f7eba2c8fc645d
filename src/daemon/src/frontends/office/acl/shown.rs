//! An outcome as people read it, and as programs do.

use std::fmt::Write as _;
use std::net::IpAddr;

use acl::{
    Action, Bounds, By, Decision, Destination, Explanation, Finding, Miss, Pattern, Rule, RuleId, Ruling, Set, Step,
    Target, Word,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::trial::{Outcome, Trial};
use super::{Book, limits};
use crate::frontends::office::limits::megabits;

/// More rules than this are shown without those that are for other destinations.
const MOST_STEPS: usize = 200;

/// A few lines; with `explain` one more for every rule.
pub(crate) fn text(book: &Book, trial: &Trial<'_>, outcome: &Outcome, explain: bool) -> String {
    let mut lines = vec![verdict(book, outcome)];
    if let Some(rule) = outcome.decision.rule() {
        lines.extend(details(book, rule));
    }
    lines.extend(address_lines(book, outcome));
    lines.extend(notes(book, trial, outcome).into_iter().map(|note| format!("Note: {note}")));
    if explain {
        lines.extend(reasons(book, trial, outcome));
        lines.extend(bounds(book, trial, outcome));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn verdict(book: &Book, outcome: &Outcome) -> String {
    let word = if outcome.is_allowed { "✅ ALLOW" } else { "❌ DENY" };
    let default = book.rules.set().policy().default;
    let policy = if default == Action::Allow { "allow" } else { "deny" };
    match (outcome.decision.by, outcome.decision.verdict) {
        (By::Rule(rule), _) => format!("{word}: Rule matched - {}", name(book, rule)),
        (By::Guard(reason), _) => format!("{word}: The guard holds it - {reason}"),
        (By::Default, Ruling::Resolve) => format!("{word}: No rule is for the name - default policy is {policy}"),
        (By::Default, Ruling::Allow | Ruling::Deny | Ruling::Ask(_)) => {
            format!("{word}: No rule matched - default policy is {policy}")
        }
    }
}

/// What a rule is for, or what it is called.
fn name(book: &Book, rule: RuleId) -> String {
    let rules = book.rules.set();
    let description = &rules.rule(rule).description;
    if description.is_empty() { rules.label(rule) } else { format!("\"{description}\"") }
}

fn details(book: &Book, id: RuleId) -> Vec<String> {
    let rules = book.rules.set();
    let rule = rules.rule(id);
    let mut lines =
        vec![format!("Rule details: destinations=[{}], ports=[{}]", listed(&rule.destinations), rule.ports)];
    let further = conditions(rule);
    if !further.is_empty() {
        lines.push(format!("Conditions: {}", further.join(", ")));
    }
    lines.push(format!("Rule: {} ({}:{})", rules.label(id), book.name(), rule.line));
    lines
}

/// Everything besides destinations and ports that was written.
fn conditions(rule: &Rule) -> Vec<String> {
    let mut conditions = Vec::new();
    let mut push = |key: &str, value: Option<String>| conditions.extend(value.map(|value| format!("{key}={value}")));
    push("protocols", words(rule.protocols));
    push("commands", words(rule.commands));
    push("sources", (!rule.sources.is_empty()).then(|| format!("[{}]", listed(&rule.sources))));
    push("time", rule.time.as_ref().map(|time| format!("({time})")));
    push(
        "valid_until",
        rule.valid_until.and_then(|until| Timestamp::from_second(until).ok()).map(|until| until.to_string()),
    );
    push("auth_methods", words(rule.auth_methods));
    push("pam_service", rule.pam_service.as_ref().map(ToString::to_string));
    push("internal", rule.internal.map(|internal| internal.to_string()));
    push("priority", (rule.priority != 0).then(|| rule.priority.to_string()));
    push("log", rule.log.map(|log| log.to_string()));
    let bounds = rule.bounds.as_deref().copied().unwrap_or_default();
    push("max_connections", bounds.at_once.map(|most| most.to_string()));
    push("bandwidth_per_user_mbps", rates(&bounds));
    push("max_age_secs", bounds.max_age.map(|seconds| seconds.to_string()));
    push("connection_timeout_secs", bounds.idle.map(|seconds| seconds.to_string()));
    conditions
}

/// As they are written in a rule: one number, or one for each direction.
pub(in crate::frontends::office) fn rates(bounds: &Bounds) -> Option<String> {
    let (up, down) = (megabits(bounds.up?), megabits(bounds.down?));
    Some(if bounds.up == bounds.down { up.to_string() } else { format!("{up}:{down}") })
}

fn words<W: Word>(set: Set<W>) -> Option<String> {
    (!set.is_all()).then(|| format!("[{set}]"))
}

/// The first of a list that may be long.
fn listed(items: &[impl std::fmt::Display]) -> String {
    const SHOWN: usize = 12;
    let mut text = items.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if items.len() > SHOWN {
        write!(text, " and {} more", items.len() - SHOWN).expect("a string takes everything");
    }
    text
}

fn address_lines(book: &Book, outcome: &Outcome) -> Vec<String> {
    let line = |(address, explanation): &(IpAddr, Explanation)| {
        let address = address.to_string();
        format!("  {address:<39} {:<5} by {}", word(explanation.decision), by(book, explanation.decision))
    };
    let lines: Vec<String> = outcome.addresses.iter().map(line).collect();
    if lines.is_empty() { lines } else { [vec!["Addresses:".to_owned()], lines].concat() }
}

fn word(decision: Decision) -> &'static str {
    match decision.verdict {
        Ruling::Allow => "allow",
        Ruling::Deny | Ruling::Ask(_) => "deny",
        Ruling::Resolve => "look up",
    }
}

fn by(book: &Book, decision: Decision) -> String {
    match decision.by {
        By::Rule(rule) => book.rules.set().label(rule),
        By::Default => "default".to_owned(),
        By::Guard(reason) => format!("the guard ({reason})"),
    }
}

fn notes(book: &Book, trial: &Trial<'_>, outcome: &Outcome) -> Vec<String> {
    let rules = book.rules.set();
    let mut notes = Vec::new();
    if outcome.decision.verdict == Ruling::Resolve {
        notes.push("the addresses of the name are judged too, and none is known: --resolve or --address".to_owned());
    }
    if book.path.is_none() {
        notes.push("there is no rule file, or the rules are switched off".to_owned());
    }
    if is_missing_names(book, trial, outcome) {
        notes.push("rules about names do not fit a request for an address".to_owned());
    }
    for service in &outcome.refusing {
        let service = rules.service(*service);
        notes.push(format!("PAM service {service} was taken to refuse the client: --pam-service {service}"));
    }
    let shadow = outcome.decision.shadow.map(|rule| (rules.label(rule), rules.rule(rule).action));
    notes.extend(shadow.map(|(rule, action)| format!("shadow rule {rule} would have decided it: {action}")));
    notes
}

/// Whether an address was asked for that no rule fits, while some of the rules are about names.
fn is_missing_names(book: &Book, trial: &Trial<'_>, outcome: &Outcome) -> bool {
    let is_about_names = |step: &Step| book.rules.set().rule(step.rule).destinations.iter().any(Pattern::is_name);
    matches!(trial.destination, Destination::Address(_))
        && outcome.decision.by == By::Default
        && outcome.asked.steps.iter().any(is_about_names)
}

fn reasons(book: &Book, trial: &Trial<'_>, outcome: &Outcome) -> Vec<String> {
    let mut lines = vec![String::new(), "Why, in the order in which a rule is credited:".to_owned()];
    for (target, explanation) in explained(trial, outcome) {
        if let Some(address) = target.address().filter(|_| target.name().is_some()) {
            lines.push(format!("For {address}:"));
        }
        lines.extend(steps(book, trial, target, explanation));
    }
    lines
}

fn bounds(book: &Book, trial: &Trial<'_>, outcome: &Outcome) -> Vec<String> {
    let limits = limits::of(book, trial, outcome);
    let title = (!limits.is_empty()).then(|| "Limits that the session would be under:".to_owned());
    title.into_iter().chain(limits.iter().map(limits::Limit::words)).collect()
}

/// What was asked, and each address of it.
fn explained<'o>(trial: &'o Trial<'_>, outcome: &'o Outcome) -> Vec<(Target<'o>, &'o Explanation)> {
    let asked = Target::of(trial.destination);
    let resolved = outcome
        .addresses
        .iter()
        .filter_map(|(address, explanation)| Some((Target::Resolved(asked.name()?, *address), explanation)));
    [(asked, &outcome.asked)].into_iter().chain(resolved).collect()
}

fn steps(book: &Book, trial: &Trial<'_>, target: Target<'_>, explanation: &Explanation) -> Vec<String> {
    let rules = book.rules.set();
    let shown =
        |step: &Step| explanation.steps.len() <= MOST_STEPS || step.finding != Finding::Misses(Miss::Destination);
    let decisive = explanation.decision.rule();
    let all = explanation.steps.iter().zip(trial.words(book, target, explanation));
    let mut lines: Vec<String> = all
        .filter(|(step, _)| shown(step))
        .map(|(step, words)| {
            let action = rules.rule(step.rule).action;
            let mark = if decisive == Some(step.rule) { " <- decides" } else { "" };
            format!("  {:<28} {action:<5} {:<5} {words}{mark}", rules.label(step.rule), fits(step.finding))
        })
        .collect();
    let left_out = explanation.steps.len() - lines.len();
    if left_out > 0 {
        lines.push(format!("  and {left_out} rules for other destinations"));
    }
    let end = match explanation.decision.by {
        By::Default => Some(format!("  {:<28} {}", "default", word(explanation.decision))),
        By::Guard(reason) => Some(format!("  the guard holds it ({reason}), so no rule was asked")),
        By::Rule(_) => None,
    };
    lines.extend(end);
    lines
}

fn fits(finding: Finding) -> &'static str {
    match finding {
        Finding::Fits => "fits",
        Finding::Asks(_) => "asks",
        Finding::Misses(_) => "no",
    }
}

/// One object; with `explain` every rule is in it.
pub(crate) fn json(book: &Book, trial: &Trial<'_>, outcome: &Outcome, explain: bool) -> Value {
    let mut object = json!({
        "verdict": if outcome.is_allowed { "allow" } else { "deny" },
        "decision": decision(book, outcome.decision),
        "destination": trial.destination.to_string(),
        "port": trial.port,
        "command": trial.command.as_str(),
        "user": trial.user,
        "addresses": outcome.addresses.iter().map(|(address, explanation)| {
            json!({ "address": address, "decision": decision(book, explanation.decision) })
        }).collect::<Vec<_>>(),
        "notes": notes(book, trial, outcome),
    });
    if explain {
        let all = explained(trial, outcome).into_iter().map(|(target, explanation)| {
            json!({ "address": target.address(), "rules": step_objects(book, trial, target, explanation) })
        });
        object["explanations"] = all.collect();
        object["limits"] = limits(book, trial, outcome);
    }
    object
}

/// What the session would be under.
pub(crate) fn limits(book: &Book, trial: &Trial<'_>, outcome: &Outcome) -> Value {
    json!(limits::of(book, trial, outcome))
}

fn decision(book: &Book, decision: Decision) -> Value {
    let (by, reason) = match decision.by {
        By::Rule(_) => ("rule", None),
        By::Default => ("default", None),
        By::Guard(reason) => ("guard", Some(reason.to_string())),
    };
    json!({
        "verdict": word(decision),
        "by": by,
        "reason": reason,
        "rule": decision.rule().map(|rule| rule_object(book, rule)),
        "shadow_rule": decision.shadow.map(|rule| rule_object(book, rule)),
    })
}

fn rule_object(book: &Book, id: RuleId) -> Value {
    let rules = book.rules.set();
    let rule = rules.rule(id);
    json!({
        "name": rules.label(id),
        "identity": rules.identity(id).to_string(),
        "action": rule.action.as_str(),
        "description": rule.description,
        "line": rule.line,
    })
}

fn step_objects(book: &Book, trial: &Trial<'_>, target: Target<'_>, explanation: &Explanation) -> Vec<Value> {
    let rules = book.rules.set();
    let all = explanation.steps.iter().zip(trial.words(book, target, explanation));
    let object = |(step, words): (&Step, String)| {
        json!({
            "name": rules.label(step.rule),
            "action": rules.rule(step.rule).action.as_str(),
            "finding": fits(step.finding),
            "reason": words,
        })
    };
    all.map(object).collect()
}
