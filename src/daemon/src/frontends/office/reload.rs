//! Reloads that operators order, and what came of the last one.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use wire::{DocumentKind, Extent};

use super::record::Order;
use super::{Caller, No, Office};
use crate::state::reloads::Unanswered;
use crate::state::reloads::report::{Effect, Outcome, Rehearsal, Report};

/// How long somebody waits for a reload, which takes milliseconds: others may come before.
const PATIENCE: Duration = Duration::from_secs(20);

/// A reload that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Reload {
    generation: u64,
    /// The reload by which clients are served.
    serving: u64,
    trigger: &'static str,
    extent: &'static str,
    at: Timestamp,
    took_us: u64,
    /// Whether nothing failed.
    success: bool,
    /// Sessions that it ended.
    revoked: usize,
    components: Vec<Component>,
}

/// What a reload would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Rehearsed {
    /// That nothing came of it.
    dry: bool,
    extent: &'static str,
    at: Timestamp,
    took_us: u64,
    /// Whether nothing would fail.
    success: bool,
    components: Vec<Component>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Component {
    #[serde(rename = "component")]
    name: &'static str,
    result: &'static str,
    changes: Vec<String>,
    needs_restart: Vec<String>,
    problems: Vec<Problem>,
}

/// Why a component stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Problem {
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    message: String,
}

impl Office {
    /// # Errors
    /// [`No::NotReloaded`] if anything failed.
    pub(super) fn reload(&self, caller: &Caller, extent: Extent) -> Result<Reload, No> {
        tracing::info!(
            target: "audit", caller = %caller.name, extent = extent.label(), "reload ordered by an operator"
        );
        let order = Order { op: "reload.run", target: extent.label().into(), ..Order::default() };
        let deed = || {
            let report = self.reloads.order(extent, PATIENCE).map_err(unanswered)?;
            let reload = Reload::of(&report);
            if reload.success { Ok(reload) } else { Err(No::NotReloaded(Box::new(reload))) }
        };
        self.on_record(caller, &order, deed, Reload::words).map(|done| done.outcome)
    }

    /// What that would do. Nothing comes of it, and so it is not written down.
    pub(super) fn rehearse(&self, extent: Extent) -> Result<Rehearsed, No> {
        self.reloads.rehearse(extent, PATIENCE).map(|rehearsal| Rehearsed::of(&rehearsal)).map_err(unanswered)
    }

    /// Those of this worker, as far as they are kept, the latest first.
    pub(crate) fn reloads(&self, most: usize) -> Vec<Reload> {
        self.reloads.latest(most).iter().map(|report| Reload::of(report)).collect()
    }

    /// Those behind this generation, the latest first.
    pub(crate) fn reloads_since(&self, generation: u64) -> Vec<Reload> {
        let reports = self.reloads.latest(usize::MAX);
        reports.iter().take_while(|report| report.generation > generation).map(|report| Reload::of(report)).collect()
    }

    /// That of the last reload, or of the start.
    pub(crate) fn last_generation(&self) -> u64 {
        self.reloads.last().map_or_else(|| self.world.regime().snapshot.generation, |report| report.generation)
    }

    /// # Errors
    /// There was none.
    pub(super) fn last_reload(&self) -> Result<Reload, No> {
        self.reloads.last().map(|report| Reload::of(&report)).ok_or(No::NeverReloaded)
    }
}

impl Reload {
    pub(super) fn of(report: &Report) -> Self {
        Self {
            generation: report.generation,
            serving: report.serving,
            trigger: report.trigger.label(),
            extent: report.extent.label(),
            at: report.at,
            took_us: u64::try_from(report.took.as_micros()).unwrap_or(u64::MAX),
            success: report.is_good(),
            revoked: report.revoked,
            components: report.components.iter().map(Component::of).collect(),
        }
    }

    /// For the audit log.
    pub(super) fn words(&self) -> String {
        format!("reload {}", self.generation)
    }

