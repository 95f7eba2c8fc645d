//! What can be asked about texts and done with them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ::policy::Pick;
use config::tokens::Scope;
use serde::Deserialize;
use serde_json::Value;

use super::Digest;
use super::store::Store;

use crate::frontends::office::rules::Question;

/// One question or one order; the names of operations are those of the admin protocol.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", content = "p")]
pub(crate) enum Order {
    #[serde(rename = "txn.get")]
    Get {},
    #[serde(rename = "txn.history")]
    History {},
    #[serde(rename = "txn.generation")]
    Generation { r#gen: u64 },
    #[serde(rename = "txn.drafts")]
    Drafts {},
    #[serde(rename = "acl.remarks")]
    Remarks {},
    #[serde(rename = "txn.validate")]
    Validate(Subject),
    #[serde(rename = "txn.diff")]
    Compare(Subject),
    /// What a text would say to somebody.
    #[serde(skip)]
    Explain(Subject, Box<Question>),
    #[serde(rename = "txn.draft.open")]
    Open {
        #[serde(default)]
        text: Option<String>,
        /// The generation on which the text builds, if not the one in force.
        #[serde(default)]
        base: Option<u64>,
    },
    #[serde(rename = "txn.draft.get")]
    Show { draft: u64 },
    #[serde(rename = "txn.draft.op")]
    Edit { draft: u64, ops: Vec<Value> },
    #[serde(rename = "txn.draft.put")]
    Put { draft: u64, text: String },
    #[serde(rename = "txn.draft.undo")]
    Undo { draft: u64 },
    #[serde(rename = "txn.draft.redo")]
    Redo { draft: u64 },
    #[serde(rename = "txn.draft.discard")]
    Discard { draft: u64 },
    #[serde(rename = "txn.merge")]
    Merge {
        draft: u64,
        /// With what the file says that is not in force.
        #[serde(default)]
        file: bool,
    },
    #[serde(rename = "txn.merge.pick")]
    Rebase {
        draft: u64,
        #[serde(default)]
        file: bool,
        #[serde(default)]
        picks: BTreeMap<usize, Pick>,
    },
    #[serde(rename = "txn.apply")]
    Apply(Apply),
    #[serde(rename = "txn.quick")]
    Quick(Quick),
    #[serde(rename = "acl.tests.get")]
    Tests {},
    #[serde(rename = "acl.tests.run")]
    RunTests(Subject),
    #[serde(rename = "acl.tests.put")]
    PutTests(PutTests),
    #[serde(rename = "txn.confirm")]
    Confirm {
        r#gen: u64,
        #[serde(default)]
        idem: Option<String>,
    },
    #[serde(rename = "txn.rollback")]
    Rollback(Rollback),
}

/// Brings an earlier generation back, as a new one.
#[derive(Debug, Deserialize)]
pub(crate) struct Rollback {
    pub(super) to: u64,
    /// Saved tests that it fails are switched off.
    #[serde(default)]
    pub(super) despite_tests: bool,
    /// As [`Manner`] has them.
    #[serde(default)]
    pub(super) run_time: bool,
    #[serde(default)]
    pub(super) expect_file: Option<Digest>,
    #[serde(default)]
    pub(super) comment: String,
    #[serde(default)]
    pub(super) idem: Option<String>,
}

/// Which text; exactly one of them.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Subject {
    pub(super) draft: Option<u64>,
    pub(super) text: Option<String>,
    pub(super) r#gen: Option<u64>,
    /// What the file says, which is not in force.
    #[serde(default)]
    pub(super) file: bool,
}

impl Subject {
    pub(super) fn of_generation(number: u64) -> Self {
        Self { r#gen: Some(number), ..Self::default() }
    }
}

/// What a text would change.
#[derive(Debug, Deserialize)]
pub(crate) struct WhatIf {
    #[serde(flatten)]
    pub(super) subject: Subject,
    /// How far back the history is asked, in hours; not at all without it.
    #[serde(default)]
    pub(super) hours: u32,
    /// Where the operator is, who would like to know before locking himself out.
    #[serde(default)]
    pub(super) mine: Vec<IpAddr>,
}

/// Puts a text in force.
#[derive(Debug, Deserialize)]
pub(crate) struct Apply {
    #[serde(flatten)]
    pub(super) subject: Subject,
    #[serde(flatten)]
    pub(super) manner: Manner,
}

/// Changes what is in force, without a draft.
#[derive(Debug, Deserialize)]
pub(crate) struct Quick {
    pub(super) ops: Vec<Value>,
    #[serde(flatten)]
    pub(super) manner: Manner,
}

/// How a text is put in force.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Manner {
    /// The generation on which the text builds; a draft knows its own.
    #[serde(default)]
    pub(super) base: Option<u64>,
    #[serde(default)]
    pub(super) existing: Existing,
    /// Seconds until the rules of before come back unless somebody confirms; 0 for never.
    #[serde(default)]
    pub(super) confirm_s: u64,
    /// As many live sessions must be denied as the operator was shown.
    #[serde(default)]
    pub(super) expect_denied: Option<usize>,
    /// What would change for live sessions must be what the operator was shown, session by session.
    #[serde(default)]
    pub(super) expect_whatif: Option<Digest>,
    /// Saved tests that the rules fail are switched off.
    #[serde(default)]
    pub(super) despite_tests: bool,
    /// In force until files are read again, and in no file.
    #[serde(default)]
    pub(super) run_time: bool,
    /// Although the file says something else than what is in force, if it says just this; it is kept as a rejected generation.
    #[serde(default)]
    pub(super) expect_file: Option<Digest>,
    #[serde(default)]
    pub(super) comment: String,
    #[serde(default)]
    pub(super) idem: Option<String>,
}

/// Writes other tests of the rules: another text, or edits.
#[derive(Debug, Deserialize)]
pub(crate) struct PutTests {
    #[serde(default)]
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) ops: Vec<Value>,
    /// Of the text that the operator was shown.
    #[serde(default)]
    pub(super) sha: Option<Digest>,
    #[serde(default)]
    pub(super) comment: String,
    #[serde(default)]
    pub(super) idem: Option<String>,
}

/// What becomes of sessions that the new rules would not let begin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Existing {
    /// They go on to their end, unless `acl.on_revoke` says otherwise.
    #[default]
    Keep,
    EndDenied,
}

impl Order {
    /// What it takes to be allowed.
    pub(crate) fn scope(&self, store: Store) -> Scope {
        match self {
            // What is written of users is for those who may write it.
            Self::Generation { .. } | Self::Drafts {} | Self::Compare(_) | Self::Show { .. }
                if store == Store::Users =>
            {
                Scope::Admin
            }
            Self::Get {}
            | Self::History {}
            | Self::Generation { .. }
            | Self::Drafts {}
            | Self::Remarks {}
            | Self::Compare(_)
            | Self::Explain(..)
            | Self::Tests {}
            | Self::Show { .. } => Scope::Read,
            Self::RunTests(_) => Scope::Operate,
            Self::Validate(_)
            | Self::Open { .. }
            | Self::Edit { .. }
            | Self::Put { .. }
            | Self::Undo { .. }
            | Self::Redo { .. }
            | Self::Discard { .. }
            | Self::Merge { .. }
            | Self::Rebase { .. }
            | Self::Apply(_)
            | Self::Quick(_)
            | Self::PutTests(_)
            | Self::Confirm { .. }
            | Self::Rollback(_) => Scope::Admin,
        }
    }
}
