//! From settings to what each user, group and source may have. Every table is taken apart completely, as in `build`.

use std::num::NonZeroU64;
use std::sync::Arc;

use config::Settings;
use limits::Share;

use crate::state::limits::allowance::{Allowance, Bound, Directions, EachWay, GroupAllowance, Portion, Rates};
use crate::state::rules::Rules;
use crate::state::users::Users;

/// What these settings, the users file and the rules say.
pub(super) fn of(settings: &Settings, users: &Users, rules: &Rules) -> Allowance {
    let config::Limits {
        bandwidth,
        user_bandwidth,
        session_bandwidth,
        directions,
        max_per_user,
        max_per_source,
        max_sources_per_user,
        user_pace,
        source_pace,
        // The seats and the roster have these, and the lifetimes the last one.
        max_connections: _,
        max_handshakes: _,
        idle: _,
    } = settings.limits;
    let groups = settings.group_limits.iter().enumerate();
    let groups: Vec<(Arc<str>, GroupAllowance)> =
        groups.map(|(place, group)| (group.name.as_str().into(), of_group(place, group))).collect();
    let rates = Rates {
        all: ceilings(bandwidth),
        of_user: ceilings(user_bandwidth),
        of_session: ceilings(session_bandwidth),
        has_exceptions: groups.iter().any(|(_, group)| limits_bandwidth(group))
            || users.limit_bandwidth()
            || rules.limit_bandwidth(),
        directions: match directions {
            config::Directions::Separate => Directions::Separate,
            config::Directions::Together => Directions::Together,
        },
    };
    let sources_of_user = Bound::written(max_sources_per_user).most();
    let counts = Allowance::new((max_per_source, source_pace), (max_per_user, user_pace));
    Allowance { groups: groups.into_iter().collect(), bandwidth: rates, sources_of_user, ..counts }
}

fn of_group(place: usize, group: &config::GroupLimits) -> GroupAllowance {
    let config::GroupLimits {
        // It is the key.
        name: _,
        bandwidth,
        guaranteed,
        priority,
        burst_kib,
        user_bandwidth,
        user_guaranteed,
        user_priority,
        max_connections,
        max_per_user,
        max_sources_per_user,
        max_age_secs,
        idle_secs,
        half_closed_secs,
        udp_idle_secs,
    } = group;
    let [at_once, sources, max_age, idle, half_closed, udp_idle] =
        [max_per_user, max_sources_per_user, max_age_secs, idle_secs, half_closed_secs, udp_idle_secs]
            .map(|number| number.map(Bound::written));
    let of_user = Portion {
        at_once,
        sources,
        max_age,
        idle,
        half_closed,
        udp_idle,
        up: user_bandwidth.map(|rates| Bound::written(rates.up.bytes())),
        down: user_bandwidth.map(|rates| Bound::written(rates.down.bytes())),
        guaranteed: user_guaranteed.map(config::Rate::bytes),
        priority: *user_priority,
        burst: None,
    };
    let shares = ceilings(*bandwidth).map(|ceiling| Share {
        guaranteed: guaranteed.bytes(),
        burst: NonZeroU64::new(u64::from(*burst_kib) * 1024),
        priority: *priority,
        ..ceiling
    });
    let bandwidth = (shares != EachWay::default()).then_some((place, shares));
    GroupAllowance { at_once: Bound::written(*max_connections).most(), of_user, bandwidth }
}

fn limits_bandwidth(group: &GroupAllowance) -> bool {
    let of_user = [group.of_user.up, group.of_user.down].into_iter().flatten();
    group.bandwidth.is_some_and(|(_, shares)| shares.is_limited())
        || of_user.into_iter().any(|most| most.most().is_some())
}

fn ceilings(rates: config::EachWay) -> EachWay<Share> {
    let ceiling = |rate: config::Rate| Share { ceiling: NonZeroU64::new(rate.bytes()), ..Share::default() };
    EachWay { up: ceiling(rates.up), down: ceiling(rates.down) }
}
