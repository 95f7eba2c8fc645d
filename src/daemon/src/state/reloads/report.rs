//! What came of a reload: one line in the log, and the words that the service manager shows.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use wire::{DocumentKind, Extent, Ticket, Trigger};

use super::drift::Reading;

/// A reload that is over.
#[derive(Debug)]
pub(crate) struct Report {
    /// Counts the reloads of this service; its start is 1.
    pub(crate) generation: u64,
    /// The reload whose regime is in force now.
    pub(crate) serving: u64,
    pub(crate) trigger: Trigger,
    pub(crate) extent: Extent,
    /// The last order that it answers.
    pub(crate) ticket: Ticket,
    /// When it was over.
    pub(crate) at: Timestamp,
    pub(crate) took: Duration,
    /// How many sessions it ended at once, see `acl.on_revoke`.
    pub(crate) revoked: usize,
    pub(crate) components: Vec<(DocumentKind, Outcome)>,
}

/// What a reload would do.
#[derive(Debug)]
pub(crate) struct Rehearsal {
    pub(crate) extent: Extent,
    /// The last order that it answers.
    pub(crate) ticket: Ticket,
    pub(crate) at: Timestamp,
    pub(crate) took: Duration,
    /// What would come of each.
    pub(crate) components: Vec<(DocumentKind, Outcome)>,
}

impl Rehearsal {
    /// Nothing would fail.
    pub(crate) fn is_good(&self) -> bool {
        is_good(&self.components)
    }

    pub(super) fn reading<'a>(&'a self, texts: &'a [(DocumentKind, Arc<str>)]) -> Reading<'a> {
        let Self { extent, at, components, .. } = self;
        Reading { is_rehearsed: true, extent: *extent, at: *at, components, texts }
    }
}

fn is_good(components: &[(DocumentKind, Outcome)]) -> bool {
    !components.iter().any(|(_, outcome)| matches!(outcome, Outcome::Failed(_)))
}

/// What came of one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It says what it said before.
    Same,
    Applied(Effect),
    /// It stays as it was, for these reasons.
    Failed(Vec<String>),
}

/// What a component that was applied has changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Effect {
    /// By key, where there are keys.
    pub(crate) changes: Vec<String>,
    /// Keys that stay as they were until the service is started anew.
    pub(crate) needs_restart: Vec<String>,
}

/// The event of a reload at a level that must be a constant.
macro_rules! line {
    ($level:expr, $report:expr) => {{
        let report: &Report = $report;
        tracing::event!(
            target: "daemon::reload",
            $level,
            generation = report.generation,
            serving = report.serving,
            trigger = report.trigger.label(),
            extent = report.extent.label(),
            took_ms = milliseconds(report.took),
            configuration = report.word(DocumentKind::Configuration),
            users = report.word(DocumentKind::Users),
            rules = report.word(DocumentKind::Rules),
            tokens = report.word(DocumentKind::Tokens),
            api_certificate = report.word(DocumentKind::ApiCertificate),
            metrics_certificate = report.word(DocumentKind::MetricsCertificate),
            changes = some(&report.changes()),
            revoked = (report.revoked > 0).then_some(report.revoked),
            needs_restart = some(&report.needs_restart()),
            problems = some(&report.problems()),
            "reload"
        );
    }};
}

impl Report {
    /// Field names are stable; docs/logging.md lists them.
    pub(crate) fn log(&self) {
        if !self.is_good() {
            line!(tracing::Level::ERROR, self);
        } else if !self.needs_restart().is_empty() {
            line!(tracing::Level::WARN, self);
        } else {
            line!(tracing::Level::INFO, self);
        }
    }

    /// Nothing failed.
    pub(crate) fn is_good(&self) -> bool {
        is_good(&self.components)
    }

    pub(super) fn reading<'a>(&'a self, texts: &'a [(DocumentKind, Arc<str>)]) -> Reading<'a> {
        let Self { extent, at, components, .. } = self;
        Reading { is_rehearsed: false, extent: *extent, at: *at, components, texts }
    }

