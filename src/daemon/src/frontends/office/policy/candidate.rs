//! Rules that somebody would like to have in force, judged beside those that are.

use std::sync::Arc;

use ::acl::Ruleset;
use ::policy::Syntax;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::frontends::office::No;
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
    pub(super) counts: Option<Value>,
    /// Keys of a configuration that stay as they are until the service is started anew.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) needs_restart: Vec<String>,
    /// How many saved tests there are, how many of them it fails, and how many are switched off; nothing where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tests: Option<Value>,
}

/// One thing to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Diagnosis {
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

impl Candidate {
    /// Compiles a text, for the world as it is.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn of(text: &str, now: &Arc<Snapshot>) -> Result<Self, Validation> {
        let policy = config::rules::load(NAME, text, &Rules::knows_zone);
        let policy = policy.map_err(|problems| Validation::refused(&problems))?;
        let private_by_name = now.rules.set().private_by_name();
        // The zones are known: they were looked up a moment ago.
        let rules = Rules::new(Arc::new(Ruleset::new(policy, private_by_name)));
        let rules = rules.map_err(|error| Validation::failed(&error.to_string()))?;
        Ok(Self { book: Book { path: Some(NAME.into()), rules: Arc::new(rules), ..Book::in_force(now) } })
    }

    /// What is to be said about rules that are each right.
    pub(super) fn validation(&self) -> Validation {
        let set = self.book.rules.set();
        let report = set.lint(Timestamp::now().as_second());
        let remarks = report.remarks.iter().take(MOST_REMARKS);
        let policy = set.policy();
        let counts =
            json!({ "users": policy.users.len(), "groups": policy.groups.len(), "rules": policy.rule_count() });
        Validation::fine(remarks.map(Diagnosis::of_remark).collect(), Some(counts))
    }
}

impl Validation {
    /// It could be in force.
    pub(super) fn fine(diagnoses: Vec<Diagnosis>, counts: Option<Value>) -> Self {
        Self { ok: true, diagnoses, counts, needs_restart: Vec::new(), tests: None }
    }

    /// It could not, for all of these reasons.
    pub(super) fn refused(problems: &config::Problems) -> Self {
        let diagnoses = problems.as_slice().iter().map(|problem| Diagnosis::of_problem("error", problem)).collect();
        Self { ok: false, ..Self::fine(diagnoses, None) }
    }

    /// It could not, for a reason that is nowhere in the text.
    pub(super) fn failed(reason: &str) -> Self {
        let path = "text".to_owned();
        let diagnosis = Diagnosis { severity: "error", line: 0, col: None, path, msg: reason.to_owned(), hint: None };
        Self { ok: false, ..Self::fine(vec![diagnosis], None) }
    }
}

/// The first thing that is wrong with a text, with its place.
pub(crate) fn first_of(diagnoses: &[Diagnosis]) -> String {
    diagnoses.first().map_or_else(String::new, |found| match found.col {
        Some(col) => format!("{}:{col}: {}: {}", found.line, found.path, found.msg),
        None => format!("{}: {}", found.path, found.msg),
    })
}

impl From<Syntax> for No {
    fn from(Syntax { line, column, message }: Syntax) -> Self {
        let path = "syntax".to_owned();
        Self::Faulty(vec![Diagnosis { severity: "error", line, col: Some(column), path, msg: message, hint: None }])
    }
}

impl Diagnosis {
    fn of_problem(severity: &'static str, problem: &config::Problem) -> Self {
        let (line, col) = match &problem.origin {
            config::Origin::File { line, column, .. } => (*line, Some(*column)),
            config::Origin::Default | config::Origin::Environment { .. } | config::Origin::Flag { .. } => (0, None),
        };
        Self {
            severity,
            line,
            col,
            path: problem.key.clone(),
            msg: problem.message.clone(),
            hint: problem.hint.clone(),
        }
    }

    pub(super) fn of_warning(warning: &config::Problem) -> Self {
        Self::of_problem("warn", warning)
    }

    pub(super) fn of_restart(key: &str) -> Self {
        let msg = "takes effect when the service is started anew".to_owned();
        let hint = Some("systemctl restart rustsocks".to_owned());
        Self { severity: "warn", line: 0, col: None, path: key.to_owned(), msg, hint }
    }

    /// Of a test with this number that the rules fail.
    pub(super) fn of_test(number: usize, msg: String) -> Self {
        let path = format!("tests/{number}");
        let hint = Some("other rules, another test, or a word that it may be switched off".to_owned());
        Self { severity: "warn", line: 0, col: None, path, msg, hint }
    }

    fn of_remark(remark: &::acl::Remark) -> Self {
        let msg = remark.to_string();
        Self { severity: "warn", line: remark.line as usize, col: None, path: remark.about.clone(), msg, hint: None }
    }
}
