//! What our figures must reach, and whether they do.

use crate::{contender::Contender, scenario::Outcome};

/// A bound on one of our figures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal {
    figure: &'static str,
    bound: Bound,
    yardstick: Yardstick,
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    AtMost,
    AtLeast,
}

#[derive(Debug, Clone, Copy)]
enum Yardstick {
    /// So many times what the peer has.
    Times(f64, Contender),
    Value(f64),
}

/// A goal against what was measured.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub verdict: Verdict,
    /// The whole calculation, for the reader.
    pub line: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    Fail,
    /// One side was not measured.
    Open,
}

impl Verdict {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Open => "open",
        }
    }
}

impl Goal {
    pub(crate) const fn at_most(figure: &'static str, value: f64) -> Self {
        Self { figure, bound: Bound::AtMost, yardstick: Yardstick::Value(value) }
    }

    pub(crate) const fn at_most_times(figure: &'static str, factor: f64, peer: Contender) -> Self {
        Self { figure, bound: Bound::AtMost, yardstick: Yardstick::Times(factor, peer) }
    }

    pub(crate) const fn at_least_times(figure: &'static str, factor: f64, peer: Contender) -> Self {
        Self { figure, bound: Bound::AtLeast, yardstick: Yardstick::Times(factor, peer) }
    }

    pub(crate) fn judge(&self, outcome: &Outcome) -> Judgement {
        match self.yardstick {
            Yardstick::Times(factor, peer) => self.judge_ratio(outcome, factor, peer),
            Yardstick::Value(value) => self.judge_value(outcome, value),
        }
    }

    fn judge_ratio(&self, outcome: &Outcome, factor: f64, peer: Contender) -> Judgement {
        let goal = format!("goal {} {factor:.2} × {}", self.bound.sign(), peer.name());
        let (Some(ours), Some(theirs)) = (self.measured(outcome, Contender::Ours), self.measured(outcome, peer)) else {
            return self.open(&goal);
        };
        let ratio = ours / theirs;
        let line = format!("{}: {ours:.3} against {theirs:.3} is {ratio:.2} ×, {goal}", self.figure);
        Judgement { verdict: self.bound.verdict(ratio, factor), line }
    }

    fn judge_value(&self, outcome: &Outcome, value: f64) -> Judgement {
        let goal = format!("goal {} {value}", self.bound.sign());
        let Some(ours) = self.measured(outcome, Contender::Ours) else { return self.open(&goal) };
        Judgement { verdict: self.bound.verdict(ours, value), line: format!("{}: {ours:.3}, {goal}", self.figure) }
    }

    fn measured(&self, outcome: &Outcome, of: Contender) -> Option<f64> {
        outcome.value(of, self.figure).filter(|value| value.is_finite())
    }

    fn open(&self, goal: &str) -> Judgement {
        Judgement { verdict: Verdict::Open, line: format!("{}: not measured, {goal}", self.figure) }
    }
}

impl Bound {
    fn sign(self) -> &'static str {
        match self {
            Self::AtMost => "≤",
            Self::AtLeast => "≥",
        }
    }

    fn verdict(self, found: f64, limit: f64) -> Verdict {
        let holds = match self {
            Self::AtMost => found <= limit,
            Self::AtLeast => found >= limit,
        };
        if holds { Verdict::Pass } else { Verdict::Fail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Figure;

    fn outcome(ours: f64, dante: f64) -> Outcome {
        let medians = vec![(Contender::Ours, vec![ours]), (Contender::Dante, vec![dante])];
        Outcome { figures: vec![Figure::new("speed", 1)], medians }
    }

    #[test]
    fn a_goal_holds_at_its_bound_and_not_beyond() {
        use Contender::{Dante, Microsocks};
        for (goal, ours, dante, expected) in [
            (Goal::at_most_times("speed", 0.5, Dante), 5.0, 10.0, Verdict::Pass),
            (Goal::at_most_times("speed", 0.5, Dante), 5.1, 10.0, Verdict::Fail),
            (Goal::at_least_times("speed", 2.0, Dante), 20.0, 10.0, Verdict::Pass),
            (Goal::at_least_times("speed", 2.0, Dante), 19.9, 10.0, Verdict::Fail),
            (Goal::at_most_times("speed", 1.0, Microsocks), 5.0, 10.0, Verdict::Open),
            (Goal::at_most("speed", 8.0), 8.0, 10.0, Verdict::Pass),
            (Goal::at_most("speed", 8.0), 8.1, 10.0, Verdict::Fail),
            (Goal::at_most("height", 8.0), 8.0, 10.0, Verdict::Open),
        ] {
            let judgement = goal.judge(&outcome(ours, dante));
            assert_eq!(judgement.verdict, expected, "{goal:?}: {}", judgement.line);
        }
    }
}
