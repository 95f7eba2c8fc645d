//! What other rules would change, for requests that were made.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use ::acl::View;
use serde::Serialize;
use uuid::Uuid;

use super::precedent::Precedent;
use crate::frontends::office::acl::Book;
use crate::frontends::office::acl::trial::Verdict;
use crate::state::session::facts::ANONYMOUS;

/// Users and requests that an answer names.
const MOST_NAMED: usize = 50;

/// What would become of requests.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Effect {
    /// Sessions that were judged by both.
    pub(super) evaluated: usize,
    /// With the same verdict.
    pub(super) same: usize,
    /// Among them those for which another rule is credited.
    pub(super) other_rule: usize,
    pub(super) now_denied: usize,
    pub(super) now_allowed: usize,
    /// Who is affected, most first.
    pub(super) by_user: Vec<ByUser>,
    /// Requests whose verdict changes.
    pub(super) sample: Vec<Sample>,
    /// Sessions that were judged and come from where the operator is.
    pub(super) mine: usize,
    /// Those among them that are denied.
    pub(super) mine_denied: usize,
}

/// What becomes of one request whose verdict changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) before: Side,
    pub(super) after: Side,
    /// It comes from where the operator is.
    pub(super) is_mine: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct ByUser {
    pub(super) user: String,
    pub(super) now_denied: usize,
    pub(super) now_allowed: usize,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Sample {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session_id: Option<Uuid>,
    pub(super) user: String,
    pub(super) source: Option<IpAddr>,
    pub(super) destination: String,
    pub(super) port: u16,
    pub(super) before: Side,
    pub(super) after: Side,
    /// How many sessions are like this one.
    pub(super) sessions: usize,
}

/// What one set of rules says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Side {
    pub(crate) verdict: &'static str,
    /// Nothing when no rule fits.
    pub(crate) rule: Option<Arc<str>>,
}

/// Two sets of rules, asked the same.
#[derive(Debug)]
pub(super) struct Comparison<'c> {
    before: Party<'c>,
    after: Party<'c>,
    mine: &'c [IpAddr],
    users: BTreeMap<String, (usize, usize)>,
    effect: Effect,
}

#[derive(Debug)]
struct Party<'c> {
    book: &'c Book,
    /// Every PAM service that a rule names: whoever is in was accepted by those that counted.
    services: Vec<String>,
    views: HashMap<(Option<Arc<str>>, Vec<String>), View>,
}

impl<'c> Comparison<'c> {
    /// `mine` are the addresses of whoever asks.
    pub(super) fn new(before: &'c Book, after: &'c Book, mine: &'c [IpAddr]) -> Self {
        let (before, after) = (Party::new(before), Party::new(after));
        Self { before, after, mine, users: BTreeMap::new(), effect: Effect::default() }
    }

    /// Judges `sessions` that all asked for the same: each of several requests has to be allowed. Says what turns, if something does.
    pub(super) fn judge(&mut self, session_id: Option<Uuid>, requests: &[Precedent], sessions: usize) -> Option<Turn> {
        let is_mine = requests.first()?.source.is_some_and(|source| self.mine.contains(&source));
        self.effect.evaluated += sessions;
        self.effect.mine += if is_mine { sessions } else { 0 };
        let judged = requests.iter().map(|request| (request, self.before.judge(request), self.after.judge(request)));
        let judged: Vec<_> = judged.collect();
        let changed = judged.iter().find(|(_, before, after)| before.is_allowed != after.is_allowed);
        let Some((request, before, after)) = changed else {
            self.effect.same += sessions;
            if judged.iter().any(|(_, before, after)| self.before.credited(before) != self.after.credited(after)) {
                self.effect.other_rule += sessions;
            }
            return None;
        };
        let user = request.user.as_deref().unwrap_or(ANONYMOUS).to_owned();
        let (denied, allowed) = self.users.entry(user.clone()).or_default();
        if after.is_allowed {
            self.effect.now_allowed += sessions;
            *allowed += sessions;
        } else {
            self.effect.now_denied += sessions;
            *denied += sessions;
            self.effect.mine_denied += if is_mine { sessions } else { 0 };
        }
        let turn = Turn { before: self.before.says(before), after: self.after.says(after), is_mine };
        if self.effect.sample.len() < MOST_NAMED {
            self.effect.sample.push(Sample {
                session_id,
                user,
                source: request.source,
                destination: request.destination.to_string(),
                port: request.port,
                before: turn.before.clone(),
                after: turn.after.clone(),
                sessions,
            });
        }
        Some(turn)
    }

    pub(super) fn finish(mut self) -> Effect {
        let users = self.users.into_iter();
        let mut users: Vec<ByUser> =
            users.map(|(user, (now_denied, now_allowed))| ByUser { user, now_denied, now_allowed }).collect();
        users.sort_by_key(|user| std::cmp::Reverse(user.now_denied + user.now_allowed));
        users.truncate(MOST_NAMED);
        self.effect.by_user = users;
        self.effect
    }
}

impl<'c> Party<'c> {
    fn new(book: &'c Book) -> Self {
        let services = book.rules.set().services().map(|(_, name)| name.to_owned()).collect();
        Self { book, services, views: HashMap::new() }
    }

