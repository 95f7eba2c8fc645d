//! What an examination has found, and the line to change.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// What is so, in one line.
    text: String,
    remedy: Option<Remedy>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Severity {
    /// As it should be.
    Fine,
    /// Works, but an operator should know.
    Warning,
    /// Something does not work.
    Problem,
}

/// What to change, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remedy {
    /// A file, or an environment variable or flag that outranks it.
    pub(super) place: String,
    /// The line in the file, from 1, if what is to be changed stands there.
    pub(super) line: Option<usize>,
    /// The line as it should be, or the command that changes the file.
    pub(super) change: String,
}

impl Remedy {
    /// A line of a file that is not the configuration, or a command for it.
    pub(super) fn of_file(file: &Path, change: impl Into<String>) -> Self {
        Self { place: file.display().to_string(), line: None, change: change.into() }
    }
}

impl Finding {
    pub(super) fn fine(text: impl Into<String>) -> Self {
        Self { severity: Severity::Fine, text: text.into(), remedy: None }
    }

    pub(super) fn warning(text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, text: text.into(), remedy: None }
    }

    pub(super) fn problem(text: impl Into<String>) -> Self {
        Self { severity: Severity::Problem, text: text.into(), remedy: None }
    }

    pub(super) fn with(self, remedy: Remedy) -> Self {
        Self { remedy: Some(remedy), ..self }
    }

    /// The same with this remedy, if it has none of its own.
    pub(super) fn or_with(self, remedy: &Remedy) -> Self {
        if self.remedy.is_some() { self } else { self.with(remedy.clone()) }
    }

    pub(super) fn is_problem(&self) -> bool {
        self.severity == Severity::Problem
    }

    pub(super) fn line(&self, subject: &str) -> String {
        let mut line = format!("{:8} {subject}: {}\n", self.severity.word(), self.text);
        if let Some(Remedy { place, line: number, change }) = &self.remedy {
            let number = number.map(|number| format!(":{number}")).unwrap_or_default();
            writeln!(line, "{:8} {place}{number}: {change}", "").expect("a string takes everything");
        }
        line
    }

    pub(super) fn json(&self, subject: &str) -> Value {
        let remedy = self.remedy.as_ref();
        let remedy =
            remedy.map(|Remedy { place, line, change }| json!({ "place": place, "line": line, "change": change }));
        json!({ "subject": subject, "severity": self.severity.word(), "finding": self.text, "remedy": remedy })
    }
}

impl Severity {
    fn word(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}
