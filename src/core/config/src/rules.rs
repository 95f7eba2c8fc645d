//! The rule file: who may go where.
//!
//! Knows how a rule is written, and nothing of how it is decided: `acl` does that.

mod tables;
mod values;

use std::collections::{BTreeSet, HashMap};

use acl::Policy;

use crate::problem::{Fault, Problems};
use crate::reader::{Excerpt, Reader};
use crate::rules::tables::{Global, GroupEntry, Placed, RuleEntry, UserEntry};

/// PAM services that the rules of one file may name; the answer of each is one bit.
const MOST_SERVICES: usize = 64;

/// The keys of a rule, in the order in which people write them.
pub const RULE_KEYS: &[&str] = &[
    "action",
    "description",
    "destinations",
    "ports",
    "protocols",
    "priority",
    "sources",
    "commands",
    "time",
    "valid_until",
    "auth_methods",
    "pam_service",
    "internal",
    "mode",
    "log",
    "max_connections",
    "bandwidth_per_user_mbps",
    "max_age_secs",
    "connection_timeout_secs",
];

/// The tables of a rule file.
const TABLES: &[&str] = &["global", "users", "groups"];

/// Reads a rule file; the path is only for messages, and `is_zone` knows the names of time zones.
///
/// # Errors
/// Every problem of the file: syntax, unknown keys, values that cannot be meant, users and groups given twice, rules
/// that fit no request.
pub fn load(path: &str, text: &str, is_zone: &dyn Fn(&str) -> bool) -> Result<Policy, Problems> {
    let mut reader = Reader::new(path, text, Excerpt::Quoted)?.forgetful();
    let global: Global = reader.table("global");
    let users: Vec<UserEntry> = reader.tables("users");
    let groups: Vec<GroupEntry> = reader.tables("groups");
    reader.leftovers(TABLES);
    refuse_repeated(users.iter().filter_map(|user| user.name.as_ref()), &mut reader);
    refuse_repeated(groups.iter().filter_map(|group| group.name.as_ref()), &mut reader);
    let rules = || users.iter().flat_map(|user| &user.rules).chain(groups.iter().flat_map(|group| &group.rules));
    refuse_unknown_zones(rules(), is_zone, &mut reader);
    refuse_too_many_services(rules(), &mut reader);
    let users = users.into_iter().filter_map(UserEntry::complete).collect();
    let groups = groups.into_iter().filter_map(GroupEntry::complete).collect();
    reader.finish().map(|_origins| Policy { default: global.default_policy, users, groups })
}

/// Whether a text is a rule file rather than the main configuration: its first table says. An empty one is a rule file
/// without rules.
#[must_use]
pub fn are_in(text: &str) -> bool {
    let headings = text.lines().filter_map(|line| line.trim_start().strip_prefix('['));
    let mut tables = headings.map(|rest| rest.trim_start_matches(['[', ' ']).split(['.', ']', ' ']).next());
    tables.next().flatten().is_none_or(|table| TABLES.contains(&table))
}

fn refuse_repeated<'e>(names: impl Iterator<Item = &'e Placed>, reader: &mut Reader<'_>) {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for Placed { text, key, at } in names {
        if let Some(first) = seen.insert(text, *at) {
            let fault = Fault::new(format!("{text:?} has a table already, at {}", reader.place(first)));
            reader.report(reader.place(*at), key, fault.hint("put the rules of both into one"));
        }
    }
}

fn refuse_unknown_zones<'e>(
    rules: impl Iterator<Item = &'e RuleEntry>,
    is_zone: &dyn Fn(&str) -> bool,
    reader: &mut Reader<'_>,
) {
    for Placed { text, key, at } in rules.filter_map(|rule| rule.zone.as_ref()) {
        if !is_zone(text) {
            let fault = Fault::new(format!("{text:?} is not a known time zone"));
            let hint = "write a name of the tz database: \"Europe/Warsaw\", \"UTC\"";
            reader.report(reader.place(*at), key, fault.hint(hint));
        }
    }
}

fn refuse_too_many_services<'e>(rules: impl Iterator<Item = &'e RuleEntry>, reader: &mut Reader<'_>) {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for Placed { text, key, at } in rules.filter_map(|rule| rule.service.as_ref()) {
        if seen.insert(text) && seen.len() > MOST_SERVICES {
            let fault = Fault::new(format!("the rules of a file name at most {MOST_SERVICES} PAM services"));
            reader.report(reader.place(*at), key, fault.hint("let rules share services"));
        }
    }
}