    fn judge(&mut self, request: &Precedent) -> Verdict {
        let trial = request.trial(&self.services);
        let view = self.views.entry(request.client()).or_insert_with(|| trial.view(self.book));
        trial.verdict(self.book, view)
    }

    /// The rule that is credited, by what makes it the same rule in another text.
    fn credited(&self, verdict: &Verdict) -> Option<::acl::Identity> {
        verdict.decision.rule().map(|rule| self.book.rules.set().identity(rule))
    }

    fn says(&self, verdict: &Verdict) -> Side {
        Side {
            verdict: if verdict.is_allowed { "allow" } else { "deny" },
            rule: verdict.decision.rule().map(|rule| Arc::from(self.book.rules.set().label(rule))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::candidate::Candidate;
    use super::*;
    use crate::engine::history::archive::replay::Asked;
    use crate::state::snapshot::Snapshot;

    const BEFORE: &str = r#"
[global]
default_policy = "deny"
[[users]]
username = "alice"
[[users.rules]]
action = "allow"
destinations = ["10.0.0.0/8"]
[[users]]
username = "eve"
[[users.rules]]
action = "allow"
destinations = ["*.example.com"]
"#;

    /// What becomes of sessions of users to hosts and addresses when rules take the place of others.
    fn effect(after: &str, asked: &[(&str, Option<&str>, &str, usize)], mine: &[IpAddr]) -> Effect {
        let snapshot = Arc::new(Snapshot::for_tests());
        let [before, after] = [BEFORE, after].map(|text| Candidate::of(text, &snapshot).unwrap().book);
        let mut comparison = Comparison::new(&before, &after, mine);
        for (user, host, ip, sessions) in asked {
            let request = Precedent::of_past(&Asked {
                user: Some((*user).to_owned()),
                source: Some("192.0.2.7".to_owned()),
                host: host.map(str::to_owned),
                ip: Some((*ip).to_owned()),
                port: Some(443),
                command: Some("connect".to_owned()),
                method: Some("userpass".to_owned()),
                at: 0,
                sessions: *sessions,
            });
            let _counted = comparison.judge(None, &[request.unwrap()], *sessions);
        }
        comparison.finish()
    }

    #[test]
    fn the_same_rules_change_nothing() {
        let asked = [("alice", None, "10.1.2.3", 3), ("eve", Some("www.example.com"), "203.0.113.9", 2)];
        let effect = effect(BEFORE, &asked, &[]);
        assert_eq!(effect, Effect { evaluated: 5, same: 5, ..Effect::default() });
    }

    #[test]
    fn who_is_denied_and_who_is_allowed_is_counted_by_user() {
        let after = BEFORE.replace("10.0.0.0/8", "10.1.0.0/16").replace("*.example.com", "*");
        let asked = [
            ("alice", None, "10.1.2.3", 1),
            ("alice", None, "10.2.2.3", 214),
            ("eve", Some("www.example.com"), "203.0.113.9", 2),
            ("eve", Some("other.test"), "203.0.113.9", 14),
        ];
        let effect = effect(&after, &asked, &["192.0.2.7".parse().unwrap()]);
        let counts = (effect.evaluated, effect.same, effect.now_denied, effect.now_allowed);
        assert_eq!((counts, effect.mine, effect.mine_denied), ((231, 3, 214, 14), 231, 214));
        let users: Vec<_> = effect.by_user.iter().map(|of| (of.user.as_str(), of.now_denied, of.now_allowed)).collect();
        assert_eq!(users, [("alice", 214, 0), ("eve", 0, 14)]);
        assert_eq!((effect.sample[0].before.verdict, effect.sample[0].after.verdict), ("allow", "deny"));
        assert_eq!(effect.sample[0].before.rule.as_deref(), Some("users/alice#1"));
    }

    #[test]
    fn another_rule_that_says_the_same_is_told() {
        let after = BEFORE.replace("[\"10.0.0.0/8\"]", "[\"10.0.0.0/8\"]\npriority = 1\nports = [\"443\"]");
        let effect = effect(&after, &[("alice", None, "10.1.2.3", 1)], &[]);
        assert_eq!((effect.same, effect.other_rule), (1, 1));
    }

    #[test]
    fn each_of_several_requests_of_a_session_has_to_be_allowed() {
        let snapshot = Arc::new(Snapshot::for_tests());
        let after = BEFORE.replace("10.0.0.0/8", "10.1.0.0/16");
        let [before, after] = [BEFORE, &after].map(|text| Candidate::of(text, &snapshot).unwrap().book);
        let mut comparison = Comparison::new(&before, &after, &[]);
        let to = |ip: &str| {
            Precedent::of_past(&Asked {
                user: Some("alice".to_owned()),
                source: None,
                host: None,
                ip: Some(ip.to_owned()),
                port: Some(53),
                command: Some("connect".to_owned()),
                method: None,
                at: 0,
                sessions: 1,
            })
        };
        let turn = comparison.judge(None, &[to("10.1.0.1").unwrap(), to("10.2.0.1").unwrap()], 1).unwrap();
        assert_eq!((turn.before.verdict, turn.after.verdict, turn.is_mine), ("allow", "deny", false));
        assert_eq!(comparison.judge(None, &[], 1), None, "nobody has asked for anything");
        let effect = comparison.finish();
        assert_eq!((effect.evaluated, effect.now_denied), (1, 1));
    }
}
