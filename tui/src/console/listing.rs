//! Screens that are a list, asked for when they are opened: history, settings, checks.

use serde_json::Value;

use crate::output::{Kind, Sheet};

/// Rows, and the one that is meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listing {
    pub(crate) sheet: Sheet,
    /// What the rows were made of, for the detail.
    pub(crate) objects: Vec<Value>,
    pub(crate) cursor: usize,
    pub(crate) is_waiting: bool,
    pub(crate) fault: Option<String>,
}

/// Columns by name and what they hold.
pub(crate) type Columns = &'static [(&'static str, Kind)];

impl Listing {
    /// The list came.
    pub(crate) fn fill(&mut self, columns: Columns, objects: Vec<Value>) {
        self.sheet = Sheet::of_objects(columns, &objects);
        self.cursor = self.cursor.min(objects.len().saturating_sub(1));
        self.objects = objects;
        self.is_waiting = false;
        self.fault = None;
    }

    pub(crate) fn refused(&mut self, why: String) {
        self.is_waiting = false;
        self.fault = Some(why);
    }
}
