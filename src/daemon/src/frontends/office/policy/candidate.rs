//! Rules that somebody would like to have in force, judged beside those that are.

use std::sync::Arc;

use ::acl::Ruleset;
use jiff::Timestamp;
use serde::Serialize;

use crate::frontends::office::acl::Book;
use crate::state::rules::Rules;
use crate::state::snapshot::Snapshot;

/// What messages call a text that is in no file.
const NAME: &str = "draft";

/// More remarks about rules than anybody reads.
const MOST_REMARKS: usize = 200;

/// A text of rules that could be in force.
#[derive(Debug)]
pub(crate) struct Candidate {
    /// It, with the users and the guard of now.
    pub(super) book: Book,
}

/// Whether a text could be in force, and what is to be said about it.
#[derive(Debug, Serialize)]
pub(crate) struct Validation {
    pub(super) ok: bool,
    #[serde(rename = "diag")]
    pub(super) diagnoses: Vec<Diagnosis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Counts>,
}

/// One thing to look at.
#[derive(Debug, Serialize)]
pub(super) struct Diagnosis {
    #[serde(rename = "sev")]
    severity: &'static str,
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    col: Option<usize>,
    path: String,
    msg: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Debug, Serialize)]
struct Counts {
    users: usize,
    groups: usize,
    rules: usize,
}

impl Candidate {
    /// Compiles a text, for the world as it is.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn of(text: &str, now: &Arc<Snapshot>) -> Result<Self, Validation> {
        let policy = config::rules::load(NAME, text, &Rules::knows_zone).map_err(|problems| Validation {
            ok: false,
            diagnoses: problems.as_slice().iter().map(Diagnosis::of_problem).collect(),
            counts: None,
        })?;
        let private_by_name = now.rules.set().private_by_name();
        // The zones are known: they were looked up a moment ago.
        let rules = Rules::new(Arc::new(Ruleset::new(policy, private_by_name))).map_err(|error| Validation {
            ok: false,
            diagnoses: vec![Diagnosis::error(&error)],
            counts: None,
        })?;
        Ok(Self { book: Book { path: Some(NAME.into()), rules: Arc::new(rules), ..Book::in_force(now) } })
    }

    /// What is to be said about rules that are each right.
    pub(super) fn validation(&self) -> Validation {
        let set = self.book.rules.set();
        let report = set.lint(Timestamp::now().as_second());
        let remarks = report.remarks.iter().take(MOST_REMARKS);
        let policy = set.policy();
        Validation {
            ok: true,
            diagnoses: remarks.map(Diagnosis::of_remark).collect(),
            counts: Some(Counts { users: policy.users.len(), groups: policy.groups.len(), rules: policy.rule_count() }),
        }
    }
}

impl Validation {
    /// The first thing that is wrong, with its place.
    pub(super) fn first_error(&self) -> String {
        self.diagnoses.first().map_or_else(String::new, |found| match found.col {
            Some(col) => format!("{}:{col}: {}: {}", found.line, found.path, found.msg),
            None => format!("{}: {}", found.path, found.msg),
        })
    }
}

impl Diagnosis {
    fn of_problem(problem: &config::Problem) -> Self {
        let (line, col) = match &problem.origin {
            config::Origin::File { line, column, .. } => (*line, Some(*column)),
            config::Origin::Default | config::Origin::Environment { .. } | config::Origin::Flag { .. } => (0, None),
        };
        Self {
            severity: "error",
            line,
            col,
            path: problem.key.clone(),
            msg: problem.message.clone(),
            hint: problem.hint.clone(),
        }
    }

    fn of_remark(remark: &::acl::Remark) -> Self {
        let msg = remark.to_string();
        Self { severity: "warn", line: remark.line as usize, col: None, path: remark.about.clone(), msg, hint: None }
    }

    fn error(error: &dyn std::error::Error) -> Self {
        let path = "rules".to_owned();
        Self { severity: "error", line: 0, col: None, path, msg: error.to_string(), hint: None }
    }
}