    /// The first thing that is wrong, in one line.
    pub(crate) fn trouble(&self) -> String {
        let failed = self.components.iter().find_map(|found| Some((found.name, found.problems.first()?)));
        failed.map_or_else(String::new, |(component, problem)| format!("{component}: {}", problem.text()))
    }
}

impl Rehearsed {
    fn of(rehearsal: &Rehearsal) -> Self {
        let Rehearsal { extent, at, took, components, .. } = rehearsal;
        Self {
            dry: true,
            extent: extent.label(),
            at: *at,
            took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            success: rehearsal.is_good(),
            components: components.iter().map(Component::of).collect(),
        }
    }
}

fn unanswered(why: Unanswered) -> No {
    match why {
        Unanswered::NotPassedOn => No::NobodyReloads,
        Unanswered::NotInTime => No::StillReloading,
    }
}

impl Component {
    fn of((kind, outcome): &(DocumentKind, Outcome)) -> Self {
        let (effect, problems) = match outcome {
            Outcome::Same => (Effect::default(), &[][..]),
            Outcome::Applied(effect) => (effect.clone(), &[][..]),
            Outcome::Failed(problems) => (Effect::default(), &problems[..]),
        };
        let Effect { changes, needs_restart } = effect;
        let problems = problems.iter().map(|problem| Problem::read(problem)).collect();
        Self { name: kind.name(), result: outcome.word(), changes, needs_restart, problems }
    }
}

impl Problem {
    /// Takes `file:line:column: message` apart. A path may have colons in it; whatever has no place is a message.
    pub(super) fn read(text: &str) -> Self {
        let mut ends = text.match_indices(": ").map(|(at, _)| at);
        let placed = ends.find_map(|end| Some((place(&text[..end])?, &text[end + 2..])));
        match placed {
            Some(((file, line, column), message)) => Self {
                file: Some(file.to_owned()),
                line: Some(line),
                column: Some(column),
                message: message.to_owned(),
            },
            None => Self { file: None, line: None, column: None, message: text.to_owned() },
        }
    }

    pub(super) fn text(&self) -> String {
        match (&self.file, self.line, self.column) {
            (Some(file), Some(line), Some(column)) => format!("{file}:{line}:{column}: {}", self.message),
            _ => self.message.clone(),
        }
    }
}

fn place(text: &str) -> Option<(&str, u32, u32)> {
    let (rest, column) = text.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    Some((file, line.parse().ok()?, column.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_taken_apart_where_it_has_a_place() {
        for (text, file, line, column, message) in [
            ("/etc/a.toml:9:1: server.x: unknown key", Some("/etc/a.toml"), Some(9), Some(1), "server.x: unknown key"),
            ("/etc/a: b/c:d.toml:19:3: no: 1:2: x", Some("/etc/a: b/c:d.toml"), Some(19), Some(3), "no: 1:2: x"),
            ("cannot read /etc/a: No such file", None, None, None, "cannot read /etc/a: No such file"),
            ("", None, None, None, ""),
        ] {
            let problem = Problem::read(text);
            let expected = Problem { file: file.map(str::to_owned), line, column, message: message.to_owned() };
            assert_eq!(problem, expected);
            assert_eq!(problem.text(), text);
        }
    }

    #[test]
    fn a_report_is_told_whole() {
        let components = vec![
            (DocumentKind::Configuration, Outcome::Failed(vec!["c:1:2: no".to_owned(), "d".to_owned()])),
            (DocumentKind::Users, Outcome::Same),
        ];
        let reload = Reload::of(&Report::for_tests(components));
        assert_eq!((reload.success, reload.took_us), (false, 4000));
        assert_eq!(reload.trouble(), "configuration: c:1:2: no");
        let results: Vec<_> = reload.components.iter().map(|found| (found.result, found.problems.len())).collect();
        assert_eq!(results, [("failed", 2), ("same", 0)]);
    }
}
