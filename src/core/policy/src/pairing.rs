//! Which rule of one version of a file is which of another.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::entry::Entry;

/// Rules that have less in common than this part of their keys, out of 1000, are two rules.
const ALIKE: usize = 500;

/// The rules of one owner in two versions of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pairing {
    /// For each old rule where it is now, unless it is gone.
    pub(crate) now: Vec<Option<usize>>,
    /// The new rules that were no old ones, in order.
    pub(crate) added: Vec<usize>,
}

impl Pairing {
    /// Equal rules are the same, first those that also stand in the same order; of the rest those are that are most alike.
    pub(crate) fn of(old: &[Entry], new: &[Entry]) -> Self {
        let mut pairing = Self { now: vec![None; old.len()], added: Vec::new() };
        let mut is_taken = vec![false; new.len()];
        for operation in capture_diff_slices(Algorithm::Myers, old, new) {
            if let DiffOp::Equal { old_index, new_index, len } = operation {
                for step in 0..len {
                    pairing.now[old_index + step] = Some(new_index + step);
                    is_taken[new_index + step] = true;
                }
            }
        }
        let mut likely: Vec<(usize, usize, usize, usize)> = Vec::new();
        for (before, entry) in old.iter().enumerate().filter(|(before, _)| pairing.now[*before].is_none()) {
            for (after, candidate) in new.iter().enumerate().filter(|(after, _)| !is_taken[*after]) {
                let likeness = entry.likeness(candidate);
                if likeness >= ALIKE {
                    likely.push((1000 - likeness, before.abs_diff(after), before, after));
                }
            }
        }
        likely.sort_unstable();
        for (_, _, before, after) in likely {
            if pairing.now[before].is_none() && !is_taken[after] {
                pairing.now[before] = Some(after);
                is_taken[after] = true;
            }
        }
        pairing.added = (0..new.len()).filter(|after| !is_taken[*after]).collect();
        pairing
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entries(rules: serde_json::Value) -> Vec<Entry> {
        serde_json::from_value(rules).unwrap()
    }

    fn check(old: serde_json::Value, new: serde_json::Value, now: &[Option<usize>], added: &[usize]) {
        let pairing = Pairing::of(&entries(old), &entries(new));
        assert_eq!((pairing.now.as_slice(), pairing.added.as_slice()), (now, added));
    }

    #[test]
    fn equal_rules_are_the_same_wherever_they_stand() {
        let rule = |destination: &str| json!({"action": "allow", "destinations": [destination]});
        check(
            json!([rule("a"), rule("b"), rule("c")]),
            json!([rule("c"), rule("a"), rule("b")]),
            &[Some(1), Some(2), Some(0)],
            &[],
        );
    }

    #[test]
    fn a_rule_that_changed_is_told_from_one_that_is_new() {
        let old = json!([{"action": "allow", "destinations": ["a"], "ports": ["443"]}]);
        let new = json!([
            {"action": "block", "destinations": ["z"], "ports": ["1"]},
            {"action": "allow", "destinations": ["a", "b"], "ports": ["443"]},
        ]);
        check(old, new, &[Some(1)], &[0]);
    }

    #[test]
    fn of_several_likely_ones_the_most_alike_is_it() {
        let old = json!([{"action": "allow", "destinations": ["a"], "ports": ["1"], "priority": 3}]);
        let new = json!([
            {"action": "allow", "destinations": ["b"], "ports": ["1"], "priority": 4},
            {"action": "allow", "destinations": ["b"], "ports": ["1"], "priority": 3},
        ]);
        check(old, new, &[Some(1)], &[0]);
    }

    #[test]
    fn nothing_pairs_with_nothing() {
        check(json!([]), json!([]), &[], &[]);
        check(json!([{"action": "allow"}]), json!([]), &[None], &[]);
    }
}
