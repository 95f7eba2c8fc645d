//! Why a request was not done, in a closed list of codes.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Why not, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request is not one: its form, or a parameter.
    BadRequest,
    /// The daemon has no such operation.
    UnknownOp,
    /// The daemon does not speak this version of the protocol.
    Version,
    /// The role does not suffice.
    Denied,
    /// What it is about does not exist.
    NotFound,
    /// What it is about is no longer as the request expects.
    Conflict,
    /// A text of the operator's has faults, which come with it.
    Invalid,
    /// Too much is going on.
    Busy,
    /// The answer, or the request, would be larger than a line may be.
    TooLarge,
    /// It took longer than it may.
    Timeout,
    /// The client has taken it back.
    Cancelled,
    /// What is needed for it is not there: no history is kept, or a file cannot be read.
    Unavailable,
    /// The daemon may not write the file.
    ReadonlyStore,
    /// It could not be written down, so it was not done.
    AuditFailed,
    /// It belongs to another run of the daemon.
    Epoch,
    /// Some of it was done.
    Partial,
    /// One that this build does not know.
    #[serde(other)]
    Other,
}

/// A refusal, for programs and people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{msg}")]
pub struct Refusal {
    /// Why.
    pub code: Code,
    /// The same in words.
    pub msg: String,
    /// What belongs to it; its form is the operation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// Whether the same request may succeed later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retry: bool,
}

/// A fault in a text of the operator's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Diagnostic {
    /// `error`, `warn` or `info`.
    pub severity: String,
    /// A stable word for the kind of fault, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The file, if it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// In characters, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What is wrong.
    pub text: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Refusal {
    /// The code and the words, for people who may want to look the code up.
    #[must_use]
    pub fn with_code(&self) -> String {
        format!("{}: {}", self.code, self.msg)
    }

    /// A refusal with nothing beside its words.
    #[must_use]
    pub fn new(code: Code, msg: impl Into<String>) -> Self {
        Self { code, msg: msg.into(), data: None, retry: false }
    }

    /// The same, with what belongs to it.
    #[must_use]
    pub fn with(self, data: Value) -> Self {
        Self { data: Some(data), ..self }
    }

    /// The same; later it may go.
    #[must_use]
    pub fn for_now(self) -> Self {
        Self { retry: true, ..self }
    }
}

impl Code {
    /// Every code that this build sends.
    pub const ALL: [Self; 16] = [
        Self::BadRequest,
        Self::UnknownOp,
        Self::Version,
        Self::Denied,
        Self::NotFound,
        Self::Conflict,
        Self::Invalid,
        Self::Busy,
        Self::TooLarge,
        Self::Timeout,
        Self::Cancelled,
        Self::Unavailable,
        Self::ReadonlyStore,
        Self::AuditFailed,
        Self::Epoch,
        Self::Partial,
    ];

    /// The stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::UnknownOp => "unknown_op",
            Self::Version => "version",
            Self::Denied => "denied",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::Busy => "busy",
            Self::TooLarge => "too_large",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Unavailable => "unavailable",
            Self::ReadonlyStore => "readonly_store",
            Self::AuditFailed => "audit_failed",
            Self::Epoch => "epoch",
            Self::Partial => "partial",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_written_as_its_word_and_an_unknown_one_is_another() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).ok(), Some(Value::from(code.word())));
            assert_eq!(serde_json::from_value::<Code>(Value::from(code.word())).ok(), Some(code));
        }
        assert_eq!(serde_json::from_str::<Code>("\"later\"").ok(), Some(Code::Other));
    }
}
