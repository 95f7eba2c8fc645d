//! Whether one rule fits everything that another fits.
//!
//! Errs on the side of no: what it calls covered is.

use ipnet::IpNet;

use crate::policy::pattern::Pattern;
use crate::policy::{Action, Rule};
use crate::realm::Realm;

/// Whether every request that `inner` fits is one that `outer` fits.
pub(super) fn covers(outer: &Rule, inner: &Rule) -> bool {
    outer.carried_commands().covers(inner.carried_commands())
        && outer.ports.covers(&inner.ports)
        && outer.auth_methods.covers(inner.auth_methods)
        && covers_sources(&outer.sources, &inner.sources)
        && (outer.time.is_none() || outer.time == inner.time)
        && outer.valid_until.is_none_or(|end| inner.valid_until.is_some_and(|inner| inner <= end))
        && (outer.pam_service.is_none() || outer.pam_service == inner.pam_service)
        && (outer.action == Action::Block || outer.internal == inner.internal || outer.internal == Some(true))
        && inner.destinations.iter().all(|inner| outer.destinations.iter().any(|outer| covers_pattern(outer, inner)))
}

fn covers_sources(outer: &[IpNet], inner: &[IpNet]) -> bool {
    let is_inside = |inner: &IpNet| outer.iter().any(|outer| outer.trunc().contains(&inner.trunc()));
    outer.is_empty() || (!inner.is_empty() && inner.iter().all(is_inside))
}

fn covers_pattern(outer: &Pattern, inner: &Pattern) -> bool {
    match (outer, inner) {
        (Pattern::Anything, _) => true,
        (Pattern::Realm(outer), Pattern::Realm(inner)) => outer == inner,
        (Pattern::Realm(Realm::Private), Pattern::Network(inner)) => is_private(*inner),
        (Pattern::Network(outer), Pattern::Network(inner)) => outer.trunc().contains(&inner.trunc()),
        (Pattern::Below(outer), Pattern::Name(inner)) => is_below(inner.as_str(), outer.as_str()),
        (Pattern::Below(outer), Pattern::Below(inner)) => outer == inner || is_below(inner.as_str(), outer.as_str()),
        (Pattern::Below(outer), Pattern::Wild(inner)) => {
            inner.tail() == outer.as_str() || is_below(inner.tail(), outer.as_str())
        }
        (outer, inner) => outer == inner,
    }
}

fn is_below(name: &str, above: &str) -> bool {
    name.strip_suffix(above).is_some_and(|rest| rest.ends_with('.'))
}

/// Networks as wide as the widest private block or narrower lie on one side of every border that they do not cross.
fn is_private(network: IpNet) -> bool {
    let least = match network {
        IpNet::V4(_) => 8,
        IpNet::V6(_) => 7,
    };
    let ends = [network.network(), network.broadcast()];
    network.prefix_len() >= least && ends.into_iter().all(|end| Realm::of(end) == Realm::Private)
}
