//! What can be said about one rule, or about one line of a table.

use crate::decision::RuleId;
use crate::lint::remark::{Concern, Remark};
use crate::policy::pattern::{Front, Pattern};
use crate::policy::{Action, Membership, Mode, Rule, User};
use crate::realm::Realm;
use crate::ruleset::Ruleset;
use crate::ruleset::entry::Internal;
use crate::ruleset::shelves::OwnerId;
use crate::ruleset::table::Table;

/// Top-level names that nobody can register (RFC 2606, RFC 6761, RFC 6762 appendix G): whoever uses them owns them.
const OWN_TOP_LEVELS: &[&str] =
    &["corp", "example", "home", "internal", "intranet", "invalid", "lan", "local", "localhost", "private", "test"];

pub(super) fn remarks(rules: &Ruleset, now: i64) -> Vec<Remark> {
    let mut remarks = undefined_groups(rules);
    let evaders = Evaders::of(rules);
    for id in rules.rules() {
        let rule = rules.rule(id);
        remarks.extend(ended(rules, id, rule, now));
        remarks.extend(host_bits(rules, id, rule));
        remarks.extend(loose_wildcards(rules, id, rule));
        remarks.extend(wide_names(rules, id, rule));
        remarks.extend(evaders.remark(rules, id, rule));
    }
    remarks
}

fn undefined_groups(rules: &Ruleset) -> Vec<Remark> {
    let policy = rules.policy();
    let members = policy.users.iter().flat_map(|user| user.groups.iter().map(move |membership| (user, membership)));
    let undefined = members.filter(|(_, membership)| !rules.has_group(&membership.group));
    let remark = |(user, membership): (&User, &Membership)| Remark {
        kind: Concern::UndefinedGroup,
        about: format!("users/{}", user.subject),
        line: membership.line,
        other: None,
        words: format!("is in group {:?}, which has no rules here", membership.group),
    };
    undefined.map(remark).collect()
}

fn ended(rules: &Ruleset, id: RuleId, rule: &Rule, now: i64) -> Option<Remark> {
    let has_ended = rule.valid_until.is_some_and(|until| until <= now);
    has_ended.then(|| rules.remark(id, Concern::Unreachable, "has ended and never decides anything again"))
}

fn host_bits(rules: &Ruleset, id: RuleId, rule: &Rule) -> Vec<Remark> {
    let destinations = rule.destinations.iter().filter_map(|pattern| match pattern {
        Pattern::Network(network) => Some(network),
        Pattern::Anything | Pattern::Realm(_) | Pattern::Name(_) | Pattern::Below(_) | Pattern::Wild(_) => None,
    });
    let loose = destinations.chain(&rule.sources).filter(|network| network.addr() != network.network());
    let words = loose.map(|network| format!("has {network}, which means {}", network.trunc()));
    words.map(|words| rules.remark(id, Concern::HostBits, words)).collect()
}

/// `*example.com` fits `notexample.com`, and no name below `example.com`.
fn loose_wildcards(rules: &Ruleset, id: RuleId, rule: &Rule) -> Vec<Remark> {
    let remark = |pattern: &Pattern| {
        let Pattern::Wild(wildcard) = pattern else { return None };
        let end = wildcard.labels().next()?.strip_prefix('*').filter(|end| !end.is_empty() && !end.contains('*'))?;
        let is_meant =
            end.starts_with(['-', '_']) || wildcard.front() == Front::Labels || wildcard.labels().count() < 2;
        let rest = wildcard.to_string()[1..].to_owned();
        let words = format!(
            "has {wildcard}, which fits \"not{rest}\" and not \"www.{rest}\"; \"*.{rest}\" is what is below it"
        );
        (!is_meant).then(|| rules.remark(id, Concern::LooseWildcard, words))
    };
    rule.destinations.iter().filter_map(remark).collect()
}

/// A name that strangers can get hold of leads where they please, unless private addresses are kept out.
fn wide_names(rules: &Ruleset, id: RuleId, rule: &Rule) -> Vec<Remark> {
    if rule.action == Action::Block || rules.entry(id).internal != Internal::Admitted {
        return Vec::new();
    }
    let wide = rule.destinations.iter().filter(|pattern| is_wide(pattern));
    let words = wide.map(|pattern| {
        format!(
            "allows {pattern}, whose names strangers can point at private addresses; internal = false keeps those out"
        )
    });
    words.map(|words| rules.remark(id, Concern::WideName, words)).collect()
}

fn is_wide(pattern: &Pattern) -> bool {
    let tail = match pattern {
        Pattern::Below(name) => name.as_str(),
        Pattern::Wild(wildcard) => wildcard.tail(),
        Pattern::Anything | Pattern::Realm(_) | Pattern::Network(_) | Pattern::Name(_) => return false,
    };
    !tail.contains('.') && !OWN_TOP_LEVELS.contains(&tail)
}

/// For each owner, the rule by which its clients reach a blocked name all the same: by address.
struct Evaders(Table<OwnerId, RuleId>);

impl Evaders {
    fn of(rules: &Ruleset) -> Self {
        let mut wide: Table<OwnerId, RuleId> = Table::default();
        for id in rules.rules().filter(|id| is_wide_open(rules.rule(*id))) {
            wide.entry(rules.owner_of(id)).or_insert(id);
        }
        let mut evaders = Table::default();
        for view in rules.all_views() {
            let Some(open) = view.iter().find_map(|owner| wide.get(owner)) else { continue };
            for owner in view {
                evaders.entry(*owner).or_insert(*open);
            }
        }
        Self(evaders)
    }

    fn remark(&self, rules: &Ruleset, id: RuleId, rule: &Rule) -> Option<Remark> {
        let name = rule.destinations.iter().find(|pattern| pattern.is_name())?;
        if rule.action == Action::Allow || rule.mode == Mode::Shadow {
            return None;
        }
        let words = format!("blocks {name} by name, and its addresses may still be asked for,");
        if rules.policy().default == Action::Allow {
            return Some(rules.remark(id, Concern::BlockedByName, format!("{words} since the default is to allow")));
        }
        let open = self.0.get(&rules.owner_of(id))?;
        Some(rules.remark_beside(id, *open, Concern::BlockedByName, &format!("{words} because of")))
    }
}

/// Whether a rule allows as good as every address.
fn is_wide_open(rule: &Rule) -> bool {
    let is_wide = |pattern: &Pattern| match pattern {
        Pattern::Anything | Pattern::Realm(Realm::Public) => true,
        Pattern::Network(network) => network.prefix_len() == 0,
        Pattern::Realm(Realm::Private) | Pattern::Name(_) | Pattern::Below(_) | Pattern::Wild(_) => false,
    };
    rule.action == Action::Allow && rule.mode == Mode::Enforced && rule.destinations.iter().any(is_wide)
}
