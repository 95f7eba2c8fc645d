//! The daemon's log as its administrator reads it: JSON, one event per line.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::wait::found;

/// The log of one daemon.
#[derive(Debug, Clone)]
pub struct SessionLog {
    file: PathBuf,
}

/// One event.
#[derive(Debug, Clone)]
pub struct Line(Value);

impl SessionLog {
    #[must_use]
    pub fn of(file: PathBuf) -> Self {
        Self { file }
    }

    /// Everything that is in the file, as text.
    #[must_use]
    pub fn text(&self) -> String {
        fs::read_to_string(&self.file).unwrap_or_default()
    }

    /// Every event so far; a line that is still being written is left for the next look.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let text = self.text();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(Line::parse).collect()
    }

    /// The lines of sessions that are over.
    #[must_use]
    pub fn sessions(&self) -> Vec<Line> {
        self.lines().into_iter().filter(|line| line.text("message") == "session closed").collect()
    }

    /// The first session that is over and that `wanted` knows.
    #[must_use]
    pub fn session(&self, wanted: impl Fn(&Line) -> bool, within: Duration) -> Option<Line> {
        found(within, || self.sessions().into_iter().find(&wanted))
    }
}

impl Line {
    /// A field as text; empty when the event has no such field.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.field(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// A field as a number; 0 when the event has no such field.
    #[must_use]
    pub fn number(&self, field: &str) -> u64 {
        self.field(field).and_then(Value::as_u64).unwrap_or_default()
    }

    /// A field as a number with its fraction; 0 when the event has no such field.
    #[must_use]
    pub fn decimal(&self, field: &str) -> f64 {
        self.field(field).and_then(Value::as_f64).unwrap_or_default()
    }

    fn parse(line: &str) -> Self {
        Self(serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON: {line}: {error}")))
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.0["fields"].get(name).or_else(|| self.0.get(name))
    }
}
