//! The hits of rules as metrics: of the rules in force, and no more series than anybody can bear.

use std::sync::Arc;

use acl::{Mode, RuleId};

use crate::frontends::socks::World;
use crate::state::metrics::Metrics;
use crate::state::rules::Rules;

/// Rules with series of their own: the first in the file.
const SHOWN: usize = 1000;

/// What the others share.
const OTHER: &str = "_other";

/// The longest description in a label, in characters.
const LONGEST: usize = 100;

/// Lets each scrape see the rules in force.
pub(super) fn follow(metrics: &Metrics, world: Arc<World>) {
    const LABELS: [&str; 3] = ["owner", "rule", "description"];
    let hits = metrics.counters("rustsocks_acl_rule_hits_total", "Requests that each rule decided.", &LABELS);
    let shadow_hits = metrics.counters(
        "rustsocks_acl_rule_shadow_hits_total",
        "Requests that each shadow rule would have decided.",
        &LABELS,
    );
    let last = metrics.gauges("rustsocks_acl_rule_last_hit_timestamp_seconds", "When each rule last decided.", &LABELS);
    metrics.before_each_scrape(move || {
        let rules = Arc::clone(&world.regime().snapshot.rules);
        hits.reset();
        shadow_hits.reset();
        last.reset();
        for (number, rule) in rules.set().rules().enumerate() {
            let (labels, tally) = (labels(&rules, rule, number), rules.hits().of(rule));
            let labels = labels.each_ref().map(String::as_str);
            let counter = match rules.set().rule(rule).mode {
                Mode::Enforced => &hits,
                Mode::Shadow => &shadow_hits,
            };
            counter.with_label_values(&labels).inc_by(tally.count());
            if let Some(at) = tally.last() {
                let latest = last.with_label_values(&labels);
                latest.set(latest.get().max(at));
            }
        }
    });
}

fn labels(rules: &Rules, rule: RuleId, number: usize) -> [String; 3] {
    if number >= SHOWN {
        return [OTHER.to_owned(), OTHER.to_owned(), String::new()];
    }
    let set = rules.set();
    let description = set.rule(rule).description.chars().take(LONGEST).collect();
    [set.owner(rule), set.identity(rule).to_string(), description]
}