    /// The kinds whose new text is in force.
    pub(crate) fn taken(&self) -> Vec<DocumentKind> {
        let applied = self.components.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Applied(_)));
        let all = |component| DocumentKind::ALL.iter().copied().filter(move |kind| kind.part_of() == component);
        applied.flat_map(|(kind, _)| all(*kind)).collect()
    }

    /// What the operator should know besides that it is over; nothing if all is well.
    pub(crate) fn remark(&self) -> String {
        let failed = self.components.iter().filter_map(|(kind, outcome)| match outcome {
            Outcome::Failed(problems) => Some(format!("{} failed: {}", kind.name(), first_of(problems))),
            Outcome::Same | Outcome::Applied(_) => None,
        });
        let keys = self.needs_restart();
        let waiting = (!keys.is_empty()).then(|| format!("needs a restart: {}", keys.join(", ")));
        failed.chain(waiting).collect::<Vec<_>>().join("; ")
    }

    fn word(&self, kind: DocumentKind) -> Option<&'static str> {
        let (_, outcome) = self.components.iter().find(|(component, _)| *component == kind)?;
        Some(outcome.word())
    }

    fn changes(&self) -> Vec<String> {
        self.effects().flat_map(|effect| effect.changes.clone()).collect()
    }

    fn needs_restart(&self) -> Vec<String> {
        self.effects().flat_map(|effect| effect.needs_restart.clone()).collect()
    }

    fn effects(&self) -> impl Iterator<Item = &Effect> {
        self.components.iter().filter_map(|(_, outcome)| match outcome {
            Outcome::Applied(effect) => Some(effect),
            Outcome::Same | Outcome::Failed(_) => None,
        })
    }

    fn problems(&self) -> Vec<String> {
        let problems = self.components.iter().filter_map(|(_, outcome)| match outcome {
            Outcome::Failed(problems) => Some(problems.clone()),
            Outcome::Same | Outcome::Applied(_) => None,
        });
        problems.flatten().collect()
    }
}

#[cfg(test)]
impl Report {
    pub(crate) fn for_tests(components: Vec<(DocumentKind, Outcome)>) -> Self {
        Self {
            generation: 3,
            serving: 2,
            trigger: Trigger::Signal,
            extent: Extent::Everything,
            ticket: Ticket::NOBODY,
            at: Timestamp::UNIX_EPOCH,
            took: Duration::from_millis(4),
            revoked: 0,
            components,
        }
    }
}

impl Outcome {
    /// Every [`word`](Self::word).
    pub(crate) const WORDS: [&'static str; 3] = ["applied", "same", "failed"];

    /// The word of the log and of the metrics.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Applied(_) => "applied",
            Self::Same => "same",
            Self::Failed(_) => "failed",
        }
    }
}

/// To three places.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

fn first_of(problems: &[String]) -> String {
    match problems {
        [] => String::new(),
        [only] => only.clone(),
        [first, further @ ..] => format!("{first} (and {} more)", further.len()),
    }
}

/// The parts in one field, which is left out when there are none.
fn some(parts: &[String]) -> Option<String> {
    (!parts.is_empty()).then(|| parts.join(" | ").chars().map(visible).collect())
}

/// A line stays a line; quotes are the business of the log's format.
fn visible(character: char) -> String {
    match character {
        '"' | '\'' | '\\' => character.to_string(),
        _ => character.escape_debug().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(needs_restart: &[&str]) -> Outcome {
        let needs_restart = needs_restart.iter().map(|key| (*key).to_owned()).collect();
        Outcome::Applied(Effect { changes: Vec::new(), needs_restart })
    }

    fn failed(problems: &[&str]) -> Outcome {
        Outcome::Failed(problems.iter().map(|problem| (*problem).to_owned()).collect())
    }

    #[test]
    fn the_remark_says_what_failed_and_what_waits() {
        let (configuration, users) = (DocumentKind::Configuration, DocumentKind::Users);
        for (components, remark, taken) in [
            (vec![(configuration, Outcome::Same), (users, Outcome::Same)], "", &[][..]),
            (vec![(configuration, applied(&[])), (users, Outcome::Same)], "", &[configuration]),
            (
                vec![(configuration, applied(&["server.worker_threads"])), (users, failed(&["u:1:1: no"]))],
                "users failed: u:1:1: no; needs a restart: server.worker_threads",
                &[configuration],
            ),
            (
                vec![(configuration, failed(&["c:1:1: no", "c:2:2: no"])), (users, applied(&[]))],
                "configuration failed: c:1:1: no (and 1 more)",
                &[users],
            ),
        ] {
            let report = Report::for_tests(components);
            assert_eq!((report.remark().as_str(), report.taken().as_slice()), (remark, taken));
        }
    }

    #[test]
    fn what_a_file_says_cannot_break_the_line() {
        assert_eq!(some(&["\"a\"\nb".to_owned(), "c".to_owned()]).as_deref(), Some("\"a\"\\nb | c"));
        assert_eq!(some(&[]), None);
    }
}
