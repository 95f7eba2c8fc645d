//! What the operator's files say that is not in force: known from the reloads, and from the rehearsals of them.
//!
//! Knows nothing of files: whoever reads them reports what came of it, or what would.

use std::sync::Arc;

use jiff::Timestamp;
use wire::{DocumentKind, Extent};

use super::report::{Effect, Outcome};

/// A file that says something else than what is in force.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Drift {
    /// Since when that is known.
    pub(crate) since: Timestamp,
    pub(crate) difference: Difference,
    /// What it says, if it can be read and is one that operators write here.
    pub(crate) text: Option<Arc<str>>,
}

/// What would become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Difference {
    /// A reload would put it in force, with this effect.
    Newer(Effect),
    /// A reload would leave it, for these reasons.
    Wrong(Vec<String>),
}

/// A reading of files, and what came of it or would.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    /// What is right was not applied.
    pub(super) is_rehearsed: bool,
    pub(super) extent: Extent,
    pub(super) at: Timestamp,
    pub(super) components: &'a [(DocumentKind, Outcome)],
    pub(super) texts: &'a [(DocumentKind, Arc<str>)],
}

/// Those that there are, by component.
#[derive(Debug, Default)]
pub(super) struct Drifts(Vec<(DocumentKind, Arc<Drift>)>);

impl Drifts {
    /// Takes what came of a reading; of what it has not read nothing new is known.
    pub(super) fn note(&mut self, reading: &Reading<'_>) {
        for (kind, outcome) in reading.components.iter().filter(|(kind, _)| reading.extent.reads(*kind)) {
            let text = reading.texts.iter().find(|(of, _)| of == kind).map(|(_, text)| Arc::clone(text));
            let difference = match outcome {
                Outcome::Applied(effect) if reading.is_rehearsed => Some(Difference::Newer(effect.clone())),
                Outcome::Same | Outcome::Applied(_) => None,
                Outcome::Failed(problems) => Some(Difference::Wrong(problems.clone())),
            };
            self.set(*kind, difference.map(|difference| Drift { since: reading.at, difference, text }));
        }
    }

    pub(super) fn all(&self) -> Vec<(DocumentKind, Arc<Drift>)> {
        self.0.clone()
    }

    pub(super) fn of(&self, kind: DocumentKind) -> Option<Arc<Drift>> {
        self.0.iter().find(|(of, _)| *of == kind).map(|(_, drift)| Arc::clone(drift))
    }

    /// One that says what it said keeps its time.
    fn set(&mut self, kind: DocumentKind, drift: Option<Drift>) {
        let known = self.of(kind);
        self.0.retain(|(of, _)| *of != kind);
        let Some(drift) = drift else { return };
        let is_known = |known: &Arc<Drift>| (&known.difference, &known.text) == (&drift.difference, &drift.text);
        let drift = known.filter(is_known).unwrap_or_else(|| Arc::new(drift));
        self.0.push((kind, drift));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: DocumentKind = DocumentKind::Rules;

    /// What is known after each of these readings: whether it was a rehearsal, of which extent, and what came of the rules.
    fn after(readings: &[(bool, Extent, Outcome)]) -> Option<Difference> {
        let (mut drifts, text) = (Drifts::default(), [(RULES, "text".into())]);
        for (is_rehearsed, extent, outcome) in readings {
            let components = [(RULES, outcome.clone()), (DocumentKind::Users, Outcome::Same)];
            let (at, extent) = (Timestamp::UNIX_EPOCH, *extent);
            let is_rehearsed = *is_rehearsed;
            drifts.note(&Reading { is_rehearsed, extent, at, components: &components, texts: &text });
        }
        assert!(drifts.of(DocumentKind::Users).is_none());
        drifts.of(RULES).map(|drift| drift.difference.clone())
    }

    #[test]
    fn only_what_a_reading_has_read_is_known_anew() {
        let (all, rules, users) = (Extent::Everything, Extent::Rules, Extent::Users);
        let applied = || Outcome::Applied(Effect::default());
        let failed = || Outcome::Failed(vec!["a:1:1: no".to_owned()]);
        let (newer, wrong) = (Difference::Newer(Effect::default()), Difference::Wrong(vec!["a:1:1: no".to_owned()]));
        for (readings, expected) in [
            (vec![(false, all, applied())], None),
            (vec![(true, all, applied())], Some(newer.clone())),
            (vec![(false, all, failed())], Some(wrong.clone())),
            (vec![(true, rules, failed())], Some(wrong.clone())),
            (vec![(true, all, applied()), (false, rules, applied())], None),
            (vec![(false, all, failed()), (true, all, Outcome::Same)], None),
            (vec![(false, all, failed()), (false, users, Outcome::Same)], Some(wrong)),
            (vec![(true, all, applied()), (true, users, Outcome::Same)], Some(newer)),
        ] {
            assert_eq!(after(&readings), expected, "{readings:?}");
        }
    }

    #[test]
    fn what_says_the_same_keeps_its_time() {
        let mut drifts = Drifts::default();
        let components = [(RULES, Outcome::Failed(vec!["no".to_owned()]))];
        for seconds in [1, 2] {
            let at = Timestamp::from_second(seconds).unwrap();
            let (extent, components) = (Extent::Everything, &components);
            drifts.note(&Reading { is_rehearsed: true, extent, at, components, texts: &[] });
        }
        assert_eq!(drifts.of(RULES).unwrap().since, Timestamp::from_second(1).unwrap());
    }
}
