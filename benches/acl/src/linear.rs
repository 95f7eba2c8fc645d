//! The yardstick: the same rules, gone through one by one for every request.

use acl::{Action, Guard, Pattern, Policy, Realm, Rule, Verdict};
use std::net::IpAddr;

use crate::recipe::Question;

/// Whether the request is allowed, found out the slow way.
pub(crate) fn is_allowed(policy: &Policy, question: &Question, guard: &Guard) -> bool {
    let address = match &question.destination {
        acl::Destination::Address(address) => Some(*address),
        acl::Destination::Name(_) => question.address,
    };
    if address.is_some_and(|address| guard.judge(address, question.port) != Verdict::Allowed) {
        return false;
    }
    let mut is_allowed = policy.default == Action::Allow;
    for rule in rules_of(policy, &question.user) {
        if fits(rule, question, address) {
            match rule.action {
                Action::Block => return false,
                Action::Allow => is_allowed = true,
            }
        }
    }
    is_allowed
}

fn rules_of<'p>(policy: &'p Policy, name: &'p str) -> impl Iterator<Item = &'p Rule> {
    let users = policy.users.iter().filter(move |user| [name, "*"].contains(&user.subject.as_str()));
    let groups = policy.groups.iter().filter(move |group| {
        let own = policy.users.iter().find(|user| user.subject.as_str() == name);
        own.is_some_and(|user| user.groups.iter().any(|membership| membership.group == group.name))
    });
    users.flat_map(|user| &user.rules).chain(groups.flat_map(|group| &group.rules))
}

fn fits(rule: &Rule, question: &Question, address: Option<IpAddr>) -> bool {
    let is_from_there =
        rule.sources.is_empty() || rule.sources.iter().any(|network| network.contains(&question.source));
    rule.ports.contains(question.port)
        && is_from_there
        && rule.destinations.iter().any(|pattern| is_meant(pattern, question, address))
}

fn is_meant(pattern: &Pattern, question: &Question, address: Option<IpAddr>) -> bool {
    let name = match &question.destination {
        acl::Destination::Name(name) => Some(name.as_str()),
        acl::Destination::Address(_) => None,
    };
    match pattern {
        Pattern::Anything => true,
        Pattern::Realm(realm) => address.is_some_and(|address| Realm::of(address) == *realm),
        Pattern::Network(network) => address.is_some_and(|address| network.contains(&address)),
        Pattern::Name(known) => name == Some(known.as_str()),
        Pattern::Below(known) => name.is_some_and(|name| {
            name.strip_suffix(known.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        }),
        Pattern::Wild(wildcard) => name.is_some_and(|name| {
            let labels: Vec<&str> = wildcard.labels().collect();
            name.split('.').count() == labels.len()
                && name.split('.').zip(labels).all(|(label, wild)| matches(wild, label))
        }),
    }
}

/// One `*` at most, as the recipe has it.
fn matches(wild: &str, label: &str) -> bool {
    match wild.split_once('*') {
        None => wild == label,
        Some((start, end)) => {
            label.len() >= start.len() + end.len() && label.starts_with(start) && label.ends_with(end)
        }
    }
}
