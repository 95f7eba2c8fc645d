//! The operations: one table, room by room, from which requests are carried out, `meta.ops` answers, and docs/admin-protocol.md is checked.

use super::ops::Op;
use super::{
    attention, audit, auth, health, history, limits, logs, meta, policy, reload, series, sessions, status, support,
    txn, users, view,
};

/// The rooms, in the order of the reference.
const ROOMS: &[&[Op]] = &[
    meta::OPS,
    status::OPS,
    attention::OPS,
    series::OPS,
    health::OPS,
    view::OPS,
    sessions::OPS,
    history::OPS,
    policy::OPS,
    users::OPS,
    auth::OPS,
    reload::OPS,
    txn::OPS,
    limits::OPS,
    logs::OPS,
    audit::OPS,
    support::OPS,
];

/// Every operation, in the order of the reference.
pub(super) fn ops() -> impl Iterator<Item = &'static Op> {
    ROOMS.iter().copied().flatten()
}

/// Short forms for people at a terminal.
const ALIASES: [(&str, &str); 2] = [("status", "status.get"), ("ping", "meta.ping")];

pub(super) fn find(name: &str) -> Option<&'static Op> {
    let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, full)| full);
    ops().find(|op| op.name == name)
}

#[cfg(test)]
mod tests {
    use wire::admin::Role;

    use super::super::lanes::Lane;
    use super::super::ops::{Act, IDEM};
    use super::*;

    #[test]
    fn no_operation_stands_there_twice_and_every_alias_leads_to_one() {
        let mut names: Vec<_> = ops().map(|op| op.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        assert!(ALIASES.iter().all(|(alias, _)| find(alias).is_some()));
    }

    #[test]
    fn whatever_changes_something_takes_more_than_looking_and_a_hello() {
        for op in ops().filter(|op| op.takes.contains(&IDEM)) {
            assert!(op.role >= Some(Role::Operate) && op.wants_hello, "{}", op.name);
        }
    }

    #[test]
    fn orders_wait_for_no_search_no_export_and_no_trial() {
        let lane = |op: &Op| match op.act {
            Act::Slow(lane, _) | Act::Named(lane, _) => Some(lane),
            Act::Meta(_) | Act::Quick(_) => None,
        };
        for (op, lane) in ops().filter_map(|op| Some((op, lane(op)?))) {
            let expected = match op.name {
                "auth.test" => Lane::Trials,
                "history.export" | "acl.whatif" => Lane::Looking,
                _ if op.role > Some(Role::Read) && op.wants_hello => Lane::Orders,
                _ => Lane::Looking,
            };
            assert_eq!(lane, expected, "{}", op.name);
        }
    }
}
